"""How far one request has come with its candidates, and what to do next: try one, wait, probe, or give up.

The rules:

1. The first candidate in the order that was tried least, does not rest and is not full is tried.
2. One that failed gives way to the others at once; it is tried again after its back-off, if the failure may
   pass and it has tries left. The first rate limit costs a try; each further one only where nobody was let in
   since: requests that storm a candidate wait for each other, as `circuit_breaker` lets them back.
3. Where nothing can be tried now, the shortest rest is waited for, unless that takes too long. Repeats and
   waits end after a total time; one that was not tried yet has its turn however long the others took.
   Where all that do not rest are full, the first free place at any of them is waited for; and one that is
   being probed is waited for as long as the probe may take.
4. A request that tried nothing yet, or was too long for all it tried, probes the candidate that has the
   shortest rest after failures: what it is told now is worth more than what others were told before.
5. Else the request has failed, and the client is told the failure that is most useful to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from proxy.config import Candidate, RetryPolicy
from proxy.messages.errors import ApiError, ErrorType, UpstreamError
from proxy.routing.retry import Random, as_told, is_too_long, may_pass, most_useful, wait_s


@dataclass(frozen=True, slots=True)
class Standing:
    """How a candidate stands now, with all requests together."""

    rest_s: float = 0.0
    """It is not to be tried for so long; 0: it may be."""
    why: str = ""
    """Why it rests, such as `breaker open`."""
    error: ApiError | None = None
    """What it failed with last."""
    is_full: bool = False
    """All its provider's places are taken."""
    probe_s: float = 0.0
    """Another request probes it, for so long at most; 0: none does."""
    may_hasten: bool = False
    """It rests because it failed, not because it was asked to: a request may end its rest."""


@dataclass(frozen=True, slots=True)
class Try:
    """Try this candidate now."""

    candidate: Candidate
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be tried now; look again after so many seconds, or when a standing changes."""

    seconds: float
    """Infinite where only places are waited for."""
    line: tuple[Candidate, ...] = ()
    """Those that could be tried if they had a place: a free one ends the wait."""


@dataclass(frozen=True, slots=True)
class Hasten:
    """End this candidate's rest and look again."""

    candidate: Candidate


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Tell the client this."""

    error: ApiError
    not_asked: Candidate | None = None
    """Whom the error speaks of, where nobody could even be asked."""


Step = Try | Wait | Hasten | GiveUp
StandingOf = Callable[[Candidate], Standing]


@dataclass(frozen=True, slots=True)
class Past:
    """What this request had of one candidate."""

    tries: int = 0
    limits: int = 0
    """How often it was told to come later."""
    served: int = 0
    """How many requests the candidate had let in when this one failed there last."""
    not_before: float = 0.0
    error: ApiError | None = None
    is_out: bool = False
    """It is not tried again for this request."""


_UNTRIED = Past()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one request has come with its candidates; every failure makes a new one."""

    order: tuple[Candidate, ...]
    policy: RetryPolicy
    ends_at: float
    """No try is repeated and nothing is waited for later."""
    past: Mapping[Candidate, Past] = field(default_factory=lambda: MappingProxyType({}))

    def after_failure(
        self, candidate: Candidate, error: ApiError, served: int, now: float, random: Random
    ) -> Progress:
        """Returns the progress after a try of a candidate failed.

        To be told to come later costs no try where others are let in meanwhile: then the turn will come. An
        upstream that lets nobody in is no queue, and its client is to hear of it soon.

        Args:
            candidate: Who failed.
            error: How.
            served: How many requests the candidate has let in so far, of all clients.
            now: The clock's reading.
            random: Spreads the wait.
        """
        before, most = self.past.get(candidate, _UNTRIED), self.policy.tries
        is_limit = error.type is ErrorType.RATE_LIMIT
        is_queue = is_limit and most > 1 and before.limits > 0 and served > before.served
        tries, limits = before.tries + (not is_queue), before.limits + is_limit
        is_out = not may_pass(error) or tries >= most
        not_before = now + (
            0.0 if is_out else wait_s(self.policy, limits if is_limit else tries, error, random)
        )
        return self._with(candidate, Past(tries, limits, served, not_before, error, is_out))

    def after_refused_key(self, candidate: Candidate, error: ApiError) -> Progress:
        """Returns the progress after one key was refused or limited and the candidate has another one."""
        before = self.past.get(candidate, _UNTRIED)
        return self._with(candidate, replace(before, error=error))

    def after_refusal(self, candidate: Candidate, error: ApiError) -> Progress:
        """Returns the progress after a candidate had no place for so long that it is not asked."""
        before = self.past.get(candidate, _UNTRIED)
        return self._with(candidate, replace(before, error=error, is_out=True))

    def next_step(self, now: float, standing_of: StandingOf) -> Step:
        """Returns what to do now."""
        if not self.past:
            first = standing_of(self.order[0])
            if first.rest_s <= 0 and not first.is_full:
                return Try(self.order[0], self._reason(self.order[0], {}))
        left = [each for each in self.order if not self.past.get(each, _UNTRIED).is_out]
        standings = {each: standing_of(each) for each in left}
        waits = {each: self._wait_s(each, now, standings[each]) for each in left}
        ready = [each for each in left if waits[each] <= 0 and (now <= self.ends_at or self._is_new(each))]
        free = [each for each in ready if not standings[each].is_full]
        if free:
            chosen = min(free, key=lambda each: self.past.get(each, _UNTRIED).tries)
            return Try(chosen, self._reason(chosen, standings))
        soonest = min(
            (
                wait
                for each, wait in waits.items()
                if 0 < wait <= self.policy.longest_wait_s
                and now + wait <= self._waits_until(each, standings[each])
            ),
            default=math.inf,
        )
        if ready or soonest < math.inf:
            return Wait(soonest, tuple(ready))
        resting = [each for each in left if standings[each].may_hasten]
        if resting and self._asks_for_more():
            return Hasten(min(resting, key=lambda each: standings[each].rest_s))
        return self._given_up(standings)

    def _with(self, candidate: Candidate, past: Past) -> Progress:
        return replace(self, past=MappingProxyType({**self.past, candidate: past}))

    def _is_new(self, candidate: Candidate) -> bool:
        """One whose key was refused and that has another key is new still; one that wants a pause is not."""
        past = self.past.get(candidate, _UNTRIED)
        return past.tries == 0 and (past.error is None or past.error.type is not ErrorType.RATE_LIMIT)

    def _waits_until(self, candidate: Candidate, standing: Standing) -> float:
        if not standing.probe_s or not self._is_new(candidate):
            return self.ends_at
        return self.ends_at + max(0.0, standing.probe_s - self.policy.total_s)

    def _wait_s(self, candidate: Candidate, now: float, standing: Standing) -> float:
        return max(self.past.get(candidate, _UNTRIED).not_before - now, standing.rest_s)

    def _reason(self, chosen: Candidate, standings: Mapping[Candidate, Standing]) -> str:
        past = self.past.get(chosen, _UNTRIED)
        position = self.order.index(chosen)
        if past.tries:
            reason = f"try {past.tries + 1} of it"
        elif len(self.order) == 1:
            reason = "the only candidate"
        else:
            reason = f"candidate {position + 1} of {len(self.order)}"
        if past.error is not None:
            reason += f" (before: {_short(past.error)})"
        earlier = () if past.tries else self.order[:position]
        return "; ".join([reason, *(self._why_not(each, standings) for each in earlier)])

    def _why_not(self, candidate: Candidate, standings: Mapping[Candidate, Standing]) -> str:
        error = self.past.get(candidate, _UNTRIED).error
        if error is not None:
            return f"{candidate.provider} failed ({_short(error)})"
        standing = standings[candidate]
        if standing.rest_s <= 0:
            return f"skipped {candidate.provider}: all its places are taken"
        return f"skipped {candidate.provider}: {standing.why} {standing.rest_s:.0f} s"

    def _asks_for_more(self) -> bool:
        """Whether nothing was tried, or nothing came of it but that the request is too long."""
        return all(past.error is not None and is_too_long(past.error) for past in self.past.values())

    def _given_up(self, standings: Mapping[Candidate, Standing]) -> GiveUp:
        errors = [past.error for past in self.past.values() if past.error is not None]
        if errors and not (standings and self._asks_for_more()):
            return GiveUp(as_told(most_useful(errors)))
        soonest = min(standings, key=lambda each: standings[each].rest_s)
        return GiveUp(_resting(soonest, standings[soonest]), soonest)


def _resting(candidate: Candidate, standing: Standing) -> ApiError:
    """What a client is told for whom no candidate could even be tried."""
    last = standing.error
    said = f" It failed with: {last.message}" if last is not None else ""
    return UpstreamError(
        last.type if last is not None and may_pass(last) else ErrorType.OVERLOADED,
        f"{candidate.provider} is left alone for {standing.rest_s:.0f} more seconds ({standing.why}).{said}",
        retry_after_s=max(1.0, standing.rest_s),
    )


def _short(error: ApiError) -> str:
    return f"{error.status} {error.type.value}"
