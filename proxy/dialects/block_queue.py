"""Turns content that arrives in any order into blocks that are open one at a time, with nothing lost.

The first block of the queue is the open one: what arrives for it goes out at once. What arrives for another
block waits in it. The open block closes when another one waits behind it and nothing more can come for it:
text and thinking end when something else begins, a tool's input ends when its JSON is whole. At the end of
the answer all close in their order.
"""

from __future__ import annotations

from collections import deque
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

    def __init__(self, provider: str, family: str, *, is_shown: bool) -> None:
        self.details: list[JsonObject] = []
        self.parts: list[JsonObject] = []
        self.calls: list[JsonObject] = []
        self.tags: list[str] = []
        self.field_name = ""
        self._field: list[str] = []
        self._provider = provider
        self._family = family
        self._is_shown = is_shown
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
        if len(self.details) != 1:
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
        last = joined[-1] if joined else None
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
        return {"type": "tool_use", "id": self.client_id, "name": self.name, "input": {}}

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


class BlockQueue:
    """The blocks of one answer from the open one on; `out` collects the events."""

    def __init__(self) -> None:
        self.out: list[StreamEvent] = []
        self._blocks: deque[Block] = deque()
        self._index = -1
        self._is_open = False

    @property
    def last(self) -> Block | None:
        """The block at the end of the queue."""
        return self._blocks[-1] if self._blocks else None

    @property
    def is_direct(self) -> bool:
        """The open block is the only one: what arrives for it can go out at once."""
        return self._is_open and len(self._blocks) == 1

    @property
    def index(self) -> int:
        """Index of the block opened last."""
        return self._index

    def add(self, block: Block) -> None:
        """Puts a new block at the end."""
        self._blocks.append(block)

    def move(self) -> None:
        """Sends out what can go out by now."""
        while self._blocks:
            head = self._blocks[0]
            if not self._opened(head):
                return
            self.out += head.deltas(self._index)
            if len(self._blocks) == 1 or not head.is_whole():
                return
            self._close(head)

    def finish(self) -> None:
        """The answer is over: sends out and closes all blocks that can still open."""
        while self._blocks:
            head = self._blocks[0]
            if self._opened(head):
                self.out += head.deltas(self._index)
                self._close(head)
            else:
                self._blocks.popleft()

    def _opened(self, head: Block) -> bool:
        if self._is_open:
            return True
        start = head.start()
        if start is None:
            return False
        self._index += 1
        self._is_open = True
        self.out.append(events.content_block_start(self._index, start))
        if self._index == 0:
            self.out.append(events.ping())
        return True

    def _close(self, head: Block) -> None:
        self.out += head.ending(self._index)
        self.out.append(events.content_block_stop(self._index))
        self._blocks.popleft()
        self._is_open = False
