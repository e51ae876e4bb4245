"""Looks for denied commands through wrappers, shells, `find -exec` and quoting; shared by both policies."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from proxy.permissions.shell import parse_line
from proxy.permissions.shell_values import QUOTES, Command, ShellLine, Word
from proxy.permissions.shell_wrappers import ASSIGNMENT, SHELLS, WRAPPERS, shell_scripts, unwrap

MAX_DEPTH = 8
"""Wrappers within wrappers that are looked through one by one; of more only what is run in the end."""
MAX_COMMANDS = 1_000
"""Commands within others, of a whole line."""
MAX_SCRIPTS = 100
"""Inner shell texts of a line that are parsed; further ones are cut roughly."""
MAX_CHARACTERS = 20_000
"""Of these texts, all together."""

_BLANK = re.compile(r"\$(?:IFS\b|\{IFS[^}]*\})")
_EMPTY = re.compile(r"\$(?:\{[^}]*\}|[A-Za-z_][A-Za-z_0-9]*|[0-9@*#?!$-]|\([^)]*\))|`[^`]*`")
_LOOSE_ENDS = re.compile(r"[;&|\n(){}`]|\$\(|[<>]\(")
_RESERVED = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "time", "{"})
_ALIAS = re.compile(r"alias\.[^=]+=(?!!)(.+)", re.IGNORECASE | re.DOTALL)
_GIT_VALUES = frozenset(
    {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--super-prefix", "--config-env"}
    | {"--attr-source", "--list-cmds"}
)
_NPM_VALUES = frozenset({"--prefix", "-C", "--userconfig", "--globalconfig", "--cache", "--registry", "-w"})
_FIND_ACTIONS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})


def inner_commands(line: ShellLine, suspects: Collection[str] = ()) -> tuple[Command, ...]:
    """Returns the line's commands and all that they would start in their turn.

    Wrappers are taken off one by one (`sudo env timeout 5 rm x` gives four commands, the last `rm x`),
    literal scripts of `sh -c`, `eval`, `trap` and `env -S` are parsed, path prefixes and git's global
    options are dropped. A deny rule that matches any of them denies the line; none of them makes anything
    allowed.

    Args:
        line: the line, parsed.
        suspects: words without which no rule can match, and parts of paths; of a line that is too long to
            be parsed only what holds one of them is returned.
    """
    search = InnerSearch()
    if not line.commands:
        return tuple(loose_commands(line.text, suspects))
    return tuple(inner for command in line.commands for inner in search.of(command))


class InnerSearch:
    """Finds what commands would start, within budgets for a whole line."""

    def __init__(self) -> None:
        """Begins a line."""
        self._commands = MAX_COMMANDS
        self._scripts = MAX_SCRIPTS
        self._characters = MAX_CHARACTERS

    def of(self, command: Command) -> tuple[Command, ...]:
        """Returns the command and all that it would start in its turn."""
        found: list[Command] = []
        self._add(command, 0, found, set())
        return tuple(found)

    def _add(self, command: Command, depth: int, found: list[Command], seen: set[str]) -> None:
        line = command.line
        if (depth and line in seen) or self._commands < 0:
            return
        self._commands -= bool(depth)
        seen.add(line)
        found.append(command)
        if depth >= MAX_DEPTH:
            found.append(_made(_deepest([word.shown for word in command.words]), command))
        if depth >= MAX_DEPTH or not command.words:
            return
        for inner in self._inner(command):
            self._add(inner, depth + 1, found, seen)

    def _inner(self, command: Command) -> Iterator[Command]:
        words = [word.shown for word in command.words]
        name = program_name(words[0])
        for variant in _variants(words):
            yield _made(variant, command)
        if name in WRAPPERS and (wrapped := unwrap(name, words[1:]).words):
            yield Command(command.words[-len(wrapped) :], context=command.context, raw=command.raw)
        for inner in _inner_words(name, words[1:]):
            yield _made(inner, command)
        for script in _scripts(name, words[1:]):
            for inner in self._parsed(script):
                yield replace(inner, context=command.context)

    def _parsed(self, script: str) -> Iterable[Command]:
        """Returns a shell text's commands; of more than is parsed, what a rough cut shows."""
        self._scripts -= 1
        self._characters -= len(script)
        if self._scripts < 0 or self._characters < 0:
            return loose_commands(script, ())
        line = parse_line(script)
        return line.commands or loose_commands(script, ())


def _deepest(words: list[str]) -> list[str]:
    """Returns what is run in the end, however many wrappers are left, without looking at each on the way."""
    inner: Sequence[str] = words
    while inner:
        words = list(inner)
        name = program_name(words[0])
        inner = words[1:] if name == "eval" else unwrap(name, words[1:]).words if name in WRAPPERS else ()
    return words


def program_name(text: str) -> str:
    """Returns a program's name without the folders before it and `.exe` behind it."""
    name = text.rsplit("/", 1)[-1]
    return name[:-4] if name.lower().endswith(".exe") and len(name) > 4 else name


def _made(words: Sequence[str], command: Command) -> Command:
    return Command(
        words=tuple(Word(raw=word, text=None if "$" in word else word, shown=word) for word in words),
        context=command.context,
        raw=command.raw,
    )


def _variants(words: list[str]) -> Iterator[list[str]]:
    """Yields other ways to see the same words: without folders, `$IFS` as a blank, expansions empty."""
    if "/" in words[0] or words[0].lower().endswith(".exe"):
        yield [program_name(words[0]), *words[1:]]
    if any(_BLANK.search(word) for word in words):
        yield [part for word in words for part in _BLANK.sub(" ", word).split(" ") if part]
    elif "$" in words[0] or "`" in words[0]:
        name = _EMPTY.sub("", words[0])
        if name:
            yield [name, *words[1:]]


def _inner_words(name: str, words: list[str]) -> Iterator[list[str]]:
    """Yields the commands that a program's arguments name."""
    if name == "find":
        yield from _find_actions(words)
    elif name in {"git", "npm", "pnpm", "yarn"}:
        yield from _without_global_options(name, words)


def _find_actions(words: list[str]) -> Iterator[list[str]]:
    for index, word in enumerate(words):
        if word in _FIND_ACTIONS:
            rest = words[index + 1 :]
            end = next((at for at, one in enumerate(rest) if one in {";", "+"}), len(rest))
            if end:
                yield rest[:end]


def _without_global_options(name: str, words: list[str]) -> Iterator[list[str]]:
    values = _GIT_VALUES if name == "git" else _NPM_VALUES
    index = 0
    while index < len(words) and words[index].startswith("-"):
        index += 2 if words[index] in values else 1
    if index and index < len(words):
        yield [name, *words[index:]]


def _scripts(name: str, words: list[str]) -> Iterator[str]:
    """Yields the shell texts among a program's arguments."""
    if name in SHELLS:
        yield from shell_scripts(words)
    elif name in WRAPPERS:
        yield from unwrap(name, words).scripts
    elif name in _SCRIPT_FINDERS:
        yield from _SCRIPT_FINDERS[name](words)


def _eval(words: list[str]) -> list[str]:
    return [" ".join(words[1:] if words[:1] == ["--"] else words)]


def _trap(words: list[str]) -> list[str]:
    operands = [word for word in words if word != "--"]
    return operands[:1] if operands and not operands[0].startswith("-") else []


def _git(words: list[str]) -> list[str]:
    """Git runs the value of an alias that begins with `!`, and some subcommands' arguments."""
    scripts = [word.split("=!", 1)[1] for word in words if "=!" in word]
    scripts += [f"git {found[1]}" for word in words if (found := _ALIAS.match(word))]
    if "foreach" in words:
        scripts.append(" ".join(words[words.index("foreach") + 1 :]).removeprefix("--recursive "))
    if words[:2] == ["bisect", "run"]:
        scripts.append(" ".join(words[2:]))
    for index, word in enumerate(words):
        if word in {"-x", "--exec", "--extcmd"}:
            scripts.extend(words[index + 1 : index + 2])
        elif word.startswith(("--exec=", "--extcmd=")):
            scripts.append(word.split("=", 1)[1])
    return scripts


def _callback(words: list[str]) -> list[str]:
    """`mapfile -C text`, `complete -C text`."""
    return [words[index + 1] for index, word in enumerate(words[:-1]) if word == "-C"]


_SCRIPT_FINDERS: Mapping[str, Callable[[list[str]], list[str]]] = MappingProxyType(
    {
        "eval": _eval,
        "trap": _trap,
        "git": _git,
        "mapfile": _callback,
        "readarray": _callback,
        "complete": _callback,
        "compgen": _callback,
    }
)


def loose_commands(text: str, suspects: Collection[str]) -> Iterator[Command]:
    """Cuts a text that cannot be parsed at everything that may end a command, quotes or not.

    Args:
        text: the text.
        suspects: see `inner_commands`; empty: everything is returned.
    """
    plain = text.replace("\\\n", "")
    count = 0
    for part in dict.fromkeys(_LOOSE_ENDS.split(plain)):
        bare = part.translate(QUOTES)
        if suspects and not any(suspect in bare for suspect in suspects):
            continue
        words = bare.split()
        while words and (words[0] in _RESERVED or ASSIGNMENT.match(words[0])):
            del words[0]
        if words and count < MAX_COMMANDS:
            count += 1
            shown = words if not suspects else _around(words, suspects)
            yield Command(tuple(Word(raw=word, text=word, shown=word) for word in shown), raw=part.strip())


def _around(words: list[str], suspects: Collection[str]) -> list[str]:
    """Returns the first words, and of the others those that hold a suspect."""
    return words[:8] + [word for word in words[8:] if any(suspect in word for suspect in suspects)][:50]
