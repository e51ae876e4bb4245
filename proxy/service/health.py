"""How every candidate stands, for all requests together: its breaker, its keys, its places in line.

A try has a place in its provider's line and runs inside `Health.trying`, which gives a `Ticket` and takes
what became of the try. When to open, how long to rest and which key to take is decided in `proxy.routing`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType

import structlog
from typing_extensions import Self

from proxy.config import BreakerPolicy, Candidate, ProviderConfig
from proxy.events import BreakerChanged, EventSink
from proxy.messages.errors import ApiError, ErrorType, UpstreamError
from proxy.routing.circuit_breaker import CircuitBreaker
from proxy.routing.keys import KeyRests, concerns_key, keys_of, with_key
from proxy.routing.progress import Standing
from proxy.routing.retry import Random, is_outage, may_pass
from proxy.service.line import Line

_log = structlog.get_logger("proxy.service")

MAX_KNOWN = 256
"""Candidates remembered while nothing is under way with them; any model name may be one."""
_WHY = {
    "open": "breaker open",
    "half_open": "breaker half-open, being probed",
    "closed": "let back in steps after a pause",
}


class Rests(Exception):
    """The candidate began to rest before the request came to it: look again whose turn it is."""


@dataclass(slots=True)
class _Known:
    """What is known of one candidate."""

    candidate: Candidate
    provider: ProviderConfig
    """As it is configured now; another configuration begins anew."""
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    limited: KeyRests = field(default_factory=KeyRests)
    """The keys that this model has used up for now."""
    in_flight: int = 0
    asking: int = 0
    """Of these, how many have no answer's status yet."""
    served: int = 0
    """How many were answered with status 200."""
    used_at: float = 0.0
    """When it was tried last."""
    error: ApiError | None = None
    """Why it rests, or rested last; other clients are told it, so it is none of a single request."""


class Health:
    """All candidates; one for the life of the server, whatever the settings become."""

    def __init__(self, emit: EventSink, clock: Callable[[], float], random: Random) -> None:
        """Announces with `emit`; `clock` is for durations, `random` for draws and for spreading waits."""
        self.clock = clock
        self.random = random
        self._emit = emit
        self._known: dict[tuple[str, str], _Known] = {}
        self._refused: dict[str, tuple[ProviderConfig, KeyRests]] = {}
        self._lines: dict[str, Line] = {}
        self._configured: Mapping[str, ProviderConfig] | None = None
        """By the settings in force; None: by those of the start, which every request has."""
        self._waiting: dict[asyncio.Future[None], None] = {}
        """In the order they came: the first to be woken is the first to look."""

    def standing(self, candidate: Candidate, provider: ProviderConfig) -> Standing:
        """Returns how a candidate stands now."""
        known = self._of(candidate, provider)
        line = self._lines.get(provider.name)
        is_full = line is not None and line.is_full
        if known is None:
            return Standing(is_full=is_full)
        now = self.clock()
        breaker = known.breaker
        rest_s, why = breaker.rest_s(now, known.asking), _WHY[breaker.state]
        may_hasten = rest_s > 0 and breaker.may_hasten
        if rest_s <= 0 and provider.further_keys:
            rests = self._rests(known)
            if rests.pick(len(keys_of(provider)), now) is None:
                rest_s, why = rests.soonest_s(now), "all keys limited"
        probe_s = provider.first_byte_timeout_s if breaker.state == "half_open" else 0.0
        return Standing(rest_s, why, known.error, is_full, probe_s, may_hasten)

    def line(self, provider: ProviderConfig) -> Line:
        """Returns the line of a provider; how many places it has is for `apply` to say, not for who looks.

        Requests keep the settings with which they came.
        """
        line = self._lines.get(provider.name)
        if line is None:
            line = self._lines[provider.name] = Line(provider.max_concurrent)
        return line

    def apply(self, providers: Mapping[str, ProviderConfig]) -> None:
        """Takes changed settings: as many places as they say, and nothing known of providers that changed."""
        self._configured = providers
        for provider in providers.values():
            self.line(provider).resize(provider.max_concurrent)
        for known in tuple(self._known.values()):
            if providers.get(known.candidate.provider) != known.provider:
                self._forget(known)
        for name, (configured, _) in tuple(self._refused.items()):
            if providers.get(name) != configured:
                del self._refused[name]

    def hasten(self, candidate: Candidate, provider: ProviderConfig) -> None:
        """Ends a candidate's rest after failures: the next request probes it."""
        known = self._of(candidate, provider)
        if known is not None:
            known.breaker = known.breaker.hastened(self.clock())

    def in_flight(self, candidate: Candidate) -> int:
        """Returns how many requests are before the next: those it answers, and its provider's line."""
        known = self._known.get((candidate.provider, candidate.model))
        line = self._lines.get(candidate.provider)
        return (0 if known is None else known.in_flight) + (0 if line is None else line.waiting)

    def served(self, candidate: Candidate) -> int:
        """Returns how many requests a candidate has let in since it is known."""
        known = self._known.get((candidate.provider, candidate.model))
        return 0 if known is None else known.served

    def has_other_key(self, candidate: Candidate, provider: ProviderConfig) -> bool:
        """Says whether the candidate has a key that neither was refused nor is limited now."""
        known = self._of(candidate, provider)
        if known is None or not provider.further_keys:
            return False
        now, rests = self.clock(), self._rests(known)
        index = rests.pick(len(keys_of(provider)), now)
        return index is not None and (index not in rests.rests or rests.rests[index].until <= now)

    def trying(self, candidate: Candidate, provider: ProviderConfig, policy: BreakerPolicy) -> Ticket:
        """Begins a try of a candidate, to be made inside its ticket; it has a place in the provider's line.

        Raises:
            Rests: The candidate may not be tried now.
        """
        known = self._of(candidate, provider) or self._remember(candidate, provider)
        index = 0
        if provider.further_keys:
            index = self._rests(known).pick(len(keys_of(provider)), self.clock())
        known.used_at = now = self.clock()
        begun = known.breaker.begun(now, known.asking)
        if index is None or begun is None:
            raise Rests
        self._change(known, begun)
        known.in_flight += 1
        known.asking += 1
        return Ticket(self, known, policy, index, begun.epoch)

    async def wait(self, seconds: float, *others: asyncio.Future[Line]) -> None:
        """Waits so long, or until some candidate's standing changes or one of the others is done."""
        changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[changed] = None
        try:
            await asyncio.wait((changed, *others), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._waiting[changed]

    def breakers(self) -> tuple[BreakerChanged, ...]:
        """Returns how the breakers stand that are not closed."""
        return tuple(
            self._announcement(each) for each in self._known.values() if each.breaker.state != "closed"
        )

    def reset(self, provider: str, model: str | None) -> int:
        """Closes the breakers of a provider's candidates and lets its keys be used again.

        Args:
            provider: The provider.
            model: The only candidate that is meant; None: all of them.

        Returns:
            How many rested.
        """
        has_refused = self._refused.pop(provider, None) is not None
        count = 0
        for known in tuple(self._known.values()):
            candidate, breaker = known.candidate, known.breaker
            if candidate.provider != provider or model not in (None, candidate.model):
                continue
            count += has_refused or bool(known.limited.rests) or breaker.state != "closed"
            known.limited = KeyRests()
            self._change(known, CircuitBreaker(epoch=breaker.epoch + 1))
        self._wake()
        return count

    def ended(self, known: _Known, epoch: int, policy: BreakerPolicy, error: ApiError | None) -> None:
        """Takes what came of a try: content, or an error before or after it."""
        before, now = known.breaker, self.clock()
        if error is None:
            after = before.let_in(epoch, now, policy).succeeded(epoch, policy)
        elif not isinstance(error, UpstreamError):
            after = before.abandoned(epoch)  # the request or we ourselves are at fault: no news of it
        elif error.type is ErrorType.RATE_LIMIT or (may_pass(error) and error.retry_after_s is not None):
            after = before.paused(epoch, now, error.retry_after_s, policy)
            known.error = error
        elif is_outage(error):
            after = before.failed(epoch, now, policy)
            known.error = error
        else:
            # it is there, and refuses this one request
            after = before.let_in(epoch, now, policy).succeeded(epoch, policy)
        self._change(known, after)

    def let_in(self, known: _Known, epoch: int, policy: BreakerPolicy) -> None:
        """Takes that the upstream answers with a status."""
        known.served += 1
        self._change(known, known.breaker.let_in(epoch, self.clock(), policy))
        self.asks_no_more(known)

    def asks_no_more(self, known: _Known) -> None:
        """Takes that a try waits for its answer's status no more."""
        known.asking -= 1
        if known.breaker.reopening is not None:
            self._wake()

    def key_failed(self, known: _Known, index: int, error: ApiError) -> None:
        """Takes the upstream's no to one of several keys."""
        now, name = self.clock(), known.provider.name
        if error.type is ErrorType.RATE_LIMIT:
            known.limited = known.limited.after(index, error, now)
        elif self._is_stored(known):
            self._refused[name] = known.provider, self._refused_of(known.provider).after(index, error, now)
        known.error = error
        _log.warning("key_rests", provider=name, key=index + 1, status=error.status)
        self._wake()

    def left(self, known: _Known, epoch: int) -> None:
        """Takes that a try is over, whatever came of it."""
        known.in_flight -= 1
        self._change(known, known.breaker.abandoned(epoch))
        if len(self._known) > MAX_KNOWN:
            self._forget_one()

    def _of(self, candidate: Candidate, provider: ProviderConfig) -> _Known | None:
        known = self._known.get((candidate.provider, candidate.model))
        if known is None or (known.provider is not provider and known.provider != provider):
            return None
        return known

    def _remember(self, candidate: Candidate, provider: ProviderConfig) -> _Known:
        """Begins to know a candidate; what a request with earlier settings finds out, it keeps to itself."""
        known = _Known(candidate, provider)
        if self._configured is not None and self._configured.get(provider.name) != provider:
            return known
        key = candidate.provider, candidate.model
        if key in self._known:
            self._forget(self._known[key])
        self._known[key] = known
        return known

    def _is_stored(self, known: _Known) -> bool:
        return self._known.get((known.candidate.provider, known.candidate.model)) is known

    def _forget_one(self) -> None:
        """Forgets the one that was not used for longest; what rests is kept until its rest is over."""
        now = self.clock()
        idle = [each for each in self._known.values() if not each.in_flight and not _rests(each, now)]
        for each in sorted(idle, key=lambda each: each.used_at)[: len(self._known) - MAX_KNOWN]:
            self._forget(each)

    def _forget(self, known: _Known) -> None:
        """Forgets a candidate; what tries under way still say of it changes and announces nothing."""
        if known.breaker.state != "closed":
            self._change(known, CircuitBreaker(epoch=known.breaker.epoch + 1))
        del self._known[known.candidate.provider, known.candidate.model]

    def _refused_of(self, provider: ProviderConfig) -> KeyRests:
        configured, rests = self._refused.get(provider.name, (provider, KeyRests()))
        return rests if configured == provider else KeyRests()

    def _rests(self, known: _Known) -> KeyRests:
        return KeyRests({**known.limited.rests, **self._refused_of(known.provider).rests})

    def _change(self, known: _Known, after: CircuitBreaker) -> None:
        before, known.breaker = known.breaker, after
        if after.state == before.state and after.until == before.until:
            return
        if not self._is_stored(known):
            return
        announced = self._announcement(known)
        _log.info(
            "breaker_changed",
            provider=announced.provider,
            model=announced.model,
            state=announced.state,
            reason=announced.reason,
            rest_s=round(announced.rest_s, 1),
        )
        self._emit(announced)
        self._wake()

    def _announcement(self, known: _Known) -> BreakerChanged:
        breaker, candidate = known.breaker, known.candidate
        return BreakerChanged(
            candidate.provider, candidate.model, breaker.state, breaker.why, breaker.rest_s(self.clock())
        )

    def _wake(self) -> None:
        for changed in self._waiting:
            if not changed.done():
                changed.set_result(None)


def _rests(known: _Known, now: float) -> bool:
    limits = known.limited.rests.values()
    return known.breaker.rest_s(now) > 0 or any(each.until > now for each in limits)


class Ticket:
    """One try of one candidate with one of its provider's keys: a block, left by the error that ended it."""

    def __init__(
        self, health: Health, known: _Known, policy: BreakerPolicy, key_index: int, epoch: int
    ) -> None:
        self.provider = with_key(known.provider, key_index)
        """As it is to be called."""
        self._health = health
        self._known = known
        self._policy = policy
        self._key_index = key_index
        self._epoch = epoch
        self._is_asking = True
        self._has_answered = False

    @property
    def key_label(self) -> str:
        """Which of several keys it is called with, for people; empty where there is one."""
        keys = len(keys_of(self._known.provider))
        return f"key {self._key_index + 1} of {keys}" if keys > 1 else ""

    def let_in(self) -> None:
        """The upstream answers with status 200; only the first call counts."""
        if self._is_asking:
            self._is_asking = False
            self._health.let_in(self._known, self._epoch, self._policy)

    def answered(self) -> None:
        """The upstream brings content; only the first call counts."""
        if self._has_answered:
            return
        self._has_answered = True
        self._health.ended(self._known, self._epoch, self._policy, None)

    def failed(self, error: ApiError) -> None:
        """The try failed, before content or after it."""
        if self._known.provider.further_keys and concerns_key(error):
            self._health.key_failed(self._known, self._key_index, error)
        else:
            self._health.ended(self._known, self._epoch, self._policy, error)

    def __enter__(self) -> Self:
        """Begins."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the try."""
        if isinstance(exc, ApiError):
            self.failed(exc)
        if self._is_asking:
            self._is_asking = False
            self._health.asks_no_more(self._known)
        self._health.left(self._known, self._epoch)
