"""What waits to be written, and when it is: soon and with others, at once where many wait, or once more.

One write runs at a time. What is written, and what becomes of what the disk does not take, its owner knows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from proxy.tasks import spawn

WRITE_AFTER_S = 1.0
"""How long something may wait for others to be written with."""
MANY = 500
"""So many are written without waiting, and no more in one transaction."""
MOST_WAITING = 20_000
"""So many are kept while the disk cannot be written; then the oldest go."""
_RETRY_AFTER_S = 15.0

T = TypeVar("T")


class Backlog(Generic[T]):
    """What waits to be written, oldest first: only so much, and nothing is lost uncounted."""

    def __init__(self) -> None:
        self._waiting: deque[T] = deque()
        self._in_hand = 0
        """Taken to be written, and neither written yet nor put back."""
        self._lost = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, item: T) -> None:
        """Takes what is to be written."""
        if len(self._waiting) == MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(item)

    def take(self, most: int) -> list[T]:
        """Gives the oldest away, to be written."""
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._in_hand += len(taken)
        return taken

    def written(self, count: int) -> None:
        """So many of those that were taken stand on the disk."""
        self._in_hand -= count

    def put_back(self, items: Sequence[T]) -> None:
        """Takes again what could not be written; where there is too little room, the oldest go."""
        self._in_hand -= len(items)
        excess = max(0, len(items) + len(self._waiting) - MOST_WAITING)
        self._lost += excess
        self._waiting.extendleft(reversed(items[excess:]))

    def clear(self) -> None:
        """Gives up what waits."""
        self._lost += len(self._waiting)
        self._waiting.clear()

    def lost(self) -> int:
        """Returns how many were lost since it was last asked, to be told once; for when no write runs."""
        lost, self._lost, self._in_hand = self._lost + self._in_hand, 0, 0
        return lost


class DiskWriter:
    """The timer and the task of one owner's writes."""

    def __init__(
        self,
        write: Callable[[], Coroutine[Any, Any, None]],
        *,
        name: str,
        ended: Callable[[], None],
    ) -> None:
        """Makes the writer; nothing runs yet.

        Args:
            write: Writes what waits.
            name: What the task is called.
            ended: Called after each run of `write`, however it ended; it may begin the next.
        """
        self._write = write
        self._name = name
        self._ended = ended
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_writing(self) -> bool:
        """Whether a write runs."""
        return self._task is not None

    def added(self, waiting: int) -> None:
        """Writes soon what was added, or now if as many wait as are written together."""
        if self._timer is None:
            self.soon()
        elif waiting == MANY:
            self.now()

    def soon(self) -> None:
        """Writes in a moment, unless that is planned already."""
        self._plan(WRITE_AFTER_S)

    def again(self) -> None:
        """Writes once more when the disk may have recovered, unless it is planned already."""
        self._plan(_RETRY_AFTER_S)

    def now(self) -> None:
        """Writes at once, unless a write runs."""
        self._forget_plan()
        if self._task is None:
            self._task = spawn(self._run(), name=self._name)

    async def settle(self) -> None:
        """Waits for the write that runs, if one does."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def close(self) -> None:
        """Waits for the write that runs; none follows."""
        while self._task is not None:  # the end of one may begin the next
            await self.settle()
        self._forget_plan()

    def _plan(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self.now)

    def _forget_plan(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _run(self) -> None:
        try:
            await self._write()
        finally:
            self._task = None
            self._ended()
