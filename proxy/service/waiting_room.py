"""Where requests wait that somebody else's end lets in; they look again in the order in which they came."""

from __future__ import annotations

import asyncio


class WaitingRoom:
    """Those who wait now."""

    def __init__(self) -> None:
        self._waiters: list[asyncio.Future[None]] = []

    def wake(self) -> None:
        """Something has changed: all look again."""
        waiters, self._waiters = self._waiters, []
        for each in waiters:
            if not each.done():
                each.set_result(None)

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
        return bool(done)
