"""How the tool calls of streamed chat completions become blocks."""

from __future__ import annotations

import pytest

from proxy.messages import sse
from tests.proxy.dialects.chat import (
    DIALECT,
    DONE,
    WEATHER,
    answer,
    asked,
    assistant,
    call,
    called,
    chunk,
    counter,
    decode,
    error_in,
    result,
    target,
    tool,
    user,
)


def test_interleaved_calls_become_blocks_one_after_the_other() -> None:
    made = answer(
        chunk(tool(0, "", id="a", name="get_weather")),
        chunk(tool(1, "", id="b", name="get_weather")),
        chunk(tool(0, '{"city":')),
        chunk(tool(1, '{"city":"R')),
        chunk(tool(0, '"Paris"}')),
        chunk(tool(1, 'ome"}')),
        chunk({}, "tool_calls"),
    )
    assert made["content"] == [called("a", city="Paris"), called("b", city="Rome")]
    assert made["stop_reason"] == "tool_use"


def test_input_streams_as_it_arrives_while_only_one_call_is_open() -> None:
    decoder = DIALECT.decoder(asked(), target(), "text/event-stream", counter())
    decoder.feed(chunk(tool(0, "", id="a", name="get_weather")))
    made = decoder.feed(chunk(tool(0, '{"ci')))
    assert [event["delta"]["partial_json"] for event in made] == ['{"ci']


def test_a_call_whose_input_is_whole_makes_way_for_the_next_at_once() -> None:
    decoder = DIALECT.decoder(asked(), target(), "text/event-stream", counter())
    decoder.feed(chunk(tool(0, '{"city":"Paris"}', id="a", name="get_weather")))
    made = decoder.feed(chunk(tool(1, "", id="b", name="get_weather")))
    assert [event["type"] for event in made] == [
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
    ]


def test_text_between_two_calls_keeps_its_place() -> None:
    made = answer(
        chunk({"reasoning": "hm"}),
        chunk({"content": "First."}),
        chunk(tool(0, "{}", id="a", name="x")),
        chunk({"content": "Then."}),
        chunk(tool(1, "{}", id="b", name="x")),
    )
    assert [block["type"] for block in made["content"]] == [
        "thinking",
        "text",
        "tool_use",
        "text",
        "tool_use",
    ]


def test_text_that_comes_while_a_call_is_incomplete_waits_and_is_not_lost() -> None:
    made = answer(
        chunk(tool(0, '{"a":', id="a", name="x")),
        chunk({"content": "Asi"}),
        chunk({"content": "de."}),
        chunk(tool(0, "1}")),
    )
    assert [block.get("text") or block["input"] for block in made["content"]] == [{"a": 1}, "Aside."]


@pytest.mark.parametrize(
    "pieces",
    [
        [
            {
                "tool_calls": [
                    {"index": 0, "id": i, "function": {"name": "x", "arguments": "{}"}} for i in ("a", "b")
                ]
            }
        ],
        [{"tool_calls": [{"id": i, "function": {"name": "x", "arguments": "{}"}} for i in ("a", "b")]}],
        [{"tool_calls": [{"function": {"name": "x", "arguments": "{}"}} for _ in range(2)]}],
        [tool(None, "{}", name="x"), tool(None, "{}", name="x")],
        [tool(None, "{}", id="a", name="x"), tool(None, "{}", id="b", name="x")],
        [tool(0, "{}", id="a", name="x"), tool(0, "{}", id="b", name="x")],
        [tool(0, "{}", id="a", name="x"), tool(0, "{}", id="b"), tool(0, id="b", name="x")],
    ],
    ids=["one index", "no index", "nothing", "one by one", "ids", "another id", "another id, late name"],
)
def test_two_calls_are_told_apart_however_they_are_numbered(pieces: list[dict[str, object]]) -> None:
    made = answer(*[chunk(piece) for piece in pieces])
    assert [(block["type"], block["name"], block["input"]) for block in made["content"]] == [
        ("tool_use", "x", {}),
        ("tool_use", "x", {}),
    ]


def test_pieces_without_index_or_name_belong_to_the_last_call() -> None:
    made = answer(
        chunk(tool(None, '{"a"', id="a", name="x")), chunk(tool(None, ":1")), chunk(tool(None, "}", id="a"))
    )
    assert made["content"] == [called("a", "x", a=1)]


def test_a_repeated_or_empty_name_changes_nothing() -> None:
    made = answer(
        chunk(tool(0, "", id="a", name="x")),
        chunk(tool(0, "{", id="", name="")),
        chunk(tool(0, "}", name="x")),
    )
    assert made["content"] == [called("a", "x")]


def test_a_name_that_comes_late_opens_the_call_then() -> None:
    made = answer(chunk(tool(0, "", id="a", name=None)), chunk(tool(0, '{"a":1}', name="x")))
    assert made["content"] == [called("a", "x", a=1)]


def test_an_id_that_comes_late_is_still_the_call_s_id() -> None:
    assert answer(chunk(tool(0, "")), chunk(tool(0, "{}", id="a", name="x")))["content"] == [called("a", "x")]


def test_an_id_that_comes_after_the_call_was_opened_changes_nothing() -> None:
    made = answer(chunk(tool(0, "", name="x")), chunk(tool(0, "{}", id="a")))
    assert [(b["id"], b["input"]) for b in made["content"]] == [("toolu_2", {})]


def test_another_id_without_a_name_is_more_of_the_same_unfinished_call() -> None:
    made = answer(chunk(tool(0, '{"a"', id="a", name="x")), chunk(tool(0, ":1}", id="zzz")))
    assert made["content"] == [called("a", "x", a=1)]


def test_input_that_is_an_object_counts_like_its_text() -> None:
    assert answer(chunk(tool(0, {"a": 1}, id="a", name="x")))["content"] == [called("a", "x", a=1)]


def test_an_old_function_call_counts_as_a_tool_call() -> None:
    made = answer(chunk({"function_call": {"name": "x", "arguments": "{}"}}), chunk({"function_call": {}}))
    assert [(block["name"], block["input"]) for block in made["content"]] == [("x", {})]


def test_a_call_with_input_and_no_name_is_an_error() -> None:
    made = decode([chunk(tool(0, "{}", id="a")), DONE])
    assert error_in(made) == ("api_error", "The upstream called a tool without naming it.")


def test_a_call_without_name_and_input_is_nothing() -> None:
    assert answer(chunk({"content": "hi"}), chunk(tool(0, "")))["content"] == [{"type": "text", "text": "hi"}]


def test_only_the_first_call_passes_where_parallel_calls_are_forbidden() -> None:
    request = asked(tools=[WEATHER], tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    made = answer(
        chunk(tool(0, "{}", id="a", name="get_weather")),
        chunk(tool(1, "{}", id="b", name="get_weather")),
        request=request,
    )
    assert [block["id"] for block in made["content"]] == ["a"]


def test_names_come_back_as_the_client_declared_them() -> None:
    request = asked(tools=[{**WEATHER, "name": "mcp.server:tool"}])
    sent = DIALECT.encode_request(request, target()).payload["tools"][0]["function"]["name"]
    made = answer(chunk(tool(0, "{}", id="a", name=sent)), request=request)
    assert made["content"][0]["name"] == "mcp.server:tool"


def test_an_unlawful_id_comes_back_to_the_upstream_as_it_was() -> None:
    first = answer(chunk(tool(0, "{}", id="functions.get_weather:0", name="get_weather")))
    block = first["content"][0]
    assert sse.write_json(block["id"]).decode().strip('"').replace("-", "_").isidentifier()
    back = asked(user("hi"), {"role": "assistant", "content": first["content"]}, user(result(block["id"])))
    messages = DIALECT.encode_request(back, target()).payload["messages"]
    assert messages[1]["tool_calls"][0]["id"] == messages[2]["tool_call_id"] == "functions.get_weather:0"


def test_an_id_the_conversation_already_has_is_replaced() -> None:
    request = asked(user("hi"), assistant(call("a")), user(result("a")))
    made = answer(
        chunk(tool(0, "{}", id="a", name="x")), chunk(tool(1, "{}", id="", name="x")), request=request
    )
    assert [block["id"] for block in made["content"]] == ["toolu_2", "toolu_3"]
