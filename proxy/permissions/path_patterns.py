"""Matches paths against gitignore patterns and globs, in time proportional to their lengths.

Patterns and paths may both come from a model, so nothing here backtracks over the whole: a segment is matched
against a name with one mark to fall back to, and `**` is followed as a set of places in the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal, TypeAlias

BRACE_BUDGET = 1_000
"""Alternatives that the braces of one glob may stand for."""

_WILDCARDS = frozenset("*?[{\\")
_SPECIAL = re.compile(r"[*?\[\\]")


class TooManyAlternatives(ValueError):
    """The braces of a glob stand for more alternatives than are tried."""


@dataclass(frozen=True, slots=True)
class _OneOf:
    """A character class: `[a-z]`, `[!0-9]`."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool

    def takes(self, character: str) -> bool:
        return any(low <= character <= high for low, high in self.ranges) is not self.negated


_Piece: TypeAlias = "str | _OneOf | Literal[0, 1]"
"""A literal character, a class, 1: any one character, 0: any number of characters."""
_Segment: TypeAlias = "str | tuple[_Piece, ...] | None"
"""What one name must be or look like; None: `**`, any number of names."""

_CLASS_NAMES: dict[str, tuple[tuple[str, str], ...]] = {
    "alnum": (("0", "9"), ("A", "Z"), ("a", "z")),
    "alpha": (("A", "Z"), ("a", "z")),
    "blank": ((" ", " "), ("\t", "\t")),
    "digit": (("0", "9"),),
    "lower": (("a", "z"),),
    "space": ((" ", " "), ("\t", "\r")),
    "upper": (("A", "Z"),),
    "xdigit": (("0", "9"), ("A", "F"), ("a", "f")),
}
_CLASS = re.compile(r"\[([!^]?)(\]?(?:\[:[a-z]+:\]|\\.|[^\]\\])*)\]", re.DOTALL)
_CLASS_PART = re.compile(r"\[:([a-z]+):\]|(\\.|[^\\])(?:-(\\.|[^\\]))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A pattern, taken apart once."""

    segments: tuple[_Segment, ...]
    folders_only: bool = False
    """Written with a slash at its end."""

    def matches(self, parts: Sequence[str], *, is_folder: bool = False) -> bool:
        """Says whether it matches the path of these names, or one of the folders the path is in."""
        if len(self.segments) == 2 and self.segments[0] is None and self.segments[1] is not None:
            return self._matches_any(self.segments[1], parts, is_folder=is_folder)
        places = self._start()
        for index, name in enumerate(parts):
            places = self._after(places, name)
            if len(self.segments) in places:
                is_last = index == len(parts) - 1
                if not is_last or is_folder or not self.folders_only:
                    return True
        return False

    def _matches_any(
        self, segment: str | tuple[_Piece, ...], parts: Sequence[str], *, is_folder: bool
    ) -> bool:
        """Matches a name at any depth, which most patterns are about, in the simplest way."""
        names = parts if is_folder or not self.folders_only else parts[:-1]
        return any(_takes(segment, name) for name in names)

    def matches_exactly(self, parts: Sequence[str]) -> bool:
        """Says whether it matches the path itself, as a glob does."""
        places = self._start()
        for name in parts:
            places = self._after(places, name)
        return len(self.segments) in places

    def matches_itself(self, parts: Sequence[str], *, is_folder: bool) -> bool:
        """Says whether it matches the path itself, as a line of .gitignore does."""
        return (is_folder or not self.folders_only) and self.matches_exactly(parts)

    def may_match_below(self, parts: Sequence[str]) -> bool:
        """Says whether it could match something in the folder of this path."""
        places = self._start()
        for name in parts:
            places = self._after(places, name)
        return any(place < len(self.segments) for place in places)

    def _start(self) -> set[int]:
        return self._closed({0})

    def _after(self, places: set[int], name: str) -> set[int]:
        reached: set[int] = set()
        for place in places:
            if place == len(self.segments):
                continue
            segment = self.segments[place]
            if segment is None:
                reached |= {place, place + 1} if place == len(self.segments) - 1 else {place}
            elif _takes(segment, name):
                reached.add(place + 1)
        return self._closed(reached)

    def _closed(self, places: set[int]) -> set[int]:
        """Steps over each `**` that is not the last segment: it may stand for nothing."""
        last = len(self.segments) - 1
        for place in sorted(places):
            following = place
            while following < last and self.segments[following] is None:
                following += 1
                places.add(following)
        return places


@lru_cache(maxsize=4096)
def gitignore_pattern(text: str) -> PathPattern:
    """Reads a pattern as a line of .gitignore: without a slash before its end it matches at any depth."""
    folders_only = text.endswith("/") and not text.endswith("\\/")
    body = text.rstrip("/") if folders_only else text
    is_anchored = "/" in body
    segments = _segments(body.removeprefix("/"))
    if segments and not is_anchored and segments != (None,):
        segments = (None, *segments)
    return PathPattern(segments, folders_only)


@lru_cache(maxsize=4096)
def glob_pattern(text: str) -> PathPattern:
    """Reads a pattern without braces as a glob anchored where the search begins."""
    return PathPattern(_segments(text.strip("/")))


def expand_braces(text: str, budget: int = BRACE_BUDGET) -> tuple[str, ...]:
    """Writes out `{a,b}`, nested ones too; braces without a comma stay as they are.

    Raises:
        TooManyAlternatives: More than `budget` of them.
    """
    done: list[str] = []
    waiting = [text]
    while waiting:
        current = waiting.pop()
        group = _first_group(current)
        if group is None:
            done.append(current)
        else:
            start, end, choices = group
            waiting.extend(current[:start] + choice + current[end:] for choice in reversed(choices))
        if len(done) + len(waiting) > budget:
            raise TooManyAlternatives(f"braces stand for more than {budget} alternatives")
    return tuple(dict.fromkeys(done))


def has_wildcard(text: str) -> bool:
    """Says whether a text holds anything that a glob does not take as it is."""
    return not _WILDCARDS.isdisjoint(text)


def fixed_folder(glob: str) -> str:
    """Returns the part of a glob without braces before its first wildcard: the folder it begins in.

    A `..` after a wildcard counts as part of no folder: `climbs_after_wildcard` finds it.
    """
    names = glob.split("/")
    for index, name in enumerate(names):
        if _WILDCARDS & set(name):
            return "/".join(names[:index]) or ("/" if glob.startswith("/") else "")
    return glob


def climbs_after_wildcard(glob: str) -> bool:
    """Says whether `..` follows a wildcard, where it would lead nobody knows."""
    return ".." in glob[len(fixed_folder(glob)) :].split("/")


def _first_group(text: str) -> tuple[int, int, list[str]] | None:
    """Finds the first `{…}` with a comma: where it begins and ends, and its alternatives."""
    start = text.find("{")
    while start >= 0:
        group = _group_at(text, start)
        if group is not None:
            return group
        start = text.find("{", start + 1)
    return None


def _group_at(text: str, start: int) -> tuple[int, int, list[str]] | None:
    if start > 0 and text[start - 1] == "\\":
        return None
    depth = 0
    cuts = [start]
    for index in range(start, len(text)):
        character = text[index]
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                cuts.append(index)
                pieces = [text[a + 1 : b] for a, b in pairwise(cuts)]
                return (start, index + 1, pieces) if len(pieces) > 1 else None
        elif character == "," and depth == 1:
            cuts.append(index)
    return None


def _segments(text: str) -> tuple[_Segment, ...]:
    found: list[_Segment] = []
    for name in _names(text):
        segment = None if name == "**" else _tokens(name)
        if segment is not None or not found or found[-1] is not None:
            found.append(segment)
    return tuple(found)


def _names(text: str) -> list[str]:
    return [name for name in text.split("/") if name not in {"", "."}]


def _tokens(name: str) -> str | tuple[_Piece, ...]:
    if not _SPECIAL.search(name):
        return name
    tokens: list[_Piece] = []
    index = 0
    while index < len(name):
        token, index = _token(name, index)
        if token != 0 or not tokens or tokens[-1] != 0:
            tokens.append(token)
    return tuple(tokens)


def _token(name: str, index: int) -> tuple[_Piece, int]:
    character = name[index]
    if character == "*":
        return 0, index + 1
    if character == "?":
        return 1, index + 1
    if character == "\\" and index + 1 < len(name):
        return name[index + 1], index + 2
    if character == "[" and (found := _CLASS.match(name, index)) and found[2]:
        return _OneOf(_ranges(found[2]), negated=bool(found[1])), found.end()
    return character, index + 1


def _ranges(body: str) -> tuple[tuple[str, str], ...]:
    ranges: list[tuple[str, str]] = []
    for part in _CLASS_PART.finditer(body):
        if part[1]:
            ranges.extend(_CLASS_NAMES.get(part[1], ()))
        else:
            low = part[2][-1]
            ranges.append((low, part[3][-1] if part[3] else low))
    return tuple(ranges)


def _takes(segment: str | tuple[_Piece, ...], name: str) -> bool:
    """Matches one name; falls back only to the last `*`, so the time is at most length times length."""
    if isinstance(segment, str):
        return segment == name
    token = at = 0
    star = mark = -1
    while at < len(name):
        if token < len(segment) and segment[token] == 0:
            star, mark = token, at
            token += 1
        elif token < len(segment) and _fits(segment[token], name[at]):
            token += 1
            at += 1
        elif star >= 0:
            mark += 1
            token, at = star + 1, mark
        else:
            return False
    return all(rest == 0 for rest in segment[token:])


def _fits(token: _Piece, character: str) -> bool:
    if isinstance(token, _OneOf):
        return token.takes(character)
    return token in {1, character}
