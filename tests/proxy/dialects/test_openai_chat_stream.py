"""How streamed chat completions become events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.dialects.profiles import Profile
from proxy.messages import sse
from proxy.messages.fold import fold
from tests.proxy.dialects.chat import (
    DIALECT,
    DONE,
    JSON,
    SSE,
    WEATHER,
    answer,
    asked,
    assistant,
    call,
    called,
    chunk,
    counter,
    data,
    decode,
    error_in,
    result,
    target,
    tool,
    user,
    with_profile,
)

USAGE = {"prompt_tokens": 900, "completion_tokens": 12, "prompt_tokens_details": {"cached_tokens": 800}}


def test_the_worked_example_gives_exactly_these_events() -> None:
    made = decode(
        [
            b": OPENROUTER PROCESSING\n\n",
            chunk({"role": "assistant", "content": "The file"}),
            chunk({"role": "assistant", "content": " says hello."}),
            chunk({"role": "assistant", "content": ""}, "stop"),
            chunk({"role": "assistant", "content": ""}, "stop", usage=USAGE),
            DONE,
        ]
    )
    zero = {
        "input_tokens": 0,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 0,
    }
    assert made == [
        {
            "type": "message_start",
            "message": {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "big",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "stop_details": None,
                "container": None,
                "usage": zero,
            },
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "The file"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " says hello."}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "stop_details": None,
                "container": None,
            },
            "usage": {
                "input_tokens": 100,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 800,
                "output_tokens": 12,
            },
        },
        {"type": "message_stop"},
    ]


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


@pytest.mark.parametrize(
    ("finish", "native", "expected"),
    [
        ("stop", "end_turn", "end_turn"),
        ("length", None, "max_tokens"),
        ("model_length", None, "max_tokens"),
        ("stop", "MAX_TOKENS", "max_tokens"),
        ("content_filter", None, "refusal"),
        ("stop", "refusal", "refusal"),
        ("stop", "model_context_window_exceeded", "model_context_window_exceeded"),
        ("tool_calls", None, "end_turn"),
        ("", None, "end_turn"),
    ],
)
def test_the_stop_reason_of_text(finish: str, native: str | None, expected: str) -> None:
    made = answer(chunk({"content": "hi"}), chunk({}, finish, native=native))
    assert made["stop_reason"] == expected


@pytest.mark.parametrize(
    ("finish", "native", "arguments", "expected"),
    [
        ("stop", None, "{}", "tool_use"),
        ("function_call", None, "", "tool_use"),
        ("tool_calls", "max_output_tokens", '{"a": "b', "max_tokens"),
        ("tool_calls", None, '{"a": "b', "max_tokens"),
        ("tool_calls", None, '{"a": {}', "max_tokens"),
        ("tool_calls", "length", "", "max_tokens"),
        ("length", None, "{}", "max_tokens"),
    ],
)
def test_the_stop_reason_of_calls(finish: str, native: str | None, arguments: str, expected: str) -> None:
    made = answer(chunk(tool(0, arguments, id="a", name="x")), chunk({}, finish, native=native))
    assert made["stop_reason"] == expected


def test_a_refusal_is_text_with_its_stop_reason() -> None:
    made = answer(chunk({"refusal": "I can"}), chunk({"refusal": "not."}), chunk({}, "stop"))
    assert made["content"] == [{"type": "text", "text": "I cannot."}]
    assert (made["stop_reason"], made.get("stop_details")) == (
        "refusal",
        {"type": "refusal", "category": None, "explanation": None},
    )


def test_an_empty_answer_has_no_block() -> None:
    made = answer(chunk({"role": "assistant", "content": ""}), chunk({"content": None}, "stop"))
    assert (made["content"], made["stop_reason"]) == ([], "end_turn")


def test_blank_text_before_other_content_opens_no_block() -> None:
    made = answer(chunk({"content": "\n\n"}), chunk(tool(0, "{}", id="a", name="x")), chunk({"content": " "}))
    assert [block["type"] for block in made["content"]] == ["tool_use"]


def test_blank_text_before_text_is_part_of_it() -> None:
    assert answer(chunk({"content": "\n\n"}), chunk({"content": "a"}))["content"] == [
        {"type": "text", "text": "\n\na"}
    ]


def test_an_emoji_cut_between_two_chunks_is_whole_again() -> None:
    halves = [
        rf'data: {{"choices":[{{"delta":{{"content":"{half}"}}}}]}}'.encode()
        for half in ("\\ud83d", "\\ude00")
    ]
    assert answer(halves[0] + b"\n\n", halves[1] + b"\n\n")["content"][0]["text"] == "\U0001f600"


def test_a_half_that_stays_alone_is_replaced() -> None:
    half = rb'data: {"choices":[{"delta":{"content":"a\ud83d","reasoning":"b\ude00"}}]}'
    made = answer(half + b"\n\n")
    assert [block.get("text") or block["thinking"] for block in made["content"]] == ["b�", "a�"]


def test_line_separators_inside_json_are_text() -> None:
    piece = 'data: {"choices":[{"delta":{"content":"a\u2028b\x85c"}}]}\r\n\r\n'.encode()
    assert answer(piece)["content"] == [{"type": "text", "text": "a\u2028b\x85c"}]


def test_images_of_the_answer_are_told_as_text() -> None:
    made = answer(chunk({"content": "See", "images": [{"image_url": {"url": "https://x/y.png"}}]}))
    assert made["content"][0]["text"] == "See\n\n![image](https://x/y.png)\n\n"


def test_the_answer_names_the_model_that_was_asked_for() -> None:
    assert answer(chunk({"content": "hi"}, model="vendor/other"))["model"] == "big"


@pytest.mark.parametrize("ending", [b"", b": comment\n\n", b"data: "])
def test_an_answer_that_breaks_off_is_an_error(ending: bytes) -> None:
    made = decode([chunk({"content": "part one "}), ending])
    assert error_in(made) == ("overloaded_error", "The upstream's answer broke off before it was complete.")


def test_the_end_of_the_body_after_a_finish_reason_is_a_normal_end() -> None:
    made = fold(decode([chunk({"content": "hi"}), chunk({}, "stop")]))
    assert made["stop_reason"] == "end_turn"


def test_an_event_that_lacks_its_last_line_end_still_counts() -> None:
    assert fold(decode([chunk({"content": "hi"}, "stop").rstrip()]))["stop_reason"] == "end_turn"
    assert fold(decode([chunk({"content": "hi"}), b"data: [DONE]"]))["stop_reason"] == "end_turn"


def test_what_comes_after_the_end_is_not_read() -> None:
    decoder = DIALECT.decoder(asked(), target(), "text/event-stream", counter())
    assert (
        decoder.feed(chunk({"content": "hi"}) + DONE + chunk({"content": "more"}))[-1]["type"]
        == "message_stop"
    )
    assert decoder.feed(b"rubbish\n\n") == decoder.finish() == []


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", DONE, b"\n\n"])
def test_a_body_that_is_no_answer_is_an_error(body: bytes) -> None:
    made = decode([body], content_type="text/html")
    assert error_in(made)[0] == "overloaded_error"


@pytest.mark.parametrize("line", [b"data: {", b"data: 7", b"data: nonsense", b"data: " + b"[" * 200_000])
def test_a_line_that_is_no_chunk_is_an_error(line: bytes) -> None:
    made = decode([chunk({"content": "hi"}), line + b"\n\n"])
    assert error_in(made)[0] == "api_error"


def test_an_event_beyond_the_limit_is_an_error() -> None:
    too_much = b"data: " + b" " * (sse.MAX_EVENT_BYTES + 1)
    assert error_in(decode([too_much]))[0] == "api_error"
    last_line = b"data: ten bytes!\n" + too_much[: sse.MAX_EVENT_BYTES - 2]
    assert error_in(decode([last_line]))[0] == "api_error"


def test_an_error_in_the_middle_has_the_type_it_deserves() -> None:
    failure = {
        "error": {
            "code": 502,
            "message": "Provider disconnected",
            "metadata": {"error_type": "provider_overloaded"},
        },
        "choices": [{"delta": {"content": ""}, "finish_reason": "error"}],
    }
    made = decode([chunk({"content": "part"}), data(failure), chunk({"content": "never"}), DONE])
    assert error_in(made) == ("overloaded_error", "Provider disconnected")


@pytest.mark.parametrize(
    ("piece", "kind"),
    [
        (data({"error": "it broke", "choices": []}), "api_error"),
        (b'event: error\ndata: {"message":"busy","code":"429"}\n\n', "rate_limit_error"),
        (chunk({"content": ""}, "error"), "api_error"),
    ],
)
def test_errors_come_in_many_shapes(piece: bytes, kind: str) -> None:
    assert error_in(decode([chunk({"content": "part"}), piece, DONE]))[0] == kind


def test_an_error_before_anything_else_comes_without_a_message() -> None:
    made = decode([data({"error": {"code": 503, "message": "busy"}})])
    assert made == [{"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}]


def test_an_error_after_the_answer_was_complete_takes_nothing_back() -> None:
    tail: Any = {
        "error": {"code": 400, "message": "Token limit reached"},
        "choices": [],
        "usage": {"prompt_tokens": 4},
    }
    made = answer(chunk({"content": "cut"}), chunk({}, "length"), data(tail))
    assert (made["stop_reason"], made["usage"].get("input_tokens")) == ("max_tokens", 4)


def test_a_whole_body_is_the_same_answer() -> None:
    message = {
        "role": "assistant",
        "content": "It is",
        "reasoning": "hm",
        "tool_calls": [{"id": i, "function": {"name": "x", "arguments": '{"n":1}'}} for i in ("a", "b")],
    }
    body = {"choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": USAGE}
    raw = b"\n         \n" + json.dumps(body).encode()
    made = fold(decode([raw[:9], raw[9:40], raw[40:]], content_type=JSON))
    streamed = answer(
        chunk({"reasoning": "hm"}),
        chunk({"content": "It is"}),
        chunk(tool(0, '{"n":1}', id="a", name="x")),
        chunk(tool(1, '{"n":1}', id="b", name="x")),
        chunk({}, "tool_calls", usage=USAGE),
    )
    assert made == streamed


@pytest.mark.parametrize("content_type", ["", SSE, JSON, "application/octet-stream"])
def test_a_body_is_what_it_is_whatever_its_content_type_says(content_type: str) -> None:
    body = json.dumps({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}).encode()
    streamed = [b"\n", chunk({"content": "hi"}), chunk({}, "stop"), DONE]
    for pieces in ([b" \n", body], streamed):
        assert fold(decode(pieces, content_type=content_type))["content"] == [{"type": "text", "text": "hi"}]


def test_the_reader_is_told_to_hang_up_only_where_a_stop_sequence_was_met_here() -> None:
    for said, expected in (("a STOP b", True), ("a", False)):
        decoder = DIALECT.decoder(asked(stop_sequences=["STOP"]), target(), SSE, counter())
        decoder.feed(chunk({"content": said}) + chunk({}, "stop"))
        assert decoder.is_cut_short is expected


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"error":{"code":429,"message":"slow down"}}', "rate_limit_error"),
        (b'{"choices":null}', "overloaded_error"),
        (b'{"choices":[{"mess', "overloaded_error"),
        (b"[]", "overloaded_error"),
    ],
)
def test_a_whole_body_that_is_no_answer_is_an_error(body: bytes, kind: str) -> None:
    assert error_in(decode([body], content_type=JSON))[0] == kind


def test_a_whole_body_beyond_the_limit_is_an_error() -> None:
    decoder = DIALECT.decoder(asked(), target(), JSON, counter())
    made = [event for _ in range(65) for event in decoder.feed(b"{" * 2**20)]
    assert error_in(made)[0] == "api_error"


def test_a_stream_whose_event_is_a_whole_completion_is_read_once() -> None:
    whole = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
    assert answer(data(whole), data(whole))["content"] == [{"type": "text", "text": "hi"}]


def test_stop_sequences_beyond_the_upstream_s_limit_are_enforced_here() -> None:
    request = asked(stop_sequences=["A1", "A2", "A3", "A4", "STOPHERE"])
    made = decode([chunk({"content": "before STO"}), chunk({"content": "PHERE after"}), DONE], request)
    message = fold(made)
    assert message["content"] == [{"type": "text", "text": "before "}]
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "STOPHERE")
    assert message["usage"].get("output_tokens") == 2


def test_what_only_looked_like_a_stop_sequence_is_not_lost() -> None:
    request = asked(stop_sequences=["STOPHERE"])
    assert (
        answer(chunk({"content": "a STOP"}), chunk({}, "stop"), request=request)["content"][0]["text"]
        == "a STOP"
    )


@pytest.mark.parametrize(
    ("stops", "native", "told", "expected"),
    [
        (["END"], "stop_sequence", None, ("stop_sequence", "END")),
        (["END", "FIN"], "stop_sequence", "FIN", ("stop_sequence", "FIN")),
        (["END", "FIN"], "stop_sequence", None, ("stop_sequence", None)),
        (["END"], "stop", None, ("end_turn", None)),
        (["END"], "stop", 7, ("end_turn", None)),
    ],
)
def test_which_stop_sequence_was_met_is_told_where_it_can_be_known(
    stops: list[str], native: str, told: object, expected: tuple[str, str | None]
) -> None:
    choice: Any = {"delta": {}, "finish_reason": "stop", "native_finish_reason": native, "stop_reason": told}
    made = answer(chunk({"content": "hi"}), data({"choices": [choice]}), request=asked(stop_sequences=stops))
    assert (made["stop_reason"], made["stop_sequence"]) == expected


def test_think_tags_are_thinking_however_they_are_cut() -> None:
    said = "\n<think>step by step</think>\n\nThe answer."
    to = with_profile(Profile())
    for size in (1, 3, 7, 100):
        pieces = [chunk({"content": said[i : i + size]}) for i in range(0, len(said), size)]
        made = answer(*pieces, to=to)
        assert [block.get("thinking", block.get("text")) for block in made["content"]] == [
            "step by step",
            "\n\nThe answer.",
        ], size


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ("<thi", ["text"]),
        ("<think>and", ["thinking"]),
        ("<think>and</thi", ["thinking"]),
        ("a <think>b</think>", ["text"]),
    ],
)
def test_what_is_no_pair_of_think_tags_is_not_lost(said: str, kinds: list[str]) -> None:
    made = answer(chunk({"content": said}), to=with_profile(Profile()))
    assert [block["type"] for block in made["content"]] == kinds


def test_a_model_that_never_writes_think_tags_may_talk_about_them() -> None:
    made = answer(chunk({"content": "<think>"}), to=with_profile(Profile(think_tags=False)))
    assert made["content"] == [{"type": "text", "text": "<think>"}]


def test_odd_values_in_a_chunk_are_left_out() -> None:
    made = answer(
        data({"choices": [7]}),
        data({"choices": "x", "usage": 3}),
        data({}),
        data({"choices": [{"delta": {"content": 7, "tool_calls": 7, "annotations": 7, "reasoning": 7}}]}),
        data({"choices": [{"delta": {"tool_calls": [7, {"function": 7, "id": 7}]}, "finish_reason": 7}]}),
        chunk({"content": [7, {"type": "text"}, {"type": "text", "text": "hi"}]}),
    )
    assert made["content"] == [{"type": "text", "text": "hi"}]


def test_cost_and_groq_s_own_usage_are_read() -> None:
    decoder = DIALECT.decoder(asked(), target(), "text/event-stream", counter())
    decoder.feed(data({"choices": [], "x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 2}}}))
    assert decoder.cost_usd is None
    decoder.feed(data({"choices": [], "usage": {"cost": 0.25}}))
    assert decoder.cost_usd == 0.25
    usage = decoder.feed(DONE)[-2]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (3, 2)


def test_texts_that_come_together_are_one_event_where_nobody_watches_the_answer_grow() -> None:
    together = chunk({"content": "b"}) + chunk({"content": "c"}) + chunk({}, "stop") + DONE
    watched = decode([chunk({"content": "a"}), together], asked(stream=True))
    unwatched = decode([chunk({"content": "a"}), together], asked(stream=False))
    texts = [
        [each["delta"]["text"] for each in made if "text" in each.get("delta", {})]
        for made in (watched, unwatched)
    ]
    assert texts == [["a", "b", "c"], ["a", "bc"]]
    assert fold(watched) == fold(unwatched)


def test_a_line_that_is_no_strict_json_is_read_loosely_among_others() -> None:
    broken = b'data: {"choices": [{"delta": {"content": "\\ud83d!"}}]}\n\n'
    made = decode([chunk({"content": "a"}) + broken + chunk({"content": "b"}, "stop") + DONE])
    assert fold(made)["content"] == [{"type": "text", "text": "a\N{REPLACEMENT CHARACTER}!b"}]
