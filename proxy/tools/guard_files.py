"""Reads and writes single files through descriptors of what was judged, never again by name."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
from collections.abc import Callable

from proxy.permissions.values import PathFacts
from proxy.tools.guard_resolve import Found
from proxy.tools.guard_values import MAX_READ_BYTES, FileContent, GuardError, Stamp

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
        descriptor = found.disk.open_file(found.name, found.folder)
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
        data = file.read(status.st_size + 1)
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
            found.disk.make_folder(name, found.folder)
            entered = found.disk.open_folder(name, found.folder)
        except OSError as error:
            if error.errno in {errno.EEXIST, errno.ELOOP, errno.ENOTDIR, errno.EMLINK}:
                raise changed(found.facts.given) from error
            raise system(found.facts.given, "make the folder for", error) from error
        found.disk.close_folder(found.folder)
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
    disk = found.disk
    temporary = f".{found.name[:40]}.{secrets.token_hex(8)}.tmp"
    folder = disk.open_to_list(".", found.folder)
    try:
        stamp = _write_new(temporary, data, folder, found)
        if not is_unchanged(found):
            raise changed(found.facts.given)
        if found.status is None:
            disk.name_new(temporary, found.name, folder)
        else:
            disk.replace(temporary, found.name, folder)
        disk.sync(folder)
    except FileExistsError as error:
        raise changed(found.facts.given) from error
    except OSError as error:
        raise system(found.facts.given, "write", error) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            disk.remove(temporary, folder)
        disk.close_folder(folder)
    return stamp


def _write_new(name: str, data: bytes, folder: int, found: Found) -> Stamp:
    old = found.status
    descriptor = found.disk.create(name, folder, 0o666 if old is None else 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) or 0 :]
        if old is not None:
            _keep_owner_and_mode(file.fileno(), old)
        os.fsync(file.fileno())
        return Stamp.of(data, os.fstat(file.fileno()))


def _keep_owner_and_mode(descriptor: int, old: os.stat_result) -> None:
    if sys.platform == "win32":  # there is neither; a file that may not be written is refused before
        return
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        with contextlib.suppress(OSError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def describe(facts: PathFacts) -> str:
    """Returns the path as people should see it: as given, and where it leads if that is elsewhere."""
    return facts.given if facts.real == facts.lexical else f"{facts.given} (really {facts.real})"
