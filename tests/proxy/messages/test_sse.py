"""Splitting received event streams and writing our own."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.messages import events
from proxy.messages.sse import EventTooLarge, ServerSentEvent, SseSplitter, encode_event

STREAM = (
    ": a comment\n\n"
    'event: message_start\ndata: {"a":"\u2028\u0085ü😀"}\n\n'
    "data:no space\r\n\r\n"
    "data: two\rdata: lines\r\r"
    "id: 7\nretry: 5\ndata: [DONE]\n\n"
).encode()


def split_all(data: bytes, cuts: list[int]) -> list[ServerSentEvent]:
    splitter = SseSplitter()
    found: list[ServerSentEvent] = []
    places = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(places):
        found += splitter.feed(data[start:end])
    return found + splitter.finish()


EXPECTED = [
    ServerSentEvent("message_start", '{"a":"\u2028\u0085ü😀"}'.encode()),
    ServerSentEvent("", b"no space"),
    ServerSentEvent("", b"two\nlines"),
    ServerSentEvent("", b"[DONE]"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_any_cut_of_the_bytes_gives_the_same_events(cuts: list[int]) -> None:
    assert split_all(STREAM, cuts) == EXPECTED


def test_an_event_that_lacks_its_blank_line_is_given_at_the_end() -> None:
    splitter = SseSplitter()
    assert splitter.feed(b"data: x\ndata: y") == []
    assert splitter.finish() == [ServerSentEvent("", b"x\ny")]


def test_nothing_is_given_at_the_end_of_a_finished_stream() -> None:
    splitter = SseSplitter()
    assert splitter.feed(b"data: x\n\n") == [ServerSentEvent("", b"x")]
    assert splitter.finish() == []


@pytest.mark.parametrize("data", [b"data: " + b"x" * 50, b"data: 123456\n" * 3, b"x" * 50])
def test_a_line_or_an_event_beyond_the_limit_is_refused(data: bytes) -> None:
    with pytest.raises(EventTooLarge):
        SseSplitter(max_event_bytes=16).feed(data)


def test_an_event_is_written_with_its_name_and_one_line_of_json() -> None:
    written = encode_event(events.text_delta(0, "a\nb\u2028"))
    delta = '{"type":"text_delta","text":"a\\nb\u2028"}'
    data = '{"type":"content_block_delta","index":0,"delta":' + delta + "}"
    assert written == f"event: content_block_delta\ndata: {data}\n\n".encode()
