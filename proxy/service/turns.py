"""Whose turn it is to answer a request: asks `routing.progress`, waits where it says so, logs failures.

The request has a place in the line of the provider whose turn it is, until `Turns.leave`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from proxy.config import Candidate, ProviderConfig, RetryPolicy
from proxy.messages.errors import ApiError, ErrorType, UpstreamError, forget_frames
from proxy.routing.aliases import Route
from proxy.routing.candidates import ordered
from proxy.routing.dearness import naming_dearer
from proxy.routing.keys import concerns_key
from proxy.routing.progress import GiveUp, Hasten, Progress, Standing, Try, Wait
from proxy.routing.retry import may_try_next
from proxy.service.health import Health
from proxy.service.line import Line, Waiter
from proxy.service.record import RequestRecord

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


@dataclass(frozen=True, slots=True)
class _Queue:
    """A request in line, or one that had a place and could not use it."""

    waiter: Waiter
    since: float
    patience_s: float
    waited_s: float = 0.0
    """Until its last place came."""


class Turns:
    """The tries of one request, one after the other."""

    def __init__(
        self,
        route: Route,
        provider_of: ProviderOf,
        policy: RetryPolicy,
        health: Health,
        record: RequestRecord,
    ) -> None:
        """Makes the turns.

        Args:
            route: Has the candidates, as the alias lists them.
            provider_of: Finds a candidate's provider.
            policy: How often and how patiently.
            health: Of all candidates.
            record: Told of those that the request had to wait for in vain; its client's token and its
                conversation have turns in line.
        """
        order = ordered(route.candidates, health.in_flight, health.random)
        self._progress = Progress(order, policy, health.clock() + policy.total_s)
        self._provider_of = provider_of
        self._health = health
        self._failed: tuple[Candidate, ApiError] | None = None
        self._route = route
        self._record = record
        self._line: Line | None = None
        """Where it has a place."""
        self._queue: _Queue | None = None

    async def next(self) -> Try:
        """Returns the next try, once it may begin; `leave` must follow.

        Raises:
            ApiError: There is none: what the client is to be told.
        """
        while True:
            step = self._progress.next_step(self._health.clock(), self._standing)
            if isinstance(step, GiveUp):
                self.leave()  # a line it may still be in
                if step.not_asked is not None:
                    self._not_asked(step.not_asked, f"not asked: {step.error.message}", step.error)
                raise naming_dearer(step.error, self._route)
            self._log_failure()
            if isinstance(step, Try):
                return self._begun(step)
            if isinstance(step, Hasten):
                self._health.hasten(step.candidate, self._provider_of(step.candidate))
            else:
                try:
                    await self._wait(step)
                except BaseException:
                    self.leave()
                    raise

    def leave(self) -> None:
        """The try is over, or what was waited for is wanted no more: gives the place back."""
        queue, self._queue = self._queue, None
        line = queue.waiter.quit() if queue is not None else None
        for each in (line, self._line):
            if each is not None:
                each.leave()
        self._line = None

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
        is_of_key = isinstance(error, UpstreamError) and concerns_key(error)  # a budget's refusal is none
        if is_of_key and health.has_other_key(candidate, self._provider_of(candidate)):
            self._progress = progress.after_refused_key(candidate, error)
        else:
            served = health.served(candidate)
            self._progress = progress.after_failure(candidate, error, served, health.clock(), health.random)

    def _begun(self, step: Try) -> Try:
        """Takes a place for the try, if the request did not get this one in line."""
        line, queue = self._health.line(self._provider_of(step.candidate)), self._queue
        waited = "" if queue is None else f"; {self._waited(queue)}"
        if line is not self._line:
            self.leave()
            line.take()
            self._line = line
        elif queue is not None:
            queue.waiter.quit()
        self._queue = None
        return replace(step, reason=step.reason + waited) if waited else step

    async def _wait(self, step: Wait) -> None:
        if self._line is not None:  # the place came when its candidate had begun to rest
            self._line.leave()
            self._line = None
        seconds = step.seconds
        if step.line:
            seconds = min(seconds, self._stand_in_line(step.line))
        queue = self._queue
        if queue is None:
            await self._health.wait(seconds)
        elif seconds <= 0:
            self._refuse(step.line, queue)
        else:
            try:
                await self._health.wait(seconds, queue.waiter.turn)
            except asyncio.CancelledError:
                self._not_asked((step.line or self._progress.order)[0], self._waited(queue), None)
                raise
            if queue.waiter.turn.done():
                self._line = queue.waiter.accept()
                self._queue = replace(queue, waited_s=self._health.clock() - queue.since)

    def _stand_in_line(self, candidates: Sequence[Candidate]) -> float:
        """Waits for a place at any of these too; returns for how many seconds still."""
        providers = [self._provider_of(each) for each in candidates]
        now, queue = self._health.clock(), self._queue
        if queue is None:
            patience_s = max(each.first_byte_timeout_s for each in providers)
            context = self._record.context
            waiter = Waiter(context.token_name, context.conversation_id or "")
            queue = self._queue = _Queue(waiter, now, patience_s)
        elif not queue.waiter.is_in_line:  # its patience lasts from where it was before its place came
            queue = self._queue = replace(queue, since=now - queue.waited_s)
        for provider in providers:
            queue.waiter.join(self._health.line(provider))
        return queue.since + queue.patience_s - now

    def _refuse(self, candidates: Sequence[Candidate], queue: _Queue) -> None:
        for candidate in candidates:
            busy = self._health.line(self._provider_of(candidate)).busy
            error = UpstreamError(
                ErrorType.OVERLOADED,
                f"{candidate.provider} is busy: {busy} requests are under way and none of them ended within "
                f"{queue.patience_s:g} seconds.",
            )
            self._progress = self._progress.after_refusal(candidate, error)
            self._not_asked(candidate, f"not asked: {self._waited(queue)}", error)

    def _not_asked(self, candidate: Candidate, why: str, error: ApiError | None) -> None:
        self._record.not_asked(self._route, candidate, why, error)

    def _waited(self, queue: _Queue) -> str:
        waited_s = self._health.clock() - queue.since if queue.waiter.is_in_line else queue.waited_s
        return f"waited {waited_s:.1f} s in line"

    def _standing(self, candidate: Candidate) -> Standing:
        provider = self._provider_of(candidate)
        standing = self._health.standing(candidate, provider)
        if standing.is_full and self._line is self._health.line(provider):
            return replace(standing, is_full=False)
        return standing

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
