"""What an answer holds: ids, content, stop reasons, usage."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.conformance.front import ROUTER, call, chat, events_in, kinds, said, serving
from tests.proxy.scripted import BODY, DONE, Reply, delta, line

TOOL = {"name": "f", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}


@pytest.mark.conformance("answer.shape", "answer.role", "answer.model-as-asked")
async def test_an_answer_has_the_fields_of_the_api() -> None:
    async with serving() as front:
        status, told = await front.told()
    assert status == 200
    required = {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"}
    assert required <= told.keys()
    assert (told["type"], told["role"], told["model"]) == ("message", "assistant", "big")
    assert told.keys() - required == {"stop_details", "container"}


@pytest.mark.conformance("answer.id", "answer.id-unique")
async def test_every_answer_has_an_id_of_its_own() -> None:
    async with serving() as front:
        ids = [(await front.told())[1]["id"] for _ in range(3)]
    assert all(re.fullmatch(r"msg_[0-9A-Za-z]{24}", each) for each in ids)
    assert len(set(ids)) == 3


@pytest.mark.conformance(
    "stop.end-turn",
    "stop.max-tokens",
    "stop.tool-use",
    "stop.refusal",
    "stop.context-window",
    "stop.refusal-details",
)
@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ((delta(content="a"), delta("stop")), "end_turn"),
        ((delta(content="a"), delta("length")), "max_tokens"),
        ((call(0, "c1", "f", "{}"), delta("tool_calls")), "tool_use"),
        ((call(0, "c1", "f", "{}"), delta("stop")), "tool_use"),
        ((delta(content="no"), delta("content_filter")), "refusal"),
        ((delta(refusal="I will not."), delta("stop")), "refusal"),
        (
            (
                delta(content="a"),
                line(
                    {
                        "choices": [
                            {
                                "index": 0,
                                "delta": {},
                                "finish_reason": "length",
                                "native_finish_reason": "model_context_window_exceeded",
                            }
                        ]
                    }
                ),
            ),
            "model_context_window_exceeded",
        ),
    ],
)
async def test_the_stop_reason_comes_from_what_happened(chunks: tuple[bytes, ...], reason: str) -> None:
    async with serving(chat(*chunks)) as front:
        _, whole = await front.told({**BODY, "tools": [TOOL]})
        streamed = await front.events(tools=[TOOL])
    assert whole["stop_reason"] == streamed[-2]["delta"]["stop_reason"] == reason
    assert whole["stop_sequence"] is None
    if reason == "refusal":
        assert whole["stop_details"]["type"] == "refusal"


@pytest.mark.conformance("stop.cut-call")
@pytest.mark.parametrize("finish", ["length", "tool_calls"])
async def test_a_call_that_was_cut_is_never_presented_as_complete(finish: str) -> None:
    async with serving(chat(call(0, "c1", "f", '{"a": 1, "b": "unfini'), delta(finish))) as front:
        _, whole = await front.told({**BODY, "tools": [TOOL]})
    assert whole["stop_reason"] == "max_tokens"


@pytest.mark.conformance("answer.stop-sequence-known")
async def test_a_stop_sequence_the_upstream_names_is_reported() -> None:
    end = line({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "END"}]})
    async with serving(chat(delta(content="a"), end)) as front:
        message = await front.create(stop_sequences=["STOP", "END"])
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")


@pytest.mark.conformance("answer.empty")
async def test_an_empty_answer_has_no_block() -> None:
    async with serving(chat(delta(role="assistant", content=""), delta("stop"))) as front:
        _, whole = await front.told()
        streamed = kinds(await front.events())
    assert (whole["content"], whole["stop_reason"]) == ([], "end_turn")
    assert streamed == ["message_start", "message_delta", "message_stop"]


@pytest.mark.conformance("answer.thinking-first")
@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
async def test_reasoning_is_a_thinking_block_before_the_text(field: str) -> None:
    async with serving(chat(delta(**{field: "Hm."}), delta(content="ok"), delta("stop"))) as front:
        _, whole = await front.told({**BODY, "thinking": {"type": "adaptive"}})
    assert [block["type"] for block in whole["content"]] == ["thinking", "text"]
    assert whole["content"][0]["thinking"] == "Hm."
    assert whole["content"][0]["signature"]


@pytest.mark.conformance("answer.think-tags")
async def test_think_tags_in_the_text_are_thinking() -> None:
    async with serving(said("<thi", "nk>Hm.</think>ok")) as front:
        _, whole = await front.told()
    assert [block["type"] for block in whole["content"]] == ["thinking", "text"]


@pytest.mark.conformance("tools.ids", "tools.input-object", "tools.no-arguments", "tools.caller")
@pytest.mark.parametrize(
    ("call_id", "arguments", "expected"),
    [
        ("call_x", '{"a": 1}', {"a": 1}),
        ("functions.f:0", "{}", {}),
        ("", "", {}),
        ("call/with spaces", "{}", {}),
    ],
)
async def test_calls_have_lawful_ids_and_objects_as_input(
    call_id: str, arguments: str, expected: Any
) -> None:
    async with serving(chat(call(0, call_id, "f", arguments), delta("tool_calls"))) as front:
        _, whole = await front.told({**BODY, "tools": [TOOL]})
    (block,) = whole["content"]
    assert re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"])
    assert (block["type"], block["name"], block["input"]) == ("tool_use", "f", expected)
    assert block["caller"] == {"type": "direct"}


@pytest.mark.conformance("tools.ids-return")
async def test_a_calls_id_goes_back_as_the_upstream_made_it() -> None:
    async with serving(chat(call(0, "functions.f:0", "f", "{}"), delta("tool_calls")), said("ok")) as front:
        _, whole = await front.told({**BODY, "tools": [TOOL]})
        block = whole["content"][0]
        result = {"type": "tool_result", "tool_use_id": block["id"], "content": "x"}
        turns = [
            *BODY["messages"],
            {"role": "assistant", "content": [block]},
            {"role": "user", "content": [result]},
        ]
        await front.told({**BODY, "messages": turns, "tools": [TOOL]})
        assert front.sent["messages"][1]["tool_calls"][0]["id"] == "functions.f:0"
        assert front.sent["messages"][2]["tool_call_id"] == "functions.f:0"


@pytest.mark.conformance("tools.one-call-where-parallel-is-disabled")
async def test_only_one_call_passes_where_parallel_calls_are_disabled() -> None:
    reply = chat(call(0, "a", "f", "{}"), call(1, "b", "f", "{}"), delta("tool_calls"))
    async with serving(reply) as front:
        choice = {"type": "auto", "disable_parallel_tool_use": True}
        _, whole = await front.told({**BODY, "tools": [TOOL], "tool_choice": choice})
        assert front.sent["parallel_tool_calls"] is False
    assert [block["id"] for block in whole["content"]] == ["a"]


@pytest.mark.conformance("usage.cached-subtracted", "usage.cache-write", "usage.thinking-tokens")
async def test_cached_tokens_are_no_input_tokens() -> None:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 700, "cache_write_tokens": 100},
        "completion_tokens_details": {"reasoning_tokens": 20},
    }
    async with serving(chat(delta(content="a"), delta("stop"), usage=usage)) as front:
        message = await front.create()
        streamed = await front.streamed()
    for each in (message.usage, streamed.usage):
        assert (each.input_tokens, each.cache_read_input_tokens, each.cache_creation_input_tokens) == (
            200,
            700,
            100,
        )
        assert each.output_tokens == 50
        assert each.to_dict()["output_tokens_details"] == {"thinking_tokens": 20}


@pytest.mark.conformance("usage.missing")
async def test_usage_an_upstream_does_not_tell_is_estimated() -> None:
    async with serving(said("some words of an answer")) as front:
        message = await front.create()
    assert message.usage.output_tokens > 0


@pytest.mark.conformance("usage.no-foreign-keys")
async def test_cost_and_other_words_of_the_upstream_stay_out_of_usage() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.5, "is_byok": False}
    async with serving(chat(delta(content="a"), delta("stop"), usage=usage)) as front:
        _, whole = await front.told()
        async with front.proxy.post({**BODY, "stream": True}) as response:
            streamed = await response.text()
    assert "cost" not in json.dumps(whole) + streamed
    assert events_in(streamed)


@pytest.mark.conformance("server-tools.web-search", "usage.server-tool-use", "answer.citations")
async def test_a_web_search_is_a_call_its_result_and_text() -> None:
    source = {
        "type": "url_citation",
        "url_citation": {"url": "https://e.org", "title": "T", "content": "found"},
    }
    reply = chat(delta(content="So it is."), delta(annotations=[source]), delta("stop"))
    question = [{"role": "user", "content": "Perform a web search for the query: what"}]
    async with serving(reply, base_url=ROUTER, model="openai/gpt-5.1") as front:
        message = await front.create(messages=question, tools=[SEARCH], tool_choice={"type": "auto"})
        assert front.sent["plugins"] == [{"id": "web"}]
    kinds_of = [block.type for block in message.content]
    assert {"server_tool_use", "web_search_tool_result", "text"} == set(kinds_of)
    called = next(block for block in message.content if block.type == "server_tool_use")
    result = next(block for block in message.content if block.type == "web_search_tool_result")
    assert called.id.startswith("srvtoolu_")
    assert result.tool_use_id == called.id
    (row,) = result.content
    assert (row.type, row.url, row.title) == ("web_search_result", "https://e.org", "T")
    assert message.stop_reason == "end_turn"
    assert message.usage.server_tool_use is not None
    assert message.usage.server_tool_use.web_search_requests == 1


@pytest.mark.conformance("answer.url-citations")
async def test_sources_of_an_unasked_search_are_citations_of_the_text() -> None:
    source = {
        "type": "url_citation",
        "url_citation": {"url": "https://e.org", "title": "T", "content": "found"},
    }
    async with serving(chat(delta(content="So."), delta(annotations=[source]), delta("stop"))) as front:
        message = await front.create()
    (citation,) = message.content[0].citations
    assert (citation.type, citation.url) == ("web_search_result_location", "https://e.org")


@pytest.mark.conformance("answer.whole-body")
async def test_an_upstream_that_does_not_stream_gives_the_same_answer() -> None:
    body = {
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }
    reply = Reply(
        (b"\n         \n" + json.dumps(body).encode(),), headers={"content-type": "application/json"}
    )
    async with serving(reply) as front:
        streamed = await front.streamed()
    assert (streamed.content[0].text, streamed.usage.input_tokens) == ("Hello", 3)


@pytest.mark.conformance("answer.images-as-text")
async def test_an_image_of_the_answer_is_told_as_text() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}}
    async with serving(Reply((delta(content="See", images=[image]), delta("stop"), DONE))) as front:
        message = await front.create()
    assert "https://e.org/a.png" in message.content[0].text
