"""Carries log lines from the log thread to the loop, in batches, with a bound."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable

from gui.desk import LogLine, LogsAppended

MAX_WAITING = 5_000
INTERVAL_S = 0.1


class LogRelay:
    """Collects lines in the log thread and hands them to `announce` on the loop, some times a second."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        announce: Callable[[LogsAppended], None],
        *,
        max_waiting: int = MAX_WAITING,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._loop = loop
        self._announce = announce
        self._waiting: deque[LogLine] = deque()
        self._max_waiting = max_waiting
        self._interval_s = interval_s
        self._dropped = 0
        self._is_scheduled = False
        self._is_open = True
        self._guard = threading.Lock()

    def take(self, lines: tuple[LogLine, ...], dropped: int) -> None:
        """Takes lines in any thread; the oldest fall out when the loop does not keep up."""
        with self._guard:
            if not self._is_open:
                return
            self._waiting.extend(lines)
            self._dropped += dropped
            while len(self._waiting) > self._max_waiting:
                self._waiting.popleft()
                self._dropped += 1
            if self._is_scheduled:
                return
            try:
                self._loop.call_soon_threadsafe(self._schedule)
            except RuntimeError:  # the loop is closed: nobody listens any more
                self._is_open = False
                return
            self._is_scheduled = True

    def close(self) -> None:
        """Takes nothing more."""
        with self._guard:
            self._is_open = False
            self._waiting.clear()

    def _schedule(self) -> None:
        self._loop.call_later(self._interval_s, self._hand_over)

    def _hand_over(self) -> None:
        with self._guard:
            lines, dropped = tuple(self._waiting), self._dropped
            self._waiting.clear()
            self._dropped = 0
            self._is_scheduled = False
        if lines or dropped:
            self._announce(LogsAppended(lines, dropped))
