"""Lets so many requests at once to a provider; the others wait in line and go in the order they came."""

from __future__ import annotations

import asyncio
from collections import deque


class Line:
    """The places at one provider."""

    def __init__(self) -> None:
        self.busy = 0
        """Places that are taken."""
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self, places: int, patience_s: float) -> bool:
        """Takes a place, waiting for it as long as `patience_s`; False: none became free.

        Args:
            places: How many there are now; the settings may change it at any time.
            patience_s: How long to wait.
        """
        if self.busy < places and not self._waiting:
            self.busy += 1
            return True
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await asyncio.wait((turn,), timeout=patience_s)
        except BaseException:
            self._give_up(turn, places)
            raise
        if turn.done():
            return True
        self._give_up(turn, places)
        return False

    def leave(self, places: int) -> None:
        """Gives a place back; whoever waits longest gets it."""
        self.busy -= 1
        while self._waiting and self.busy < places:
            self.busy += 1
            self._waiting.popleft().set_result(None)

    def _give_up(self, turn: asyncio.Future[None], places: int) -> None:
        if turn.done():
            self.leave(places)
        else:
            self._waiting.remove(turn)
