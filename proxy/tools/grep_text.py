"""Writes what Grep found as Claude Code's users know it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proxy.tools.grep_values import MAX_LINE_CHARS, FileHits, Line, OutputMode

_CUT = "(The search took too long and was ended: there may be more. Use a narrower path, glob or type.)"


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the results is shown, and how."""

    mode: OutputMode
    limit: int
    """Lines or files; 0: all."""
    offset: int = 0
    numbers_lines: bool = True
    separates_groups: bool = False
    """A line of two dashes stands where lines between two groups are left out."""
    names_files: bool = True

    def is_full(self, hits: Sequence[FileHits]) -> bool:
        """Says whether enough was found to fill it; counts are told only when all is known."""
        if not self.limit or self.mode == "count":
            return False
        found = len(hits) if self.mode == "files_with_matches" else sum(len(each.lines) for each in hits)
        return found > self.offset + self.limit


def shown(hits: Sequence[FileHits], page: Page, cwd: str, *, is_cut: bool) -> str:
    """Returns the text for the model.

    Args:
        hits: What was found, in order.
        page: Which part is shown.
        cwd: Paths in it are shown relative to it.
        is_cut: Not all files were searched.
    """
    lines = list(_LINES[page.mode](hits, page, cwd))
    kept = lines[page.offset : page.offset + page.limit] if page.limit else lines[page.offset :]
    limits = _limits(page, is_limited=len(lines) > page.offset + len(kept))
    text = _whole(kept, hits, page, limits)
    return f"{text}\n\n{_CUT}" if is_cut else text


def _whole(kept: list[str], hits: Sequence[FileHits], page: Page, limits: str) -> str:
    if page.mode == "files_with_matches":
        if not kept:
            return "No files found"
        head = f"Found {len(kept)} file{'' if len(kept) == 1 else 's'}{f' {limits}' if limits else ''}"
        return "\n".join([head, *kept])
    if page.mode == "content":
        note = f"\n\n[Showing results with pagination = {limits}]" if limits else ""
        return ("\n".join(kept) or "No matches found") + note
    total = sum(each.matches for each in hits)
    note = f" with pagination = {limits}" if limits else ""
    return (
        ("\n".join(kept) or "No matches found")
        + f"\n\nFound {total} total occurrence{'' if total == 1 else 's'} "
        f"across {len(hits)} file{'' if len(hits) == 1 else 's'}.{note}"
    )


def _limits(page: Page, *, is_limited: bool) -> str:
    parts = [f"limit: {page.limit}"] if is_limited else []
    if page.offset:
        parts.append(f"offset: {page.offset}")
    return ", ".join(parts)


def _paths(hits: Sequence[FileHits], page: Page, cwd: str) -> Iterator[str]:
    del page
    return (_relative(each.path, cwd) for each in hits)


def _counts(hits: Sequence[FileHits], page: Page, cwd: str) -> Iterator[str]:
    for each in hits:
        name = f"{_relative(each.path, cwd)}:" if page.names_files else ""
        yield f"{name}{each.matches}"


def _contents(hits: Sequence[FileHits], page: Page, cwd: str) -> Iterator[str]:
    is_first = True
    for each in hits:
        name = _relative(each.path, cwd) if page.names_files else ""
        last = 0
        for line in each.lines:
            starts_group = line.number != last + 1 or last == 0
            if page.separates_groups and starts_group and not is_first:
                yield "--"
            yield _content(line, name, page)
            last, is_first = line.number, False


def _content(line: Line, name: str, page: Page) -> str:
    mark = ":" if line.is_match else "-"
    text = line.text.removesuffix("\r")
    if len(text) > MAX_LINE_CHARS:
        text = f"[Omitted long {'matching' if line.is_match else 'context'} line]"
    number = f"{line.number}{mark}" if page.numbers_lines else ""
    return f"{name}{mark if name else ''}{number}{text}"


def _relative(path: str, cwd: str) -> str:
    return path.removeprefix(f"{cwd.rstrip('/')}/")


_LINES = {"files_with_matches": _paths, "count": _counts, "content": _contents}
