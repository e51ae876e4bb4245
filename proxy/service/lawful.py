"""Judges an attempt's events on their way out: none leaves before content begins, no unlawful one ever."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from proxy.config import ProviderConfig
from proxy.messages.errors import ApiError, ErrorType
from proxy.messages.events import StreamEvent
from proxy.messages.fold import error_of
from proxy.messages.stream_state import IllegalEvent, StreamState
from proxy.service.cleaning import cleaned_event
from proxy.service.record import RequestRecord, Tally

_log = structlog.get_logger("proxy.service")

_BEGINS_CONTENT = frozenset({"content_block_start", "message_delta", "message_stop"})


class Lawful:
    """The judge of one attempt."""

    def __init__(self, record: RequestRecord, provider: ProviderConfig, tally: Tally | None = None) -> None:
        """Begins before the first event.

        Args:
            record: Whose answer it is.
            provider: Whose events they are; what it says of a failure is cleaned.
            tally: Takes the events' facts where they are not on their way to the client; None: the record
                does.
        """
        self.is_over = False
        """`message_stop` or an error event has ended the answer; what its upstream still does is no news."""
        self.error: ApiError | None = None
        """What the error event says."""
        self._record = record
        self._provider = provider
        self._tally = tally
        self._note: Callable[[StreamEvent], object] = record.note if tally is None else tally.add
        self._state = StreamState()
        self._held: list[StreamEvent] | None = []

    def judged(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """Returns what may leave now.

        Raises:
            ApiError: The answer failed before its content began, or breaks the protocol (our bug).
        """
        if self.is_over:
            return []
        if self._held is not None:
            if events and events[0]["type"] == "message_start":  # its usage counts, whatever follows
                (self._tally or self._record.tally).add(events[0])
            self._held += events
            if not _begins_content(self._held):
                return []
            events, self._held = self._held, None
        if not events:
            return events
        advance, note = self._state.advance, self._note
        try:
            for event in events:
                advance(event)
                note(event)
        except IllegalEvent as exc:
            raise _our_bug(exc) from exc
        last = events[-1]
        kind = last["type"]
        if kind != "error":
            self.is_over = kind == "message_stop"
            return events
        self.is_over = True
        last = cleaned_event(last, self._provider)
        self.error = self._record.error = error_of(last)
        return [*events[:-1], {**last, "request_id": self._record.context.request_id}]

    def finish(self) -> None:
        """The answer has ended.

        Raises:
            ApiError: It is not complete (our bug).
        """
        if self.is_over:
            return
        try:
            self._state.finish()
        except IllegalEvent as exc:
            raise _our_bug(exc) from exc


def _begins_content(events: Sequence[StreamEvent]) -> bool:
    for event in events:
        if event["type"] in _BEGINS_CONTENT:
            return True
        if event["type"] == "error":
            raise error_of(event)
    return False


def _our_bug(exc: IllegalEvent) -> ApiError:
    _log.error("unlawful_event", reason=str(exc))
    return ApiError(ErrorType.API, "The answer could not be translated (an error of Signalbox; see its log).")
