"""Grep: searches what files contain."""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proxy.permissions.path_patterns import TooManyAlternatives
from proxy.permissions.path_rules import is_under
from proxy.tools.base import ToolGroup, ToolOutput, ToolScope
from proxy.tools.errors import ToolError
from proxy.tools.file_search import REPOSITORY_FOLDERS, Deadline, Globs, IgnoreFiles, parts_below
from proxy.tools.file_types import FILE_TYPES
from proxy.tools.grep_text import Page, shown
from proxy.tools.grep_values import FileHits, Found, GrepEngine, OutputMode, Query
from proxy.tools.guard import Entry, WorkspaceGuard

DEFAULT_LIMIT = 250
MAX_FILES = 100_000
_MAX_CONTEXT = 1_000


def _number(description: str) -> dict[str, Any]:
    return {"type": "number", "description": description}


_PROPERTIES: Mapping[str, Any] = {
    "pattern": {
        "type": "string",
        "description": "The regular expression pattern to search for in file contents",
    },
    "path": {
        "type": "string",
        "description": "File or directory to search in (rg PATH). Defaults to current working directory.",
    },
    "glob": {
        "type": "string",
        "description": 'Glob pattern to filter files (e.g. "*.js", "*.{ts,tsx}") - maps to rg --glob',
    },
    "output_mode": {
        "type": "string",
        "enum": ["content", "files_with_matches", "count"],
        "description": 'Output mode: "content" shows matching lines (supports -A/-B/-C context, -n line '
        'numbers, head_limit), "files_with_matches" shows file paths (supports head_limit), "count" shows '
        'match counts (supports head_limit). Defaults to "files_with_matches".',
    },
    "-B": _number("Number of lines to show before each match (rg -B). Only with output_mode content."),
    "-A": _number("Number of lines to show after each match (rg -A). Only with output_mode content."),
    "-C": _number("Alias for context (rg -C)."),
    "context": _number("Number of lines to show around each match. Only with output_mode content."),
    "-n": {
        "type": "boolean",
        "description": "Show line numbers in output (rg -n). Only with output_mode content. Default: true.",
    },
    "-i": {"type": "boolean", "description": "Case insensitive search (rg -i)"},
    "type": {
        "type": "string",
        "description": "File type to search (rg --type). Common types: js, py, rust, go, java, etc.",
    },
    "head_limit": _number(
        f"Show only the first N lines or entries, in all output modes. Default: {DEFAULT_LIMIT}; 0 shows all."
    ),
    "offset": _number("Skip the first N lines or entries before applying head_limit. Defaults to 0."),
    "multiline": {
        "type": "boolean",
        "description": "Enable multiline mode where . matches newlines and patterns can span lines "
        "(rg -U --multiline-dotall). Default: false.",
    },
}


class Grep:
    """Searches what files contain."""

    name = "Grep"
    group: ToolGroup = "Read"
    description = (
        "Searches file contents, as ripgrep does.\n\n"
        "- Use Grep for searching, rather than `grep` or `rg` by the Bash tool\n"
        '- Takes regular expressions (e.g. "log.*Error", "function\\s+\\w+") in ripgrep\'s syntax: literal '
        "braces need escaping (`interface\\{\\}` finds `interface{}` in Go)\n"
        '- Narrow it by `glob` (e.g. "*.js", "**/*.tsx") or `type` (e.g. "js", "py", "rust")\n'
        '- Output modes: "content" shows matching lines, "files_with_matches" only paths (the default), '
        '"count" how many lines match\n'
        "- Patterns match within single lines by default; use `multiline: true` for patterns across lines\n"
        "- What .gitignore leaves out is not searched unless `path` names it\n"
        "- For a search in several rounds, use the Task tool"
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": _PROPERTIES,
        "required": ["pattern"],
        "additionalProperties": False,
    }
    may_run_beside_others = True
    timeout_s: float | None = 30.0

    def __init__(self, engine: GrepEngine, deadline: Deadline | None = None) -> None:
        """Makes the tool.

        Args:
            engine: What searches: ripgrep where it is present, else the library.
            deadline: How long a search may take.
        """
        self._engine = engine
        self._deadline = deadline or Deadline()

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Runs the call."""
        guard = scope.guard
        if guard is None:
            raise ToolError("There is no workspace to search in.")
        is_over = self._deadline.start()
        page = _page(arguments)
        plan = await asyncio.to_thread(_plan, arguments, guard, page, is_over)
        found = await self._search(plan.files, _query(arguments, page), guard, page, is_over)
        page = replace(page, names_files=not plan.is_single)
        text = shown(found.hits, page, guard.cwd, is_cut=plan.is_cut or found.is_cut)
        return ToolOutput.text(text + _left_out(plan.linked))

    async def _search(
        self,
        files: Sequence[Entry],
        query: Query,
        guard: WorkspaceGuard,
        page: Page,
        is_over: Callable[[], bool],
    ) -> Found:
        """Searches batch by batch, until the page is full or the time over."""
        hits: list[FileHits] = []
        for start in range(0, len(files), self._engine.max_files):
            batch = files[start : start + self._engine.max_files]
            found = await self._engine.search(batch, query, guard, is_over)
            hits.extend(found.hits)
            if found.is_cut:
                return Found(tuple(hits), is_cut=True)
            if page.is_full(hits):
                break
        return Found(tuple(hits))


def _left_out(linked: int) -> str:
    if not linked:
        return ""
    return (
        f"\n\n({linked} file{' was' if linked == 1 else 's were'} not searched because of further names (hard"
        " links) that may lie outside the workspace. Give such a file as `path` to search it.)"
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which files are searched, in the order in which they are shown."""

    files: Sequence[Entry]
    is_cut: bool = False
    is_single: bool = False
    """One file was named; its name need not be shown with each line."""
    linked: int = 0
    """Files left out because they have further names, perhaps outside the workspace."""


def _page(arguments: Mapping[str, Any]) -> Page:
    mode: OutputMode = arguments.get("output_mode") or "files_with_matches"
    limit = arguments.get("head_limit")
    context = _context(arguments) if mode == "content" else (0, 0)
    return Page(
        mode,
        limit=DEFAULT_LIMIT if limit is None else max(0, int(limit)),
        offset=max(0, int(arguments.get("offset") or 0)),
        numbers_lines=arguments.get("-n") is not False,
        separates_groups=context != (0, 0),
    )


def _query(arguments: Mapping[str, Any], page: Page) -> Query:
    pattern: str = arguments["pattern"]
    if not arguments.get("multiline") and ("\n" in pattern or re.search(r"(?<!\\)(?:\\\\)*\\n", pattern)):
        raise ToolError("A line's end in the pattern matches nothing within a line: use `multiline: true`.")
    before, after = _context(arguments) if page.mode == "content" else (0, 0)
    return Query(
        pattern,
        ignores_case=bool(arguments.get("-i")),
        spans_lines=bool(arguments.get("multiline")),
        before=before,
        after=after,
        only_whether=page.mode == "files_with_matches",
    )


def _context(arguments: Mapping[str, Any]) -> tuple[int, int]:
    around = arguments.get("context")
    both = arguments.get("-C") if around is None else around
    if both is not None:
        return _lines(both), _lines(both)
    return _lines(arguments.get("-B") or 0), _lines(arguments.get("-A") or 0)


def _lines(value: float) -> int:
    return min(max(0, int(value)), _MAX_CONTEXT)


def _plan(
    arguments: Mapping[str, Any], guard: WorkspaceGuard, page: Page, is_over: Callable[[], bool]
) -> _Plan:
    """Finds the files to be searched, through the guard: what the rules deny is not among them."""
    path = arguments.get("path") or ""
    globs = _globs(arguments)
    kind = _kind(arguments.get("type"))
    facts = guard.facts(path or guard.cwd)
    if facts.kind != "folder":
        return _Plan((guard.entry(path),), is_single=True)
    ignored = IgnoreFiles(guard, _top(facts.lexical, guard))
    files: list[Entry] = []
    linked = 0
    is_cut = False
    for entry in _below(path, facts.lexical, guard, globs, ignored):
        if kind.takes((entry.name,)) and not ignored.leaves_out(entry):
            if entry.facts.links > 1:
                linked += 1
            else:
                files.append(entry)
        if len(files) >= MAX_FILES or is_over():
            is_cut = True
            break
    if page.mode == "files_with_matches":
        files.sort(key=lambda entry: (-entry.mtime_ns, entry.path))
    return _Plan(files, is_cut, linked=linked)


def _below(path: str, top: str, guard: WorkspaceGuard, globs: Globs, ignored: IgnoreFiles) -> Iterator[Entry]:
    def enters(entry: Entry) -> bool:
        if entry.name in REPOSITORY_FOLDERS or ignored.leaves_out(entry):
            return False
        return globs.may_hold(parts_below(top, entry.path))

    for entry in guard.walk(path, enters=enters):
        if entry.kind == "file" and not entry.is_link and globs.takes(parts_below(top, entry.path)):
            yield entry


def _top(folder: str, guard: WorkspaceGuard) -> str:
    """Returns where .gitignore files begin to count."""
    root = guard.workspace.root
    return root if is_under(folder, root) else folder


def _globs(arguments: Mapping[str, Any]) -> Globs:
    """Reads `glob`: several are separated by blanks, or by commas outside braces."""
    text: str = arguments.get("glob") or ""
    words = text.split()
    try:
        return Globs.of(part for word in words for part in _separated(word) if part)
    except TooManyAlternatives as error:
        raise ToolError(f"The glob is too wide: its {error}.") from error


def _separated(word: str) -> list[str]:
    return [word] if "{" in word else word.split(",")


def _kind(name: str | None) -> Globs:
    if not name:
        return Globs()
    globs = FILE_TYPES.get(name)
    if globs is None:
        near = difflib.get_close_matches(name, FILE_TYPES, n=3)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise ToolError(f"unrecognized file type: {name}.{hint} Use `glob` for others.")
    return Globs.of(globs)
