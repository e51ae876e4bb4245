"""The places at one provider: so many requests go at once, the others wait in line.

Clients' tokens take turns, and so do the conversations of one token: ten requests of one let a single one of
another wait for one of them, not for ten. The token comes first, for a client may call every request a
conversation of its own. A request may wait in the lines of several providers; the first place that becomes
free anywhere is its own.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Line:
    """The places at one provider, and who waits for one."""

    def __init__(self, places: int) -> None:
        self.busy = 0
        """Places that are taken."""
        self.places = places
        """How many there are; the settings may change it at any time."""
        self._waiting: dict[str, dict[str, deque[Waiter]]] = {}
        """By token, then by conversation; the first one's turn comes next."""

    @property
    def is_full(self) -> bool:
        """Whether who comes now must wait; nobody overtakes those who do."""
        return self.busy >= self.places or bool(self._waiting)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(len(queue) for queues in self._waiting.values() for queue in queues.values())

    def take(self) -> None:
        """Takes a place."""
        self.busy += 1

    def leave(self) -> None:
        """Gives a place back; the next request gets it."""
        self.busy -= 1
        self._hand_out()

    def resize(self, places: int) -> None:
        """Has so many places from now on; new ones go to those who wait."""
        self.places = places
        self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting and self.busy < self.places:
            waiter = self._next()
            if not waiter.turn.done():
                self.busy += 1
                waiter.turn.set_result(self)

    def holds(self, waiter: Waiter) -> bool:
        """Returns whether a request waits here."""
        return waiter in self._waiting.get(waiter.token, {}).get(waiter.conversation, ())

    def join(self, waiter: Waiter) -> None:
        """Lets a request wait here too."""
        self._waiting.setdefault(waiter.token, {}).setdefault(waiter.conversation, deque()).append(waiter)

    def quit(self, waiter: Waiter) -> None:
        """Lets a request wait here no more, if it still does."""
        if self.holds(waiter):
            queues = self._waiting[waiter.token]
            queues[waiter.conversation].remove(waiter)
            if not queues[waiter.conversation]:
                del queues[waiter.conversation]
            if not queues:
                del self._waiting[waiter.token]

    def _next(self) -> Waiter:
        token = next(iter(self._waiting))
        queues = self._waiting.pop(token)
        conversation = next(iter(queues))
        queue = queues.pop(conversation)
        waiter = queue.popleft()
        if queue:
            queues[conversation] = queue  # behind the token's other conversations
        if queues:
            self._waiting[token] = queues  # behind the other tokens
        return waiter


class Waiter:
    """One request that waits for the first free place in some lines; must be made on the running loop."""

    def __init__(self, token: str, conversation: str = "") -> None:
        self.token = token
        self.conversation = conversation
        """Empty for requests of none."""
        self.turn: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
        """The line that has a place for it."""
        self._lines: list[Line] = []

    @property
    def is_in_line(self) -> bool:
        """Whether it waits anywhere."""
        return bool(self._lines)

    def join(self, line: Line) -> None:
        """Waits in a line too."""
        if line not in self._lines:
            self._lines.append(line)
            line.join(self)

    def accept(self) -> Line:
        """Takes the place that it got; in the other lines it keeps its position until it quits."""
        line = self.turn.result()
        self.turn = asyncio.get_running_loop().create_future()
        self._lines = [each for each in self._lines if each.holds(self)]
        return line

    def quit(self) -> Line | None:
        """Waits no more; returns the line in which it got a place, if it did."""
        for line in self._lines:
            line.quit(self)
        self._lines.clear()
        if self.turn.done():
            return self.turn.result()
        self.turn.cancel()
        return None
