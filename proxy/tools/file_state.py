"""What the file tools share: the way to the files, and that a file is known before it is changed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import PurePath

from proxy.tools.base import ToolScope
from proxy.tools.errors import ToolError
from proxy.tools.guard import FileContent, GuardError, Stamp, WorkspaceGuard

NOT_READ = "File has not been read yet. Read it first before writing to it."
CHANGED = (
    "File has been modified since read, either by the user or by a program. Read it again before "
    "attempting to write it."
)


def guard_of(scope: ToolScope) -> WorkspaceGuard:
    """Returns the way to the files.

    Raises:
        ToolError: The conversation has no workspace.
    """
    if scope.guard is None:
        raise ToolError("There is no workspace here, so no file can be used. The user has to name one.")
    return scope.guard


def read_file(guard: WorkspaceGuard, path: str) -> FileContent:
    """Reads a file, or says in the words models know why not; belongs into a thread.

    Raises:
        GuardError: It cannot be read.
    """
    try:
        return guard.read(path)
    except GuardError as error:
        if error.trouble == "missing":
            raise GuardError("missing", f"File does not exist.{_hint(guard, path)}") from error
        if error.trouble == "folder":
            raise GuardError("folder", f"{path} is a directory, not a file. Use LS to list it.") from error
        raise


def read_known(guard: WorkspaceGuard, path: str, stamps: Mapping[str, Stamp]) -> FileContent:
    """Reads a file that is about to be changed; belongs into a thread.

    Raises:
        ToolError: It was not read before, or it changed since.
    """
    content = read_file(guard, path)
    known = stamps.get(content.facts.real)
    if known is None:
        raise ToolError(NOT_READ)
    if known != content.stamp:
        raise ToolError(CHANGED)
    return content


def write_known(guard: WorkspaceGuard, path: str, data: bytes, expected: Stamp | None) -> Stamp:
    """Writes a file that is as expected: of that stamp, or new; belongs into a thread.

    Raises:
        GuardError: It changed meanwhile, or cannot be written.
    """
    try:
        return guard.write(path, data, expected=expected, must_be_new=expected is None)
    except GuardError as error:
        if error.trouble == "changed" and expected is not None:
            raise GuardError("changed", CHANGED) from error
        if error.trouble == "folder":
            text = f"{path} is a directory, not a file. To create a file in it, add the file's name."
            raise GuardError("folder", text) from error
        raise


def _hint(guard: WorkspaceGuard, path: str) -> str:
    hint = f" Note: your current working directory is {guard.cwd}."
    wanted = PurePath(path)
    try:
        names = [entry.name for entry in guard.list(str(wanted.parent)) if entry.kind == "file"]
    except GuardError:
        return hint
    same = [name for name in names if PurePath(name).stem == wanted.stem]
    close = same or difflib.get_close_matches(wanted.name, names, 1, 0.75)
    return f"{hint} Did you mean {close[0]}?" if close else hint
