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
_OPEN, _CLOSE, _COMMA, _DOT = (Atom(character, "plain") for character in "{},.")


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
        end = None if _is_bare_pair(word, start) else _matching(word, start)
        if end is not None:
            middles = _variants(word[start + 1 : end]) or (word[start : end + 1],)
            tails = expand_braces(word[end + 1 :])
            if len(middles) * len(tails) > MAX_BRACE_WORDS:
                raise TooManyWords
            return tuple(word[:start] + middle + tail for middle in middles for tail in tails)
    return (word,)


def _is_bare_pair(word: Atoms, start: int) -> bool:
    """Tells whether `{}` stands here for itself: at the beginning, as find and xargs are given it."""
    if word[start + 1 : start + 2] != (_CLOSE,):
        return False
    if start and word[start - 1].kind == "quoted" and word[start - 1].text in " \t\n":
        raise TooManyWords  # bash tells an escaped blank from a quoted one here
    return start == 0


def _matching(word: Atoms, start: int) -> int | None:
    """Returns the brace that closes the one at `start`: the first of its level behind a comma or `..`."""
    level = 0
    has_separator = False
    for index in range(start + 1, len(word)):
        atom = word[index]
        if atom == _OPEN:
            level += 1
        elif atom == _CLOSE and level:
            level -= 1
        elif atom == _CLOSE and has_separator:
            return index
        elif level == 0:
            has_separator |= atom == _COMMA or _is_range(word, index)
    return None


def _is_range(word: Atoms, index: int) -> bool:
    """Tells whether `..` begins here and more follows it than a closing brace."""
    return word[index : index + 2] == (_DOT, _DOT) and word[index + 2 : index + 3] != (_CLOSE,)


def _variants(inner: Atoms) -> tuple[Atoms, ...] | None:
    """Returns what braces around `inner` stand for; None: for themselves."""
    if _COMMA in inner:
        made = tuple(atoms for part in _split(inner) for atoms in expand_braces(part))
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
        elif atom == _CLOSE and depth:
            depth -= 1
        elif atom == _COMMA and depth == 0:
            parts.append(inner[begin:index])
            begin = index + 1
    return [*parts, inner[begin:]]


def _sequence(match: re.Match[str]) -> tuple[Atoms, ...] | None:
    first, last = match["first"], match["last"]
    if first.isalpha() != last.isalpha():
        return None
    if first.islower() != last.islower():
        raise TooManyWords  # between the two alphabets stand characters that bash reads again
    low, high = (ord(first), ord(last)) if first.isalpha() else (int(first), int(last))
    step = abs(int(match["step"] or 1)) or 1
    if abs(high - low) // step >= MAX_BRACE_WORDS:
        raise TooManyWords
    numbers = range(low, high + 1, step) if low <= high else range(low, high - 1, -step)
    if first.isalpha():
        return tuple((Atom(chr(number), "quoted"),) for number in numbers)
    width = max((len(text) for text in (first, last) if re.match("[+-]?0[0-9]", text)), default=0)
    return tuple(tuple(Atom(digit, "plain") for digit in f"{number:0{width}d}") for number in numbers)
