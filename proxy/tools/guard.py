"""The file tools' only way to the disk: what is used is what was judged.

A `WorkspaceGuard` holds the workspace's folders open. Every call walks to its path name by name, has what it
found judged, and reads or writes through the descriptors of that very walk. All methods block: call them in a
worker thread (`asyncio.to_thread`).

`guard_resolve` walks, `guard_files` reads and writes, `guard_walk` lists. `guard_disk` has the calls of the
system, `guard_windows` those of Windows. `guard_permit` judges a use by what was allowed, `guard_foreign`
stands in for other platforms where rules are tested.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from proxy.permissions.path_names import absolute_text, lexical_refusal
from proxy.permissions.paths import Operation
from proxy.permissions.values import FolderEntry, PathFacts, Platform, Workspace
from proxy.tools import guard_files, guard_walk
from proxy.tools.guard_disk import Disk, disk_of_this_machine
from proxy.tools.guard_resolve import Found, OpenedFolder, open_folder, resolve
from proxy.tools.guard_values import (
    MAX_READ_BYTES,
    Entry,
    FileContent,
    GuardError,
    Judge,
    Stamp,
)

__all__ = ["MAX_READ_BYTES", "Entry", "FileContent", "GuardError", "Judge", "Stamp", "WorkspaceGuard"]


def deny_everything(facts: PathFacts, operation: Operation) -> str | None:  # noqa: ARG001 - the shape of a Judge
    """Refuses: the judge of a guard that was given none."""
    return "nothing was allowed here"


@dataclass(frozen=True, slots=True)
class WorkspaceGuard:
    """The way to a workspace's files under one judge."""

    workspace: Workspace
    folders: tuple[OpenedFolder, ...]
    """The workspace's folders, opened; the longest path first, the top of the disk last."""
    disk: Disk
    """The system's calls."""
    cwd: str
    """Where relative paths begin; absolute."""
    judge: Judge = deny_everything
    platform: Platform = "linux"

    @classmethod
    def open(
        cls,
        workspace: Workspace,
        *,
        judge: Judge = deny_everything,
        additional: Sequence[str] = (),
        platform: Platform = "linux",
        disk: Disk | None = None,
    ) -> WorkspaceGuard:
        """Opens the folders of a workspace; close it when the workspace is given up.

        Args:
            workspace: Its root must exist; read-only folders that are not there are left out.
            judge: Who judges each use.
            additional: Further folders counted as inside.
            platform: This machine's.
            disk: The system's calls; None: this machine's.

        Raises:
            GuardError: The root cannot be opened.
        """
        disk = disk or disk_of_this_machine()
        opened = [open_folder(workspace.root, disk)]
        tops = {_top(workspace.root, platform): None}
        for path in (*workspace.read_only, *additional):
            try:
                opened.append(open_folder(_real(path, platform), disk))
            except GuardError:
                continue
            tops[_top(path, platform)] = None
        opened.extend(open_folder(path, disk) for path in tops)
        folders = tuple(sorted(opened, key=lambda each: len(each.path), reverse=True))
        return cls(workspace, folders, disk, workspace.root, judge, platform)

    def judged_by(self, judge: Judge, *, cwd: str | None = None) -> WorkspaceGuard:
        """Returns a guard over the same opened folders with another judge, and perhaps another folder."""
        return replace(self, judge=judge, cwd=cwd or self.cwd)

    def close(self) -> None:
        """Gives the folders back; guards made by `judged_by` share them."""
        for folder in self.folders:
            self.disk.close_folder(folder.descriptor)

    def is_current(self) -> bool:
        """Says whether the root's path still leads to the folder that was opened."""
        root = next(each for each in self.folders if each.path == self.workspace.root)
        try:
            now = open_folder(root.path, self.disk)
        except GuardError:
            return False
        self.disk.close_folder(now.descriptor)
        return now.identity == root.identity

    # Asking -------------------------------------------------------------------------------

    def facts(self, path: str) -> PathFacts:
        """Returns what a path is, judged by nobody; for `Place.look`. Never raises."""
        with resolve(absolute_text(path, self.cwd, self.platform), self.folders, self.disk) as found:
            return replace(found.facts, given=path)

    def names_in(self, path: str) -> tuple[FolderEntry, ...]:
        """Returns what a folder holds, judged by nobody; for `Place.list_folder`. Never raises.

        Args:
            path: An absolute folder.
        """
        with resolve(absolute_text(path, self.cwd, self.platform), self.folders, self.disk) as found:
            try:
                return guard_walk.names_in(found)
            except GuardError:
                return ()

    # Files --------------------------------------------------------------------------------

    def read(self, path: str, *, max_bytes: int = MAX_READ_BYTES) -> FileContent:
        """Reads a whole file.

        Args:
            path: As the model gave it.
            max_bytes: A larger file is refused.

        Raises:
            GuardError: It is missing, no regular file, too large, refused, or cannot be read.
        """
        with self._find(path, "read") as found:
            _must_be_file(found)
            return guard_files.read_all(found, max_bytes)

    def entry(self, path: str) -> Entry:
        """Returns a regular file as a listing would.

        Raises:
            GuardError: As for `read`; a large file is not refused.
        """
        with self._find(path, "read") as found:
            status = _must_be_file(found)
            facts = found.facts
            name = facts.lexical.rpartition("/")[2]
            is_link = facts.lexical != facts.real
            return Entry(facts.lexical, name, "file", is_link, status.st_size, status.st_mtime_ns, facts)

    def open_to_read(self, path: str) -> int:
        """Opens a regular file and returns its descriptor, for a child that reads it; close it.

        Raises:
            GuardError: As for `read`; a large file is not refused.
        """
        with self._find(path, "read") as found:
            _must_be_file(found)
            return guard_files.open_checked(found)

    def write(
        self,
        path: str,
        data: bytes,
        *,
        expected: Stamp | None = None,
        must_be_new: bool = False,
        create_parents: bool = True,
    ) -> Stamp:
        """Writes a whole file: all of it or nothing. Mode and owner of an existing file stay.

        Args:
            path: As the model gave it.
            data: Its new content.
            expected: What the file was like when it was read; another file is not overwritten. None: it is
                overwritten whatever it is like.
            must_be_new: A file that exists is not overwritten.
            create_parents: Makes missing folders on the way.

        Returns:
            The new file's stamp.

        Raises:
            GuardError: The file changed or vanished since it was read (`changed`), exists (`exists`), or
                cannot be written.
        """
        with self._find(path, "write") as found:
            if found.status is None:
                if expected is not None:
                    raise GuardError("changed", f"{path} was removed since it was read. Read it again.")
                _must_have_room(found, create_parents=create_parents)
                guard_files.make_parents(found)
            else:
                _must_be_file(found)
                if must_be_new:
                    raise GuardError("exists", f"{path} exists already.")
                _must_be_writable(found)
                if expected is not None and guard_files.read_all(found).stamp != expected:
                    raise GuardError(
                        "changed",
                        f"{path} was changed since it was read, by the user or a program. Read it again "
                        "before writing it.",
                    )
            return guard_files.replace_file(found, data, self._is_unchanged)

    # Folders ------------------------------------------------------------------------------

    def list(self, path: str = "") -> tuple[Entry, ...]:
        """Returns what a folder holds, by name; what the judge refuses is left out.

        Args:
            path: As the model gave it; empty: the working directory.

        Raises:
            GuardError: It is missing, no folder, refused, or cannot be read.
        """
        top = self._open_folder(path, "list")
        try:
            return tuple(guard_walk.entries(top, self.judge, self.folders))
        finally:
            top.close()

    def walk(self, path: str = "", *, enters: Callable[[Entry], bool] = lambda _: True) -> Iterator[Entry]:
        """Yields all that is below a folder, a folder before what it holds; never goes through a link.

        What the judge refuses is left out and not entered. Nothing is limited here: stop reading when enough
        was seen.

        Args:
            path: As the model gave it; empty: the working directory.
            enters: Says which folders are entered.

        Raises:
            GuardError: It is missing, no folder, refused, or cannot be read.
        """
        top = self._open_folder(path, "search")
        return guard_walk.walk(top, self.judge, self.folders, enters)

    # Inside -------------------------------------------------------------------------------

    def _open_folder(self, path: str, operation: Operation) -> guard_walk.Folder:
        with self._find(path or self.cwd, operation) as found:
            return guard_walk.open_found(found)

    def _find(self, path: str, operation: Operation) -> Found:
        """Walks to a path and has it judged; what is used afterwards is what this found."""
        refusal = lexical_refusal(path, self.platform)
        if refusal is not None:
            raise GuardError("refused", f"{path!r} was refused: {refusal}.")
        found = resolve(absolute_text(path, self.cwd, self.platform), self.folders, self.disk)
        found.facts = replace(found.facts, given=path)
        try:
            self._check(found.facts, operation)
        except BaseException:
            found.close()
            raise
        return found

    def _check(self, facts: PathFacts, operation: Operation) -> None:
        refusal = self.judge(facts, operation)
        if refusal is not None:
            raise GuardError("refused", f"{guard_files.describe(facts)} was refused: {refusal}.")

    def _is_unchanged(self, found: Found) -> bool:
        """Says whether the path still leads to the same name in the same folder."""
        with resolve(
            absolute_text(found.facts.given, self.cwd, self.platform), self.folders, self.disk
        ) as again:
            if again.folder < 0 or again.name != found.name or len(again.missing) > 1:
                return False
            here, then = self.disk.folder_status(again.folder), self.disk.folder_status(found.folder)
            if not os.path.samestat(here, then):
                return False
            if found.status is None or again.status is None:
                return found.status is again.status
            return os.path.samestat(again.status, found.status)


def _real(path: str, platform: Platform) -> str:
    """Returns a folder's path without links, so that what is reached from it has its real path."""
    return path if platform == "windows" else os.path.realpath(path)


def _top(path: str, platform: Platform) -> str:
    """Returns the top of the disk a path is on, as `/` or `/c`."""
    return path[:2] if platform == "windows" else "/"


def _must_be_file(found: Found) -> os.stat_result:
    facts = found.facts
    if facts.kind == "missing":
        raise GuardError("missing", f"{facts.given} does not exist.")
    if facts.kind == "folder":
        raise GuardError("folder", f"{facts.given} is a folder, not a file.")
    if facts.kind == "other" or found.status is None:
        raise GuardError("refused", f"{facts.given} is no ordinary file.")
    return found.status


def _must_have_room(found: Found, *, create_parents: bool) -> None:
    facts = found.facts
    if facts.kind == "other":
        raise GuardError("refused", f"{facts.given} is no ordinary file.")
    if found.folder < 0:
        raise GuardError("not a folder", f"{facts.given} cannot be made: a file is in its way.")
    if len(found.missing) > 1 and not create_parents:
        raise GuardError("missing", f"The folder of {facts.given} does not exist.")


def _must_be_writable(found: Found) -> None:
    if not found.disk.is_writable(found.name, found.folder):
        raise GuardError("system", f"{found.facts.given} is write-protected.")
