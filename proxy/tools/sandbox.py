"""The system's own walls around commands: what they are here, and how a command is put behind them.

Behind them a command reads what its user may read, but not Signalbox's own files; it writes only in the
workspace and in a temporary folder of its own; it has no network unless a rule allows WebFetch everywhere.
On Linux bubblewrap does that, on macOS sandbox-exec. The rules judge a command before; the sandbox holds what
no rule could foresee. Where there is none, `describe` says so, and `required` runs nothing.

Bubblewrap ends all it holds when it is told to end: a command in it gets no time between TERM and KILL.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from proxy.permissions.tool_names import matches_name
from proxy.permissions.values import Policy
from proxy.tools.child_output import HeadOutput
from proxy.tools.children import CannotStart, Children, Launch

SandboxMode = Literal["auto", "off", "required"]
Program = Literal["bubblewrap", "sandbox-exec"]

_PATHS: Mapping[Program, str] = {"bubblewrap": "/usr/bin/bwrap", "sandbox-exec": "/usr/bin/sandbox-exec"}
_PROGRAMS: Mapping[str, Program] = {"linux": "bubblewrap", "darwin": "sandbox-exec"}
_PROBE_S = 5.0
_TMP = "/tmp"  # noqa: S108 - where a command's private folder appears
_NEEDED_OF_RUN = ("/run/current-system", "/run/wrappers", "/run/systemd/resolve", "/run/NetworkManager")
"""Programs (NixOS) and name look-up. The rest of /run is sockets through which a command could have others
act for it outside the sandbox: Docker, D-Bus, agents that hold keys."""


class NoSandbox(Exception):
    """Commands must run in a sandbox and there is none; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Walls:
    """What one command may touch."""

    writable: tuple[str, ...]
    """Folders, absolute and real."""
    temporary: str
    """A private folder that it sees as its own temporary one."""
    has_network: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """How to start a command so that it is held."""

    argv: tuple[str, ...]
    declared: Mapping[str, str] = field(default_factory=dict[str, str])
    is_held: bool = False
    holds_all: bool = False
    """Nothing it starts outlives it."""


class Sandbox:
    """The sandbox of this machine under one setting."""

    def __init__(
        self,
        children: Children,
        mode: SandboxMode = "auto",
        *,
        hidden: tuple[str, ...] = (),
        platform: str = sys.platform,
        paths: Mapping[Program, str] = _PATHS,
    ) -> None:
        """Looks for nothing yet.

        Args:
            children: Starts the trial.
            mode: `auto`: where there is one; `required`: else no command runs; `off`: never.
            hidden: Files and folders that no command may see: Signalbox's own.
            platform: As `sys.platform`.
            paths: Where the programs are.
        """
        self._children = children
        self._mode: SandboxMode = mode
        self._hidden = hidden
        self._platform = platform
        self._paths = paths
        self._program: Program | None = None
        self._missing: str | None = None
        self._covers: tuple[tuple[str, ...], ...] = ()
        self._probing = asyncio.Lock()

    async def probe(self) -> Program | None:
        """Finds out, once, which sandbox works here; None: none, or it is off."""
        if self._mode == "off" or self._program is not None or self._missing is not None:
            return self._program
        async with self._probing:
            if self._program is None and self._missing is None:
                await self._try()
        return self._program

    async def hold(self, argv: tuple[str, ...], cwd: str, walls: Walls) -> Held:
        """Returns how to run a command behind the walls; as it is where there is no sandbox.

        Raises:
            NoSandbox: There is none and there must be.
        """
        program = self._program or await self.probe()
        if program is None:
            if self._mode == "required":
                raise NoSandbox(self.describe())
            return Held(argv)
        path = self._paths[program]
        if program == "sandbox-exec":
            profile = seatbelt_profile(walls, self._hidden)
            return Held((path, "-p", profile, *argv), {"TMPDIR": walls.temporary}, is_held=True)
        if len(self._covers) < len(self._hidden):  # some are not there yet
            self._covers = await asyncio.to_thread(covers, self._hidden)
        options = (*bubblewrap_options(walls), *itertools.chain.from_iterable(self._covers))
        argv = (path, *options, "--chdir", cwd, "--", *argv)
        return Held(argv, {"TMPDIR": _TMP}, is_held=True, holds_all=True)

    def describe(self) -> str:
        """Returns in one or two sentences what holds commands, for the window and `signalbox doctor`."""
        if self._mode == "off":
            return "The sandbox is switched off: commands run with all your rights; only the rules decide."
        if self._program is not None:
            return (
                f"Commands run in {self._program}: they write only in the workspace and a private temporary "
                "folder, and have no network unless a rule allows WebFetch everywhere."
            )
        if self._missing is None:
            return "Which sandbox there is shows when the first command runs."
        if self._mode == "required":
            return f"No command runs: a sandbox is required, and {self._missing}."
        return (
            f"There is no sandbox: {self._missing}. Commands run with all your rights; only the rules decide."
        )

    async def _try(self) -> None:
        program = _PROGRAMS.get(self._platform)
        if program is None:
            self._missing = "Signalbox knows none for this system"
            return
        path = self._paths[program]
        if not await asyncio.to_thread(os.access, path, os.X_OK):
            self._missing = f"{program} is not installed ({path} is missing)"
            if program == "bubblewrap":
                self._missing += "; install the package bubblewrap"
            return
        trouble = await self._run_trial(program)
        if trouble is None:
            self._program = program
        else:
            self._missing = f"{program} does not work here ({trouble})"

    async def _run_trial(self, program: Program) -> str | None:
        """Returns why a command that does nothing cannot run in it; None: it can."""
        walls = Walls((), _TMP)
        if program == "sandbox-exec":
            options = ("-p", seatbelt_profile(walls, ()))
        else:
            options = bubblewrap_options(walls)
        errors = HeadOutput(2000)
        try:
            launch = Launch((self._paths[program], *options, "/bin/sh", "-c", ":"), "/")
            child = await self._children.start(launch, on_stdout=errors.feed, on_stderr=errors.feed)
        except CannotStart as exc:
            return str(exc)
        try:
            code = await asyncio.wait_for(child.wait(), _PROBE_S)
        except asyncio.TimeoutError:
            await child.stop(0.0)
            return "it did not end"
        return None if code == 0 else " ".join(errors.text().split()) or f"exit code {code}"


def network_is_allowed(policy: Policy) -> bool:
    """Tells whether commands keep the network: every page may be fetched unasked, no rule excepts any."""
    rules = [rule for rule in policy.rules if matches_name(rule.tool, "WebFetch")]
    everywhere = any(rule.effect == "allow" and rule.spec in {None, "*", "domain:*"} for rule in rules)
    return everywhere and all(rule.effect == "allow" for rule in rules)


def bubblewrap_options(walls: Walls) -> tuple[str, ...]:
    """Returns bubblewrap's options for some walls."""
    options = ["--die-with-parent", "--unshare-pid", "--unshare-ipc"]
    if not walls.has_network:
        options.append("--unshare-net")
    options += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    options += ["--tmpfs", "/run"]
    for path in _NEEDED_OF_RUN:
        options += ["--ro-bind-try", path, path]
    options += ["--bind", walls.temporary, _TMP]
    for folder in walls.writable:
        options += ["--bind", folder, folder]
    return tuple(options)


def covers(hidden: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Returns the options that cover what is there of some files and folders; belongs into a thread."""
    found: list[tuple[str, ...]] = []
    for path in dict.fromkeys(map(os.path.realpath, hidden)):
        if Path(path).is_dir():
            found.append(("--tmpfs", path))
        elif Path(path).exists():
            found.append(("--ro-bind", "/dev/null", path))
    return tuple(found)


def seatbelt_profile(walls: Walls, hidden: tuple[str, ...]) -> str:
    """Returns a profile in sandbox-exec's language."""
    writable = [*walls.writable, walls.temporary, "/dev"]
    lines = ["(version 1)", "(allow default)", "(deny file-write*)"]
    lines.append(f"(allow file-write* {' '.join(f'(subpath {_quoted(each)})' for each in writable)})")
    if not walls.has_network:
        lines.append("(deny network*)")
    lines += [f"(deny file-read* file-write* (subpath {_quoted(each)}))" for each in hidden]
    return "\n".join(lines)


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
