"""Where requests wait that somebody else's end lets in; they look again in the order in which they came.

Who comes when some have been woken and did not look yet gives way to them.
"""

from __future__ import annotations

import asyncio


class WaitingRoom:
    """Those who wait now."""

    def __init__(self) -> None:
        self._waiters: list[asyncio.Future[None]] = []
        self._woken = 0
        """Those who did not look yet."""
        self._have_looked = asyncio.Event()
        self._have_looked.set()

    def wake(self) -> None:
        """Something has changed: all look again."""
        waiters, self._waiters = self._waiters, []
        if waiters:
            self._woken += len(waiters)
            self._have_looked.clear()
        for each in waiters:
            if not each.done():
                each.set_result(None)

    async def give_way(self) -> None:
        """Returns once nobody who was woken has yet to look; at once, as a rule."""
        await self._have_looked.wait()

    async def is_woken_in(self, seconds: float) -> bool:
        """Waits until something has changed; False: nothing did in this time."""
        if seconds <= 0:
            return False
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            done, _ = await asyncio.wait({waiter}, timeout=seconds)
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            else:
                self._woken -= 1
                if not self._woken:
                    self._have_looked.set()
        return bool(done)
