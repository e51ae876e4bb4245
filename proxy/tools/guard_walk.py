"""Lists folders and walks trees through descriptors, leaving out what the judge refuses.

A walk never goes through a link, so it cannot leave the folder it began in, nor go in circles. What is
refused is not there: neither in the results nor, as a folder, entered.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from proxy.permissions.values import FolderEntry, PathFacts
from proxy.tools.guard_disk import Disk
from proxy.tools.guard_files import changed, system
from proxy.tools.guard_resolve import Found, OpenedFolder, resolve
from proxy.tools.guard_values import Entry, GuardError, Judge

MAX_DEPTH = 100
"""Folders within folders that a walk enters; each costs a descriptor."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of a walk: open, and judged."""

    descriptor: int
    path: str
    """As reached."""
    real: str
    disk: Disk
    depth: int = 0

    def close(self) -> None:
        """Gives the descriptor back."""
        self.disk.close_folder(self.descriptor)


def open_found(found: Found) -> Folder:
    """Opens the folder that was found, and no other.

    Raises:
        GuardError: It is no folder, was replaced, or may not be read.
    """
    given = found.facts.given
    if found.facts.kind == "missing":
        raise GuardError("missing", f"{given or '.'} does not exist.")
    if found.facts.kind != "folder" or found.status is None:
        raise GuardError("not a folder", f"{given} is not a folder.")
    try:
        descriptor = found.disk.open_to_list(found.name, found.folder)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOENT, errno.ENOTDIR, errno.EMLINK}:
            raise changed(given) from error
        raise system(given, "list", error) from error
    folder = Folder(descriptor, found.facts.lexical, found.facts.real, found.disk)
    if not os.path.samestat(found.disk.folder_status(descriptor), found.status):
        folder.close()
        raise changed(given)
    return folder


def names_in(found: Found) -> tuple[FolderEntry, ...]:
    """Returns the names in a folder with what they are themselves, no link followed.

    Raises:
        GuardError: It is no folder or cannot be read.
    """
    folder = open_found(found)
    try:
        items = folder.disk.scan(folder.descriptor)
        return tuple(FolderEntry(item.name, _name_kind(item, folder.disk)) for item in items)
    except OSError as error:
        raise system(folder.path, "list", error) from error
    finally:
        folder.close()


def _name_kind(item: os.DirEntry[str], disk: Disk) -> Literal["file", "folder", "link", "other"]:
    status = item.stat(follow_symlinks=False)
    if disk.is_link(status):
        return "link"
    return _kind(status)


def _kind(status: os.stat_result) -> Literal["file", "folder", "other"]:
    if stat.S_ISDIR(status.st_mode):
        return "folder"
    return "file" if stat.S_ISREG(status.st_mode) else "other"


def entries(folder: Folder, judge: Judge, starts: Sequence[OpenedFolder]) -> Iterator[Entry]:
    """Yields what a folder holds, by name, without what the judge refuses."""
    try:
        items = sorted(folder.disk.scan(folder.descriptor), key=lambda item: item.name)
    except OSError as error:
        raise system(folder.path, "list", error) from error
    for item in items:
        entry = _entry(item, folder, starts)
        if entry is None:
            continue
        operation = "search" if entry.kind == "folder" else "read"
        if entry.kind != "other" and judge(entry.facts, operation) is None:
            yield entry


def walk(
    top: Folder, judge: Judge, starts: Sequence[OpenedFolder], enters: Callable[[Entry], bool]
) -> Iterator[Entry]:
    """Yields everything below a folder, a folder before what it holds; links are yielded, never entered.

    Args:
        top: Where to begin; closed at the end.
        judge: What it refuses is left out.
        starts: Opened folders, for reading where links lead.
        enters: Says which folders are entered.
    """
    waiting: list[tuple[Folder, Iterator[Entry]]] = [(top, entries(top, judge, starts))]
    try:
        while waiting:
            folder, rest = waiting[-1]
            entry = next(rest, None)
            if entry is None:
                waiting.pop()[0].close()
                continue
            yield entry
            is_deeper = entry.kind == "folder" and not entry.is_link and folder.depth < MAX_DEPTH
            if is_deeper and enters(entry) and (below := _open_below(folder, entry)) is not None:
                waiting.append((below, entries(below, judge, starts)))
    finally:
        for folder, _ in waiting:
            folder.close()


def _open_below(folder: Folder, entry: Entry) -> Folder | None:
    """Opens a folder that was listed; None: it has gone, or may not be read.

    Raises:
        GuardError: A link or a file took its place.
    """
    try:
        descriptor = folder.disk.open_to_list(entry.name, folder.descriptor)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.EMLINK}:
            raise changed(entry.path) from error
        return None
    return Folder(descriptor, entry.path, entry.facts.real, folder.disk, folder.depth + 1)


def _entry(item: os.DirEntry[str], folder: Folder, starts: Sequence[OpenedFolder]) -> Entry | None:
    path = _below(folder.path, item.name)
    real = _below(folder.real, item.name)
    try:
        status = item.stat(follow_symlinks=False)
    except OSError:
        return None
    if folder.disk.is_link(status):
        with resolve(real, starts, folder.disk) as found:
            facts = replace(found.facts, lexical=path, given=path)
            status = found.status or status
        if facts.kind == "missing":
            return None
        return _as_entry(facts, item.name, status, is_link=True)
    kind = _kind(status)
    facts = PathFacts(path, path, real, kind, status.st_nlink if kind == "file" else 1)
    return _as_entry(facts, item.name, status, is_link=False)


def _as_entry(facts: PathFacts, name: str, status: os.stat_result, *, is_link: bool) -> Entry:
    kind = facts.kind if facts.kind != "missing" else "other"
    return Entry(facts.lexical, name, kind, is_link, status.st_size, status.st_mtime_ns, facts)


def _below(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"
