"""Searches files without ripgrep, with the library `regex`, and finds what ripgrep finds.

ripgrep's expressions know no look-around and no backreferences, so neither are taken here. Python's `regex`
goes back and forth where ripgrep's engine does not, hence the time-out of every single search.
"""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from proxy.tools.errors import ToolError
from proxy.tools.grep_values import MAX_FILE_BYTES, FileHits, Found, Line, Query
from proxy.tools.guard import Entry, GuardError, WorkspaceGuard

if TYPE_CHECKING:
    import regex

    Expression = regex.Pattern[str]

_NOT_IN_RIPGREP = re.compile(r"\((?:\?(?:[=!>|(&R]|<[=!]|P[=>]|[0-9+-])|\*)|\\[1-9gKGRX]")
_ESCAPED_CODE = re.compile(r"\\[xuU]\{([0-9A-Fa-f]{1,8})\}")
_NAMED_CLASS = re.compile(r"\[:(\^?)([a-z]+):\]")
# ripgrep's named classes hold ASCII only.
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t\x20",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": r"\x20-~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t-\r\x20",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class LibrarySearch:
    """Searches in this process, in a worker thread."""

    max_files = 50
    """Nothing ends a batch but its own end, so it is a short one."""

    def __init__(self, timeout_s: float = 2.0) -> None:
        """Makes the engine.

        Args:
            timeout_s: After about so many seconds in one line or file a pattern is given up.
        """
        self._timeout_s = timeout_s

    async def search(
        self, files: Sequence[Entry], query: Query, guard: WorkspaceGuard, is_over: Callable[[], bool]
    ) -> Found:
        """Searches files; see `GrepEngine`."""
        expression = compiled(query)
        if is_over():
            return Found((), is_cut=True)
        return Found(await asyncio.to_thread(self._search, files, query, expression, guard))

    def _search(
        self, files: Sequence[Entry], query: Query, expression: Expression, guard: WorkspaceGuard
    ) -> tuple[FileHits, ...]:
        hits: list[FileHits] = []
        for file in files:
            try:
                text = decoded(guard.read(file.path, max_bytes=MAX_FILE_BYTES).data)
            except GuardError:
                continue
            matched = _matched(expression, text, query, self._timeout_s) if text else []
            if text and matched:
                hits.append(FileHits(file.path, tuple(_shown(_lines(text), matched, query))))
        return tuple(hits)


def compiled(query: Query) -> Expression:
    """Reads the pattern.

    Raises:
        ToolError: It is none, or has what ripgrep's expressions do not have.
    """
    import regex  # noqa: PLC0415 - 1.5 MB, which only who searches without ripgrep pays

    if _NOT_IN_RIPGREP.search(query.pattern.replace("\\\\", "")):
        raise ToolError(
            f"regex parse error in {query.pattern!r}: look-around and backreferences are not supported."
        )
    flags = regex.V1 | (regex.IGNORECASE if query.ignores_case else 0)
    if query.spans_lines:
        flags |= regex.DOTALL | regex.MULTILINE
    try:
        return regex.compile(f"(?-f){_translated(query.pattern)}", flags)
    except (regex.error, KeyError, ValueError, OverflowError) as error:
        raise ToolError(f"regex parse error in {query.pattern!r}: {error}.") from error


def _translated(pattern: str) -> str:
    """Writes what the library reads in another way, or not at all, as ripgrep reads it."""
    text = _ESCAPED_CODE.sub(lambda found: f"\\U{int(found[1], 16):08x}", pattern)
    return _NAMED_CLASS.sub(lambda found: f"[{found[1]}{_CLASSES[found[2]]}]", text)


def decoded(data: bytes) -> str | None:
    """Returns a file's text as ripgrep reads it; None: it holds binary data."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _without_nul(data[len(mark) :].decode(encoding, "replace"))
    return None if b"\0" in data else data.decode("utf-8", "replace")


def _without_nul(text: str) -> str | None:
    return None if "\0" in text else text


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _matched(expression: Expression, text: str, query: Query, timeout_s: float) -> list[int]:
    """Returns the indexes of the lines that match, in order."""
    try:
        if query.spans_lines:
            return _spanned(expression, text, timeout_s)
        found: list[int] = []
        for index, line in enumerate(_lines(text)):
            if expression.search(line, timeout=timeout_s, concurrent=True):
                found.append(index)
                if query.only_whether:
                    break
        return found
    except TimeoutError as error:
        raise ToolError(
            "The pattern takes too long. Write it so that it needs not try so many ways to match."
        ) from error


def _spanned(expression: Expression, text: str, timeout_s: float) -> list[int]:
    count = len(_lines(text))
    found: list[int] = []
    line = at = 0
    for match in expression.finditer(text, timeout=timeout_s, concurrent=True):
        start, end = match.span()
        line += text.count("\n", at, start)
        at = start
        last = line + text.count("\n", start, max(start, end - 1))
        found.extend(index for index in range(line, min(last + 1, count)) if not found or index > found[-1])
    return found


def _shown(lines: list[str], matched: list[int], query: Query) -> Iterator[Line]:
    matches = set(matched)
    shown: set[int] = set(matched)
    for index in matched:
        shown.update(range(max(0, index - query.before), min(len(lines), index + query.after + 1)))
    for index in sorted(shown):
        yield Line(index + 1, lines[index], index in matches)
