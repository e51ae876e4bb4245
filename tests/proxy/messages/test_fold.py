"""Making the whole message from its stream."""

from __future__ import annotations

import pytest
from anthropic.types import Message

from proxy.messages import events
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.messages.fold import MessageFold, fold

START = events.message_start("msg_1", "m", {"input_tokens": 1, "output_tokens": 0})


def test_a_stream_of_every_kind_of_block_folds_into_the_whole_message() -> None:
    message = fold(
        [
            START,
            events.content_block_start(0, {"type": "thinking", "thinking": "", "signature": ""}),
            events.ping(),
            events.thinking_delta(0, "hm"),
            events.thinking_delta(0, "m"),
            events.signature_delta(0, "sig"),
            events.content_block_stop(0),
            events.content_block_start(1, {"type": "text", "text": ""}),
            events.text_delta(1, "Hel"),
            events.text_delta(1, "lo"),
            events.citations_delta(1, {"type": "char_location"}),
            events.content_block_stop(1),
            events.content_block_start(2, {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}),
            events.input_json_delta(2, ""),
            events.input_json_delta(2, '{"a":'),
            events.input_json_delta(2, "1}"),
            events.content_block_stop(2),
            events.content_block_start(3, {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}}),
            events.content_block_stop(3),
            events.content_block_start(4, {"type": "redacted_thinking", "data": "x"}),
            events.content_block_stop(4),
            events.content_block_start(5, {"type": "compaction", "content": None}),
            {
                "type": "content_block_delta",
                "index": 5,
                "delta": {"type": "compaction_delta", "content": "c"},
            },
            events.content_block_stop(5),
            {
                **events.message_delta("tool_use", None, {"input_tokens": 7, "output_tokens": 9}),
                "context_management": {"applied_edits": []},
            },
            events.message_stop(),
        ]
    )
    assert message == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "hmm", "signature": "sig"},
            {"type": "text", "text": "Hello", "citations": [{"type": "char_location"}]},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
            {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "compaction", "content": "c"},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": {"input_tokens": 7, "output_tokens": 9},
        "context_management": {"applied_edits": []},
    }
    assert Message.construct(**message).stop_reason == "tool_use"


def test_a_null_in_the_final_usage_leaves_the_number_of_message_start() -> None:
    usage = {"input_tokens": None, "output_tokens": 3}
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": usage,
    }
    assert fold([START, end, events.message_stop()])["usage"] == {"input_tokens": 1, "output_tokens": 3}


def test_the_input_of_a_truncated_call_is_empty_and_the_stop_reason_says_why() -> None:
    message = fold(
        [
            START,
            events.content_block_start(0, {"type": "tool_use", "id": "t", "name": "f", "input": {}}),
            events.input_json_delta(0, '{"path": "/etc'),
            events.content_block_stop(0),
            events.message_delta("max_tokens", None, {"output_tokens": 1}),
        ]
    )
    assert message["content"] == [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]
    assert message["stop_reason"] == "max_tokens"


@pytest.mark.parametrize(
    ("kind", "expected"), [("overloaded_error", ErrorType.OVERLOADED), ("new_error", ErrorType.API)]
)
def test_an_error_event_becomes_the_exception_of_its_type(kind: str, expected: ErrorType) -> None:
    with pytest.raises(UpstreamError, match="busy") as caught:
        fold([START, {"type": "error", "error": {"type": kind, "message": "busy"}}])
    assert caught.value.type is expected


def test_an_error_event_names_its_request_only_where_it_is_known() -> None:
    nameless = {"type": "error", "error": {"type": "api_error", "message": "x"}}
    assert events.error(ErrorType.API, "x") == nameless
    assert events.error(ErrorType.API, "x", "req_1")["request_id"] == "req_1"


def test_a_message_is_whole_only_after_message_stop() -> None:
    folded = MessageFold()
    with pytest.raises(ValueError, match="no message_start"):
        folded.message()
    folded.add(START)
    assert not folded.is_whole
    folded.add(events.message_stop())
    assert folded.is_whole
