"""What runs is written down, so that the next start can end what a crash left behind.

A ledger file belongs to one run of the program: its first line names the run and the process, each further
line a child that started (`+ pid start-time`) or ended (`- pid`). A process is known by its number *and*
the time it started: numbers are used again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import structlog

from proxy.tools.child_environment import MARK
from proxy.tools.child_limit import LimitMark

_log = structlog.get_logger("proxy.tools.children")

_SUFFIX = ".children"
_SAME_START_S = 2.0
"""Start times are worked out from the system's boot time, which a corrected clock moves a little."""
_MAX_LEDGER_BYTES = 8 * 2**20


class ChildLedger:
    """The ledger of this run; its methods touch the disk, so they belong into a thread."""

    def __init__(self, folder: Path, run_id: str) -> None:
        """Writes nothing before the first child."""
        self._path = folder / f"{os.getpid()}-{run_id}{_SUFFIX}"
        self._run_id = run_id
        self._descriptor: int | None = None
        self._lock = threading.Lock()

    def started(self, pid: int) -> None:
        """Notes a child that runs."""
        start = _start_of(pid)
        if start is not None:
            self._write(f"+ {pid} {start:.2f}\n")

    def ended(self, pid: int) -> None:
        """Notes a child that is gone."""
        self._write(f"- {pid}\n")

    def _write(self, line: str) -> None:
        try:
            self._append(line)
        except OSError as exc:  # then a crash leaves less to go by; the guardian is still there
            _log.warning("child_ledger_not_written", path=str(self._path), reason=exc.strerror or str(exc))

    def _append(self, line: str) -> None:
        with self._lock:
            if self._descriptor is None:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
                self._descriptor = os.open(self._path, flags, 0o600)
                line = f"{self._run_id} {os.getpid()} {_start_of(os.getpid()) or 0:.2f}\n{line}"
            os.write(self._descriptor, line.encode("ascii"))

    def close(self) -> None:
        """Removes the ledger: all children have ended."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
                self._path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Left:
    run_id: str
    owner: tuple[int, float]
    children: dict[int, float]


def temporary_prefix(run_id: str) -> str:
    """Returns how the names of a run's temporary folders begin."""
    return f"signalbox-{run_id}-"


def sweep(folder: Path, temporary: str = "") -> int:
    """Ends the children of runs that are no more and removes what they left; belongs into a thread.

    Args:
        folder: Where the ledgers are.
        temporary: Where temporary folders are made; empty: the system's place.

    Returns:
        How many processes were ended.
    """
    ended = 0
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        left = _read(path)
        if left is not None:
            if _is_same(*left.owner):
                continue
            ended += _end(left)
            for made in Path(temporary or tempfile.gettempdir()).glob(f"{temporary_prefix(left.run_id)}*"):
                shutil.rmtree(made, ignore_errors=True)  # of a link it removes nothing
        with contextlib.suppress(OSError):
            path.unlink()
    return ended


def _read(path: Path) -> _Left | None:
    """Returns what a ledger says; None where it says nothing that could be understood."""
    try:
        if path.stat().st_size > _MAX_LEDGER_BYTES:
            return None
        first, *lines = path.read_text("ascii", "replace").splitlines()
        run_id, pid, start = first.split()
        if not run_id.isalnum():
            return None
        owner = (int(pid), float(start))
    except (OSError, ValueError):
        return None
    children: dict[int, float] = {}
    gone: set[int] = set()
    for line in reversed(lines):  # from the newest on: a number can have been used twice
        match line.split():
            case ["+", number, started] if number.isdigit():
                if int(number) not in gone:
                    with contextlib.suppress(ValueError):
                        children.setdefault(int(number), float(started))
                gone.discard(int(number))
            case ["-", number] if number.isdigit():
                gone.add(int(number))
            case _:  # the crash cut the line
                continue
    return _Left(run_id, owner, children)


def _end(left: _Left) -> int:
    """Ends who is known by number and start time with the whole group, then who carries a mark of the run."""
    import psutil  # noqa: PLC0415 - of use only where something was left behind

    ended: set[int] = set()
    for pid, start in left.children.items():
        if _is_same(pid, start):
            ended |= _end_tree(pid)
    limit = LimitMark(left.run_id)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            is_ours = limit.is_on(process) or process.environ().get(MARK) == left.run_id
            if is_ours and process.pid not in ended:
                process.kill()
                ended.add(process.pid)
    return len(ended)


def _end_tree(pid: int) -> set[int]:
    import psutil  # noqa: PLC0415 - likewise

    ended = {pid}
    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        family = process.children(recursive=True)
        if sys.platform != "win32":
            os.killpg(pid, signal.SIGKILL)
        for each in (process, *family):
            with contextlib.suppress(psutil.Error):
                each.kill()
            ended.add(each.pid)
    return ended


def _start_of(pid: int) -> float | None:
    import psutil  # noqa: PLC0415 - of use only where children run, or were left behind

    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def _is_same(pid: int, start: float) -> bool:
    found = _start_of(pid)
    return found is not None and abs(found - start) < _SAME_START_S
