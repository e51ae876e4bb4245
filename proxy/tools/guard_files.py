"""Reads and writes single files through descriptors of what was judged, never again by name."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable

from proxy.permissions.values import PathFacts
from proxy.tools.guard_resolve import Found
from proxy.tools.guard_values import MAX_READ_BYTES, FileContent, GuardError, Stamp

_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_READ_FLAGS = os.O_RDONLY | _CLOEXEC | _NOFOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CLOEXEC | _NOFOLLOW
_FOLDER_FLAGS = os.O_RDONLY | _CLOEXEC | _NOFOLLOW | getattr(os, "O_DIRECTORY", 0)
_NO_HARD_LINKS = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EXDEV}
)
_CHANGED = "was replaced by something else while it was being used. Nothing was changed. Look again"


def changed(path: str) -> GuardError:
    """Returns the error for a path that became something else between check and use."""
    return GuardError("changed", f"{path} {_CHANGED}.")


def open_checked(found: Found) -> int:
    """Opens the regular file that was found, and no other.

    Raises:
        GuardError: Something else has its name by now, or it may not be read.
    """
    try:
        descriptor = os.open(found.name, _READ_FLAGS, dir_fd=found.folder)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOENT, errno.ENXIO, errno.EMLINK}:
            raise changed(found.facts.given) from error
        raise system(found.facts.given, "read", error) from error
    status = os.fstat(descriptor)
    if found.status is None or not stat.S_ISREG(status.st_mode) or not os.path.samestat(status, found.status):
        os.close(descriptor)
        raise changed(found.facts.given)
    return descriptor


def read_all(found: Found, max_bytes: int = MAX_READ_BYTES) -> FileContent:
    """Reads the whole file that was found.

    Raises:
        GuardError: It is too large, was replaced, or cannot be read.
    """
    with os.fdopen(open_checked(found), "rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        if status.st_size > max_bytes:
            raise too_large(found.facts.given, status.st_size, max_bytes)
        data = file.read(max_bytes + 1)
        while chunk := file.read(max_bytes + 1 - len(data)):
            data += chunk
        if len(data) > max_bytes:
            raise too_large(found.facts.given, len(data), max_bytes)
        return FileContent(data, Stamp.of(data, status), found.facts)


def too_large(path: str, size: int, max_bytes: int) -> GuardError:
    """Returns the error for a file that is not read because of its size."""
    return GuardError("too large", f"{path} has {size:,} bytes; files of up to {max_bytes:,} bytes are read.")


def system(path: str, what: str, error: OSError) -> GuardError:
    """Returns the error for what the operating system refused."""
    return GuardError("system", f"Cannot {what} {path}: {error.strerror or error}.")


def make_parents(found: Found) -> Found:
    """Makes the folders that are missing on the way to a file, and returns where the file is to be.

    Each is made in the folder checked before and entered without following links, so that a link planted in
    its place is an error.
    """
    for name in found.missing[:-1]:
        try:
            os.mkdir(name, dir_fd=found.folder)
            entered = os.open(name, _FOLDER_FLAGS, dir_fd=found.folder)
        except OSError as error:
            if error.errno in {errno.EEXIST, errno.ELOOP, errno.ENOTDIR, errno.EMLINK}:
                raise changed(found.facts.given) from error
            raise system(found.facts.given, "make the folder for", error) from error
        os.close(found.folder)
        found.folder = entered
    found.missing = found.missing[-1:]
    return found


def replace_file(found: Found, data: bytes, is_unchanged: Callable[[Found], bool]) -> Stamp:
    """Puts a file with these bytes where a path leads: all of it or nothing.

    Args:
        found: Where; its folder exists.
        data: The new content.
        is_unchanged: Says, right before the new file gets its name, whether the path still leads there.

    Raises:
        GuardError: The path leads elsewhere by now, or the system refused.
    """
    folder = os.open(".", _FOLDER_FLAGS, dir_fd=found.folder)
    temporary = f".{found.name[:60]}.{secrets.token_hex(8)}.tmp"
    try:
        stamp = _write_new(temporary, data, folder, found)
        if not is_unchanged(found):
            raise changed(found.facts.given)
        _give_name(temporary, found, folder)
        os.fsync(folder)
    except OSError as error:
        raise system(found.facts.given, "write", error) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        os.close(folder)
    return stamp


def _write_new(name: str, data: bytes, folder: int, found: Found) -> Stamp:
    old = found.status
    descriptor = os.open(name, _NEW_FLAGS, 0o666 if old is None else 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) or 0 :]
        if old is not None:
            _keep_owner_and_mode(file.fileno(), old)
        os.fsync(file.fileno())
        return Stamp.of(data, os.fstat(file.fileno()))


def _keep_owner_and_mode(descriptor: int, old: os.stat_result) -> None:
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        with contextlib.suppress(OSError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _give_name(temporary: str, found: Found, folder: int) -> None:
    """Names the new file; a name that was free when it was checked must still be free."""
    if found.status is not None:
        os.rename(temporary, found.name, src_dir_fd=folder, dst_dir_fd=folder)
        return
    try:
        os.link(temporary, found.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError as error:
        raise changed(found.facts.given) from error
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if name_is_taken(found.name, folder):
            raise changed(found.facts.given) from error
        os.rename(temporary, found.name, src_dir_fd=folder, dst_dir_fd=folder)


def name_is_taken(name: str, folder: int) -> bool:
    """Says whether a folder holds something of this name, a link that leads nowhere included."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def describe(facts: PathFacts) -> str:
    """Returns the path as people should see it: as given, and where it leads if that is elsewhere."""
    return facts.given if facts.real == facts.lexical else f"{facts.given} (really {facts.real})"
