"""Bash: runs a judged command in a fresh, pinned shell, behind the sandbox's walls."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.permissions.values import Workspace
from proxy.tasks import spawn
from proxy.tools.background import check_room, keep, temporary_folder
from proxy.tools.base import ToolGroup, ToolOutput, ToolScope
from proxy.tools.child_output import HeadOutput, TailOutput
from proxy.tools.child_process import Child
from proxy.tools.child_sweep import temporary_prefix
from proxy.tools.children import CannotStart, Children, Launch
from proxy.tools.conversation import Conversation
from proxy.tools.errors import ToolError
from proxy.tools.sandbox import Held, NoSandbox, Sandbox, Walls
from proxy.tools.shell import DECLARED, shell_arguments
from proxy.tools.shell_result import sandbox_note, shell_result

_MAX_PATH_BYTES = 4096
_CAN_REPORT = sys.platform != "win32"
"""Windows hands on no descriptors by number, so there a `cd` lasts for its command only."""
_BACKGROUND_S = 600.0
_MAX_BACKGROUND_S = 7200.0


@dataclass(frozen=True, slots=True)
class ShellLimits:
    """How long commands may run."""

    default_s: float = 120.0
    max_s: float = 600.0


class Bash:
    """Runs commands."""

    name = "Bash"
    group: ToolGroup = "Run"
    description = (
        "Runs a command in bash and returns its output, then its errors, and its exit code if that is not 0. "
        "Each call is a fresh shell: variables, functions and aliases do not last, but a `cd` inside the "
        "workspace does. Nothing can be typed, as standard input is empty: give options that ask nothing. "
        "Whatever a command leaves running is ended with it; for servers and watchers use run_in_background, "
        "then BashOutput to read and KillShell to end. Of more than 30,000 characters the beginning is "
        "returned. Prefer Read, Edit, Write, Glob and Grep over cat, sed, echo, find and grep. Quote paths "
        "that hold blanks."
    )
    may_run_beside_others = False
    timeout_s: float | None = None

    def __init__(
        self,
        children: Children,
        sandbox: Sandbox,
        *,
        shell: str | None,
        limits: ShellLimits | None = None,
        temporary: str = "",
        has_network: Callable[[], bool] = lambda: False,
    ) -> None:
        """Runs nothing yet.

        Args:
            children: Starts processes.
            sandbox: Holds them.
            shell: The pinned shell (`shell.pinned_shell`); None: there is none, and every call says so.
            limits: How long commands may run.
            temporary: Where private temporary folders are made; empty: the system's place.
            has_network: Says before each command whether it keeps the network in the sandbox
                (`sandbox.network_is_allowed`).
        """
        self._children = children
        self._sandbox = sandbox
        self._shell = shell
        self._limits = limits or ShellLimits()
        self._temporary = temporary
        self._has_network = has_network

    @property
    def input_schema(self) -> Mapping[str, Any]:
        """As Claude Code's Bash."""
        most = round(self._limits.max_s * 1000)
        usual = round(self._limits.default_s * 1000)
        return {
            "type": "object",
            "properties": {
                "command": {"type": "string", "description": "The command to run"},
                "timeout": {
                    "type": "number",
                    "description": f"Milliseconds until it is ended (default {usual}, at most {most})",
                },
                "description": {"type": "string", "description": "What it does, in five to ten plain words"},
                "run_in_background": {
                    "type": "boolean",
                    "description": "Go on at once; timeout then says how long it may run (default 600000)",
                },
            },
            "required": ["command"],
        }

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Runs one command to its end, or starts it in the background."""
        if scope.workspace is None:
            raise ToolError("There is no workspace here, so no command can run. The user has to name one.")
        if self._shell is None:
            raise ToolError(
                "There is no bash on this computer (on Windows: Git for Windows), so no command can run."
            )
        command = str(arguments["command"])
        if "\0" in command:
            raise ToolError("The command holds a NUL character, which no command line can carry.")
        start = _Start(self._shell, command, scope.workspace, scope.conversation, scope.cwd)
        timeout_s = _seconds(arguments.get("timeout"))
        if arguments.get("run_in_background"):
            return await self._run_behind(start, min(timeout_s or _BACKGROUND_S, _MAX_BACKGROUND_S))
        return await self._run(start, min(timeout_s or self._limits.default_s, self._limits.max_s))

    async def _run(self, start: _Start, timeout_s: float) -> ToolOutput:
        out, errors = HeadOutput(), HeadOutput()
        reading, writing = os.pipe()
        try:
            try:
                ready = await self._prepare(start, writing if _CAN_REPORT else None)
                child = await self._launch(start, ready, out, errors, (writing,))
            finally:
                os.close(writing)
            timed_out = await _wait(child, timeout_s)
            where = _read_report(reading)
        finally:
            os.close(reading)
        code = child.exit_code or 0
        notes = (*ready.notes, *_move(start, where or ready.cwd))
        if ready.held.is_held:
            notes = (*notes, *sandbox_note(code, errors, ready.walls))
        timed_out_after_s = timeout_s if timed_out else None
        return shell_result(
            start.command, code, out, errors, notes=notes, timed_out_after_s=timed_out_after_s
        )

    async def _run_behind(self, start: _Start, timeout_s: float) -> ToolOutput:
        check_room(start.conversation)
        output = TailOutput()
        ready = await self._prepare(start, None)
        child = await self._launch(start, ready, output, output, ())
        kept = keep(start.conversation, start.command, child, output)
        spawn(_wait(child, timeout_s), name=f"limit the background command {kept.id}")
        return ToolOutput.text(
            f"Command running in background with ID: {kept.id}. It is ended after {timeout_s:g}s. "
            "Read its output with BashOutput; end it with KillShell."
        )

    async def _prepare(self, start: _Start, report: int | None) -> _Ready:
        temporary = ""
        if await self._sandbox.probe() is not None:
            prefix = temporary_prefix(self._children.run_id)
            temporary = await temporary_folder(start.conversation, self._temporary, prefix)
        walls = Walls((start.workspace.root,), temporary, self._has_network())
        argv = shell_arguments(start.shell, start.command, report)
        root = start.workspace.root
        expected = start.conversation.cwd or root
        cwd = start.judged_in or await asyncio.to_thread(_existing, expected, root)
        try:
            held = await self._sandbox.hold(argv, cwd, walls)
        except NoSandbox as exc:
            raise ToolError(str(exc)) from exc
        if cwd == expected or cwd != root:
            return _Ready(held, cwd, walls)
        return _Ready(held, cwd, walls, (f"Shell cwd was reset to {root}, as {expected} is gone",))

    async def _launch(
        self,
        start: _Start,
        ready: _Ready,
        out: HeadOutput | TailOutput,
        errors: HeadOutput | TailOutput,
        pass_fds: tuple[int, ...],
    ) -> Child:
        declared = {**DECLARED, "SHELL": start.shell, **ready.held.declared}
        launch = Launch(
            ready.held.argv,
            ready.cwd,
            declared,
            joins_stderr=out is errors,
            pass_fds=pass_fds,
            holds_all=ready.held.holds_all,
        )
        on_stderr = None if out is errors else errors.feed
        try:
            return await self._children.start(launch, on_stdout=out.feed, on_stderr=on_stderr)
        except CannotStart as exc:
            raise ToolError(f"The command was not started: {exc}") from exc


@dataclass(frozen=True, slots=True)
class _Start:
    """What is to be run, and for whom."""

    shell: str
    command: str
    workspace: Workspace
    conversation: Conversation
    judged_in: str | None
    """The folder; None: nobody says, so it is the conversation's, if that is still there."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """How and where it is run."""

    held: Held
    cwd: str
    walls: Walls
    notes: tuple[str, ...] = ()


def _existing(folder: str, otherwise: str) -> str:
    return folder if Path(folder).is_dir() else otherwise


def _seconds(milliseconds: object) -> float | None:
    """Returns a time limit; None where none, or a senseless one, was given."""
    if isinstance(milliseconds, int | float) and milliseconds > 0:
        return milliseconds / 1000
    return None


async def _wait(child: Child, timeout_s: float) -> bool:
    """Waits for a child's end and ends it after its time; True when it was ended."""
    try:
        await asyncio.wait_for(child.wait(), timeout_s)
    except asyncio.TimeoutError:
        await child.stop()
        return True
    except asyncio.CancelledError:
        spawn(child.stop(), name="end a command that nobody waits for")
        raise
    return False


def _read_report(descriptor: int) -> str | None:
    """Returns where the shell said it ended; None where it did not."""
    if not _CAN_REPORT:
        return None
    os.set_blocking(descriptor, False)
    try:
        said = os.read(descriptor, _MAX_PATH_BYTES + 1)
    except BlockingIOError:
        return None
    first, end, _ = said.partition(b"\n")  # a child that was ended before its exec may have said it again
    return os.fsdecode(first) if end else None


def _move(start: _Start, where: str) -> tuple[str, ...]:
    """Lets the next command begin where this one ended, inside the workspace; else says that it does not."""
    roots = (start.workspace.root, *start.workspace.read_only)
    if any(where == root or where.startswith(f"{root.rstrip('/')}/") for root in roots):
        start.conversation.cwd = None if where == start.workspace.root else where
        return ()
    start.conversation.cwd = None
    return (f"Shell cwd was reset to {start.workspace.root}",)
