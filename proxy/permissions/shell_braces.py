"""Expands bash's braces: `{a,b}`, `{1..9..2}`, `{a..e}`, nested, within a budget."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

MAX_BRACE_WORDS = 1_000
"""More words than this are not made."""
MAX_BRACES = 50
"""More opening braces in a word than this are not looked at."""
_SEQUENCE = re.compile(
    r"(?P<first>[+-]?[0-9]{1,9}|[A-Za-z])\.\.(?P<last>[+-]?[0-9]{1,9}|[A-Za-z])(?:\.\.(?P<step>[+-]?[0-9]{1,9}))?"
)


class TooManyWords(ValueError):
    """A brace expansion went over its budget."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A character of a word, or an expansion as a whole."""

    text: str
    kind: Literal["plain", "quoted", "expansion"]


Atoms: TypeAlias = tuple[Atom, ...]
_OPEN, _CLOSE, _COMMA = Atom("{", "plain"), Atom("}", "plain"), Atom(",", "plain")


def expand_braces(atoms: Sequence[Atom]) -> tuple[Atoms, ...]:
    """Returns the words that the braces among `atoms` stand for, in bash's order; at least one.

    Raises:
        TooManyWords: there would be more than `MAX_BRACE_WORDS`, or there are too many braces.
    """
    word = tuple(atoms)
    opening = [index for index, atom in enumerate(word) if atom == _OPEN]
    if len(opening) > MAX_BRACES:
        raise TooManyWords
    for start in opening:
        end = _matching(word, start)
        variants = None if end is None else _variants(word[start + 1 : end])
        if end is not None and variants is not None:
            tails = expand_braces(word[end + 1 :])
            if len(variants) * len(tails) > MAX_BRACE_WORDS:
                raise TooManyWords
            return tuple(word[:start] + middle + tail for middle in variants for tail in tails)
    return (word,)


def _matching(word: Atoms, start: int) -> int | None:
    depth = 0
    for index in range(start, len(word)):
        if word[index] == _OPEN:
            depth += 1
        elif word[index] == _CLOSE:
            depth -= 1
            if depth == 0:
                return index
    return None


def _variants(inner: Atoms) -> tuple[Atoms, ...] | None:
    parts = _split(inner)
    if len(parts) > 1:
        made = tuple(atoms for part in parts for atoms in expand_braces(part))
        if len(made) > MAX_BRACE_WORDS:
            raise TooManyWords
        return made
    if any(atom.kind != "plain" for atom in inner):
        return None
    match = _SEQUENCE.fullmatch("".join(atom.text for atom in inner))
    return None if match is None else _sequence(match)


def _split(inner: Atoms) -> list[Atoms]:
    parts: list[Atoms] = []
    depth = begin = 0
    for index, atom in enumerate(inner):
        if atom == _OPEN:
            depth += 1
        elif atom == _CLOSE:
            depth -= 1
        elif atom == _COMMA and depth == 0:
            parts.append(inner[begin:index])
            begin = index + 1
    return [*parts, inner[begin:]]


def _sequence(match: re.Match[str]) -> tuple[Atoms, ...] | None:
    first, last = match["first"], match["last"]
    if first.isalpha() != last.isalpha():
        return None
    low, high = (ord(first), ord(last)) if first.isalpha() else (int(first), int(last))
    step = abs(int(match["step"] or 1)) or 1
    if abs(high - low) // step >= MAX_BRACE_WORDS:
        raise TooManyWords
    numbers = range(low, high + 1, step) if low <= high else range(low, high - 1, -step)
    if first.isalpha():
        return tuple((Atom(chr(number), "quoted"),) for number in numbers)
    width = max((len(text) for text in (first, last) if re.match("[+-]?0[0-9]", text)), default=0)
    return tuple(tuple(Atom(digit, "plain") for digit in f"{number:0{width}d}") for number in numbers)
