"""Notices when another program changed one of our files, and has it taken over once it stands still.

A file that is being saved may be half written, and half a list of deny rules can be read, too: what changed
is read only when it was the same at two looks in a row. A file that is gone or empty is nobody's wish, and
one that cannot be used changes nothing: what is in force stays, and the user is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from gui.desk import Problem
from proxy.tasks import spawn

_log = structlog.get_logger("app.hand_edits")
LOOK_EVERY_S = 2.0

_Stamp = tuple[int, int, int]
"""When it was changed, how long it is, and which file it is."""


@dataclass(frozen=True, slots=True)
class WatchedFile:
    """A file of ours that people edit."""

    path_now: Callable[[], Path]
    """Where it is: the settings may name another one."""
    what: str
    """`The settings`, `The MCP servers`."""
    in_force: Callable[[], bytes | None]
    """What of it is in force; None: there was no file."""
    take: Callable[[], Awaitable[str | None]]
    """Takes over what it says now; returns why not, or None."""
    page: str | None = None
    """The window's page about it."""

    @property
    def path(self) -> Path:
        """Where it is now."""
        return self.path_now()


@dataclass(slots=True)
class _Looks:
    """What was seen of one file."""

    last: _Stamp | None = None
    taken: _Stamp | None = None
    is_known: bool = False
    """`taken` was compared with what is in force."""
    problem: str | None = None


class HandEdits:
    """Looks after our files; whoever has it, calls `look` every few seconds."""

    def __init__(
        self,
        files: Sequence[WatchedFile],
        changed: Callable[[], None],
    ) -> None:
        """Looks at nothing yet.

        Args:
            files: Which files.
            changed: Called after `problems` has changed.
        """
        self._files = tuple((each, _Looks()) for each in files)
        self._changed = changed

    def problems(self) -> tuple[Problem, ...]:
        """Returns which edits were not taken over, and why."""
        return tuple(
            Problem(f"{file.what} on disk are not in force", looks.problem, file.page)
            for file, looks in self._files
            if looks.problem is not None
        )

    def forget(self, file: WatchedFile) -> None:
        """A file was read anew: it is compared again at the next looks."""
        looks = next(looks for each, looks in self._files if each is file)
        looks.is_known, looks.problem = False, None

    async def look(self) -> None:
        """Looks at each file once."""
        for file, looks in self._files:
            stamp = await asyncio.to_thread(_stamp, file.path)
            if looks.is_known and stamp == looks.taken:
                continue
            if stamp != looks.last:
                looks.last = stamp
                continue
            looks.taken, looks.is_known = stamp, True
            taking = spawn(self._take(file), name="take over a file that was changed by hand")
            try:
                await asyncio.wait({taking})
            finally:
                taking.cancel()  # where the program ends meanwhile
            failure = taking.exception()  # our bug, which spawn logs: the other looks go on
            if failure is None:
                problem = taking.result()
            else:
                problem = f"{file.path} could not be read ({type(failure).__name__}); the log says more"
            if problem != looks.problem:
                looks.problem = problem
                self._changed()

    async def _take(self, file: WatchedFile) -> str | None:
        content = await asyncio.to_thread(_content, file.path)
        if content == file.in_force():
            return None
        if content is None or not content.strip():
            why = f"{file.path} is {'gone or cannot be read' if content is None else 'empty'}"
        else:
            why = await file.take()
        if why is None:
            _log.info("hand_edit_taken", path=str(file.path))
            return None
        _log.warning("hand_edit_not_taken", path=str(file.path), reason=why)
        return f"{why}. What was in force before stays in force until the file is mended."


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
