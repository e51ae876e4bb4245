"""Changes a settings text at the places that change and nowhere else: text and edits in, text out.

The text is parsed only to learn where things stand. Comments, order, quotes and unknown keys stay as they
were written, byte for byte. What comes out is read again, and must hold exactly the edited data: an edit
that a file's layout (anchors, merged keys) does not allow is refused, and the file stays as it is.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, TypeAlias, TypeVar, cast

import yaml

from app.yaml_document import SettingsError

Path: TypeAlias = tuple[str | int, ...]
"""Keys, and places in lists that are there; a key comes first and last."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")


@dataclass(frozen=True, slots=True)
class Put:
    """Sets a value; the sections above it are made where they are missing."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Remove:
    """Takes a key out; nothing happens where it is not there."""

    path: Path


@dataclass(frozen=True, slots=True)
class Rename:
    """Gives a key another name at the same place, its value and order kept."""

    path: Path
    name: str


Edit: TypeAlias = Put | Remove | Rename


class Document(Protocol):
    """A file that was read, whatever it is about."""

    @property
    def raw(self) -> Mapping[str, Any]:
        """The plain data, as the file has it."""
        ...


D_ = TypeVar("D_", bound=Document)


def edited(content: bytes, edits: Sequence[Edit], read: Callable[[bytes], D_]) -> tuple[bytes, D_]:
    """Returns the file's new content and what it then says.

    Args:
        content: The file.
        edits: What changes.
        read: Reads the file; refuses one that cannot be used.

    Raises:
        SettingsError: The file is unusable, the edit makes it so, or its layout does not allow the edit.
    """
    expected: dict[str, Any] = _as_lists(read(content).raw)  # nothing shared between two places
    text = content.decode("utf-8-sig")
    for each in edits:
        _apply_to_data(expected, each)
        text = _TextEditor(text).apply(each)
    new = text.encode("utf-8")
    after = read(new)
    if after.raw != expected:
        raise SettingsError("the layout of the file does not allow this change; edit the file by hand")
    return new, after


def _apply_to_data(data: MutableMapping[str, Any], edit: Edit) -> None:
    here: Any = data
    for step, following in pairwise(edit.path):
        if isinstance(step, int):
            here = _item(here, step)
            continue
        if here.get(step) is None:
            if not isinstance(edit, Put):
                return
            here[step] = {}
        if isinstance(following, str) and not isinstance(here[step], dict):
            raise SettingsError(f"'{step}' is no section; edit the file by hand")
        here = here[step]
    name = edit.path[-1]
    if isinstance(edit, Put):
        here[name] = _as_lists(edit.value)
    elif isinstance(edit, Remove):
        here.pop(name, None)
    elif name in here and edit.name != name:
        if edit.name in here:
            raise SettingsError(f"'{edit.name}' is there already")
        items = [(edit.name if key == name else key, value) for key, value in here.items()]
        here.clear()
        here.update(items)


def _item(here: object, place: int) -> Any:
    items = cast("list[Any]", here) if isinstance(here, list) else []
    if place >= len(items) or not isinstance(items[place], dict):
        raise SettingsError("the file is another one by now; try again")
    return items[place]


def _as_lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _as_lists(each) for key, each in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_as_lists(each) for each in cast("Sequence[Any]", value)]
    return value


@dataclass(frozen=True, slots=True)
class _Pair:
    key: yaml.ScalarNode
    value: yaml.Node


class _TextEditor:
    """One edit of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)

    def apply(self, edit: Edit) -> str:
        """Returns the text with the edit made."""
        if isinstance(edit, Put):
            return self._put(edit.path, _as_lists(edit.value))
        found = self._find(edit.path)
        if found is None:
            return self._text
        section, pair = found
        if isinstance(edit, Rename):
            return self._spliced(_start(pair.key), _end(pair.key), _flow(edit.name))
        return self._removed(section, pair, edit.path)

    def _find(self, path: Path) -> tuple[yaml.MappingNode, _Pair] | None:
        """Returns the section and the pair at a path."""
        node: yaml.Node | None = self._root
        found: tuple[yaml.MappingNode, _Pair] | None = None
        for step in path:
            if isinstance(step, int):
                node = node.value[step] if isinstance(node, yaml.SequenceNode) else None
                continue
            if not isinstance(node, yaml.MappingNode):
                return None
            pair = next((each for each in _pairs(node) if each.key.value == step), None)
            if pair is None:
                return None
            found, node = (node, pair), pair.value
        return found

    def _put(self, path: Path, value: Any) -> str:
        """Finds the deepest section that is there, and puts the rest of the path into it."""
        if self._root is None:
            start = self._text if not self._text or self._text.endswith("\n") else self._text + self._newline
            return f"{start}{self._entry(0, path[0], _nested(path[1:], value))}{self._newline}"
        depth = len(path)
        while depth and self._find(path[:depth]) is None:
            depth -= 1
        found = self._find(path[:depth])
        if found is None:
            return self._added(cast("yaml.MappingNode", self._root), None, path[0], _nested(path[1:], value))
        pair = found[1]
        if depth == len(path):
            return self._replaced(pair, value)
        if isinstance(pair.value, yaml.MappingNode):
            return self._added(pair.value, pair, path[depth], _nested(path[depth + 1 :], value))
        return self._filled(pair, path[depth], _nested(path[depth + 1 :], value))  # `section:` with nothing

    def _replaced(self, pair: _Pair, value: Any) -> str:
        old = pair.value
        if _data(old) == value:
            return self._text
        column = pair.key.start_mark.column
        if isinstance(old, yaml.SequenceNode) and old.value and _begins_with(value, _data(old)):
            return self._lengthened(old, value[len(old.value) :])
        if isinstance(old, yaml.SequenceNode) and not old.flow_style and value:
            dash = old.start_mark.column
            items = self._newline.join(
                f"{'' if not i else ' ' * dash}- {_flow(v)}" for i, v in enumerate(value)
            )
            return self._spliced(_start(old), _end(old), items)
        if isinstance(old, yaml.MappingNode) and not old.flow_style:
            return self._spliced(self._after_colon(pair), _end(old), self._value(column, value))
        is_empty = _start(old) == _end(old)  # nothing after the colon
        start = self._after_colon(pair) if is_empty else _start(old)
        return self._spliced(start, max(start, _end(old)), (" " if is_empty else "") + _flow(value))

    def _lengthened(self, old: yaml.SequenceNode, more: Sequence[Any]) -> str:
        """Puts further items behind those that are there, whose comments and quotes stay."""
        end = _end(old.value[-1])
        if old.flow_style:
            return self._spliced(end, end, "".join(f", {_flow(each)}" for each in more))
        dash, at = " " * old.start_mark.column, self._line_end(end)
        return self._spliced(at, at, "".join(f"{self._newline}{dash}- {_flow(each)}" for each in more))

    def _added(self, section: yaml.MappingNode, owner: _Pair | None, name: str | int, value: Any) -> str:
        pairs = _pairs(section)
        if not section.flow_style and pairs:
            column = pairs[0].key.start_mark.column
            at = self._line_end(_end(section))
            return self._spliced(at, at, self._newline + self._entry(column, name, value))
        if pairs:
            at = _end(pairs[-1].value)
            return self._spliced(at, at, f", {_flow(name)}: {_flow(value)}")
        if owner is not None and self._begins_line(owner.key):
            # An empty `{}`: what grows there shall read like the rest of the file.
            column = owner.key.start_mark.column + 2
            entry = self._newline + self._entry(column, name, value)
            return self._spliced(self._after_colon(owner), _end(section), entry)
        return self._spliced(_start(section), _end(section), f"{{{_flow(name)}: {_flow(value)}}}")

    def _filled(self, owner: _Pair, name: str | int, value: Any) -> str:
        at = self._line_end(self._after_colon(owner))
        entry = self._entry(owner.key.start_mark.column + 2, name, value)
        return self._spliced(at, at, self._newline + entry)

    def _removed(self, section: yaml.MappingNode, pair: _Pair, path: Path) -> str:
        pairs = _pairs(section)
        index = pairs.index(pair)
        if section.flow_style:
            if index + 1 < len(pairs):
                return self._spliced(_start(pair.key), _start(pairs[index + 1].key), "")
            start = _end(pairs[index - 1].value) if index else _start(pair.key)
            return self._spliced(start, _end(pair.value), "")
        start = self._text.rfind("\n", 0, _start(pair.key)) + 1
        end = min(self._line_end(_end(pair.value)) + len(self._newline), len(self._text))
        without = self._spliced(start, end, "")
        if len(pairs) > 1 or len(path) == 1:
            return without
        owner = cast("tuple[yaml.MappingNode, _Pair]", self._find(path[:-1]))[1]
        at = self._after_colon(owner)
        return without[:at] + " {}" + without[at:]

    def _entry(self, column: int, name: str | int, value: Any) -> str:
        return f"{' ' * column}{_flow(name)}:{self._value(column, value)}"

    def _value(self, column: int, value: Any) -> str:
        """Returns a value as the shipped file writes it: sections with lists open, the rest on one line."""
        if isinstance(value, dict) and any(isinstance(each, (list, dict)) for each in _values(value)):
            section = cast("dict[str, Any]", value)
            if any(isinstance(each, list) for each in _values(value)) or any(map(_has_list, _values(value))):
                entries = (self._entry(column + 2, name, each) for name, each in section.items())
                return "".join(self._newline + each for each in entries)
        if isinstance(value, list) and any(isinstance(each, dict) for each in cast("list[Any]", value)):
            items = (f"{' ' * (column + 2)}- {_flow(each)}" for each in cast("list[Any]", value))
            return "".join(self._newline + each for each in items)
        return " " + _flow(value)

    def _after_colon(self, pair: _Pair) -> int:
        return self._text.index(":", _end(pair.key)) + 1

    def _begins_line(self, key: yaml.Node) -> bool:
        return not self._text[self._text.rfind("\n", 0, _start(key)) + 1 : _start(key)].strip(" ")

    def _line_end(self, position: int) -> int:
        found = self._text.find(self._newline, position)
        return len(self._text) if found < 0 else found

    def _spliced(self, start: int, end: int, new: str) -> str:
        return self._text[:start] + new + self._text[end:]


def _pairs(section: yaml.MappingNode) -> list[_Pair]:
    pairs = cast("list[tuple[yaml.ScalarNode, yaml.Node]]", section.value)
    return [_Pair(key, value) for key, value in pairs]


def _start(node: yaml.Node) -> int:
    return cast("int", node.start_mark.index)


def _end(node: yaml.Node) -> int:
    """Returns where a node's own text ends; PyYAML counts the comments after a block collection to it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last: Any = node.value[-1]
        return _end(last[1] if isinstance(node, yaml.MappingNode) else last)
    if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}:
        text = cast("str", node.start_mark.buffer or "")
        return _start(node) + len(text[_start(node) : node.end_mark.index].rstrip())
    return cast("int", node.end_mark.index)


def _data(node: yaml.Node) -> Any:
    loader: Any = yaml.SafeLoader("")
    try:
        return loader.construct_document(copy.deepcopy(node))
    finally:
        loader.dispose()


def _begins_with(value: Any, items: list[Any]) -> bool:
    return isinstance(value, list) and cast("list[Any]", value)[: len(items)] == items


def _nested(path: Path, value: Any) -> Any:
    for step in reversed(path):
        value = {step: value}
    return value


def _values(section: Any) -> list[Any]:
    return list(cast("dict[str, Any]", section).values())


def _has_list(value: Any) -> bool:
    return isinstance(value, dict) and any(
        isinstance(each, list) or _has_list(each) for each in _values(value)
    )


def _flow(value: Any) -> str:
    """Returns a value on one line."""
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return "{" + ", ".join(f"{_flow(name)}: {_flow(each)}" for name, each in pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, cast("list[Any]", value))) + "]"
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and yaml.safe_load(value) == value:
            return value
        # A JSON string is a YAML string; what YAML does not allow raw is spelt out.
        spelt = (json.dumps(each, ensure_ascii=not each.isprintable())[1:-1] for each in value)
        return '"' + "".join(spelt) + '"'
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n").strip()
