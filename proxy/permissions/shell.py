"""Takes a bash line apart: every simple command in it, and what could not be read with certainty.

Two readings must agree. Our own reader follows bash word by word, redirections, here-documents and keywords
included; tree-sitter's grammar finds syntax errors and words at other places. What they do not both
understand, and whatever hides text from people, becomes a `Problem`: the line is at least asked about.
"""

from __future__ import annotations

from proxy.permissions.shell_characters import character_problems, has_odd_space
from proxy.permissions.shell_grammar import second_reading
from proxy.permissions.shell_reader import Reader, read_joined
from proxy.permissions.shell_scanner import ScanLimit
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
    problems = character_problems(text)
    if len(text) > MAX_CHARACTERS:
        problems.append(Problem("too-long", f"the line has more than {MAX_CHARACTERS:,} characters"))
    if len(text) > 2 * MAX_CHARACTERS:
        return ShellLine(text, (), tuple(problems))
    try:
        reader = read_joined(text, Reader, Reader.read)
    except ScanLimit:
        problems.append(Problem("too-deep", "the line is too deep or too branched to be read"))
        return ShellLine(text, (), tuple(problems))
    problems += reader.problems
    if not problems:
        problems += second_reading(_masked(reader), _comparable_spans(reader), reader.descriptors)
    commands = tuple(draft.freeze(source) for draft, source in reader.drafts)
    problems += _space_problems(commands)
    return ShellLine(
        text=text,
        commands=commands,
        problems=tuple(problems),
        has_substitution=reader.has_substitution,
        functions=tuple(reader.functions),
        loose_words=tuple(reader.loose_words),
    )


def _masked(reader: Reader) -> str:
    """Returns the text with letters for its plain arguments: the grammar stumbles over some, such as `==`."""
    pieces: list[str] = []
    position = 0
    for start, end in sorted(reader.plain):
        pieces += [reader.text[position:start], "x" * (end - start)]
        position = end
    return "".join((*pieces, reader.text[position:]))


def _comparable_spans(reader: Reader) -> list[tuple[int, int]] | None:
    """Returns the words' places; None where an expansion or a test makes words that both read differently."""
    drafts = [draft for draft, _ in reader.drafts]
    words = [word for draft in drafts for word in draft.words] + reader.loose_words
    words += [redirect.target for draft in drafts for redirect in draft.redirects]
    words += [one.value for draft in drafts for one in draft.assignments]
    if any(word.text is None for word in words) or any(word.raw in {"[[", "(("} for word in words):
        return None
    return reader.spans


def _space_problems(commands: tuple[Command, ...]) -> list[Problem]:
    for command in commands:
        if any(has_odd_space(word.raw) and not word.is_quoted for word in command.words):
            return [Problem("invisible-character", "a space that separates no words stands outside quotes")]
    return []
