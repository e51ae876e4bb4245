"""Takes a bash line apart: every simple command in it, and what could not be read with certainty."""

from __future__ import annotations

from proxy.permissions.shell_values import (
    MAX_CHARACTERS,
    Assignment,
    Command,
    Context,
    Problem,
    ProblemKind,
    Redirect,
    ShellLine,
    Word,
)

__all__ = [
    "MAX_CHARACTERS",
    "Assignment",
    "Command",
    "Context",
    "Problem",
    "ProblemKind",
    "Redirect",
    "ShellLine",
    "Word",
    "parse_line",
]


def parse_line(text: str) -> ShellLine:
    """Returns the line's commands and problems as bash reads it; never raises."""
    words = tuple(Word(raw=word, text=word, shown=word) for word in text.split())
    problem = Problem("unknown", "the shell parser is not finished")
    return ShellLine(text, (Command(words, raw=text),), (problem,))
