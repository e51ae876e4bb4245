"""Leaves a candidate alone while it is down: one value a candidate, changed by what happens and by a clock.

The rules:

1. Closed: every request may try. After `failures` in a row, or when `failure_share` of the last `window`
   tries failed, it opens. An upstream that asks for a pause (429, Retry-After) opens it for that long, and
   afterwards requests are let back in steps (`reopening`).
2. Open: nobody may try until `until`; then it is half-open.
3. Half-open: one request may try, the probe. Its failure opens for twice as long. It closes as soon as the
   upstream answers with a status: a slow probe keeps nobody waiting. Until content has come, though, the next
   failure opens again.
4. What a try has to say counts only in the period (`epoch`) in which it began: late news of an earlier one
   change nothing, but a pause that an upstream asks for is never shortened.
5. A rest after failures may be ended early, for a request that nobody else could answer: it probes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from proxy.config import BreakerPolicy
from proxy.routing.reopening import Reopening, refused

State = Literal["closed", "open", "half_open"]

PROBE_WAIT_S = 1.0
"""How long others wait for a probe before they look again."""
_SHORTEST_PAUSE_S = 1.0
"""What a rate limit without Retry-After is answered with; doubled each time."""
_LONGEST_PAUSE_S = 8.0
"""So far: below the longest wait, so that requests can wait for it."""
_MOST_DOUBLINGS = 30
"""More would overflow, and the longest rest is reached by then."""


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """The state of one candidate."""

    state: State = "closed"
    epoch: int = 0
    """Counts the changes of state."""
    until: float = 0.0
    """Open: when the rest ends, in the clock's seconds."""
    is_asked: bool = False
    """Open: the upstream itself asked for the rest."""
    why: str = ""
    """Open or half-open: what opened it, for people."""
    failures: int = 0
    """In a row."""
    tries: tuple[bool, ...] = ()
    """The last ones, whether they succeeded; empty while none failed."""
    openings: int = 0
    """How often it opened since an answer had content last."""
    reopening: Reopening | None = None
    """After a pause: how many may ask at once."""

    def rest_s(self, now: float, asking: int = 0) -> float:
        """Returns how long nobody may try; 0: a request may.

        Args:
            now: The clock.
            asking: How many requests wait for their answer's status.
        """
        if self.state == "open":
            return max(0.0, self.until - now)
        if self.state == "half_open":
            return PROBE_WAIT_S
        steps = self.reopening
        is_full = steps is not None and asking >= steps.room and now < steps.ends_at
        return PROBE_WAIT_S if is_full else 0.0

    @property
    def may_hasten(self) -> bool:
        """Whether its rest may be ended early."""
        return self.state == "open" and not self.is_asked

    def hastened(self, now: float) -> CircuitBreaker:
        """Returns the breaker with its rest ended, so that the next request probes."""
        return replace(self, until=min(self.until, now)) if self.may_hasten else self

    def begun(self, now: float, asking: int = 0) -> CircuitBreaker | None:
        """Returns the breaker after a try begins, or None where none may begin now; arguments as `rest_s`."""
        if self.state == "closed" and self.reopening is None:
            return self
        if self.rest_s(now, asking) > 0:
            return None
        return self if self.state == "closed" else replace(self, state="half_open", epoch=self.epoch + 1)

    def let_in(self, epoch: int, now: float, policy: BreakerPolicy) -> CircuitBreaker:
        """Returns the breaker after the upstream answered a try that began in `epoch` with a status."""
        if epoch != self.epoch or (self.state == "closed" and self.reopening is None):
            return self
        steps = None if self.reopening is None else self.reopening.after_one(now)
        if self.state == "closed":
            return replace(self, reopening=steps)
        failures = 0 if self.is_asked else policy.failures - 1
        return replace(self, state="closed", failures=failures, reopening=steps)

    def succeeded(self, epoch: int, policy: BreakerPolicy) -> CircuitBreaker:
        """Returns the breaker after a try that began in `epoch`, and was let in, brought content."""
        if epoch != self.epoch:
            return self
        if not self.tries and not self.failures and not self.openings:
            return self
        tries = (*self.tries, True)[-policy.window :] if self.tries else ()
        return replace(self, failures=0, openings=0, tries=tries if False in tries else ())

    def failed(self, epoch: int, now: float, policy: BreakerPolicy) -> CircuitBreaker:
        """Returns the breaker after a try that began in `epoch` found the candidate down."""
        if epoch != self.epoch:
            return self
        if self.state == "half_open":
            return self._opened(now, self._doubled(policy.rest_s, policy), self.why)
        tries = (*self.tries, False)[-policy.window :]
        in_a_row, failed = self.failures + 1, tries.count(False)
        if in_a_row >= policy.failures:
            why = f"{in_a_row} failures in a row"
        elif len(tries) == policy.window and failed >= policy.failure_share * policy.window:
            why = f"{failed} of the last {policy.window} tries failed"
        else:
            return replace(self, failures=in_a_row, tries=tries)
        return self._opened(now, self._doubled(policy.rest_s, policy), why)

    def paused(self, epoch: int, now: float, pause_s: float | None, policy: BreakerPolicy) -> CircuitBreaker:
        """Returns the breaker after a try that began in `epoch` was told to come back later.

        Args:
            epoch: Of the try.
            now: The clock.
            pause_s: As the upstream asks; None: it asks for none.
            policy: The longest rest, where the upstream names none.
        """
        if self.state == "open":
            until = max(self.until, now + (pause_s or 0.0))
            return replace(self, until=until, is_asked=self.is_asked or pause_s is not None)
        if epoch != self.epoch:
            return self
        if pause_s is None or self.openings:  # what it told last time was too short
            pause_s = max(pause_s or 0.0, min(_LONGEST_PAUSE_S, self._doubled(_SHORTEST_PAUSE_S, policy)))
        opened = self._opened(now, pause_s, "it asked for a pause", is_asked=True)
        return replace(opened, reopening=refused(self.reopening, now))

    def abandoned(self, epoch: int) -> CircuitBreaker:
        """Returns the breaker after a try that began in `epoch` ended without news: its client left."""
        if epoch != self.epoch or self.state != "half_open":
            return self
        return replace(self, state="open", epoch=self.epoch + 1)

    def _doubled(self, first_s: float, policy: BreakerPolicy) -> float:
        return min(policy.longest_rest_s, first_s * 2.0 ** min(self.openings, _MOST_DOUBLINGS))

    def _opened(self, now: float, rest_s: float, why: str, *, is_asked: bool = False) -> CircuitBreaker:
        return replace(
            self,
            state="open",
            epoch=self.epoch + 1,
            until=now + rest_s,
            is_asked=is_asked,
            why=why,
            failures=0,
            tries=(),
            openings=self.openings + 1,
        )
