"""Blocks in the making: what has arrived for each, and how it goes out once the block is open."""

from __future__ import annotations

from typing import Any, Protocol

import orjson

from proxy.dialects.loose_json import as_object
from proxy.dialects.reasoning_details import CLAUDE_FORMAT, Envelope, Kind, continues, extend, seal
from proxy.messages import events
from proxy.messages.events import StreamEvent
from proxy.messages.message import JsonObject


class Block(Protocol):
    """A block in the making."""

    def start(self) -> JsonObject | None:
        """The block as it opens; None: it cannot open yet."""
        ...

    def deltas(self, index: int) -> list[StreamEvent]:
        """Takes out what has arrived since the last call."""
        ...

    def ending(self, index: int) -> list[StreamEvent]:
        """What goes out right before the block closes."""
        ...

    def is_whole(self) -> bool:
        """Nothing more can come for it once another block has begun."""
        ...


class TextBlock:
    """Text, and the citations that belong to it."""

    def __init__(self, text: str) -> None:
        self.waiting = [text]
        self.citations: list[JsonObject] = []

    def start(self) -> JsonObject | None:
        """Text opens empty."""
        return {"type": "text", "text": ""}

    def deltas(self, index: int) -> list[StreamEvent]:
        """All waiting text as one delta."""
        text, self.waiting = "".join(self.waiting), []
        return [events.text_delta(index, text)] if text else []

    def ending(self, index: int) -> list[StreamEvent]:
        """The citations."""
        return [events.citations_delta(index, citation) for citation in self.citations]

    def is_whole(self) -> bool:
        """Text ends where something else begins."""
        return True


class ThinkingBlock:
    """One run of reasoning: what a human may read of it, and what the upstream wants back."""

    def __init__(self, provider: str, family: str, *, is_shown: bool, keeps_signature: bool) -> None:
        self.details: list[JsonObject] = []
        self.parts: list[JsonObject] = []
        self.calls: list[JsonObject] = []
        self.tags: list[str] = []
        self.field_name = ""
        self._field: list[str] = []
        self._provider = provider
        self._family = family
        self._is_shown = is_shown
        self._keeps_signature = keeps_signature
        self._shown: list[str] = []
        self._waiting: list[str] = []

    @property
    def is_signed(self) -> bool:
        """It ends with a genuine signature; further details belong to another block."""
        return bool(self.details) and bool(self.details[-1].get("signature"))

    def show(self, text: str) -> None:
        """Adds text for the reader."""
        if self._is_shown and text:
            self._waiting.append(text)

    def add_detail(self, piece: JsonObject) -> None:
        """Adds a detail, or a further piece of the last ones."""
        for detail in self.details:
            if continues(detail, piece):
                extend(detail, piece)
                return
        self.details.append(dict(piece))

    def add_part(self, piece: JsonObject) -> None:
        """Adds a thinking part of Mistral's, or a further piece of the last one."""
        last = self.parts[-1] if self.parts else {}
        before, more = last.get("thinking"), piece.get("thinking")
        if isinstance(before, list) and isinstance(more, list):
            last.update({**piece, "thinking": _joined([*before, *more])})
        else:
            self.parts.append(dict(piece))

    def add_field(self, name: str, text: str) -> None:
        """Adds reasoning that came as a plain string under this name."""
        self.field_name = name
        self._field.append(text)

    def start(self) -> JsonObject | None:
        """Thinking opens empty."""
        return {"type": "thinking", "thinking": "", "signature": ""}

    def deltas(self, index: int) -> list[StreamEvent]:
        """All waiting text as one delta."""
        text, self._waiting = "".join(self._waiting), []
        if not text:
            return []
        self._shown.append(text)
        return [events.thinking_delta(index, text)]

    def ending(self, index: int) -> list[StreamEvent]:
        """The signature."""
        return [events.signature_delta(index, self._signature())]

    def is_whole(self) -> bool:
        """Thinking ends where something else begins."""
        return True

    def _signature(self) -> str:
        if self._is_genuine():
            return self.details[0]["signature"]
        fmt, content = self._content()
        return seal(Envelope(self._provider, self._family, fmt, content))

    def _is_genuine(self) -> bool:
        """One signed detail of Claude whose text is all shown: block and detail are the same thing."""
        if len(self.details) != 1 or not self._keeps_signature:
            return False
        detail = self.details[0]
        is_claude = detail.get("type") == "reasoning.text" and detail.get("format") == CLAUDE_FORMAT
        return is_claude and bool(detail.get("signature")) and detail.get("text", "") == "".join(self._shown)

    def _content(self) -> tuple[Kind, list[object]]:
        if self.details:
            return "details", [*self.details]
        if self.parts:
            return "parts", [*self.parts]
        if self.calls:
            return "calls", [*self.calls]
        if self.tags:
            return "tags", ["".join(self.tags)]
        return "field", [self.field_name, "".join(self._field)]


def _joined(pieces: list[Any]) -> list[Any]:
    """Text pieces as one, where nothing but text stands between them."""
    joined: list[Any] = []
    for piece in pieces:
        last = as_object(joined[-1]) if joined else {}
        if _is_text(last) and _is_text(piece):
            joined[-1] = {**last, "text": last["text"] + piece["text"]}
        else:
            joined.append(piece)
    return joined


def _is_text(piece: Any) -> bool:
    fields = as_object(piece)
    return fields.get("type") == "text" and isinstance(fields.get("text"), str)


class ToolBlock:
    """A tool call; it opens once its name is known."""

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id
        self.name = ""
        self._pieces: list[str] = []
        self._waiting: list[str] = []
        self._has_started = False

    def add_input(self, text: str) -> None:
        """Adds a piece of the input's JSON."""
        self._pieces.append(text)
        self._waiting.append(text)

    @property
    def has_input(self) -> bool:
        """Some input has arrived."""
        return bool(self._pieces)

    def start(self) -> JsonObject | None:
        """A call opens with its id and name; the input follows."""
        if not self.name:
            return None
        caller = {"type": "direct"}
        return {"type": "tool_use", "id": self.client_id, "name": self.name, "input": {}, "caller": caller}

    def deltas(self, index: int) -> list[StreamEvent]:
        """An empty delta first, as the real API has it; then all waiting input as one."""
        text, self._waiting = "".join(self._waiting), []
        made = [] if self._has_started else [events.input_json_delta(index, "")]
        self._has_started = True
        return [*made, events.input_json_delta(index, text)] if text else made

    def ending(self, index: int) -> list[StreamEvent]:
        """Nothing: the input speaks for itself."""
        del index
        return []

    def is_whole(self) -> bool:
        """The input is one JSON object."""
        if not self._pieces or not self._pieces[-1].rstrip().endswith("}"):
            return False  # without joining all pieces each time one comes
        try:
            return isinstance(orjson.loads("".join(self._pieces)), dict)
        except ValueError:
            return False

    @property
    def is_cut(self) -> bool:
        """Input has begun and is no JSON object: the call must never be run."""
        return self.has_input and not self.is_whole()


class WholeBlock:
    """A block that comes as it is, or with its input as one delta."""

    def __init__(self, block: JsonObject, partial_json: str = "") -> None:
        self._block = block
        self._input = partial_json

    def start(self) -> JsonObject | None:
        """The block itself."""
        return self._block

    def deltas(self, index: int) -> list[StreamEvent]:
        """The input, once."""
        text, self._input = self._input, ""
        return [events.input_json_delta(index, text)] if text else []

    def ending(self, index: int) -> list[StreamEvent]:
        """Nothing."""
        del index
        return []

    def is_whole(self) -> bool:
        """It always is."""
        return True
