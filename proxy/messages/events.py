"""The stream events of the Messages API: JSON objects, and one constructor a kind.

They are dictionaries, not classes, so that an upstream that speaks the protocol itself passes through with
every unknown field, and so that an event is encoded without a second copy. Nobody changes an event after
it was made.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from proxy.messages.errors import ErrorType
from proxy.messages.message import JsonObject, Usage

StreamEvent: TypeAlias = dict[str, Any]
"""One event; `type` is message_start, content_block_start, content_block_delta, content_block_stop,
message_delta, message_stop, ping or error (or one that came with the API later)."""


def message_start(message_id: str, model: str, usage: Usage) -> StreamEvent:
    """The first event: an answer without content yet."""
    return {
        "type": "message_start",
        "message": {
            "id": message_id,
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "container": None,
            "usage": usage,
        },
    }


def content_block_start(index: int, block: JsonObject) -> StreamEvent:
    """Opens block `index`; text, thinking and tool_use start empty, other kinds come whole."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def content_block_stop(index: int) -> StreamEvent:
    """Closes block `index`."""
    return {"type": "content_block_stop", "index": index}


def _delta(index: int, kind: str, key: str, value: Any) -> StreamEvent:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, key: value}}


def text_delta(index: int, text: str) -> StreamEvent:
    """More text of block `index`."""
    return _delta(index, "text_delta", "text", text)


def thinking_delta(index: int, thinking: str) -> StreamEvent:
    """More reasoning of block `index`."""
    return _delta(index, "thinking_delta", "thinking", thinking)


def signature_delta(index: int, signature: str) -> StreamEvent:
    """The signature of thinking block `index`; once, right before it closes."""
    return _delta(index, "signature_delta", "signature", signature)


def input_json_delta(index: int, partial_json: str) -> StreamEvent:
    """More of the JSON text of a tool's input; all pieces together are one object, or nothing for `{}`."""
    return _delta(index, "input_json_delta", "partial_json", partial_json)


def citations_delta(index: int, citation: JsonObject) -> StreamEvent:
    """One citation of text block `index`."""
    return _delta(index, "citations_delta", "citation", citation)


def message_delta(stop_reason: str, stop_sequence: str | None, usage: Usage, **more: Any) -> StreamEvent:
    """Why the answer ended, and the final usage; `more` goes beside stop_reason (stop_details)."""
    return {
        "type": "message_delta",
        "delta": {
            "stop_reason": stop_reason,
            "stop_sequence": stop_sequence,
            "stop_details": None,
            "container": None,
            **more,
        },
        "usage": usage,
    }


def message_stop() -> StreamEvent:
    """The last event of an answer that went well."""
    return {"type": "message_stop"}


def ping() -> StreamEvent:
    """Keeps the connection alive; may stand anywhere."""
    return {"type": "ping"}


def error(type: ErrorType, message: str, request_id: str | None = None) -> StreamEvent:  # noqa: A002 - the protocol's word
    """Ends an answer that failed after HTTP 200; no message_stop follows."""
    event: StreamEvent = {"type": "error", "error": {"type": type.value, "message": message}}
    if request_id is not None:
        event["request_id"] = request_id
    return event
