"""`*` in a pattern, matched in linear time whatever the pattern and the text are."""

from __future__ import annotations

import re
from functools import lru_cache

_PIECE = re.compile(r"\\[*\\]|\*|[^*\\]+|\\")


@lru_cache(maxsize=4096)
def literal_parts(pattern: str) -> tuple[str, ...]:
    r"""Returns the literal texts between a pattern's stars; `\*` is a star and `\\` a backslash itself."""
    parts = [""]
    for piece in _PIECE.findall(pattern):
        if piece == "*":
            parts.append("")
        else:
            parts[-1] += piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece
    return tuple(parts)


def escaped(text: str) -> str:
    """Returns the pattern that matches exactly this text."""
    return re.sub(r"([*\\])", r"\\\1", text)


def wildcard_match(pattern: str, text: str) -> bool:
    """Tells whether the whole text matches, where `*` stands for anything, line ends included."""
    first, *others = literal_parts(pattern)
    if not others:
        return text == first
    *between, last = others
    if not text.startswith(first):
        return False
    position = len(first)
    for part in between:  # leftmost is enough: what follows a star may begin anywhere later
        found = text.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return len(text) - len(last) >= position and text.endswith(last)
