"""One answer of the model on its way to the client, while Signalbox runs or judges some of its calls. Pure.

1. Text, thinking and calls that nobody judges pass at once, with the index that is next for the client.
2. A call of a tool of ours passes as the block that shows it: one of the API's own with its input as it
   streams, any other whole, because clients take no deltas for it.
3. A call that must be judged is held until its input is complete; `held` names it, and `settle` lets it go or
   keeps it back.
4. `message_delta` and `message_stop` are kept: whether the answer is over is decided outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from proxy.dialects.loose_json import as_object
from proxy.messages.events import StreamEvent, citations_delta, content_block_start
from proxy.messages.fold import MessageFold
from proxy.messages.message import JsonObject
from proxy.messages.wire import InvalidJson, read_json
from proxy.service.own_tools import ModelCall, ToolPlan

UNREADABLE = "The input of the call is not valid JSON. Make it again, with one whole JSON object as input."
_MAX_WRITTEN = 200
"""So much of an input that cannot be read is shown to the model: it is told that its input was empty."""

Cite = Callable[[str], Sequence[JsonObject]]
"""Returns the citations of a text."""


def _nothing_cited(text: str) -> Sequence[JsonObject]:
    del text
    return ()


class AnswerRound:
    """The events of one upstream answer in, the client's out."""

    def __init__(
        self, plan: ToolPlan, first_index: int, *, is_first: bool, cite: Cite = _nothing_cited
    ) -> None:
        """Makes a round.

        Args:
            plan: Which calls are ours, which are judged.
            first_index: The index of the client's next block.
            is_first: The client has no `message_start` yet.
            cite: Finds the citations of a text.
        """
        self.plan = plan
        self._is_first = is_first
        self._cite = cite
        self._has_citations = False
        self._fold = MessageFold()
        self._buffer: list[StreamEvent] | None = None
        self._pieces: list[str] = []
        self._call: JsonObject | None = None
        self.next_index = first_index
        """The index of the client's next block."""
        self.held: ModelCall | None = None
        """A complete call that waits for its judgement; nothing may be taken before it is settled."""
        self.own_calls: list[ModelCall] = []
        self.client_calls: list[ModelCall] = []
        """Calls that the client was given."""
        self.has_unreadable = False
        """The model is to be told of a call whose input is no JSON object."""
        self.denials: dict[str, str] = {}
        """Of each call that was kept back, by its id: what the model is told."""
        self.ending: StreamEvent | None = None
        """The answer's `message_delta`."""

    @property
    def stop_reason(self) -> str | None:
        """Why the model stopped."""
        delta: Any = (self.ending or {}).get("delta")
        return cast("JsonObject", delta).get("stop_reason") if isinstance(delta, dict) else None

    @property
    def content(self) -> list[JsonObject]:
        """The answer's blocks as the upstream made them, the kept ones too."""
        return self._fold.message()["content"]

    def take(self, event: StreamEvent) -> Sequence[StreamEvent]:
        """Takes the next event and returns what may leave now."""
        kind = event["type"]
        if kind != "error":
            self._fold.add(event)
        if kind == "content_block_delta":
            return self._delta(event)
        if kind == "content_block_start":
            return self._start(event)
        if kind == "content_block_stop":
            return self._stop(event)
        if kind == "message_start":
            return [event] if self._is_first else []
        if kind == "message_delta":
            self.ending = _later(self.ending, event)
            return []
        return [] if kind == "message_stop" else [event]

    def settle(self, denial: str | None) -> Sequence[StreamEvent]:
        """Lets the held call go, or keeps it back with what the model is told instead of a result."""
        call, buffer = self.held, self._buffer
        assert call is not None and buffer is not None  # noqa: S101, PT018 - asked for only while one is held
        self.held = self._buffer = None
        if denial is not None:
            self.denials[call.id] = denial
            self.has_unreadable = self.has_unreadable or call.input is None
            return []
        self.client_calls.append(call)
        made = [self._numbered(event) for event in buffer]
        self.next_index += 1
        return made

    def _start(self, event: StreamEvent) -> Sequence[StreamEvent]:
        block = event["content_block"]
        self._has_citations = block.get("type") != "text"
        self._call = block if block.get("type") == "tool_use" else None
        self._pieces = []
        if self._call is None:
            return [self._numbered(event)]
        name = str(block.get("name"))
        own = self.plan.own.get(name)
        if own is not None and own.is_server_tool:
            return [{**event, "index": self.next_index, "content_block": own.shown(block)}]
        if own is not None or self.plan.is_held(name):
            self._buffer = [event]
            return []
        return [self._numbered(event)]

    def _delta(self, event: StreamEvent) -> Sequence[StreamEvent]:
        delta = event["delta"]
        if self._call is not None:
            self._pieces.append(str(delta.get("partial_json", "")))
        elif delta.get("type") == "citations_delta":
            self._has_citations = True
        elif not self._has_citations:
            self._pieces.append(str(delta.get("text", "")))
        if self._buffer is not None:
            self._buffer.append(event)
            return []
        return [self._numbered(event)]

    def _stop(self, event: StreamEvent) -> Sequence[StreamEvent]:
        if self._call is None:
            made = [] if self._has_citations else self._cited()
            made.append(self._numbered(event))
            self.next_index += 1
            return made
        call = self._made(self._call)
        own = self.plan.own.get(call.name)
        if own is None and self._buffer is not None:
            self._buffer.append(event)
            self.held = call
            return []
        if own is None:
            self.client_calls.append(call)
        else:
            self.own_calls.append(call)
            self.has_unreadable = self.has_unreadable or call.input is None
        made = [self._numbered(event)]
        if own is not None and self._buffer is not None:
            self._buffer = None
            whole = own.shown({**self._call, "input": dict(call.input or {})})
            made.insert(0, content_block_start(self.next_index, whole))
        self.next_index += 1
        return made

    def _cited(self) -> list[StreamEvent]:
        return [citations_delta(self.next_index, each) for each in self._cite("".join(self._pieces))]

    def _made(self, block: JsonObject) -> ModelCall:
        text = "".join(self._pieces)
        value = _input(text, block)
        written = text[:_MAX_WRITTEN] if value is None else ""
        return ModelCall(str(block.get("id")), str(block.get("name")), value, written)

    def _numbered(self, event: StreamEvent) -> StreamEvent:
        index = self.next_index
        return event if event.get("index") == index else {**event, "index": index}


def unreadable(call: ModelCall) -> str:
    """Returns what the model is told of a call whose input cannot be read."""
    return f"{UNREADABLE} It began: {call.written}" if call.written else UNREADABLE


def _input(text: str, block: JsonObject) -> Mapping[str, Any] | None:
    """The input, read as strictly as a client's request: two readers must not see two calls."""
    if not text.strip():
        given: Any = block.get("input")
        return cast("JsonObject", given) if isinstance(given, dict) else {}
    try:
        value = read_json(text.encode("utf-8", "surrogatepass"))
    except (InvalidJson, RecursionError):
        return None
    return cast("JsonObject", value) if isinstance(value, dict) else None


def _later(earlier: StreamEvent | None, event: StreamEvent) -> StreamEvent:
    """An upstream may tell the end in several events; what is left out in a later one stays."""
    if earlier is None:
        return event
    delta = {**earlier["delta"], **{key: each for key, each in event["delta"].items() if each is not None}}
    usage: JsonObject = {**as_object(earlier.get("usage")), **as_object(event.get("usage"))}
    return {**earlier, **event, "delta": delta, "usage": usage}
