"""Decides whether a call may run: judges it, asks where the verdict says so, and judges it again after."""

from __future__ import annotations

from dataclasses import replace

import structlog

from proxy.permissions.approval import ApprovalRequest, digest_of
from proxy.permissions.modes import BYPASSED
from proxy.permissions.values import Verdict
from proxy.tools.course import Course
from proxy.tools.guard_permit import Lookout
from proxy.tools.questions import Questions
from proxy.tools.run_values import RunScope, Site, Surroundings

_log = structlog.get_logger("proxy.tools")

_ASKED_FOR = (
    "the client declared it as one of the API's own tools, which ask nobody, and no rule speaks of it"
)
_MAX_QUESTIONS = 3
"""A call whose verdict changes each time the user has answered is denied then."""


class Consent:
    """The way from a call to allow or deny."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._with = surroundings
        self._questions = Questions()

    async def decide(self, course: Course, scope: RunScope, site: Site) -> None:
        """Judges the call, and asks as often as the verdict is one that the user has not seen.

        Args:
            course: The call; takes what was decided.
            scope: For whom.
            site: Where; takes what was seen of its paths.
        """
        answered: Verdict | None = None
        for _ in range(_MAX_QUESTIONS + 1):
            verdict = await self._judged(course, scope, site)
            if site.opened is not None and not site.opened.is_current:
                course.refused("the workspace was changed while the call waited")
                return
            if verdict.decision == "deny" or (verdict.decision == "allow" and answered is None):
                course.judged(verdict)
                await self._say_what_is_needed(course, scope, site)
                return
            if verdict.decision == "allow" or verdict == answered:
                return  # as the user has said
            consent = "\n".join((digest_of(course.call), scope.workspace or "", verdict.reason))
            if consent in scope.conversation.allowed_digests:
                course.allowed_before(verdict)
                return
            await self._ask(course, scope, site, verdict, consent)
            if course.decision == "deny":
                return
            answered = verdict
        course.refused("what it would touch kept changing while the user was asked")

    async def _judged(self, course: Course, scope: RunScope, site: Site) -> Verdict:
        place, lookout = Lookout.at(site.place)
        verdict = await self._with.judge.judge(course.call, place, scope.workspace, scope.mode)
        site.seen = lookout.seen
        if scope.instead is not None and verdict.reason == BYPASSED:
            verdict = replace(verdict, reason=_ASKED_FOR)
        return with_problem(verdict, site.problem)

    async def _say_what_is_needed(self, course: Course, scope: RunScope, site: Site) -> None:
        """Where it was denied because nobody is asked: names the rule that would allow the call."""
        if course.decision == "allow" or course.rule is not None:
            return
        if self._with.judge.policy_in(scope.workspace, scope.mode).mode != "dontAsk":
            return
        rule = await self._with.judge.suggestion(course.call, site.place, scope.workspace)
        if rule is not None:
            course.note = f"The rule {rule} would allow it."
            _log.info("rule_needed", needed_rule=rule)

    async def _ask(self, course: Course, scope: RunScope, site: Site, verdict: Verdict, consent: str) -> None:
        """Asks whoever can answer, and keeps what they said."""
        call = course.call
        suggestion = await self._with.judge.suggestion(call, site.place, scope.workspace)
        asking = self._with.asking()

        def question() -> ApprovalRequest:
            now = self._with.wall_clock()
            return ApprovalRequest(
                approval_id=self._with.new_id("apr_"),
                call=call,
                digest=digest_of(call),
                verdict=verdict,
                suggestion=suggestion,
                request_id=scope.context.request_id,
                client=scope.context.client,
                conversation_id=scope.context.conversation_id,
                workspace=scope.workspace,
                asked_at=now,
                expires_at=now + asking.timeout_s,
            )

        key = (scope.conversation.key, consent, verdict)
        answer = await self._questions.ask(key, asking.approver, question)
        course.answered(verdict, answer)
        if answer.decision == "allow" and answer.scope == "conversation":
            scope.conversation.allowed_digests.add(consent)


def with_problem(verdict: Verdict, problem: str | None) -> Verdict:
    """Returns the verdict with the reason why there is no workspace, where that may be its cause."""
    if problem is None or verdict.decision == "allow":
        return verdict
    return replace(verdict, reason=f"{verdict.reason}: {problem}")
