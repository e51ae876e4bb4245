"""A whole message as the events that would have streamed it; the inverse of `messages.fold`."""

from __future__ import annotations

from proxy.dialects.loose_json import as_object, as_objects, as_text
from proxy.messages import events
from proxy.messages.events import StreamEvent
from proxy.messages.message import JsonObject
from proxy.messages.stream_state import DELTAS
from proxy.messages.wire import write_json

_AT_THE_END = ("stop_reason", "stop_sequence", "stop_details", "container")
"""Fields of a message that are told at its end."""


def unfold(message: JsonObject) -> list[StreamEvent]:
    """Returns the events of a message; folding them gives the same message again."""
    start: JsonObject = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    made: list[StreamEvent] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(as_objects(message.get("content"))):
        made += _block(index, block)
    ending = {key: message.get(key) for key in _AT_THE_END if key in message}
    made.append({"type": "message_delta", "delta": ending, "usage": as_object(message.get("usage"))})
    made.append(events.message_stop())
    return made


def _block(index: int, block: JsonObject) -> list[StreamEvent]:
    kind = as_text(block.get("type"))
    deltas: list[StreamEvent] = []
    started = dict(block)
    if kind in ("text", "thinking"):
        started[kind] = ""
        deltas = _text(index, kind, block, started)
    elif "input_json_delta" in DELTAS.get(kind, ()) and "input" in block:
        started["input"] = {}
        deltas = [events.input_json_delta(index, write_json(block["input"]).decode())]
    return [events.content_block_start(index, started), *deltas, events.content_block_stop(index)]


def _text(index: int, kind: str, block: JsonObject, started: JsonObject) -> list[StreamEvent]:
    text = as_text(block.get(kind))
    if kind == "thinking":
        deltas = [events.thinking_delta(index, text)] if text else []
        if "signature" in block:
            started["signature"] = ""
            deltas.append(events.signature_delta(index, as_text(block["signature"])))
        return deltas
    deltas = [events.text_delta(index, text)] if text else []
    citations = as_objects(block.get("citations"))
    if citations:
        started["citations"] = []
    return deltas + [events.citations_delta(index, citation) for citation in citations]
