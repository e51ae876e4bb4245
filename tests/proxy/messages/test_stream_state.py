"""The table of which stream event may follow which."""

from __future__ import annotations

import pytest

from proxy.messages import events
from proxy.messages.errors import ErrorType
from proxy.messages.events import StreamEvent
from proxy.messages.stream_state import IllegalEvent, Phase, StreamState

START = events.message_start("msg_1", "m", {"input_tokens": 0, "output_tokens": 0})
TEXT = events.content_block_start(0, {"type": "text", "text": ""})
THINKING = events.content_block_start(0, {"type": "thinking", "thinking": "", "signature": ""})
STOP = events.content_block_stop(0)
END = events.message_delta("end_turn", None, {"output_tokens": 1})
LAST = events.message_stop()
FAILED = events.error(ErrorType.OVERLOADED, "busy", "req_1")


def judge(*stream: StreamEvent) -> StreamState:
    state = StreamState()
    for event in stream:
        state.advance(event)
    state.finish()
    return state


@pytest.mark.parametrize(
    "stream",
    [
        (START, END, LAST),
        (events.ping(), START, TEXT, events.ping(), events.text_delta(0, "a"), STOP, END, END, LAST),
        (START, THINKING, events.thinking_delta(0, "a"), events.signature_delta(0, "s"), STOP, END, LAST),
        (START, TEXT, events.citations_delta(0, {"type": "x"}), STOP, END, LAST),
        (START, events.content_block_start(0, {"type": "redacted_thinking", "data": "x"}), STOP, END, LAST),
        (START, {"type": "later_event"}, TEXT, {"type": "later_event"}, STOP, END, LAST),
        (
            START,
            TEXT,
            {"type": "content_block_delta", "index": 0, "delta": {"type": "later_delta"}},
            STOP,
            END,
            LAST,
        ),
        (FAILED,),
        (START, TEXT, FAILED),
        (START, END, FAILED),
    ],
)
def test_a_lawful_stream_is_accepted(stream: tuple[StreamEvent, ...]) -> None:
    assert judge(*stream).phase in (Phase.DONE, Phase.FAILED)


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        ((TEXT,), "content_block_start before message_start"),
        ((START, START), "message_start between blocks"),
        ((START, TEXT, TEXT), "content_block_start inside a block"),
        ((START, events.content_block_start(1, {"type": "text"})), "block 1 opened after block -1"),
        ((START, TEXT, STOP, TEXT), "block 0 opened after block 0"),
        ((START, TEXT, events.text_delta(1, "a")), "delta for block 1 while 0 is open"),
        ((START, TEXT, events.content_block_stop(1)), "content_block_stop for block 1 while 0 is open"),
        ((START, TEXT, events.thinking_delta(0, "a")), "thinking_delta in a text block"),
        ((START, TEXT, events.input_json_delta(0, "{")), "input_json_delta in a text block"),
        (
            (START, THINKING, events.signature_delta(0, "s"), events.thinking_delta(0, "a")),
            "thinking_delta after the signature",
        ),
        ((START, TEXT, END), "message_delta inside a block"),
        ((START, LAST), "message_stop between blocks"),
        ((START, END, LAST, LAST), "message_stop after message_stop"),
        ((START, END, LAST, events.ping()), "ping after message_stop"),
        ((FAILED, events.ping()), "ping after error"),
        ((START, TEXT, STOP), "ended between blocks"),
        ((), "ended before message_start"),
    ],
)
def test_an_unlawful_stream_is_refused_with_the_rule_it_breaks(
    stream: tuple[StreamEvent, ...], reason: str
) -> None:
    with pytest.raises(IllegalEvent, match=reason):
        judge(*stream)
