"""The only way to run a tool: check the arguments, judge, ask, run within limits, note what was decided.

The rules:

1. What is judged, asked about and run is one snapshot of the call, made before anything else; nobody can
   change it while it waits.
2. Deny is final. After an answer the call is judged again: a rule that came meanwhile, or a path that leads
   elsewhere now, counts. Where the verdict is another one than the user saw, the user is asked again.
3. Identical calls of one conversation that wait together are one question; calls that differ in anything
   never share an answer.
4. Where Signalbox runs as root and the user did not allow it, no command runs, and nobody is asked about one.
5. Whatever happens, one `ToolDecided` is announced, and whoever called gets a result; only a cancelled call
   raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from copy import deepcopy
from dataclasses import replace

import structlog

from proxy.permissions.paths import Operation
from proxy.permissions.tool_names import COMMAND_TOOLS, FILE_TOOLS, canonical
from proxy.permissions.values import PathFacts, ToolCall, Verdict
from proxy.tools.arguments import ArgumentChecks
from proxy.tools.base import Tool, ToolOutput, ToolScope
from proxy.tools.catalogue import BUILTIN, toolset_of
from proxy.tools.consent import Consent, with_problem
from proxy.tools.course import Course, announced, bounded, refusal
from proxy.tools.elevated import COMMANDS_OFF
from proxy.tools.errors import ToolError
from proxy.tools.guard_permit import permit
from proxy.tools.run_values import RunScope, Site, Surroundings
from proxy.tools.workspaces import WorkspaceRefused, folder_of, place_for

__all__ = ["RunScope", "Surroundings", "ToolRunner"]

_log = structlog.get_logger("proxy.tools")

_IN_WORKSPACE = FILE_TOOLS | COMMAND_TOOLS
"""Tools that work in a folder; the others start without looking at the disk."""


class ToolRunner:
    """Runs calls."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._with = surroundings
        self._checks = ArgumentChecks()
        self._consent = Consent(surroundings)

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
            course = Course(ToolCall(call.tool, {}, call.cwd))
            try:
                if _is_frozen(course, call):
                    course.output = bounded(await self._lead(course, call_id, scope))
                else:
                    course.output = refusal(call, course.reason)
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
        async with self._site(call, scope) as site:
            verdict = await self._with.judge.judge(call, site.place, scope.workspace, scope.mode)
            return with_problem(verdict, site.problem)

    async def suggestion(self, call: ToolCall, scope: RunScope) -> str | None:
        """Returns the narrowest rule that would allow a call from now on; None: no safe one."""
        async with self._site(call, scope) as site:
            return await self._with.judge.suggestion(call, site.place, scope.workspace)

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
        if canonical(tool.name) in COMMAND_TOOLS and not self._with.may_run_commands():
            course.refused(COMMANDS_OFF)
            return refusal(course.call, course.reason)
        async with self._site(course.call, scope) as site:
            course.call = replace(course.call, cwd=site.place.cwd)
            await self._consent.decide(course, scope, site)
            if course.decision == "deny":
                _log.info("tool_denied", reason=course.reason, decided_by=course.decided_by)
                return refusal(course.call, course.reason, course.note)
            return await self._perform(tool, course, self._tool_scope(call_id, scope, site))

    def _find(self, name: str, scope: RunScope) -> Tool | None:
        if scope.only is not None and canonical(name) not in scope.only:
            return None
        if scope.instead is not None and scope.instead.name == name:
            return scope.instead
        return self._with.catalogue().find(name)

    @asynccontextmanager
    async def _site(self, call: ToolCall, scope: RunScope) -> AsyncGenerator[Site, None]:
        """Holds where a call is judged and run."""
        workspaces = self._with.workspaces
        name = scope.workspace if canonical(call.tool) in _IN_WORKSPACE else None
        async with AsyncExitStack() as stack:
            opened, problem = None, None
            try:
                opened = await stack.enter_async_context(workspaces.use(name))
            except WorkspaceRefused as refused:
                problem = str(refused)
            cwd = None
            if opened is not None and scope.conversation.cwd is not None:
                cwd = await asyncio.to_thread(folder_of, scope.conversation, opened)
            yield Site(place_for(cwd, opened, workspaces.machine, workspaces.own_paths), opened, problem)

    def _tool_scope(self, call_id: str, scope: RunScope, site: Site) -> ToolScope:
        if site.opened is None:
            return ToolScope(call_id, scope.context.request_id, scope.conversation)

        def judge(facts: PathFacts, operation: Operation) -> str | None:
            policy = self._with.judge.policy_in(scope.workspace, scope.mode)  # as it is at that moment
            return permit(policy, site.place, site.seen)(facts, operation)

        return ToolScope(
            call_id,
            scope.context.request_id,
            scope.conversation,
            site.opened.workspace,
            site.opened.guard.judged_by(judge, cwd=site.place.cwd),
            site.place.cwd,
        )

    async def _perform(self, tool: Tool, course: Course, tool_scope: ToolScope) -> ToolOutput:
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


def _is_frozen(course: Course, call: ToolCall) -> bool:
    """Takes the snapshot of the call that everything else works on; False: it cannot be taken."""
    try:
        course.call = replace(call, input=deepcopy(dict(call.input)))
    except RecursionError:
        course.refused("its arguments are nested too deeply")
        return False
    return True


def _runner_of(tool: str) -> str:
    toolset = toolset_of(tool)
    return "signalbox" if toolset == BUILTIN else toolset
