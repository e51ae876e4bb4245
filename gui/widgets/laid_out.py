"""Lays out a body of any size, piece by piece: JSON over several lines, anything else line by line.

Each piece costs the same, however long the whole is, so that the beginning can be shown at once. JSON is
neither read nor judged: what is only the beginning of a value is laid out as far as it goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

PIECE_CHARS = 32_000
"""Of a piece, and so of a line: a text field lays out whole lines, and one of these takes it some 15 ms."""

_STRING_PART = re.compile(r'(?:[^"\\]|\\.){1,4000}', re.DOTALL)
_OTHER = re.compile(r'[^"{}\[\],:\s]{1,4000}')
_BLANKS = re.compile(r"\s*")
_INDENT = "  "


def laid_out(text: str) -> Iterator[str]:
    """Yields the text in pieces of about `PIECE_CHARS`, each of which begins a line."""
    if text.lstrip()[:1] not in ("{", "["):
        yield from _cut(text)
        return
    piece: list[str] = []
    size = 0
    for part in _json_parts(text):
        piece.append(part)
        size += len(part)
        if size >= PIECE_CHARS:
            yield "".join(piece).removeprefix("\n")
            piece, size = [], 0
    if piece:
        yield "".join(piece).removeprefix("\n")


def _cut(text: str) -> Iterator[str]:
    """Cuts at the end of a line, where one ends in the second half of a piece."""
    start = 0
    while start < len(text):
        end = start + PIECE_CHARS
        newline = text.rfind("\n", start + PIECE_CHARS // 2, end) if end < len(text) else -1
        if newline >= 0:
            yield text[start:newline]
            start = newline + 1
        else:
            yield text[start:end]
            start = end


def _json_parts(text: str) -> Iterator[str]:
    depth, at = 0, 0
    is_new = False
    """A bracket was opened, and nothing stands in it yet."""
    while True:
        at = _end_of(_BLANKS, text, at)
        if at >= len(text):
            return
        char = text[at]
        if char in "}]":
            depth = max(0, depth - 1)
            yield char if is_new else _line(depth) + char
            is_new = False
            at += 1
            continue
        if is_new:
            yield _line(depth)
            is_new = False
        if char == '"':
            for part in _string(text, at):
                at += len(part)
                yield part
            continue
        if char in "{[":
            depth, is_new = depth + 1, True
            yield char
        elif char == ",":
            yield "," + _line(depth)
        elif char == ":":
            yield ": "
        else:
            end = _end_of(_OTHER, text, at)
            yield text[at:end]
            at = end
            continue
        at += 1


def _string(text: str, at: int) -> Iterator[str]:
    """A string in parts, with its quotes; one that never ends is told to the end of the text."""
    yield '"'
    at += 1
    while at < len(text) and text[at] != '"':
        end = max(at + 1, _end_of(_STRING_PART, text, at))
        yield text[at:end]
        at = end
    if at < len(text):
        yield '"'


def _line(depth: int) -> str:
    return "\n" + _INDENT * depth


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()
