"""Whose turn it is to answer a request: asks `routing.progress`, waits where it says so, logs failures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from proxy.config import Candidate, ProviderConfig, RetryPolicy
from proxy.messages.errors import ApiError, forget_frames
from proxy.routing.aliases import Route
from proxy.routing.candidates import ordered
from proxy.routing.keys import concerns_key
from proxy.routing.progress import GiveUp, Hasten, Progress, Standing, Try
from proxy.routing.retry import may_try_next
from proxy.service.health import Health

_log = structlog.get_logger("proxy.service")


def preferring(route: Route, candidate: Candidate | None) -> Route:
    """Returns the route with one candidate first: the one that has answered so far goes on."""
    if candidate is None:
        return route
    chosen = replace(candidate, weight=None)
    others = tuple(each for each in route.candidates if replace(each, weight=None) != chosen)
    if len(others) == len(route.candidates):
        return route
    return replace(route, candidates=(chosen, *others))


ProviderOf = Callable[[Candidate], ProviderConfig]


class Turns:
    """The tries of one request, one after the other."""

    def __init__(
        self, candidates: Sequence[Candidate], provider_of: ProviderOf, policy: RetryPolicy, health: Health
    ) -> None:
        order = ordered(candidates, health.in_flight, health.random)
        self._progress = Progress(order, policy, health.clock() + policy.total_s)
        self._provider_of = provider_of
        self._health = health
        self._failed: tuple[Candidate, ApiError] | None = None

    async def next(self) -> Try:
        """Returns the next try, once it may begin.

        Raises:
            ApiError: There is none: what the client is to be told.
        """
        while True:
            step = self._progress.next_step(self._health.clock(), self._standing)
            if isinstance(step, GiveUp):
                raise step.error
            self._log_failure()
            if isinstance(step, Try):
                return step
            if isinstance(step, Hasten):
                self._health.hasten(step.candidate, self._provider_of(step.candidate))
            else:
                await self._health.wait(step.seconds)

    def failed(self, candidate: Candidate, error: ApiError) -> None:
        """A try failed before its first content.

        Raises:
            ApiError: The error, where nobody could do better.
        """
        if not may_try_next(error):
            raise error
        forget_frames(error)  # they hold these turns
        self._failed = candidate, error
        health, progress = self._health, self._progress
        if concerns_key(error) and health.has_other_key(candidate, self._provider_of(candidate)):
            self._progress = progress.after_refused_key(candidate, error)
        else:
            self._progress = progress.after_failure(candidate, error, health.clock(), health.random)

    def _standing(self, candidate: Candidate) -> Standing:
        return self._health.standing(candidate, self._provider_of(candidate))

    def _log_failure(self) -> None:
        """A failure is worth a warning where the client will not be told of it."""
        if self._failed is not None:
            candidate, error = self._failed
            self._failed = None
            _log.warning(
                "candidate_failed",
                provider=candidate.provider,
                model=candidate.model,
                reason=error.message,
            )
