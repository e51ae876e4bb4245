"""Runs shell lines where they can do no harm, and tells what they did: an own user, no network, no sockets.

The cage is one process: a network namespace of its own, user nobody, and a filter in the kernel that refuses
and counts sockets other than local ones. It runs each line in a fresh bash and says how that ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from typing_extensions import Self

NOBODY = 65534
_SHARED = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - looked at, not written to
_SETTINGS = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8", "TERM": "dumb"}

_PROGRAM = r"""
import ctypes, fcntl, json, os, platform, signal, struct, subprocess, sys, threading
socket_call, seccomp_call = {"x86_64": (41, 317), "aarch64": (198, 277)}[platform.machine()]
def op(code, jt, jf, k): return struct.pack("HBBI", code, jt, jf, k)
code = (op(0x20, 0, 0, 0) + op(0x15, 0, 3, socket_call) + op(0x20, 0, 0, 16) + op(0x15, 1, 0, 1)
        + op(0x06, 0, 0, 0x7FC00000) + op(0x06, 0, 0, 0x7FFF0000))
buffer = ctypes.create_string_buffer(code)
program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
listener = libc.syscall(seccomp_call, 1, 8, ctypes.c_char_p(program))
if listener < 0:
    sys.exit("no filter")
os.set_inheritable(listener, False)
sockets = 0
def answer():
    global sockets
    while True:
        notice = bytearray(80)
        try:
            fcntl.ioctl(listener, 0xC0502100, notice)
            sockets += 1
            fcntl.ioctl(listener, 0xC0182101, bytearray(notice[:8] + struct.pack("qiI", 0, -13, 0)))
        except OSError:  # who asked is gone
            pass
threading.Thread(target=answer, daemon=True).start()
print("ready", flush=True)
for line in sys.stdin:
    job = json.loads(line)
    sockets = 0
    child = subprocess.Popen(["/bin/bash", "--noprofile", "--norc", "-c", job["text"]], cwd=job["folder"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output = child.communicate(timeout=job["seconds"])[0]
        status = child.returncode
    except subprocess.TimeoutExpired:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        output, status = child.communicate()[0], None
    said = output[:100000].decode("utf-8", "replace")
    print(json.dumps({"status": status, "output": said, "sockets": sockets}), flush=True)
os._exit(0)
"""


@dataclass(frozen=True, slots=True)
class CageResult:
    """How a line ended."""

    status: int | None
    """None: its time ran out."""
    output: str
    sockets: int
    """Sockets that it tried to open, local ones left out; all were refused."""


def why_no_cage() -> str | None:
    """Returns why lines cannot be run in a cage on this machine; None: they can."""
    if not sys.platform.startswith("linux") or platform.machine() not in {"x86_64", "aarch64"}:
        return "the cage needs Linux on x86-64 or ARM64"
    if os.geteuid() != 0:
        return "the cage needs root to become nobody"
    missing = [name for name in ("unshare", "setpriv", "git") if shutil.which(name) is None]
    if missing:
        return f"the cage needs {', '.join(missing)}"
    probe = subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True)
    return "the cage may not make a network namespace" if probe.returncode else None


class ShellCage:
    """Runs lines in one folder, which belongs to nobody."""

    def __init__(self, folder: Path, *, seconds: float = 1.0) -> None:
        """Prepares the cage; `seconds` are a line's limit."""
        self.folder = folder
        self.seconds = seconds
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Starts the cage and gives it the folder."""
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        self._process = subprocess.Popen(
            [
                "unshare",
                "-n",
                "setpriv",
                *user,
                "/usr/bin/env",
                "-i",
                *_settings(),
                _python(),
                "-c",
                _PROGRAM,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        answer = self._process.stdout.readline() if self._process.stdout else ""
        if answer != "ready\n":
            raise RuntimeError(f"the cage does not open: {answer!r}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the cage."""
        process = self._process
        if process is not None:
            process.communicate(timeout=10)

    def run(self, text: str) -> CageResult:
        """Runs a line and returns how it ended."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the cage is not open")
        process.stdin.write(
            json.dumps({"text": text, "folder": str(self.folder), "seconds": self.seconds}) + "\n"
        )
        process.stdin.flush()
        said = process.stdout.readline()
        if not said:
            raise RuntimeError(f"the cage broke at {text!r}")
        answer = cast("dict[str, Any]", json.loads(said))
        return CageResult(answer["status"], answer["output"], answer["sockets"])

    def snapshot(self) -> Mapping[str, tuple[int, ...]]:
        """Returns what the folder holds now; git's own cache of file times is left out."""
        seen: dict[str, tuple[int, ...]] = {}
        _look(self.folder, seen)
        seen.pop(str(self.folder / ".git" / "index"), None)
        seen.pop(str(self.folder / ".git"), None)
        for shared in _SHARED:
            for entry in os.scandir(shared):
                with contextlib.suppress(FileNotFoundError):  # others come and go there
                    status = entry.stat(follow_symlinks=False)
                    if status.st_uid == NOBODY:
                        seen[entry.path] = (status.st_ino,)
        return seen


def _settings() -> Sequence[str]:
    return [f"{name}={value}" for name, value in _SETTINGS.items()]


def _python() -> str:
    """Returns a Python that nobody can start."""
    return next(path for path in ("/usr/bin/python3", sys.executable) if Path(path).exists())


def _look(folder: Path, seen: dict[str, tuple[int, ...]]) -> None:
    for entry in os.scandir(folder):
        status = entry.stat(follow_symlinks=False)
        seen[entry.path] = (
            status.st_ino,
            status.st_mode,
            status.st_size,
            status.st_mtime_ns,
            status.st_nlink,
        )
        if entry.is_dir(follow_symlinks=False):
            _look(Path(entry.path), seen)
