"""The whole answer as the fold of the streamed one: there is no second path that could differ."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

from proxy.messages.errors import ApiError, ErrorType, UpstreamError
from proxy.messages.events import StreamEvent
from proxy.messages.message import JsonObject, Message

_TEXT_OF_DELTA = {"text_delta": "text", "thinking_delta": "thinking"}


class MessageFold:
    """Takes the events of one stream in order and holds the message they make."""

    def __init__(self) -> None:
        self._message: JsonObject | None = None
        self._pieces: list[str] = []
        self._is_whole = False

    @property
    def is_whole(self) -> bool:
        """message_stop was seen."""
        return self._is_whole

    def add(self, event: StreamEvent) -> None:
        """Takes the next event; pings and unknown events change nothing.

        Raises:
            UpstreamError: The event is an `error`.
        """
        match event.get("type"):
            case "message_start":
                self._message = {**event["message"], "content": []}
            case "content_block_start":
                self._content().append(dict(event["content_block"]))
                self._pieces = []
            case "content_block_delta":
                self._add_delta(event["delta"])
            case "content_block_stop":
                self._close_block()
            case "message_delta":
                self._end(event)
            case "message_stop":
                self._is_whole = True
            case "error":
                raise error_of(event)
            case _:
                pass

    def message(self) -> Message:
        """Returns the message as far as it has come.

        Raises:
            ValueError: No message_start was seen.
        """
        if self._message is None:
            raise ValueError("no message_start was seen")
        return cast("Message", self._message)

    def _content(self) -> list[JsonObject]:
        return self.message()["content"]

    def _add_delta(self, delta: JsonObject) -> None:
        block = self._content()[-1]
        match delta.get("type"):
            case "text_delta" | "thinking_delta" as kind:
                self._pieces.append(delta[_TEXT_OF_DELTA[kind]])
            case "input_json_delta":
                self._pieces.append(delta["partial_json"])
            case "signature_delta":
                block["signature"] = delta["signature"]
            case "citations_delta":
                block["citations"] = [*(block.get("citations") or []), delta["citation"]]
            case _:
                block.update({key: value for key, value in delta.items() if key != "type"})

    def _close_block(self) -> None:
        block = self._content()[-1]
        joined = "".join(self._pieces)
        if block["type"] in ("text", "thinking"):
            block[block["type"]] = block.get(block["type"], "") + joined
        elif "input" in block and joined:
            block["input"] = _read_input(joined)

    def _end(self, event: StreamEvent) -> None:
        message = cast("JsonObject", self.message())
        message.update(event["delta"])
        usage = {key: value for key, value in event.get("usage", {}).items() if value is not None}
        message["usage"] = {**message.get("usage", {}), **usage}
        extra = {key: value for key, value in event.items() if key not in ("type", "delta", "usage")}
        message.update(extra)


def _read_input(text: str) -> Any:
    """Reads a call's input; one cut off by max_tokens cannot be read and is shown as empty."""
    try:
        return json.loads(text)  # not orjson: it makes integers beyond 64 bits floats
    except (ValueError, RecursionError):
        return {}


def fold(events: Iterable[StreamEvent]) -> Message:
    """Returns the message that a whole stream makes.

    Raises:
        UpstreamError: The stream ended with an `error`.
    """
    folded = MessageFold()
    for event in events:
        folded.add(event)
    return folded.message()


def error_of(event: StreamEvent) -> ApiError:
    """Returns the exception for an `error` event; an unknown type counts as api_error."""
    error = event["error"]
    known = error.get("type") in ErrorType._value2member_map_
    kind = ErrorType(error["type"]) if known else ErrorType.API
    return UpstreamError(kind, str(error.get("message", "")), details=error.get("details"))
