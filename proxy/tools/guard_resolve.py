"""Finds where a path leads, name by name from opened folders.

No name is ever looked up with links followed: a link is read and its text walked like any other, so every
place on the way is known, and what is used afterwards is what was found. `Found` holds the folder's
descriptor; swapping a name for a link later changes nothing about it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, TypeAlias

from typing_extensions import Self

from proxy.permissions.path_names import clean
from proxy.permissions.values import PathFacts
from proxy.tools.guard_disk import Disk
from proxy.tools.guard_values import GuardError

Kind: TypeAlias = Literal["file", "folder", "missing", "other"]

MAX_LINKS = 40
_NOT_ENTERED = frozenset({"/proc", "/dev", "/.vol"})
"""Looking around there may already do something."""


@dataclass(slots=True)
class Found:
    """Where a path leads; close it after use."""

    facts: PathFacts
    folder: int
    """Descriptor of the deepest folder on the way that exists, the path itself not counted; -1: there is
    none in which the path could be, because a file is in the way or the machine refused an answer."""
    missing: tuple[str, ...]
    """Names below `folder` that are not there; the path's own name is the last."""
    name: str
    """The path's own name in its folder; `.` for a folder from which walks begin."""
    status: os.stat_result | None
    """Of the path itself, where it exists."""
    disk: Disk

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the descriptor back."""
        if self.folder >= 0:
            self.disk.close_folder(self.folder)
            self.folder = -1


@dataclass(frozen=True, slots=True)
class OpenedFolder:
    """A folder opened once, from which walks begin."""

    path: str
    """Its real path."""
    descriptor: int
    identity: tuple[int, int]
    """Device and number."""


def open_folder(path: str, disk: Disk) -> OpenedFolder:
    """Opens a folder by its path, links followed; for the workspace's own folders only.

    Raises:
        GuardError: It is not there, or is no folder.
    """
    try:
        descriptor = disk.open_top(path)
    except OSError as error:
        raise GuardError("missing", f"The folder {path} cannot be opened: {error.strerror}") from error
    status = disk.folder_status(descriptor)
    return OpenedFolder(path, descriptor, (status.st_dev, status.st_ino))


def resolve(path: str, starts: Sequence[OpenedFolder], disk: Disk) -> Found:
    """Finds where an absolute path leads; never raises for what is missing or unreadable.

    Args:
        path: Absolute; `..` after a link means the parent of where the link leads.
        starts: Opened folders, the longest path first, the top of the disk last.
        disk: The system's calls.
    """
    walk = _Walk(path, starts, disk)
    try:
        walk.go()
    except (OSError, ValueError):
        walk.gave_up = True
    try:
        return walk.found()
    finally:
        walk.close()


_NOWHERE = OpenedFolder("/", -1, (-1, -1))


@dataclass(slots=True)
class _Walk:
    given: str
    starts: Sequence[OpenedFolder]
    disk: Disk
    start: OpenedFolder = _NOWHERE
    opened: list[int] = field(default_factory=list[int])
    """Descriptors of the folders entered below the start."""
    names: list[str] = field(default_factory=list[str])
    """Their names."""
    missing: list[str] = field(default_factory=list[str])
    """Names below them that are not there, or lie below a file."""
    last: tuple[str, os.stat_result] | None = None
    """The thing reached that is no folder: name and status."""
    ahead: list[str] = field(default_factory=list[str])
    """Names still to be walked, the next one last."""
    via: list[str] = field(default_factory=list[str])
    links: int = 0
    gave_up: bool = False
    """It leads to where nobody looks, or the machine refused an answer."""

    def go(self) -> None:
        self._begin(self.given)
        while self.ahead and not self.gave_up:
            name = self.ahead.pop()
            if name == "..":
                self._climb()
            elif name not in {"", "."}:
                try:
                    self._enter(name)
                except (OSError, ValueError):
                    self.ahead.append(name)
                    raise

    def found(self) -> Found:
        kind = self._kind()
        facts = PathFacts(
            given=self.given,
            lexical=clean(self.given),
            real=self._real(),
            kind=kind,
            links=self.last[1].st_nlink if self.last and kind == "file" else 1,
            via=tuple(self.via),
        )
        if kind == "other":
            return Found(facts, -1, (), "", None, self.disk)
        if kind == "folder":
            return self._found_folder(facts)
        name = self.missing[-1] if self.missing else ""
        if self.last is None:
            return Found(facts, self._again(self._folder()), tuple(self.missing), name, None, self.disk)
        if self.missing:
            return Found(facts, -1, tuple(self.missing), name, None, self.disk)
        return Found(facts, self._again(self._folder()), (), *self.last, self.disk)

    def _found_folder(self, facts: PathFacts) -> Found:
        if not self.opened:
            top = self.start.descriptor
            return Found(facts, self._again(top), (), ".", self.disk.folder_status(top), self.disk)
        parent = self.opened[-2] if len(self.opened) > 1 else self.start.descriptor
        status = self.disk.folder_status(self.opened[-1])
        return Found(facts, self._again(parent), (), self.names[-1], status, self.disk)

    def _again(self, folder: int) -> int:
        return self.disk.duplicate(folder)

    def _kind(self) -> Kind:
        if self.gave_up:
            return "other"
        if self.missing:
            return "missing"
        if self.last is None:
            return "folder"
        return "file" if stat.S_ISREG(self.last[1].st_mode) else "other"

    def close(self) -> None:
        while self.opened:
            self.disk.close_folder(self.opened.pop())
        self.names.clear()

    # Walking ------------------------------------------------------------------------------

    def _begin(self, path: str) -> None:
        """Starts anew at the nearest opened folder above an absolute path."""
        self.close()
        names = [name for name in path.split("/") if name not in {"", "."}]
        for start in self.starts:
            above = [name for name in start.path.split("/") if name]
            if names[: len(above)] == above:
                break
        else:
            self.start = _NOWHERE
            self.ahead = names[::-1]
            raise OSError(errno.ENOENT, "no start")
        self.start = start
        self.ahead = names[len(above) :][::-1]

    def _climb(self) -> None:
        if self.missing:
            self.missing.pop()
        elif self.last is not None:
            self.last = None
        elif self.names:
            self.names.pop()
            self.disk.close_folder(self.opened.pop())
        elif self.start.path != "/":  # the top of the disk is its own parent
            parent = self.start.path.rpartition("/")[0]
            self._begin("/".join([parent, *self.ahead[::-1]]) or "/")

    def _enter(self, name: str) -> None:
        if self.missing or self.last is not None:
            self.missing.append(name)
            return
        if self._here([name]) in _NOT_ENTERED and self.start.path == "/":
            self.missing.append(name)
            self.gave_up = True
            return
        folder = self._folder()
        try:
            status = self.disk.status(name, folder)
        except FileNotFoundError:
            self.missing.append(name)
            return
        if self.disk.is_link(status):
            self._follow(self.disk.read_link(name, folder))
        elif stat.S_ISDIR(status.st_mode) and self.ahead[-1:] == [".."]:
            self.ahead.pop()  # in and out again: it need not be opened
        elif stat.S_ISDIR(status.st_mode):
            self.opened.append(self.disk.open_folder(name, folder))
            self.names.append(self.disk.true_name(name, folder))
        else:
            self.last = (self.disk.true_name(name, folder), status)

    def _follow(self, target: str) -> None:
        self.links += 1
        if self.links > MAX_LINKS:
            raise OSError(errno.ELOOP, "too many links")
        rest = self.ahead[::-1]
        whole = target if target.startswith("/") else self._here([target])
        self.via.append(clean("/".join([whole, *rest])))
        if target.startswith("/"):
            self._begin("/".join([target, *rest]))
        else:
            self.ahead.extend(target.split("/")[::-1])

    def _folder(self) -> int:
        return self.opened[-1] if self.opened else self.start.descriptor

    def _here(self, names: Sequence[str] = ()) -> str:
        return "/".join([self.start.path.rstrip("/"), *self.names, *names]) or "/"

    # The end ------------------------------------------------------------------------------

    def _real(self) -> str:
        rest = list(self.missing)
        if self.last is not None:
            rest.insert(0, self.last[0])
        return clean("/".join([self._here(rest), *self.ahead[::-1]])) if self.ahead else self._here(rest)
