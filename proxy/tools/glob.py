"""Glob: finds files by their names, the newest first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from proxy.permissions.path_names import absolute_text
from proxy.permissions.path_patterns import (
    TooManyAlternatives,
    climbs_after_wildcard,
    expand_braces,
    fixed_folder,
)
from proxy.tools.base import ToolGroup, ToolOutput, ToolScope
from proxy.tools.errors import ToolError
from proxy.tools.file_search import MAX_RESULTS, REPOSITORY_FOLDERS, Deadline, Globs, parts_below
from proxy.tools.guard import Entry, GuardError, WorkspaceGuard

MAX_SHOWN = 100
_NOTHING = "No files found"
_TRUNCATED = "(Results are truncated. Consider using a more specific path or pattern.)"
_OUT_OF_TIME = "(The search took too long and was ended. Consider using a more specific path or pattern.)"


class Glob:
    """Finds files by their names."""

    name = "Glob"
    group: ToolGroup = "Read"
    description = (
        "Finds files by name, in a project of any size.\n"
        '- Understands glob patterns such as "**/*.js" or "src/**/*.ts"\n'
        "- Returns the paths of the files that match, sorted by modification time, the newest first\n"
        "- Use it when you know what a file is called; use Grep to search what files contain\n"
        "- For a search in several rounds, use the Task tool\n"
        "- Call it several times in one message where several searches may be useful"
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "description": "The glob pattern to match files against"},
            "path": {
                "type": "string",
                "description": "The directory to search in. Leave it out to search the current working "
                'directory; do not write "undefined" or "null". Must be a valid directory path if given.',
            },
        },
        "required": ["pattern"],
        "additionalProperties": False,
    }
    may_run_beside_others = True
    timeout_s: float | None = 30.0

    def __init__(self, deadline: Deadline | None = None, max_results: int = MAX_RESULTS) -> None:
        """Makes the tool.

        Args:
            deadline: How long a search may take.
            max_results: After so many files a search ends.
        """
        self._deadline = deadline or Deadline()
        self._max_results = max_results

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Runs the call."""
        if scope.guard is None:
            raise ToolError("There is no workspace to search in.")
        return await asyncio.to_thread(
            self._find, arguments["pattern"], arguments.get("path") or "", scope.guard
        )

    def _find(self, pattern: str, path: str, guard: WorkspaceGuard) -> ToolOutput:
        if guard.platform == "windows":
            pattern = pattern.replace("\\", "/")
            pattern = absolute_text(pattern, "/", "windows") if pattern[1:2] == ":" else pattern
        is_over = self._deadline.start()
        found: dict[str, Entry] = {}
        note = ""
        for entry in _matches(pattern, path, guard):
            found[entry.path] = entry
            if len(found) >= self._max_results or is_over():
                note = _TRUNCATED if len(found) >= self._max_results else _OUT_OF_TIME
                break
        newest = sorted(found.values(), key=lambda entry: (-entry.mtime_ns, entry.path))
        if len(newest) > MAX_SHOWN:
            note = note or _TRUNCATED
        lines = [entry.path for entry in newest[:MAX_SHOWN]] or [_NOTHING]
        return ToolOutput.text("\n".join([*lines, note] if note else lines))


def _matches(pattern: str, path: str, guard: WorkspaceGuard) -> Iterator[Entry]:
    """Yields the files that match; links are left out, as ripgrep leaves them out."""
    for folder, globs in _searches(pattern, path):
        try:
            yield from _below(folder, Globs.of(globs), guard)
        except GuardError as error:
            if folder == path or error.trouble not in {"missing", "not a folder"}:
                raise


def _searches(pattern: str, path: str) -> Iterator[tuple[str, list[str]]]:
    """Yields the folders to search, each with the globs of the files wanted there."""
    try:
        alternatives = expand_braces(pattern)
    except TooManyAlternatives as error:
        raise ToolError(f"The pattern is too wide: its {error}.") from error
    searches: dict[str, list[str]] = {}
    for each in alternatives:
        if climbs_after_wildcard(each):
            raise ToolError("`..` after a wildcard is refused in a pattern.")
        folder, glob = _begin(each, path)
        searches.setdefault(folder, []).append(_escaped(glob))
    yield from searches.items()


def _begin(glob: str, path: str) -> tuple[str, str]:
    """Returns the folder a glob without braces begins in, and the glob below it."""
    folder = fixed_folder(glob)
    is_absolute = glob.startswith("/")
    if not is_absolute and ".." not in folder.split("/"):
        return path, glob
    if folder == glob:
        folder = glob.rpartition("/")[0]
    below = "/" + glob[len(folder) :].lstrip("/")
    if is_absolute:
        return folder or "/", below
    return (f"{path.rstrip('/')}/{folder}" if path else folder), below


def _escaped(glob: str) -> str:
    """Keeps braces that stand for themselves, and a leading `!`, from being read once more."""
    return f"\\{glob}" if glob.startswith("!") else glob


def _below(folder: str, globs: Globs, guard: WorkspaceGuard) -> Iterator[Entry]:
    top = guard.facts(folder or guard.cwd).lexical

    def enters(entry: Entry) -> bool:
        return entry.name not in REPOSITORY_FOLDERS and globs.may_hold(parts_below(top, entry.path))

    for entry in guard.walk(folder, enters=enters):
        is_file = entry.kind == "file" and not entry.is_link
        if is_file and globs.takes(parts_below(top, entry.path)):
            yield entry
