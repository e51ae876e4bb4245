"""Who asks the user: a list of what waits for an answer, or a refusal where nobody answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from proxy.events import ApprovalAsked, ApprovalEnded, EventSink
from proxy.permissions.approval import ApprovalAnswer, ApprovalRequest
from proxy.permissions.values import ToolCall

_log = structlog.get_logger("proxy.tools")

MAX_WAITING = 50

Cancel = Callable[[], object]
CallLater = Callable[[float, Callable[[], None]], Cancel]
"""Calls a function after so many seconds, unless what it returns is called before."""


@dataclass(frozen=True, slots=True)
class AnswerRefused(Exception):
    """An answer falls on nothing; the text says why, for whoever gave it."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: ApprovalRequest
    answer: asyncio.Future[ApprovalAnswer]


class ApprovalList:
    """Calls that wait for somebody: the window, a notification or the command line answers."""

    def __init__(
        self, emit: EventSink, wall_clock: Callable[[], float], call_later: CallLater | None = None
    ) -> None:
        """Makes an empty list.

        Args:
            emit: Is told what waits and how it ended.
            wall_clock: Seconds since the epoch.
            call_later: The timer; None: the running loop's.
        """
        self._emit = emit
        self._clock = wall_clock
        self._call_later = call_later or _on_the_loop
        self._waiting: dict[str, _Waiting] = {}

    def pending(self) -> tuple[ApprovalRequest, ...]:
        """Returns the calls that wait, oldest first."""
        return tuple(each.request for each in self._waiting.values() if not each.answer.done())

    async def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        """Waits for the answer to a call; denies it when time is up or too many wait already."""
        if len(self._waiting) >= MAX_WAITING:
            _log.warning("too_many_approvals", tool=request.what, waiting=len(self._waiting))
            return ApprovalAnswer(
                "deny", "headless", message=f"{MAX_WAITING} calls wait for the user already"
            )
        waiting = _Waiting(request, asyncio.get_running_loop().create_future())
        self._waiting[request.approval_id] = waiting
        ended_by: ApprovalAnswer = ApprovalAnswer("deny", "client left")
        cancel = self._call_later(
            max(0.0, request.expires_at - self._clock()), lambda: self._expire(request.approval_id)
        )
        try:
            self._emit(ApprovalAsked(request.approval_id, request.request_id, request.what))
            ended_by = await waiting.answer
            return ended_by
        finally:
            cancel()
            del self._waiting[request.approval_id]
            self._emit(
                ApprovalEnded(
                    request.approval_id,
                    request.request_id,
                    request.what,
                    ended_by.decision,
                    ended_by.by,
                )
            )

    def answer(self, approval_id: str, digest: str, answer: ApprovalAnswer) -> ApprovalRequest:
        """Gives the answer to a call that waits, and returns that call.

        Args:
            approval_id: Which one.
            digest: Of the call as it was shown to whoever answers.
            answer: What was decided.

        Raises:
            AnswerRefused: No such call waits, its time is up, or it is not the one that was shown.
        """
        waiting = self._waiting.get(approval_id)
        if waiting is None or waiting.answer.done():
            raise AnswerRefused(
                "This call waits no more: it was answered, its time ran out or its client left."
            )
        if self._clock() >= waiting.request.expires_at:
            raise AnswerRefused("The time to answer this call is over; it is denied.")
        if digest != waiting.request.digest:
            raise AnswerRefused(
                "The answer is for another call than the one that waits; nothing was decided."
            )
        waiting.answer.set_result(answer)
        return waiting.request

    def _expire(self, approval_id: str) -> None:
        waiting = self._waiting.get(approval_id)
        if waiting is not None and not waiting.answer.done():
            waiting.answer.set_result(ApprovalAnswer("deny", "expiry", message="nobody answered in time"))


class NobodyAsks:
    """Refuses whatever would ask: nobody is there to answer."""

    async def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        """Denies at once, and says which rule would allow the call."""
        _log.info("approval_denied_headless", tool=request.what, needed_rule=request.suggestion)
        return ApprovalAnswer("deny", "headless", message=_what_is_needed(request))


def _what_is_needed(request: ApprovalRequest) -> str:
    why = "it needs the user's consent and nobody is there to give it"
    if not isinstance(request.call, ToolCall):
        return why
    if request.suggestion is None:
        return f"{why}; no rule is safe enough to allow it"
    return f"{why}; the rule {request.suggestion} would allow it"


def _on_the_loop(seconds: float, call: Callable[[], None]) -> Cancel:
    return asyncio.get_running_loop().call_later(seconds, call).cancel
