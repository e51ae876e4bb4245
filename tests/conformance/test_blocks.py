"""Every kind of block and every role in a request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.front import PLAIN, ROUTER, call, chat, said, serving
from tests.proxy.scripted import delta

SEES = {"base_url": ROUTER, "model": "openai/gpt-5.1"}
TOOL: Any = {"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {}}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}
PIXEL = {"type": "base64", "media_type": "image/png", "data": "aGk="}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}


async def payload_of(messages: list[Any], where: Any = SEES, **more: Any) -> tuple[list[Any], str]:
    async with serving(**where) as front:
        status, told = await front.told({"model": "big", "max_tokens": 64, "messages": messages, **more})
        assert status == 200, told
        return front.sent["messages"], front.losses


async def parts_of(block: Any, where: Any = SEES) -> tuple[Any, str]:
    messages, losses = await payload_of(
        [{"role": "user", "content": [block, {"type": "text", "text": "?"}]}], where
    )
    return messages[0]["content"], losses


@pytest.mark.conformance("blocks.string-content", "blocks.text")
async def test_a_string_is_one_block_of_text() -> None:
    one, _ = await payload_of([{"role": "user", "content": "hi"}])
    other, _ = await payload_of([{"role": "user", "content": [{"type": "text", "text": "hi"}]}])
    assert one == other == [{"role": "user", "content": "hi"}]


@pytest.mark.conformance("blocks.image-base64", "blocks.image-url")
@pytest.mark.parametrize(
    ("source", "url"),
    [
        (PIXEL, "data:image/png;base64,aGk="),
        ({"type": "url", "url": "https://e.org/a.png"}, "https://e.org/a.png"),
    ],
)
async def test_images_reach_the_model(source: Any, url: str) -> None:
    parts, losses = await parts_of({"type": "image", "source": source})
    assert parts[0] == {"type": "image_url", "image_url": {"url": url}}
    assert losses == ""


@pytest.mark.conformance("blocks.image-blind-model")
async def test_a_model_without_eyes_is_told_of_the_image() -> None:
    where: Any = {"base_url": ROUTER, "model": "deepseek/deepseek-v4"}
    parts, losses = await parts_of({"type": "image", "source": PIXEL}, where)
    assert "cannot see images" in str(parts)
    assert "messages.0.content.0: replaced by a note" in losses


@pytest.mark.conformance(
    "blocks.document-pdf", "blocks.document-url", "blocks.document-text", "blocks.document-content"
)
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (PDF, {"type": "file", "file": {"filename": "T", "file_data": "data:application/pdf;base64,aGk="}}),
        (
            {"type": "url", "url": "https://e.org/a.pdf"},
            {"type": "file", "file": {"filename": "T", "file_data": "https://e.org/a.pdf"}},
        ),
        ({"type": "text", "media_type": "text/plain", "data": "body"}, {"type": "text", "text": "T\n\nbody"}),
        ({"type": "content", "content": "body"}, {"type": "text", "text": "T\n\nbody"}),
        (
            {"type": "content", "content": [{"type": "text", "text": "body"}]},
            {"type": "text", "text": "T\n\nbody"},
        ),
    ],
)
async def test_documents_of_every_source_reach_the_model(source: Any, expected: Any) -> None:
    parts, _ = await parts_of({"type": "document", "source": source, "title": "T"})
    if isinstance(parts, str):
        assert parts.startswith(expected["text"])
    else:
        assert parts[0] == expected


@pytest.mark.conformance("blocks.document-title-context")
async def test_title_and_context_of_a_document_reach_the_model() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "body"}
    parts, _ = await parts_of({"type": "document", "source": source, "title": "Name", "context": "Why"})
    assert str(parts).startswith("Name\nWhy\n\nbody")


@pytest.mark.conformance("blocks.document-unreadable")
async def test_a_document_the_upstream_cannot_take_is_named_to_the_model_and_as_a_loss() -> None:
    parts, losses = await parts_of({"type": "document", "source": PDF, "title": "T"}, {"base_url": PLAIN})
    assert "T was here" in str(parts)
    assert "messages.0.content.0: replaced by a note" in losses


@pytest.mark.conformance("blocks.document-citations")
async def test_citations_of_documents_are_a_named_loss() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "body"}
    _, losses = await parts_of({"type": "document", "source": source, "citations": {"enabled": True}})
    assert "messages.0.content.0.citations: " in losses


@pytest.mark.conformance("blocks.search-result")
async def test_search_results_of_the_client_reach_the_model() -> None:
    block = {
        "type": "search_result",
        "source": "https://e.org",
        "title": "T",
        "content": [{"type": "text", "text": "x"}],
    }
    parts, _ = await parts_of(block)
    assert str(parts).startswith("[T](https://e.org)\nx")


@pytest.mark.conformance("blocks.container-upload", "blocks.unknown")
@pytest.mark.parametrize(
    ("block", "loss"),
    [
        ({"type": "container_upload", "file_id": "file_1"}, "messages.0.content.0: left out"),
        ({"type": "made_up", "content": "something"}, "messages.0.content.0: told as text"),
    ],
)
async def test_blocks_without_counterpart_are_named_losses(block: Any, loss: str) -> None:
    parts, losses = await parts_of(block)
    assert loss in losses
    assert ("something" in str(parts)) == (block["type"] == "made_up")


@pytest.mark.conformance("blocks.tool-use", "blocks.tool-result")
async def test_a_call_and_its_result_are_a_tool_turn() -> None:
    turns = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "text", "text": "I call."}, CALL]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}]},
    ]
    messages, losses = await payload_of(turns, tools=[TOOL])
    call = {"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    assert messages[1:] == [
        {"role": "assistant", "content": "I call.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "toolu_1", "content": "done"},
    ]
    assert losses == ""


RESULTS: list[Any] = [
    (None, ""),
    ("", ""),
    ([], ""),
    ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
    ([{"type": "tool_reference", "tool_name": "Web"}], "The tool Web is now available."),
    (
        [{"type": "search_result", "source": "u", "title": "T", "content": [{"type": "text", "text": "x"}]}],
        "[T](u)\nx",
    ),
]


@pytest.mark.conformance("blocks.tool-result-empty", "blocks.tool-result-blocks", "blocks.tool-reference")
@pytest.mark.parametrize(("content", "expected"), RESULTS)
async def test_results_of_every_shape_reach_the_model(content: Any, expected: str) -> None:
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": "toolu_1", "content": content}
    if content is None:
        del result["content"]
    turns = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [CALL]},
        {"role": "user", "content": [result]},
    ]
    messages, _ = await payload_of(turns, tools=[TOOL])
    assert messages[-1] == {"role": "tool", "tool_call_id": "toolu_1", "content": expected}


@pytest.mark.conformance("blocks.tool-result-images")
@pytest.mark.parametrize("where", [SEES, {"base_url": PLAIN}])
async def test_pictures_in_a_result_reach_the_model(where: Any) -> None:
    result = {
        "type": "tool_result",
        "tool_use_id": "toolu_1",
        "content": [{"type": "image", "source": PIXEL}],
    }
    turns = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [CALL]},
        {"role": "user", "content": [result]},
    ]
    messages, losses = await payload_of(turns, where, tools=[TOOL])
    assert "data:image/png;base64,aGk=" in str(messages)
    assert (messages[-1]["role"] == "user") == ("moved" in losses)


@pytest.mark.conformance("blocks.tool-result-error")
async def test_a_failed_tool_is_told_as_such() -> None:
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "no such file", "is_error": True}
    turns = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [CALL]},
        {"role": "user", "content": [result]},
    ]
    messages, losses = await payload_of(turns, tools=[TOOL])
    assert messages[-1]["content"] == "Error: no such file"
    assert "is_error: told as text" in losses


@pytest.mark.conformance("blocks.tool-results-any-order")
async def test_results_come_in_the_order_of_the_calls() -> None:
    calls = [CALL, {**CALL, "id": "toolu_2"}]
    results = [
        {"type": "tool_result", "tool_use_id": each, "content": each} for each in ("toolu_2", "toolu_1")
    ]
    turns = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": calls},
        {"role": "user", "content": [*results, {"type": "text", "text": "and now?"}]},
    ]
    messages, _ = await payload_of(turns, tools=[TOOL])
    assert [each.get("tool_call_id") for each in messages[2:]] == ["toolu_1", "toolu_2", None]
    assert messages[-1] == {"role": "user", "content": "and now?"}


@pytest.mark.conformance("blocks.server-tool-history")
async def test_server_tools_of_the_past_are_told_as_text() -> None:
    past = [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": [
                {"type": "web_search_result", "url": "https://e.org", "title": "T", "encrypted_content": "x"}
            ],
        },
        {"type": "text", "text": "so"},
    ]
    turns = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": past},
        {"role": "user", "content": "on"},
    ]
    messages, _ = await payload_of(turns)
    assert "https://e.org" in str(messages[1])
    assert "so" in str(messages[1])


@pytest.mark.conformance("roles.merge")
async def test_neighbours_of_one_role_are_one_turn() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    messages, _ = await payload_of(turns)
    assert len(messages) == 1
    assert "a" in str(messages[0])
    assert "b" in str(messages[0])


@pytest.mark.conformance("roles.system-in-place", "roles.system-folded")
async def test_a_system_turn_keeps_its_place_or_is_told_in_the_users_turn() -> None:
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "system", "content": [{"type": "text", "text": "Mind the gap."}]},
    ]
    messages, _ = await payload_of(turns, SEES)
    assert [each["role"] for each in messages] == ["user", "system"]
    messages, losses = await payload_of(turns, {"base_url": PLAIN})
    assert messages == [{"role": "user", "content": "hi\n\n<system>\nMind the gap.\n</system>"}]
    assert "messages.1: told inside the user's turn" in losses


@pytest.mark.conformance("roles.system-empty")
async def test_an_empty_system_turn_is_accepted() -> None:
    messages, _ = await payload_of([{"role": "user", "content": "hi"}, {"role": "system", "content": ""}])
    assert messages == [{"role": "user", "content": "hi"}]


@pytest.mark.conformance("roles.prefill", "roles.prefill-refused")
async def test_a_begun_answer_is_handed_over_or_refused_in_the_apis_words() -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "The answer is"}]
    messages, _ = await payload_of(turns, {"base_url": ROUTER, "model": "anthropic/claude-sonnet-4.5"})
    assert messages[-1] == {"role": "assistant", "content": "The answer is"}
    async with serving(base_url=ROUTER, model="anthropic/claude-opus-4.7") as front:
        status, told = await front.told({"model": "big", "max_tokens": 9, "messages": turns})
    assert (status, told["error"]["message"]) == (
        400,
        (
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        ),
    )


DETAIL: Any = {"type": "reasoning.text", "text": "Let me see.", "index": 0, "format": "unknown"}
REASONED = chat(
    delta(reasoning="Let me see.", reasoning_details=[DETAIL]),
    call(0, "call_1", "f", "{}"),
    delta("tool_calls"),
)


@pytest.mark.conformance("thinking.round-trip", "thinking.other-model")
async def test_reasoning_comes_back_to_its_own_model_and_to_no_other() -> None:
    where: Any = {"base_url": ROUTER, "model": "moonshotai/kimi-k2-thinking"}
    async with serving(REASONED, **where) as front:
        first = await front.create(tools=[TOOL], thinking={"type": "adaptive"})
    content = [block.to_dict() for block in first.content]
    assert [block["type"] for block in content] == ["thinking", "tool_use"]
    result = {"type": "tool_result", "tool_use_id": content[1]["id"], "content": "x"}
    turns = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": [result]},
    ]
    messages, losses = await payload_of(turns, where, tools=[TOOL])
    (detail,) = messages[1]["reasoning_details"]
    assert detail == {"type": "reasoning.text", "text": "Let me see.", "index": 0, "format": "unknown"}
    assert losses == ""
    messages, losses = await payload_of(turns, SEES, tools=[TOOL])
    assert "Let me see." not in str(messages)
    assert "messages.1.content.0: " in losses


@pytest.mark.conformance("thinking.redacted-round-trip")
async def test_redacted_thinking_comes_back_to_claude() -> None:
    redacted = {
        "type": "reasoning.encrypted",
        "data": "b3BhcXVl" * 4,
        "format": "anthropic-claude-v1",
        "index": 0,
    }
    where: Any = {"base_url": ROUTER, "model": "anthropic/claude-sonnet-4.5"}
    async with serving(
        chat(delta(reasoning_details=[redacted]), delta(content="ok"), delta("stop")), **where
    ) as front:
        message = await front.create()
    content = [block.to_dict() for block in message.content]
    assert content[0] == {"type": "redacted_thinking", "data": "b3BhcXVl" * 4}
    content[1].pop("citations", None)
    turns = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": "on"},
    ]
    messages, _ = await payload_of(turns, where)
    assert messages[1]["reasoning_details"][0]["data"] == "b3BhcXVl" * 4


@pytest.mark.conformance("thinking.genuine-signature")
async def test_a_genuine_signature_passes_both_ways() -> None:
    where: Any = {"base_url": ROUTER, "model": "anthropic/claude-sonnet-4.5"}
    kind = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    reply = chat(
        delta(reasoning_details=[{**kind, "text": "Hm."}]),
        delta(reasoning_details=[{**kind, "signature": "RXJz" * 20}]),
        delta(content="ok"),
        delta("stop"),
    )
    async with serving(reply, **where) as front:
        message = await front.create()
    block = message.content[0].to_dict()
    assert block == {"type": "thinking", "thinking": "Hm.", "signature": "RXJz" * 20}
    turns = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [block, {"type": "text", "text": "ok"}]},
        {"role": "user", "content": "on"},
    ]
    messages, _ = await payload_of(turns, where)
    assert messages[1]["reasoning_details"][0]["signature"] == "RXJz" * 20


@pytest.mark.conformance("thinking.display-omitted", "thinking.display-summarized")
async def test_omitted_thinking_has_a_signature_and_no_text() -> None:
    where: Any = {"base_url": ROUTER, "model": "moonshotai/kimi-k2-thinking"}
    async with serving(REASONED, **where) as front:
        hidden = await front.create(tools=[TOOL], thinking={"type": "adaptive", "display": "omitted"})
        shown = await front.create(tools=[TOOL], thinking={"type": "adaptive", "display": "summarized"})
    assert hidden.content[0].thinking == ""
    assert hidden.content[0].signature
    assert shown.content[0].thinking == "Let me see."


@pytest.mark.conformance("blocks.no-citations-on-plain-text")
async def test_a_plain_answer_has_no_citations() -> None:
    async with serving(said("ok")) as front:
        _, told = await front.told()
    assert told["content"][0].get("citations") is None
