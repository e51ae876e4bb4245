"""What Grep is asked and what it finds, whichever engine searches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from proxy.tools.guard import MAX_READ_BYTES, Entry, WorkspaceGuard

OutputMode = Literal["content", "files_with_matches", "count"]
MAX_FILE_BYTES = MAX_READ_BYTES
"""Larger files are not searched."""
MAX_LINE_CHARS = 500
"""A longer line is left out of the text shown."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for."""

    pattern: str
    ignores_case: bool = False
    spans_lines: bool = False
    """A match may span lines, and `.` matches a line's end."""
    before: int = 0
    after: int = 0
    only_whether: bool = False
    """It is enough to know whether a file has a match."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file that is shown."""

    number: int
    text: str
    is_match: bool


@dataclass(frozen=True, slots=True)
class FileHits:
    """A file that has a match."""

    path: str
    lines: tuple[Line, ...]
    """In order; with `only_whether` not all of them."""

    @property
    def matches(self) -> int:
        """How many lines match."""
        return sum(line.is_match for line in self.lines)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found."""

    hits: tuple[FileHits, ...]
    """In the order of the files searched."""
    is_cut: bool = False
    """It ran out of time or room before all files were searched."""


class GrepEngine(Protocol):
    """Searches files."""

    max_files: int
    """It takes so many at once."""

    async def search(
        self, files: Sequence[Entry], query: Query, guard: WorkspaceGuard, is_over: Callable[[], bool]
    ) -> Found:
        """Searches files in order; those that vanished, hold binary data or are too large have no match.

        Args:
            files: Which, at most `max_files`; each is opened through the guard.
            query: For what.
            guard: The way to the files.
            is_over: Says whether the time is over.

        Raises:
            ToolError: The pattern is no regular expression.
        """
        ...
