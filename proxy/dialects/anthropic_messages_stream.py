"""Decodes the answer of an upstream that speaks the Messages API itself: judged, but not changed.

What other servers put into such a stream (`[DONE]`, lines that are no JSON) is left out; an event that may
not stand where it stands, and a stream that breaks off, end the answer as an error.
"""

from __future__ import annotations

from proxy.dialects.loose_json import (
    as_object,
    as_objects,
    as_text,
    looks_like_json,
    read_loosely,
)
from proxy.dialects.unfold import unfold
from proxy.messages import events
from proxy.messages.errors import ErrorType
from proxy.messages.events import StreamEvent
from proxy.messages.message import JsonObject
from proxy.messages.request import MessagesRequest
from proxy.messages.sse import EventTooLarge, ServerSentEvent, SseSplitter
from proxy.messages.stream_state import IllegalEvent, Phase, StreamState
from proxy.messages.usage_told import cost_told

MAX_EVENT_BYTES = 16 * 2**20
"""A block that comes whole (a fetched PDF, a file's text) is one event."""
MAX_BODY_BYTES = 64 * 2**20
"""A whole answer beyond this is broken or hostile."""

_BROKE_OFF = "The upstream's answer broke off before it was complete."
_NO_ANSWER = "The upstream's answer is empty or not a message."


class AnthropicMessagesDecoder:
    """Passes one answer on."""

    def __init__(self, request: MessagesRequest) -> None:
        self._model = request.model
        self._is_json: bool | None = None
        """None: not a byte of the body has told yet; content types are often wrong."""
        self._splitter = SseSplitter(MAX_EVENT_BYTES)
        self._state = StreamState()
        self._body: list[bytes] = []
        self._size = 0
        self._cost: float | None = None

    @property
    def is_cut_short(self) -> bool:
        """Never: the upstream ends its own answers."""
        return False

    @property
    def heard_chars(self) -> int:
        """Nothing beside what its own events show."""
        return 0

    @property
    def cost_usd(self) -> float | None:
        """What the upstream said the answer cost; Anthropic does not say."""
        return self._cost

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Takes the next bytes and returns the events they complete."""
        if self._is_over:
            return []
        if self._is_json is None:
            self._is_json = looks_like_json(data)
        if self._is_json:
            self._size += len(data)
            self._body.append(data)
            too_large = self._size > MAX_BODY_BYTES
            return self._fail(ErrorType.API, "The upstream's answer is too large.") if too_large else []
        try:
            received = self._splitter.feed(data)
        except EventTooLarge as exc:
            return self._fail(ErrorType.API, f"The upstream sent {exc}.")
        return self._take(received)

    def finish(self) -> list[StreamEvent]:
        """The upstream closed the body: returns the events that end the answer."""
        if self._is_over:
            return []
        if self._is_json:
            return self._whole_body()
        try:
            made = self._take(self._splitter.finish())
        except EventTooLarge as exc:
            return self._fail(ErrorType.API, f"The upstream sent {exc}.")
        if self._is_over:
            return made
        if self._state.phase is Phase.ENDING:
            return made + self._pass([events.message_stop()])
        has_begun = self._state.phase is not Phase.BEFORE
        return made + self._fail(ErrorType.OVERLOADED, _BROKE_OFF if has_begun else _NO_ANSWER)

    @property
    def _is_over(self) -> bool:
        return self._state.phase in (Phase.DONE, Phase.FAILED)

    def _whole_body(self) -> list[StreamEvent]:
        try:
            body = as_object(read_loosely(b"".join(self._body).strip())[0])
        except ValueError:
            body = {}
        if body.get("type") == "error":
            return self._pass([body])
        if not isinstance(body.get("content"), list):
            return self._fail(ErrorType.OVERLOADED, _NO_ANSWER)
        return self._pass(unfold({**body, "content": as_objects(body["content"])}))

    def _take(self, received: list[ServerSentEvent]) -> list[StreamEvent]:
        made: list[StreamEvent] = []
        for event in received:
            try:
                value = as_object(read_loosely(event.data)[0])
            except ValueError:
                continue
            kind = as_text(value.get("type")) or event.name
            if kind and value:
                made += self._pass([{"type": kind, **value}])
            if self._is_over:
                break
        return made

    def _pass(self, due: list[StreamEvent]) -> list[StreamEvent]:
        made: list[StreamEvent] = []
        for event in due:
            try:
                self._state.advance(event)
            except (IllegalEvent, KeyError, TypeError):
                return made + self._fail(ErrorType.API, "The upstream broke the rules of its own protocol.")
            made.append(self._renamed(event))
            self._note_cost(event)
        return made

    def _renamed(self, event: StreamEvent) -> StreamEvent:
        """The client gets the model's name it asked for."""
        if event["type"] != "message_start":
            return event
        return {**event, "message": {**as_object(event.get("message")), "model": self._model}}

    def _note_cost(self, event: JsonObject) -> None:
        cost = cost_told(as_object(event.get("usage")))
        if cost is not None:
            self._cost = cost

    def _fail(self, kind: ErrorType, message: str) -> list[StreamEvent]:
        return self._pass([events.error(kind, message)])
