r"""Event streams: splits received bytes into events at any cut, and writes ours.

Lines end at \\n, \\r\\n or \\r only (WHATWG, Server-sent events 9.2.5): U+2028 inside JSON is no line end.
"""

from __future__ import annotations

from dataclasses import dataclass

from proxy.messages.events import StreamEvent
from proxy.messages.wire import write_json

MAX_EVENT_BYTES = 2**20
"""An upstream that sends a larger event is broken or hostile; the largest honest one seen has 64 KiB."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    r"""One event as received: its name (empty: none given) and its data lines joined by \\n."""

    name: str
    data: bytes


class EventTooLarge(ValueError):
    """An event or a line exceeds the limit."""


class SseSplitter:
    """Takes bytes as they arrive and gives the events that are complete; comments count as life only."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        self._rest = b""
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0
        self._ends_with_cr = False

    @property
    def is_idle(self) -> bool:
        """Nothing of an unfinished line or event waits: the next byte begins an event."""
        return not self._rest and not self._data and not self._name

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Takes the next bytes.

        Raises:
            EventTooLarge: A line or an event is beyond the limit.
        """
        if self._ends_with_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        if chunk:
            self._ends_with_cr = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > self._max:
            raise EventTooLarge(f"a line of more than {self._max} bytes")
        events: list[ServerSentEvent] = []
        for line in lines:
            self._take(line, events)
        return events

    def finish(self) -> list[ServerSentEvent]:
        """The stream ended: gives an event that lacked only its blank line, if there is one."""
        events: list[ServerSentEvent] = []
        if self._rest:
            rest, self._rest = self._rest, b""
            self._take(rest, events)
        self._take(b"", events)
        return events

    def _take(self, line: bytes, events: list[ServerSentEvent]) -> None:
        if not line:
            if self._data:
                events.append(ServerSentEvent(self._name, b"\n".join(self._data)))
            self._name, self._data, self._size = "", [], 0
        elif line.startswith(b"data:"):
            value = line[6:] if line.startswith(b"data: ") else line[5:]
            self._size += len(value)
            if self._size > self._max:
                raise EventTooLarge(f"an event of more than {self._max} bytes")
            self._data.append(value)
        elif line.startswith(b"event:"):
            self._name = line[6:].strip().decode("utf-8", "replace")


def encode_event(event: StreamEvent) -> bytes:
    """Returns one event of ours as it goes to the client."""
    return b"event: " + event["type"].encode() + b"\ndata: " + write_json(event) + b"\n\n"
