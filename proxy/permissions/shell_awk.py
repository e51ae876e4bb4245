"""Reads awk programs: whether they run, write or read anything besides their input."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_RISKY = {
    "system": "runs a program",
    "getline": "reads a file or a program's output",
    "ENVIRON": "reads the environment",
    "PROCINFO": "reads the process's surroundings",
    "ARGV": "chooses its own files",
    "ARGC": "chooses its own files",
    "SYMTAB": "reaches any variable",
    "FUNCTAB": "reaches any function",
    "close": "closes a file or a program",
    "fflush": "writes a file or to a program",
}
_UNREADABLE = "the awk program cannot be read"
_BEFORE_REGEX = frozenset({"print", "printf", "return", "in", "case", "else", "do"})
_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r]+|\\\n|\#[^\n]*)|(?P<newline>\n)|(?P<string>"(?:[^"\\\n]|\\.|\\\n)*")
    |(?P<name>[A-Za-z_][A-Za-z_0-9]*)|(?P<number>[0-9.]+(?:[eE][+-]?[0-9]+)?)
    |(?P<op>\|\||&&|\|&|>>|>=|<=|==|!=|!~|\+\+|--|[+*%^-]=|.)""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?:[^/\\\n]|\\.)*/")
_REGEX_WITH_CLASSES = re.compile(r"/(?:[^/\\\n\[]|\\.|\[\^?\]?[^\]\n]*\])*/")


@dataclass(frozen=True, slots=True)
class AwkReading:
    """What an awk program does besides printing."""

    danger: str | None
    strings: tuple[str, ...] = ()
    """Its string constants: names of files may be among them."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Literal["newline", "string", "name", "number", "op", "regex"]
    text: str


def read_awk(program: str) -> AwkReading:
    """Returns what an awk program does besides printing; anything not understood is a danger."""
    tokens = list(_tokens(program, _REGEX_WITH_CLASSES, after_parenthesis=False))
    strings = tuple(token.text[1:-1] for token in tokens if token.kind == "string")
    danger = _danger(tokens)
    # Awks differ in whether brackets hide a slash, and whether one behind a parenthesis may begin a regex.
    for regex, after_parenthesis in ((_REGEX, False), (_REGEX_WITH_CLASSES, True), (_REGEX, True)):
        if danger is None and "/" in program:
            danger = _danger(list(_tokens(program, regex, after_parenthesis=after_parenthesis)))
            danger = None if danger == _UNREADABLE else danger
    return AwkReading(danger, strings)


def _tokens(program: str, regex: re.Pattern[str], *, after_parenthesis: bool) -> Iterator[_Token]:
    position = 0
    before: _Token | None = None
    while position < len(program):
        token: _Token | None = None
        if program[position] == "/" and _may_be_regex(before, after_parenthesis=after_parenthesis):
            match = regex.match(program, position)
            token = _Token("regex", match[0]) if match else _Token("op", "unclosed /")
            position = match.end() if match else position + 1
        else:
            match = _TOKEN.match(program, position)
            position = match.end() if match else len(program)
            token = _made(match) if match else None
        if token is not None:
            yield token
            before = token


def _made(match: re.Match[str]) -> _Token | None:
    kind, text = match.lastgroup, match[0]
    if kind == "blank":
        return None
    if kind == "newline":
        return _Token("newline", text)
    if kind == "string":
        return _Token("string", text)
    if kind == "name":
        return _Token("name", text)
    return _Token("number", text) if kind == "number" else _Token("op", text)


def _may_be_regex(before: _Token | None, *, after_parenthesis: bool) -> bool:
    """Tells whether a slash begins a regular expression here, as after an operator, or divides."""
    if before is None or before.kind == "newline":
        return True
    if before.kind == "name":
        return before.text in _BEFORE_REGEX
    if before.text == ")":
        return after_parenthesis
    return before.kind == "op" and before.text not in {"]", "$", "++", "--"}


def _danger(tokens: list[_Token]) -> str | None:
    depth = print_depth = 0
    in_print = False
    before = ""
    for token in tokens:
        if token.kind == "name":
            if token.text in _RISKY:
                return f"awk's {token.text} {_RISKY[token.text]}"
            if token.text in {"print", "printf"}:
                in_print, print_depth = True, depth
        elif token.kind == "newline":
            in_print = in_print and (depth > print_depth or before in {",", "&&", "||"})
        elif token.text in {";", "}"}:
            in_print = False
        elif token.kind == "op":
            reason = _operator_danger(token.text)
            if reason is not None:
                return reason
            if in_print and depth == print_depth and token.text in {">", ">>"}:
                return "awk prints into a file"
            depth += (token.text in {"(", "["}) - (token.text in {")", "]"})
        before = before if token.kind == "newline" else token.text
    return None


def _operator_danger(text: str) -> str | None:
    if text in {"|", "|&"}:
        return "awk talks to another program"
    if text == "@":
        return "awk loads code or calls a function by name"
    if text in {"unclosed /", '"', "\\", "`", "'"}:
        return _UNREADABLE
    return None
