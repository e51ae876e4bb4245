"""Looks for denied commands through wrappers, shells, `find -exec` and quoting; shared by both policies."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from proxy.permissions.shell import parse_line
from proxy.permissions.shell_values import Command, ShellLine, Word
from proxy.permissions.shell_wrappers import SHELLS, WRAPPERS, shell_scripts, unwrap

MAX_DEPTH = 8
"""Wrappers within wrappers that are looked through."""
MAX_COMMANDS = 4_000
MAX_SCRIPT = 20_000
"""Characters of inner shell texts, all together, that are parsed."""

_BLANK = re.compile(r"\$(?:IFS\b|\{IFS[^}]*\})")
_EMPTY = re.compile(r"\$(?:\{[^}]*\}|[A-Za-z_][A-Za-z_0-9]*|[0-9@*#?!$-]|\([^)]*\))|`[^`]*`")
_LOOSE_ENDS = re.compile(r"[;&|\n(){}`]|\$\(|[<>]\(")
_QUOTES = str.maketrans("", "", "'\"\\")
_RESERVED = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "time", "{"})
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
        suspects: texts without which no rule can match; of a line that is too long to be parsed only the
            parts that hold one of them are returned.
    """
    search = _Search()
    search.add(line.commands, 0)
    if not line.commands:
        search.add(tuple(_loose_commands(line.text, suspects)), 0)
    return tuple(search.found)


class _Search:
    """What has been found so far, within its budgets."""

    def __init__(self) -> None:
        self.found: list[Command] = []
        self._seen: set[str] = set()
        self._script_budget = MAX_SCRIPT

    def add(self, commands: Sequence[Command], depth: int) -> None:
        for command in commands:
            if len(self.found) >= MAX_COMMANDS:
                return
            self._add_one(command, depth)

    def _add_one(self, command: Command, depth: int) -> None:
        if depth and command.line in self._seen:
            return
        self._seen.add(command.line)
        self.found.append(command)
        if depth >= MAX_DEPTH or not command.words:
            return
        for variant in _variants([word.shown for word in command.words]):
            self.add([_made(variant, command)], depth + 1)
        words = [word.shown for word in command.words]
        name = program_name(words[0])
        for inner in _inner(name, words[1:]):
            self.add([_made(inner, command)], depth + 1)
        for script in _scripts(name, words[1:]):
            self._add_script(script, command, depth)

    def _add_script(self, script: str, command: Command, depth: int) -> None:
        self._script_budget -= len(script)
        if self._script_budget < 0:
            return
        inner = parse_line(script)
        context = command.context
        self.add([replace(one, context=context) for one in inner.commands], depth + 1)


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


def _inner(name: str, words: list[str]) -> Iterator[list[str]]:
    """Yields the commands that a program's arguments name."""
    if name in WRAPPERS:
        inner = unwrap(name, words).words
        if inner:
            yield list(inner)
    elif name == "find":
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


def _loose_commands(text: str, suspects: Collection[str]) -> Iterator[Command]:
    """Cuts a text that cannot be parsed at everything that may end a command, quotes or not."""
    plain = text.replace("\\\n", "")
    for part in dict.fromkeys(_LOOSE_ENDS.split(plain)):
        bare = part.translate(_QUOTES)
        if suspects and not any(suspect in bare for suspect in suspects):
            continue
        words = bare.split()
        while words and (words[0] in _RESERVED or re.match(r"[A-Za-z_][A-Za-z_0-9]*=", words[0])):
            del words[0]
        if words:
            yield Command(tuple(Word(raw=word, text=word, shown=word) for word in words), raw=part.strip())
