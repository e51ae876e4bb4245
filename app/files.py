"""How our files are written and trusted: whole or not at all, one writer at a time, and for us alone."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO

_MAX_SECRET_FILE_BYTES = 64 * 1024

Step = Callable[[str], None]
"""Told the name of each step before it happens; tests make it fail there."""


def _no_step(_name: str) -> None:
    return


class UntrustedFile(Exception):
    """A file with a secret that others could read or have planted; the text says what to do."""


def write_atomically(
    path: Path, content: bytes, *, backup: Path | None = None, mode: int = 0o600, step: Step = _no_step
) -> None:
    """Replaces a file so that after a crash at any moment the old or the new one is there, whole.

    Args:
        path: The file; its folder must exist.
        content: What it shall hold.
        backup: Where the content it had is kept, written in the same way.
        mode: Permissions of the new file.
        step: Called before each step.

    Raises:
        OSError: The disk is full, the folder cannot be written, …; the old file is untouched.
    """
    if backup is not None and path.exists():
        _replace(backup, path.read_bytes(), mode, lambda name: step(f"backup {name}"))
    _replace(path, content, mode, step)


def _replace(path: Path, content: bytes, mode: int, step: Step) -> None:
    step("create")
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            step("write")
            stream.write(content)
            stream.flush()
            if sys.platform != "win32":
                os.fchmod(stream.fileno(), mode)
            step("sync")
            os.fsync(stream.fileno())
        step("replace")
        os.replace(temporary, path)  # noqa: PTH105 - the atomic call by its own name
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    step("sync folder")
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # a directory cannot be flushed there; the rename is journalled
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep_temporary(path: Path) -> None:
    """Removes what a crash in the middle of `write_atomically` left beside the file."""
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        with contextlib.suppress(OSError):
            left.unlink()


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Generator[IO[bytes], None, None]:
    """Holds the lock file at `path`; the system lets go of it when the process dies, however it dies.

    Raises:
        BlockingIOError: `wait` is false and another process holds it.
        OSError: The lock file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as stream:
        _lock(stream, wait=wait)
        yield stream


if sys.platform == "win32":  # pragma: no cover - the other branch runs on the machines that measure coverage
    import msvcrt

    def _lock(stream: IO[bytes], *, wait: bool) -> None:
        stream.seek(0)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError as exc:
            raise BlockingIOError(exc.errno, "another process holds the lock") from exc
else:
    import fcntl

    def _lock(stream: IO[bytes], *, wait: bool) -> None:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def read_secret_line(path: Path, *, what: str) -> str:
    """Reads the one line of a mounted secret: a plain file of ours or root's that nobody else may read.

    Args:
        path: The file.
        what: What it holds, for the message, such as `the token file`.

    Raises:
        UntrustedFile: It is missing, a link, open to others, someone else's, empty or longer than a line.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if path.is_symlink():
            raise UntrustedFile(f"{what} {path} is a link; name the file itself")
        descriptor = os.open(path, flags)
    except OSError as exc:
        raise UntrustedFile(f"{what} {path} cannot be opened: {exc.strerror}") from exc
    try:
        _require_private(os.fstat(descriptor), path, what)
        content = os.read(descriptor, _MAX_SECRET_FILE_BYTES + 1)
    finally:
        os.close(descriptor)
    try:
        text = content.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as exc:
        raise UntrustedFile(f"{what} {path} is not text; it must hold one line") from exc
    if not text.strip():
        raise UntrustedFile(f"{what} {path} is empty; it must hold one line")
    if len(content) > _MAX_SECRET_FILE_BYTES or any(each in text for each in "\r\n\0"):
        raise UntrustedFile(f"{what} {path} holds more than one line")
    return text


def _require_private(found: os.stat_result, path: Path, what: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UntrustedFile(f"{what} {path} is no regular file")
    if sys.platform == "win32":  # modes mean nothing there; the folder's access list does
        return
    if found.st_uid not in {os.getuid(), 0}:
        raise UntrustedFile(f"{what} {path} belongs to another user (uid {found.st_uid}); chown it to yours")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o177:
        raise UntrustedFile(
            f"{what} {path} has mode {mode:04o}, so others may read it; run: chmod 600 {path}"
        )
