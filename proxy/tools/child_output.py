"""What a child wrote, as far as it is kept: the first bytes or the newest ones, never more than a limit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

MAX_KEPT_BYTES = 2**20

Sink = Callable[[bytes], None]
"""Told each piece a child writes, on the loop's thread; it must not block."""


class HeadOutput:
    """Keeps the first bytes and counts the rest: what a command's result is made of."""

    def __init__(self, max_bytes: int = MAX_KEPT_BYTES) -> None:
        """Keeps at most `max_bytes`."""
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self._kept = 0
        self.total_bytes = 0
        """How much was written in all."""
        self.dropped_lines = 0
        """How many line ends were in what is not kept."""

    def feed(self, piece: bytes) -> None:
        """Takes what was written next."""
        self.total_bytes += len(piece)
        room = self._max_bytes - self._kept
        if room >= len(piece):
            self._pieces.append(piece)
            self._kept += len(piece)
            return
        if room > 0:
            self._pieces.append(piece[:room])
            self._kept += room
        self.dropped_lines += piece.count(b"\n", max(room, 0))

    @property
    def is_cut(self) -> bool:
        """Something was not kept."""
        return self.total_bytes > self._kept

    def text(self) -> str:
        """Returns what is kept, as UTF-8 with what is no text replaced."""
        return b"".join(self._pieces).decode("utf-8", "replace")


class TailOutput:
    """Keeps the newest bytes until they are taken: what a background command or a server said last."""

    def __init__(self, max_bytes: int = MAX_KEPT_BYTES) -> None:
        """Keeps at most `max_bytes`."""
        self._max_bytes = max_bytes
        self._pieces: deque[bytes] = deque()
        self._kept = 0
        self.dropped_bytes = 0
        """How many bytes were lost since the last `take`."""

    def feed(self, piece: bytes) -> None:
        """Takes what was written next; the oldest bytes give way."""
        self._pieces.append(piece)
        self._kept += len(piece)
        while self._kept > self._max_bytes:
            oldest = self._pieces.popleft()
            excess = self._kept - self._max_bytes
            lost = min(excess, len(oldest))
            if lost < len(oldest):
                self._pieces.appendleft(oldest[lost:])
            self._kept -= lost
            self.dropped_bytes += lost

    def text(self) -> str:
        """Returns what is kept without taking it."""
        return b"".join(self._pieces).decode("utf-8", "replace")

    def take(self, *, whole_characters: bool = True) -> bytes:
        """Returns what is kept and forgets it.

        Args:
            whole_characters: Leave the beginning of a UTF-8 character at the end for the next time; give
                False once nothing more will come.
        """
        taken = b"".join(self._pieces)
        rest = _unfinished(taken) if whole_characters else b""
        self._pieces = deque((rest,) if rest else ())
        self._kept = len(rest)
        self.dropped_bytes = 0
        return taken[: len(taken) - len(rest)]


def _unfinished(data: bytes) -> bytes:
    """Returns the start of a UTF-8 character at the end of `data` that is not complete yet."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return data[-back:] if length > back else b""
    return b""
