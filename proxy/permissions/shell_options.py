"""Reads a program's arguments as getopt does: bundled letters, glued values, abbreviated long options."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from proxy.permissions.shell_values import Word

OptionKind = Literal[
    "flag", "value", "optional", "read", "pattern", "program", "recursive", "include", "exclude", "danger"
]
"""`optional` takes a value only when it is glued on; `read` a file that is read; `pattern` and `program` what
otherwise the first operand is; `danger` runs, writes or loads something."""
_WITH_VALUE = frozenset({"value", "read", "pattern", "program", "include", "exclude"})
LETTERS = string.ascii_letters


@dataclass(frozen=True, slots=True)
class OptionTable:
    """Which options a program has, and what each means."""

    short: Mapping[str, OptionKind]
    long: Mapping[str, OptionKind]
    takes_numbers: bool = False
    """`-5` is an option: `head -5`."""
    unknown: Literal["danger", "flag"] = "danger"
    """What an option that is not in the table counts as."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option as it was given."""

    name: str
    """`-n`, `--lines`: in full where it was abbreviated."""
    kind: OptionKind
    value: Word | None = None


@dataclass(slots=True)
class Arguments:
    """A program's arguments, told apart."""

    options: list[Option] = field(default_factory=list[Option])
    operands: list[Word] = field(default_factory=list[Word])

    def values(self, kind: OptionKind) -> list[Word]:
        """Returns the values of all options of a kind."""
        return [option.value for option in self.options if option.kind == kind and option.value is not None]

    def has(self, kind: OptionKind) -> bool:
        """Tells whether an option of this kind was given."""
        return any(option.kind == kind for option in self.options)

    @property
    def danger(self) -> str | None:
        """The first option that runs, writes or loads something, or is not known."""
        return next((option.name for option in self.options if option.kind == "danger"), None)


def names(text: str) -> frozenset[str]:
    """Returns the names that stand in a text with blanks between them."""
    return frozenset(text.split())


def option_table(
    short: Mapping[OptionKind, str],
    long: Mapping[OptionKind, str],
    *,
    takes_numbers: bool = False,
    unknown: Literal["danger", "flag"] = "danger",
) -> OptionTable:
    """Makes a table from letters and from names with blanks between them."""
    return OptionTable(
        {letter: kind for kind, letters in short.items() for letter in letters},
        {name: kind for kind, names in long.items() for name in names.split()},
        takes_numbers,
        unknown,
    )


def read_arguments(words: Sequence[Word], table: OptionTable, *, permutes: bool = True) -> Arguments:
    """Tells options from operands.

    Args:
        words: the arguments, without the program's name.
        table: the program's options.
        permutes: whether options may follow operands.
    """
    found = Arguments()
    index = 0
    while index < len(words):
        word = words[index]
        text = word.shown
        if text == "--":
            found.operands.extend(words[index + 1 :])
            return found
        following = words[index + 1] if index + 1 < len(words) else None
        if text.startswith("--"):
            index += _read_long(text, following, table, found)
        elif text.startswith("-") and text != "-":
            index += _read_short(text, following, table, found)
        else:
            found.operands.append(word)
            if not permutes:
                found.operands.extend(words[index + 1 :])
                return found
        index += 1
    return found


def _read_long(text: str, following: Word | None, table: OptionTable, found: Arguments) -> int:
    """Reads a long option; returns how many further words it takes."""
    name, glued, value = text[2:].partition("=")
    full, kind = _long_kind(name, table)
    if glued:
        kind = "read" if kind == "flag" and full not in table.long else kind
        found.options.append(Option(f"--{full}", kind, part_of_word(value)))
        return 0
    takes = kind in _WITH_VALUE and following is not None
    found.options.append(Option(f"--{full}", kind, following if takes else None))
    return int(takes)


def _long_kind(name: str, table: OptionTable) -> tuple[str, OptionKind]:
    """Returns a long option's full name and kind; of several that it may stand for, the worst kind."""
    if name in table.long:
        return name, table.long[name]
    candidates = [known for known in table.long if known.startswith(name)]
    dangerous = [known for known in candidates if table.long[known] == "danger"]
    if dangerous:
        return dangerous[0], "danger"
    if not candidates:
        return name, table.unknown
    kind = table.long[candidates[0]]
    is_clear = all(table.long[known] == kind for known in candidates)
    return candidates[0], kind if is_clear else "danger"


def _read_short(text: str, following: Word | None, table: OptionTable, found: Arguments) -> int:
    """Reads bundled letters; returns how many further words they take."""
    if table.takes_numbers and text[1:].isdigit():
        found.options.append(Option(text, "flag"))
        return 0
    for position, letter in enumerate(text[1:], start=1):
        kind = table.short.get(letter, table.unknown)
        rest = text[position + 1 :]
        if kind in _WITH_VALUE:
            found.options.append(Option(f"-{letter}", kind, part_of_word(rest) if rest else following))
            return int(not rest and following is not None)
        found.options.append(Option(f"-{letter}", kind, part_of_word(rest) if kind == "optional" else None))
        if kind == "optional":
            return 0
    return 0


def part_of_word(text: str) -> Word:
    """Returns a word for a value that is glued to its option: bash expands no tilde there."""
    return Word(raw=text, text=text, shown=text, is_quoted=True)
