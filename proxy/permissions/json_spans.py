"""Where each value of a JSON text stands: read to change one place and leave every other byte as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

_BLANK = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}
_STRINGS = json.JSONDecoder()
MAX_DEPTH = 100


class NotJson(ValueError):
    """The text is no JSON; says where, with line and column."""

    def __init__(self, problem: str, text: str, at: int) -> None:
        line = text.count("\n", 0, at) + 1
        column = at - text.rfind("\n", 0, at)
        super().__init__(f"line {line}, column {column}: {problem}")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A string, number, true, false or null."""

    start: int
    end: int
    value: str | float | bool | None


@dataclass(frozen=True, slots=True)
class JsonList:
    """A list, with its elements."""

    start: int
    end: int
    items: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class JsonObject:
    """An object, with its members in order."""

    start: int
    end: int
    members: tuple[Member, ...] = ()

    def get(self, name: str) -> Node | None:
        """Returns the value of a member; of several of one name, the last, which is the one that counts."""
        return next((each.value for each in reversed(self.members) if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Member:
    """A name with its value; `start` is where the name begins."""

    start: int
    name: str
    value: Node


Node: TypeAlias = "Scalar | JsonList | JsonObject"


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    depth: int = field(default=0)

    def blank(self) -> None:
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def expect(self, character: str) -> None:
        if not self.text.startswith(character, self.at):
            raise self.problem(f"'{character}' is missing here")
        self.at += 1

    def problem(self, what: str) -> NotJson:
        return NotJson(what, self.text, self.at)

    def string(self) -> str:
        if not self.text.startswith('"', self.at):
            raise self.problem("a text in double quotes is missing here")
        try:
            value, self.at = _STRINGS.raw_decode(self.text, self.at)
        except json.JSONDecodeError as exc:
            self.at = exc.pos
            raise self.problem(exc.msg[:1].lower() + exc.msg[1:]) from exc
        return str(value)

    def value(self) -> Node:
        self.blank()
        start = self.at
        opening = self.text[start : start + 1]
        if opening in {"{", "["}:
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.problem(f"nested deeper than {MAX_DEPTH} levels")
            node = self._object(start) if opening == "{" else self._list(start)
            self.depth -= 1
            return node
        if opening == '"':
            text = self.string()
            return Scalar(start, self.at, text)
        found = _SCALAR.match(self.text, start)
        if found is None:
            raise self.problem("a value is missing here, or it is no JSON")
        self.at = found.end()
        word = found[0]
        return Scalar(start, self.at, _WORDS[word] if word in _WORDS else float(word))

    def _object(self, start: int) -> JsonObject:
        members: list[Member] = []
        self.at += 1
        self.blank()
        while not self.text.startswith("}", self.at):
            if members:
                self.expect(",")
                self.blank()
            name_at = self.at
            name = self.string()
            self.blank()
            self.expect(":")
            members.append(Member(name_at, name, self.value()))
            self.blank()
        self.at += 1
        return JsonObject(start, self.at, tuple(members))

    def _list(self, start: int) -> JsonList:
        items: list[Node] = []
        self.at += 1
        self.blank()
        while not self.text.startswith("]", self.at):
            if items:
                self.expect(",")
            items.append(self.value())
            self.blank()
        self.at += 1
        return JsonList(start, self.at, tuple(items))


def read_spans(text: str) -> Node:
    """Returns the text's value with the place of each part.

    Raises:
        NotJson: It is no JSON.
    """
    reader = _Reader(text, 1 if text.startswith("\ufeff") else 0)
    node = reader.value()
    reader.blank()
    if reader.at != len(text):
        raise reader.problem("something follows the end")
    return node


def plain(node: Node) -> object:
    """Returns a value without its places."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, JsonList):
        return [plain(each) for each in node.items]
    return {each.name: plain(each.value) for each in node.members}
