"""The values of a shell line: its words, its simple commands, and what could not be read of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

MAX_CHARACTERS = 10_000
"""A longer line always asks; its deny scan still runs."""

ProblemKind = Literal[
    "syntax",
    "unknown",
    "two-readings",
    "unreadable-word",
    "here-document",
    "function",
    "too-long",
    "too-deep",
    "too-many",
    "control-character",
    "invisible-character",
    "padding",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """What keeps a line from being understood completely: it must at least be asked about."""

    kind: ProblemKind
    sentence: str
    """For people: `the line ends within a quotation`."""


QUOTES = str.maketrans("", "", "'\"\\")
"""Takes quotes and backslashes out of a text, whatever they mean there."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word as bash would hand it to a program, before globs are matched against files."""

    raw: str
    """As written, quotes and all; words of one brace expansion share it."""
    text: str | None
    """After quote removal and brace expansion; None: a `$`, a backtick or a process substitution is in it."""
    shown: str
    """Like `text`, with expansions left as written (`src/$name`): for matching rules and for people."""
    pattern: str | None = None
    """The glob, quoted characters escaped with a backslash; None where bash expands no glob here."""
    is_quoted: bool = False
    """Some of it stood in quotes or behind a backslash."""
    has_tilde: bool = False
    """It begins with an unquoted `~`, which bash replaces by a home folder."""
    from_braces: bool = False
    """A brace expansion made it."""
    is_encoded: bool = False
    """Some of it was written as `$'…'` or `$"…"`."""

    @property
    def is_literal(self) -> bool:
        """What the program receives is known from the text alone."""
        return self.text is not None and self.pattern is None

    @property
    def starts_with_wildcard(self) -> bool:
        """A glob whose first character is a wildcard: a file name may turn it into an option."""
        return self.pattern is not None and self.pattern[0] in "*?[@!+"


def as_line(words: Iterable[Word]) -> str:
    """Returns words as rules see them: quotes removed, one blank between two, expansions as written."""
    return " ".join(word.shown for word in words)


@dataclass(frozen=True, slots=True)
class Assignment:
    """`NAME=value` before a command, or alone."""

    name: str
    """With a subscript where there is one: `a[1]`."""
    value: Word
    appends: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """`2> file`, `< file`, `>&2`, `<<EOF`, `<<< word`."""

    operator: str
    """`<` `>` `>>` `>|` `<>` `&>` `&>>` `>&` `<&` `<<` `<<-` `<<<`."""
    fd: str | None
    """`2`, `{name}`; None: the operator's own."""
    target: Word
    """The file, the descriptor, the delimiter or the here-string."""
    body: str | None = None
    """A here-document's text."""

    @property
    def is_descriptor(self) -> bool:
        """It copies or closes a descriptor and touches no file: `2>&1`, `>&-`."""
        return (
            self.operator in {">&", "<&"} and re.fullmatch("[0-9]+-?|-", self.target.text or "") is not None
        )


@dataclass(frozen=True, slots=True)
class Context:
    """Where in the line a command stands."""

    scope: tuple[int, ...] = ()
    """The subshells around it, pipeline members and substitutions included: a `cd` does not leave its own."""
    chain: int = 0
    """Commands joined by `&&` and `||` share it."""
    after: Literal["", "&&", "||"] = ""
    """How it is joined to the command before it in its chain."""
    in_pipeline: bool = False
    in_subshell: bool = False
    in_group: bool = False
    in_branch: bool = False
    """Within `if` or `case`: it may not run."""
    in_loop: bool = False
    in_substitution: bool = False
    """Within `$(…)`, backticks, `<(…)` or `>(…)`."""
    function: str | None = None
    """The function whose body it is part of."""
    is_background: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command; redirections alone, `[[ … ]]` and `(( … ))` are commands too.

    Redirections of a group or a loop are a command without words.
    """

    words: tuple[Word, ...]
    """Name and arguments, braces expanded; `[[` and `((` are names."""
    assignments: tuple[Assignment, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    context: Context = field(default_factory=Context)
    raw: str = ""

    @property
    def name(self) -> str | None:
        """The command's name where it is literal."""
        return self.words[0].text if self.words and self.words[0].is_literal else None

    @property
    def line(self) -> str:
        """Its words as rules see them."""
        return as_line(self.words)


@dataclass(frozen=True, slots=True)
class ShellLine:
    """A command line taken apart."""

    text: str
    commands: tuple[Command, ...]
    """Every simple command anywhere, as they end: a substitution's before the one it feeds.

    Empty where the line is too long or too deep to be told apart; `shell_deny` still searches it.
    """
    problems: tuple[Problem, ...] = ()
    has_substitution: bool = False
    functions: tuple[str, ...] = ()
    """Names that the line defines as functions."""
    loose_words: tuple[Word, ...] = ()
    """Words that belong to no command: the list of a `for`, the subject and patterns of a `case`."""
