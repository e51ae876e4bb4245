"""One running child: its pipes, its end, and how its whole group is ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from typing_extensions import override

from proxy.tasks import spawn
from proxy.tools.child_output import Sink

if TYPE_CHECKING:
    from proxy.tools.child_windows import Job

_LEFTOVER_GRACE_S = 0.2
"""What a child leaves running in its group has this long between TERM and KILL."""
_PIPES_CLOSE_S = 0.5
"""After the group's end: someone who left the group may hold the pipes for ever."""
_DYING_S = 1.0
"""A killed process is gone at once, unless the system holds it in a call."""
_POLL_S = 0.02


class ChildProtocol(asyncio.SubprocessProtocol):
    """What asyncio tells of a child."""

    def __init__(self, on_stdout: Sink, on_stderr: Sink | None) -> None:
        self._sinks: dict[int, Sink | None] = {1: on_stdout, 2: on_stderr}
        self.hears_errors = on_stderr is not None
        self._open_pipes = {1} if on_stderr is None else {1, 2}
        self.exited = asyncio.Event()
        self.drained = asyncio.Event()
        """Every pipe it writes to is closed."""
        self.writable = asyncio.Event()
        self.writable.set()

    @override
    def pipe_data_received(self, fd: int, data: bytes) -> None:
        sink = self._sinks.get(fd)
        if sink is not None:
            sink(data)

    @override
    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open_pipes.discard(fd)
        if fd == 0:
            self.writable.set()
        if not self._open_pipes:
            self.drained.set()

    @override
    def process_exited(self) -> None:
        self.writable.set()
        self.exited.set()

    def pause_writing(self) -> None:
        """Its input pipe is full."""
        self.writable.clear()

    def resume_writing(self) -> None:
        """Its input pipe takes more."""
        self.writable.set()


class Child:
    """One child; made by `Children.start`."""

    def __init__(
        self,
        transport: asyncio.SubprocessTransport,
        protocol: ChildProtocol,
        on_end: Callable[[Child], None],
        *,
        holds_all: bool = False,
    ) -> None:
        self._transport = transport
        self._protocol = protocol
        self._on_end = on_end
        self._holds_all = holds_all
        self.pid = transport.get_pid()
        """Of the child, which is its group's number too."""
        self._job: Job | None = None
        if sys.platform == "win32":
            from proxy.tools.child_windows import Job  # noqa: PLC0415 - only Windows has what is called

            self._job = Job(self.pid)
        self._kill_at: float | None = None
        self._end = spawn(self._finish(), name=f"see child {self.pid} to its end")

    @property
    def exit_code(self) -> int | None:
        """How it ended: its status, or minus the signal's number; None while it runs."""
        return self._transport.get_returncode()

    async def wait(self) -> int:
        """Returns its exit code once it has ended, its group is gone and all it wrote was handed over."""
        await asyncio.shield(self._end)
        return self._transport.get_returncode() or 0

    def write(self, data: bytes) -> None:
        """Hands it input; what a child that has ended is sent is lost."""
        pipe = cast("asyncio.WriteTransport | None", self._transport.get_pipe_transport(0))
        if pipe is not None and not pipe.is_closing():
            pipe.write(data)

    async def drain(self) -> None:
        """Waits until it has taken most of its input."""
        await self._protocol.writable.wait()

    def close_input(self) -> None:
        """Tells it that no more input comes."""
        pipe = self._transport.get_pipe_transport(0)
        if pipe is not None:
            pipe.close()

    async def stop(self, grace_s: float = 3.0) -> None:
        """Ends it with its whole group: TERM, `grace_s`, KILL; returns when all is over."""
        if self._end.done():  # its number may be another's by now
            return
        self._kill_at = asyncio.get_running_loop().time() + grace_s
        self._signal(hard=False)
        try:
            await asyncio.wait_for(self._protocol.exited.wait(), grace_s)
        except asyncio.TimeoutError:
            self._signal(hard=True)
        await asyncio.shield(self._end)

    async def _finish(self) -> None:
        await self._protocol.exited.wait()
        if self._signal(hard=self._holds_all) and not self._holds_all:
            await self._end_leftovers()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._protocol.drained.wait(), _PIPES_CLOSE_S)
        self._transport.close()
        if self._job is not None:
            self._job.close()
        self._on_end(self)

    async def _end_leftovers(self) -> None:
        loop = asyncio.get_running_loop()
        until = self._kill_at if self._kill_at is not None else loop.time() + _LEFTOVER_GRACE_S
        is_killed = False
        while await asyncio.to_thread(group_lives, self.pid):
            if loop.time() >= until:
                if is_killed:
                    return
                is_killed = self._signal(hard=True)
                until = loop.time() + _DYING_S
            await asyncio.sleep(_POLL_S)

    def _signal(self, *, hard: bool) -> bool:
        """Signals everyone in the group; False where nobody is left."""
        if self._job is not None:
            self._job.end(hard=hard)
            return False
        if sys.platform == "win32":
            return False
        return _send(self.pid, signal.SIGKILL if hard else signal.SIGTERM)


def group_lives(group: int) -> bool:
    """Tells whether anybody of a process group still runs; it touches the disk.

    The dead that nobody collected do not count: a container's first process may never collect them.
    """
    if sys.platform != "linux":
        return _send(group, 0)
    return _send(group, 0) and any(_runs_in(each, group) for each in Path("/proc").iterdir())


def _runs_in(process: Path, group: int) -> bool:
    if not process.name.isdigit():
        return False
    try:
        status = (process / "stat").read_bytes()
    except OSError:
        return False
    state, _parent, its_group = status[status.rindex(b")") + 2 :].split(maxsplit=3)[:3]
    return int(its_group) == group and state not in {b"Z", b"X"}


def _send(group: int, number: int) -> bool:
    """Signals a group; False where nobody is left."""
    if sys.platform == "win32":
        return False
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS forbids signals to what is dead but not collected
        return False
    return True
