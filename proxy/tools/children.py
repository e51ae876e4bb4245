"""The only way to start a process: from an argument list, in a clean environment, never to be left behind.

A child has no window to us but its pipes: no descriptor of ours but those handed to it, no terminal, a
session and a process group of its own. What it started lives as long as it does: when it ends, however
that comes, the rest of its group is ended too. Four things see to it that none survives Signalbox:

1. `aclose` ends all of them, TERM first.
2. `child_guardian` ends their groups, and what left those, when this process dies without a word.
3. On Linux the child itself is killed by the kernel (`PR_SET_PDEATHSIG`). `setpriv` sets that between fork
   and exec of the program; Python's own `preexec_fn` could deadlock in a process with threads, and would
   cost the fast `vfork`. The signal comes when the *thread* that started the child ends, so children are
   started on the loop's thread, which lives as long as the program.
4. `child_sweep` finds at the next start what even the guardian could not end.

On Windows one job object a child does all of this: the system closes it with our last handle.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from proxy.tasks import spawn
from proxy.tools.child_environment import MARK, clean_environment
from proxy.tools.child_guardian import Guardian
from proxy.tools.child_limit import LimitMark
from proxy.tools.child_output import Sink
from proxy.tools.child_process import Child, ChildProtocol
from proxy.tools.child_sweep import ChildLedger

_SETPRIV = "/usr/bin/setpriv"
STOP_GRACE_S = 3.0
"""Between TERM and KILL."""


class CannotStart(OSError):
    """A child could not be started; the text says which program and why, for people."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start and with what."""

    argv: tuple[str, ...]
    """The program, absolute or to be found in the child's PATH, and its arguments. Never a shell's text."""
    cwd: str
    """Absolute."""
    declared: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variables set for this child by name, beyond the allow list."""
    stdin: Literal["closed", "pipe"] = "closed"
    joins_stderr: bool = False
    """Its error output comes through the same pipe as its output."""
    pass_fds: tuple[int, ...] = ()
    """Descriptors it inherits under the same numbers; not on Windows."""
    holds_all: bool = False
    """It dies with us, and nothing it starts outlives it: a sandbox with its own process numbers."""


class Children:
    """Starts processes and knows all that run."""

    def __init__(self, environment: Mapping[str, str], folder: Path | None = None) -> None:
        """Starts nothing yet.

        Args:
            environment: Our own variables; children get the harmless ones (`child_environment`).
            folder: Where what runs is written down for the sweep at the next start (a private folder of
                ours, made when missing); None keeps no record.
        """
        self._base = dict(environment)
        self.run_id = secrets.token_hex(8)
        """What children and temporary folders of this run are marked with."""
        self._ledger = ChildLedger(folder, self.run_id) if folder is not None else None
        clean = clean_environment(environment)
        self._mark = LimitMark(self.run_id)
        self._guardian = _guardian(self.run_id, clean, self._mark.value)
        self._notes = ThreadPoolExecutor(1, "children")
        """Writes the ledger, in order."""
        self._living: set[Child] = set()
        self._starting: set[asyncio.Task[Child | OSError]] = set()
        self._known: set[str] = set()
        self._through: tuple[str, ...] | None = None
        self._is_closed = False

    @property
    def living(self) -> int:
        """How many children run."""
        return len(self._living)

    @property
    def guardian_pid(self) -> int | None:
        """The guardian's process, while there is one."""
        return self._guardian.pid if self._guardian is not None else None

    def environment(self, declared: Mapping[str, str] | None = None) -> dict[str, str]:
        """Returns what a child would see.

        Raises:
            ForbiddenVariable: A declared one would make it load or run something else.
        """
        return {**clean_environment(self._base, declared), MARK: self.run_id}

    async def start(self, launch: Launch, *, on_stdout: Sink, on_stderr: Sink | None = None) -> Child:
        """Starts a child; it runs when this returns.

        Args:
            launch: What to start.
            on_stdout: Given each piece of its output as it comes.
            on_stderr: Given its error output; without it that is thrown away, unless `joins_stderr`.

        Raises:
            CannotStart: There is no such program or folder, it may not be run, or all is being closed.
            ForbiddenVariable: A declared variable would make it load or run something else.
        """
        environment = self.environment(launch.declared)
        argv = (await self._program(launch.argv[0], environment.get("PATH", "")), *launch.argv[1:])
        if not launch.holds_all:
            argv = (*await self._wrapper(), *argv)
        if self._guardian is not None:
            await self._guardian.ensure()
        if self._is_closed:
            raise CannotStart(f"{launch.argv[0]} was not started: Signalbox is being closed")
        protocol = ChildProtocol(on_stdout, on_stderr)
        starting = spawn(self._begin(launch, argv, environment, protocol), name="start a child")
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)
        try:
            started = await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(_stop_unwanted)
            raise
        if isinstance(started, Child):
            return started
        reason = started.strerror or started
        if started.filename == launch.cwd:
            raise CannotStart(f"{launch.argv[0]} was not started in {launch.cwd}: {reason}") from started
        raise CannotStart(f"{launch.argv[0]} could not be started: {reason}") from started

    async def _begin(
        self, launch: Launch, argv: tuple[str, ...], environment: Mapping[str, str], protocol: ChildProtocol
    ) -> Child | OSError:
        """Starts a child whole, though its caller leaves meanwhile; an error comes back as a value."""
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        errors = asyncio.subprocess.STDOUT if launch.joins_stderr else pipe
        self._mark.put_on()  # it is started in this very step of the loop, before anything else runs
        asyncio.get_running_loop().call_soon(self._mark.take_off)
        try:
            transport, _ = await asyncio.get_running_loop().subprocess_exec(
                lambda: protocol,
                *argv,
                stdin=pipe if launch.stdin == "pipe" else nothing,
                stdout=pipe,
                stderr=errors if launch.joins_stderr or protocol.hears_errors else nothing,
                env=environment,
                cwd=launch.cwd,
                **_apart(launch),
            )
            child = Child(transport, protocol, self._ended, holds_all=launch.holds_all)
        except OSError as exc:
            return exc
        self._living.add(child)
        if self._guardian is not None:
            self._guardian.watch(child.pid)
        if self._ledger is not None:
            self._notes.submit(self._ledger.started, child.pid)
        return child

    async def _program(self, name: str, path: str) -> str:
        """Returns a program's path; one named by its own is looked at once."""
        if name in self._known:
            return name
        found = await asyncio.to_thread(_find_program, name, path)
        if found is None:
            raise CannotStart(
                f"{name} was not found, or it may not be run. Give the path of an installed program"
            )
        if os.path.isabs(name):  # noqa: PTH117 - no file is touched
            self._known.add(name)
        return found

    async def _wrapper(self) -> tuple[str, ...]:
        """Returns what a program is started through, found out once."""
        if self._through is None:
            can_wrap = sys.platform == "linux" and await asyncio.to_thread(os.access, _SETPRIV, os.X_OK)
            self._through = (_SETPRIV, "--pdeathsig", "KILL", "--") if can_wrap else ()
        return self._through

    def _ended(self, child: Child) -> None:
        self._living.discard(child)
        if self._guardian is not None:
            self._guardian.forget(child.pid)
        if self._ledger is not None:
            self._notes.submit(self._ledger.ended, child.pid)

    async def aclose(self, grace_s: float = STOP_GRACE_S) -> None:
        """Ends every child and starts no more."""
        if self._is_closed:
            return
        self._is_closed = True
        await asyncio.gather(*self._starting)
        await asyncio.gather(*(child.stop(grace_s) for child in list(self._living)))
        if self._guardian is not None:
            await self._guardian.aclose()
        if self._ledger is not None:
            self._notes.submit(self._ledger.close)
        await asyncio.to_thread(self._notes.shutdown)


def _stop_unwanted(starting: asyncio.Task[Child | OSError]) -> None:
    """Ends a child whose caller left while it was being started."""
    if not starting.cancelled() and isinstance(child := starting.result(), Child):
        spawn(child.stop(), name="end a child that nobody waits for")


def _guardian(run_id: str, environment: Mapping[str, str], limit: int | None) -> Guardian | None:
    """Returns none on Windows, where job objects do its work."""
    return None if sys.platform == "win32" else Guardian(run_id, environment, limit)


def _find_program(name: str, path: str) -> str | None:
    found = shutil.which(name, path=path)
    return str(Path(found).absolute()) if found is not None else None


def _apart(launch: Launch) -> dict[str, Any]:
    """Returns what keeps a child apart from us, as `Popen` has it."""
    if sys.platform == "win32":
        from proxy.tools.child_windows import CREATION_FLAGS  # noqa: PLC0415 - only Windows has what is called

        return {"creationflags": CREATION_FLAGS}
    return {
        "start_new_session": True,
        "close_fds": True,
        "pass_fds": launch.pass_fds,
        "restore_signals": True,
    }
