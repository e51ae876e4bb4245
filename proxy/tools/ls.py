"""LS: shows what a folder holds, as a tree."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.permissions.path_patterns import TooManyAlternatives
from proxy.tools.base import ToolGroup, ToolOutput, ToolScope
from proxy.tools.errors import ToolError
from proxy.tools.file_search import Deadline, Globs, parts_below
from proxy.tools.guard import Entry, GuardError, WorkspaceGuard

MAX_ENTRIES = 1_000
MAX_CHARS = 40_000
MAX_DEPTH = 50
_TOO_MUCH = (
    f"Not everything is shown: at most {MAX_ENTRIES} files and folders are. Give LS a more specific path, or "
    "use Glob and Grep to look closer.\n\n"
)
_LEFT_OUT = frozenset({"__pycache__"})


class LS:
    """Shows what a folder holds."""

    name = "LS"
    group: ToolGroup = "Read"
    description = (
        "Lists files and folders below a path, as a tree. The path must be absolute, not relative. You may "
        "give glob patterns of names to leave out with `ignore`. Hidden ones are left out unless the path "
        "leads into them. If you know what you look for, Glob and Grep are the better tools."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "path": {
                "type": "string",
                "description": "The absolute path to the directory to list (must be absolute, not relative)",
            },
            "ignore": {
                "type": "array",
                "items": {"type": "string"},
                "description": "List of glob patterns to ignore",
            },
        },
        "required": ["path"],
        "additionalProperties": False,
    }
    may_run_beside_others = True
    timeout_s: float | None = 30.0

    def __init__(self, deadline: Deadline | None = None) -> None:
        self._deadline = deadline or Deadline()

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Runs the call."""
        if scope.guard is None:
            raise ToolError("There is no workspace to list.")
        return await asyncio.to_thread(
            self._list, arguments["path"], tuple(arguments.get("ignore") or ()), scope.guard
        )

    def _list(self, path: str, ignore: tuple[str, ...], guard: WorkspaceGuard) -> ToolOutput:
        try:
            left_out = Globs.of(f"!{glob}" for glob in ignore)
        except TooManyAlternatives as error:
            raise ToolError(f"A pattern of `ignore` is too wide: its {error}.") from error
        top = guard.facts(path).lexical
        tree = _Tree(top, left_out)
        is_over = self._deadline.start()
        waiting = deque([path])
        while waiting and not tree.is_full and not is_over():
            folder = waiting.popleft()
            try:
                tree.add(folder if folder != path else top, guard.list(folder))
            except GuardError:
                if folder == path:
                    raise
            else:
                waiting.extend(tree.newest_folders())
        return ToolOutput.text(tree.text(is_cut=tree.is_full or bool(waiting)))


@dataclass(slots=True)
class _Tree:
    """What is shown; folders are added from the top down, so that a cut tree is a flatter one."""

    top: str
    left_out: Globs
    held: dict[str, list[Entry]] = field(default_factory=dict[str, "list[Entry]"])
    count: int = 0
    last: str = ""

    @property
    def is_full(self) -> bool:
        return self.count >= MAX_ENTRIES

    def add(self, folder: str, entries: tuple[Entry, ...]) -> None:
        shown = [entry for entry in entries if self._is_shown(entry)][: MAX_ENTRIES - self.count]
        self.held[folder] = shown
        self.count += len(shown)
        self.last = folder

    def newest_folders(self) -> list[str]:
        """Returns the folders in what was added last; a link is shown and not entered."""
        if len(parts_below(self.top, self.last)) > MAX_DEPTH:
            return []
        return [entry.path for entry in self.held[self.last] if entry.kind == "folder" and not entry.is_link]

    def text(self, *, is_cut: bool) -> str:
        lines = [f"- {self.top.rstrip('/')}/", *self._below(self.top, "  ")]
        text = "\n".join(lines)
        if len(text) > MAX_CHARS:
            text, is_cut = text[:MAX_CHARS].rpartition("\n")[0], True
        return (_TOO_MUCH + text) if is_cut else text

    def _below(self, folder: str, indent: str) -> list[str]:
        lines: list[str] = []
        for entry in self.held.get(folder, ()):
            is_folder = entry.kind == "folder"
            lines.append(f"{indent}- {entry.name}{'/' if is_folder else ''}")
            if is_folder:
                lines.extend(self._below(entry.path, indent + "  "))
        return lines

    def _is_shown(self, entry: Entry) -> bool:
        if entry.name.startswith(".") or entry.name in _LEFT_OUT:
            return False
        return self.left_out.takes(parts_below(self.top, entry.path))
