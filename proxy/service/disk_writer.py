"""When what waits is brought to the disk: soon and with others, at once where many wait, or once more.

One write runs at a time. What is written, and what becomes of what the disk does not take, its owner knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from proxy.tasks import spawn

WRITE_AFTER_S = 1.0
"""How long something may wait for others to be written with."""
MANY = 500
"""So many are written without waiting, and no more in one transaction."""
MOST_WAITING = 20_000
"""So many are kept while the disk cannot be written; then the oldest go."""
_RETRY_AFTER_S = 15.0


class DiskWriter:
    """The timer and the task of one owner's writes."""

    def __init__(
        self,
        write: Callable[[], Coroutine[Any, Any, None]],
        *,
        name: str,
        ended: Callable[[], None] = lambda: None,
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
