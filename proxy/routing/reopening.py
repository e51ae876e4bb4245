"""Lets requests back in steps to a candidate that refused some for their number: one, two, four at once.

Counted are those that ask and have no answer's status yet: who is let in takes no room from the others. Each
step must be let in whole before the next one, which is twice as large up to the last one that was, and then
larger by one at a time. A minute after the last refusal it is over: limits are counted by the minute.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

LASTS_S = 60.0
MOST = 64
"""Larger steps are no limit."""
_PATIENCE = 8
"""So many times as long it takes to go above what was refused before."""


@dataclass(frozen=True, slots=True)
class Reopening:
    """How many requests may ask at the same time."""

    ends_at: float
    """In the clock's seconds."""
    room: int = 1
    let_in: int = 0
    """Of this step."""
    ceiling: int = 2 * MOST
    """The largest step that was let in before one was refused; beyond `MOST`: none was refused."""

    def after_one(self, now: float) -> Reopening | None:
        """Returns the step after a request was let in; None: there is no limit any more."""
        if now >= self.ends_at:
            return None
        is_above = self.room >= self.ceiling
        if self.let_in + 1 < self.room * (_PATIENCE if is_above else 1):
            return replace(self, let_in=self.let_in + 1)
        room = self.room + 1 if is_above else min(self.room * 2, self.ceiling)
        return replace(self, room=room, let_in=0) if room <= MOST else None

    def after_refusal(self, now: float) -> Reopening:
        """Returns the first step after a request was refused in this one."""
        ceiling = self.ceiling  # the refusal of a single one says nothing of how many are too many
        if self.room > 1:
            ceiling = self.room - 1 if self.room > ceiling else self.room // 2
        return Reopening(now + LASTS_S, ceiling=ceiling)


def refused(before: Reopening | None, now: float) -> Reopening:
    """Returns the first step after a request was refused."""
    return Reopening(now + LASTS_S) if before is None else before.after_refusal(now)
