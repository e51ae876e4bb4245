"""What a server wrote and what happened to it: the newest 64 KiB, lines of one kind each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

from proxy.mcp.values import LogEntry

MAX_LOG_BYTES = 64 * 1024
MAX_LINE_CHARS = 4096
_MAX_UNFINISHED = 4 * MAX_LINE_CHARS
Kind = Literal["stderr", "lifecycle", "sent", "received"]


class ServerLog:
    """The log of one server; it lives longer than its processes."""

    def __init__(self, wall_clock: Callable[[], float]) -> None:
        self._clock = wall_clock
        self._entries: deque[LogEntry] = deque()
        self._size = 0
        self._unfinished = b""
        self.last_error_line = ""
        """The last line of its standard error that is not empty, since the last start."""
        self.is_traced = False

    def entries(self) -> tuple[LogEntry, ...]:
        """Returns what is kept, oldest first."""
        return tuple(self._entries)

    def add(self, kind: Kind, text: str) -> None:
        """Keeps a line; the oldest give way."""
        line = text if len(text) <= MAX_LINE_CHARS else f"{text[:MAX_LINE_CHARS]}…"
        self._entries.append(LogEntry(self._clock(), kind, line))
        self._size += len(line.encode("utf-8", "replace"))
        while self._size > MAX_LOG_BYTES and len(self._entries) > 1:
            self._size -= len(self._entries.popleft().text.encode("utf-8", "replace"))

    def trace(self, kind: Literal["sent", "received"], text: str) -> None:
        """Keeps a message while the trace is on."""
        if self.is_traced:
            self.add(kind, text)

    def feed(self, piece: bytes) -> None:
        """Takes what it wrote to its standard error next."""
        *lines, rest = (self._unfinished + piece[-4 * MAX_LOG_BYTES :]).split(b"\n")
        self._unfinished = rest
        for line in lines:
            self._stderr(line)
        if len(self._unfinished) > _MAX_UNFINISHED:
            self.finish()

    def finish(self) -> None:
        """Takes what has no line end as a line: no more comes."""
        rest, self._unfinished = self._unfinished, b""
        if rest:
            self._stderr(rest)

    def begin(self) -> None:
        """Forgets what an earlier process said last."""
        self.finish()
        self.last_error_line = ""

    def _stderr(self, line: bytes) -> None:
        text = line[: 4 * MAX_LINE_CHARS].decode("utf-8", "replace").rstrip("\r")
        if text.strip():
            self.last_error_line = text.strip()[:300]
        self.add("stderr", text)
