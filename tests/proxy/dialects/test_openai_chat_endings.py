"""How answers that break off, fail, or come as a whole body are read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.messages import sse
from proxy.messages.fold import fold
from tests.proxy.dialects.chat import (
    DIALECT,
    DONE,
    JSON,
    SSE,
    USAGE,
    answer,
    asked,
    chunk,
    counter,
    data,
    decode,
    error_in,
    target,
    tool,
)


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
