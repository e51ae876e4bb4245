"""The only way to run a tool: check the arguments, judge, ask, run within limits, note what was decided.

The rules:

1. What is judged, asked about and run is one snapshot of the call, made before anything else; nobody can
   change it while it waits.
2. Deny is final. After an answer the call is judged again: a rule that came meanwhile, or a path that leads
   elsewhere now, counts. Where the verdict is another one than the user saw, the user is asked again.
3. Identical calls of one conversation that wait together are one question; calls that differ in anything
   never share an answer.
4. Whatever happens, one `ToolDecided` is announced, and whoever called gets a result; only a cancelled call
   raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, replace

import structlog

from proxy.context import NewId, RequestContext
from proxy.events import EventSink
from proxy.permissions.approval import ApprovalRequest, Approver, digest_of
from proxy.permissions.tool_names import COMMAND_TOOLS, FILE_TOOLS, canonical
from proxy.permissions.paths import Operation
from proxy.permissions.values import Mode, PathFacts, Place, ToolCall, Verdict
from proxy.tools.arguments import ArgumentChecks
from proxy.tools.base import Tool, ToolError, ToolOutput, ToolScope
from proxy.tools.catalogue import BUILTIN, Catalogue, toolset_of
from proxy.tools.conversation import Conversation
from proxy.tools.course import Course, announced, bounded, refusal
from proxy.tools.guard_permit import Lookout, permit
from proxy.tools.judge import Judge
from proxy.tools.questions import Questions
from proxy.tools.workspaces import OpenedWorkspace, WorkspaceRefused, Workspaces, place_for

_log = structlog.get_logger("proxy.tools")

_MAX_QUESTIONS = 3
"""A call whose verdict changes each time the user has answered is denied then."""
_IN_WORKSPACE = FILE_TOOLS | COMMAND_TOOLS
"""Tools that work in a folder; the others start without looking at the disk."""


@dataclass(frozen=True, slots=True)
class RunScope:
    """For whom and where calls run; the same for all calls of a turn."""

    context: RequestContext
    conversation: Conversation
    workspace: str | None = None
    """The workspace's name; it is opened when a call needs it."""
    tool_chain: str = ""
    """Names the run of turns that calls belong to, in the log."""
    only: frozenset[str] | None = None
    """Canonical names of the only tools that may be called, in a sub-conversation; None: all."""
    mode: Mode | None = None
    """None: the mode that is set."""
    instead: Tool | None = None
    """Runs under its own name instead of the catalogue's tool: one of the API's own tools in a request."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is asked now, and how long."""

    approver: Approver
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a runner needs; handed in."""

    catalogue: Callable[[], Catalogue]
    judge: Judge
    workspaces: Workspaces
    asking: Callable[[], Asking]
    emit: EventSink
    clock: Callable[[], float]
    wall_clock: Callable[[], float]
    """Seconds since the epoch."""
    new_id: NewId


class ToolRunner:
    """Runs calls."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._with = surroundings
        self._checks = ArgumentChecks()
        self._questions = Questions()

    async def run(self, call: ToolCall, call_id: str, scope: RunScope) -> ToolOutput:
        """Runs a call, or says why not.

        Args:
            call: The tool and its arguments.
            call_id: The id the upstream gave it.
            scope: For whom and where.

        Returns:
            The result for the model; `is_error` where it was denied or failed.
        """
        with structlog.contextvars.bound_contextvars(
            tool=call.tool, call_id=call_id, tool_chain=scope.tool_chain
        ):
            began = self._with.clock()
            course = Course(ToolCall(call.tool, deepcopy(dict(call.input)), call.cwd))
            try:
                course.output = bounded(await self._lead(course, call_id, scope))
            except asyncio.CancelledError:
                if not course.ran:
                    course.refused("its client left before it was run")
                raise
            except Exception as exc:  # noqa: BLE001 - the tool runner: our bug fails one call, not the conversation
                _log.error("tool_failed", exc_info=exc)
                course.output = ToolOutput.text(
                    f"{call.tool} failed inside Signalbox; its log says more.", is_error=True
                )
            finally:
                self._announce(course, call_id, scope, self._with.clock() - began, _runner_of(call.tool))
            return course.output

    async def judge(self, call: ToolCall, scope: RunScope) -> Verdict:
        """Returns what would happen to a call; nothing runs and nobody is asked."""
        async with self._place(call, scope) as (place, _, problem):
            return _with_problem(await self._with.judge.judge(call, place, scope.mode), problem)

    async def suggestion(self, call: ToolCall, scope: RunScope) -> str | None:
        """Returns the narrowest rule that would allow a call from now on; None: no safe one."""
        async with self._place(call, scope) as (place, _, _):
            return await self._with.judge.suggestion(call, place)

    def note_client_call(self, call: ToolCall, call_id: str, scope: RunScope, verdict: Verdict) -> ToolOutput:
        """Announces what was decided on a call that is the client's to run.

        Returns:
            The result for the model in place of the client's, to be used where the verdict is deny.
        """
        course = Course(call)
        course.judged(verdict)
        course.decision = "deny" if verdict.decision == "deny" else "allow"
        self._announce(course, call_id, scope, 0.0, "client")
        return refusal(call, verdict.reason)

    # One call -------------------------------------------------------------------------------

    async def _lead(self, course: Course, call_id: str, scope: RunScope) -> ToolOutput:
        tool = self._find(course.call.tool, scope)
        if tool is None:
            course.refused("there is no such tool")
            return ToolOutput.text(f"Error: No such tool available: {course.call.tool}", is_error=True)
        problem = self._checks.problem(tool, course.call.input)
        if problem is not None:
            course.refused("its arguments are not valid")
            return ToolOutput.text(problem, is_error=True)
        async with self._place(course.call, scope) as (place, opened, problem):
            course.call = replace(course.call, cwd=place.cwd)
            await self._decide(course, scope, place, opened, problem)
            if course.decision == "deny":
                _log.info("tool_denied", reason=course.reason, decided_by=course.decided_by)
                return refusal(course.call, course.reason, course.note)
            return await self._perform(tool, course, call_id, scope, (place, opened))

    def _find(self, name: str, scope: RunScope) -> Tool | None:
        if scope.only is not None and canonical(name) not in scope.only:
            return None
        if scope.instead is not None and scope.instead.name == name:
            return scope.instead
        return self._with.catalogue().find(name)

    @asynccontextmanager
    async def _place(
        self, call: ToolCall, scope: RunScope
    ) -> AsyncGenerator[tuple[Place, OpenedWorkspace | None, str | None], None]:
        """Holds where a call is judged and run; says why there is no workspace, where one is named."""
        workspaces = self._with.workspaces
        name = scope.workspace if canonical(call.tool) in _IN_WORKSPACE else None
        async with AsyncExitStack() as stack:
            opened, problem = None, None
            try:
                opened = await stack.enter_async_context(workspaces.use(name))
            except WorkspaceRefused as refused:
                problem = str(refused)
            yield place_for(scope.conversation, opened, workspaces.machine), opened, problem

    async def _decide(
        self,
        course: Course,
        scope: RunScope,
        place: Place,
        opened: OpenedWorkspace | None,
        problem: str | None,
    ) -> None:
        """Judges the call, and asks as often as the verdict is one that the user has not seen."""
        seen: Verdict | None = None
        for _ in range(_MAX_QUESTIONS + 1):
            verdict = _with_problem(await self._with.judge.judge(course.call, place, scope.mode), problem)
            if opened is not None and not opened.is_current:
                course.refused("the workspace was changed while the call waited")
                return
            if verdict.decision == "deny" or (verdict.decision == "allow" and seen is None):
                course.judged(verdict)
                return
            if verdict.decision == "allow" or verdict == seen:
                return
            key = (digest_of(course.call), scope.workspace or "", verdict.reason)
            consent = "\n".join(key)
            if consent in scope.conversation.allowed_digests:
                course.allowed_before(verdict)
                return
            if not await self._ask(course, scope, place, verdict, consent):
                return
            seen = verdict
        course.refused("what it would touch kept changing while the user was asked")

    async def _ask(
        self, course: Course, scope: RunScope, place: Place, verdict: Verdict, consent: str
    ) -> bool:
        """Asks whoever can answer, and tells whether the call may go on."""
        asking, call = self._with.asking(), course.call
        suggestion = await self._with.judge.suggestion(call, place)

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
        if answer.decision == "deny":
            return False
        if answer.scope == "conversation":
            scope.conversation.allowed_digests.add(consent)
        return True

    async def _perform(
        self,
        tool: Tool,
        course: Course,
        call_id: str,
        scope: RunScope,
        where: tuple[Place, OpenedWorkspace | None],
    ) -> ToolOutput:
        place, opened = where
        workspace = guard = None
        if opened is not None:
            judge = self._with.judge
            consented = await asyncio.to_thread(consented_paths, course.call, place)
            workspace = opened.workspace
            guard = opened.guard.judged_by(use_judge(lambda: judge.policy, place, consented), cwd=place.cwd)
        tool_scope = ToolScope(call_id, scope.context.request_id, scope.conversation, workspace, guard)
        course.ran = True
        work = tool.run(course.call.input, tool_scope)
        try:
            return await (work if tool.timeout_s is None else asyncio.wait_for(work, tool.timeout_s))
        except ToolError as error:
            return ToolOutput.text(str(error), is_error=True)
        except asyncio.TimeoutError:
            return ToolOutput.text(f"{tool.name} did not end within {tool.timeout_s:g} s.", is_error=True)

    def _announce(
        self, course: Course, call_id: str, scope: RunScope, duration_s: float, runner: str
    ) -> None:
        event = announced(
            course,
            call_id,
            scope.context,
            at=self._with.wall_clock(),
            duration_s=duration_s,
            runner=runner,
            workspace=scope.workspace,
        )
        if event.ran:
            _log.info("tool_ran", decided_by=event.decided_by, is_error=event.is_error, duration_s=duration_s)
        self._with.emit(event)


def _with_problem(verdict: Verdict, problem: str | None) -> Verdict:
    if problem is None or verdict.decision == "allow":
        return verdict
    return replace(verdict, reason=f"{verdict.reason}: {problem}")


def _runner_of(tool: str) -> str:
    toolset = toolset_of(tool)
    return "signalbox" if toolset == BUILTIN else toolset
