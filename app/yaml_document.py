"""Reads YAML text safely, and says of whatever is wrong in it where it stands and what to do.

PyYAML's safe loader only. Refused before anything is built: more than 1 MiB, deep nesting, aliases that
multiply, a key that stands twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol, cast

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

MAX_BYTES = 2**20
_MAX_DEPTH = 50
_MAX_NODES = 100_000
"""Nodes the document may have once every alias is followed."""


class _Mark(Protocol):
    """A position as PyYAML has it, counted from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader."""


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the file, counted from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class SettingsError(Exception):
    """A settings text that cannot be used."""

    def __init__(self, problem: str, place: Place | None = None, *, is_newer: bool = False) -> None:
        super().__init__(f"{place}: {problem}" if place else problem)
        self.problem = problem
        """What is wrong and what to do, without values from the file: one may be a key."""
        self.place = place
        self.is_newer = is_newer
        """A newer Signalbox wrote the file: it is in order and must stay where it is."""


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A text that was read: one section of keys and values."""

    root: yaml.Node | None
    """The nodes with their places; None: there is nothing in the file."""
    raw: Mapping[str, Any]
    """The plain data."""


def is_blank(content: bytes | None) -> bool:
    """Says whether a file holds nothing at all, or is not there."""
    return content is None or not content.decode("utf-8-sig", errors="replace").strip()


def lost_content(path: Path, backup: Path, content: bytes | None, *, is_in_force: bool) -> SettingsError:
    """Returns why a file that is empty or gone is not worked with, and how its content comes back.

    Args:
        path: The file.
        backup: Where the content before its last change is kept.
        content: What it holds; None: it is gone.
        is_in_force: What it said is what the running program still works with.
    """
    ways = ["put it back"]
    if backup.exists():
        ways.append(f"copy {backup.name} to {path.name}")
    if not is_in_force:
        return SettingsError(f"the file is empty; {', '.join(ways)}, or delete it to begin anew")
    what = "gone" if content is None else "empty"
    ways.append(
        "restart Signalbox to work without it" if content is None else "delete it and restart Signalbox"
    )
    return SettingsError(
        f"the file is {what}, while what it said before is still in force; "
        f"{', '.join(ways[:-1])}, or {ways[-1]}"
    )


def read_yaml(content: bytes) -> YamlDocument:
    """Reads a file.

    Raises:
        SettingsError: It is no YAML, or not what a file of keys with values is.
    """
    text = _text(content)
    _check_events(text)
    root = _compose(text)
    raw: Mapping[str, Any] = _plain(text) if root is not None else {}
    if root is not None and not isinstance(root, yaml.MappingNode):
        raise SettingsError("settings are keys with values, such as `version: 1`", _place(root.start_mark))
    return YamlDocument(root, raw)


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise SettingsError(f"the file has {len(content):,} bytes; settings may have 1 MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        before = content[: exc.start].decode("utf-8", errors="replace")
        raise SettingsError("this is not UTF-8 text; save the file as UTF-8", _place_at(before)) from exc


def _check_events(text: str) -> None:
    """Refuses deep nesting before anything recursive reads it, and a second document.

    Raises:
        SettingsError: It is nested too deep, has two documents, or is no YAML.
    """
    depth = documents = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                depth += 1
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                depth -= 1
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
            if depth > _MAX_DEPTH:
                raise SettingsError(f"nested deeper than {_MAX_DEPTH} levels", _place(event.start_mark))
            if documents > 1:
                raise SettingsError(
                    "a second document begins here; delete the `---`", _place(event.start_mark)
                )
    except yaml.reader.ReaderError as exc:
        place = _place_at(text[: exc.position]) if isinstance(exc.position, int) else None
        raise SettingsError("a character that YAML does not allow; delete it", place) from exc
    except yaml.MarkedYAMLError as exc:
        raise _yaml_problem(exc) from exc


def _compose(text: str) -> yaml.Node | None:
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as exc:
        raise _yaml_problem(exc) from exc
    if root is not None:
        _count(root, {}, set())
        _refuse_duplicates(root)
    return root


def _plain(text: str) -> Mapping[str, Any]:
    try:
        return cast("Mapping[str, Any]", yaml.load(text, Loader=_Loader))  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as exc:
        raise _yaml_problem(exc) from exc
    except (ValueError, TypeError) as exc:  # an impossible date, an unhashable key
        raise SettingsError(f"a value YAML cannot read ({exc}); put it in quotes") from exc


def _count(node: yaml.Node, known: dict[int, int], open_nodes: set[int]) -> int:
    """Returns how many nodes there are once every alias is followed.

    Raises:
        SettingsError: Too many, or a node contains itself.
    """
    if id(node) in known:
        return known[id(node)]
    if id(node) in open_nodes:
        raise SettingsError(
            "an alias points to what contains it; write the value out", _place(node.start_mark)
        )
    open_nodes.add(id(node))
    total = 1 + sum(_count(each, known, open_nodes) for each in _children(node))
    open_nodes.discard(id(node))
    if total > _MAX_NODES:
        raise SettingsError("the aliases (*name) multiply to too many values", _place(node.start_mark))
    known[id(node)] = total
    return total


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in _pairs(node):
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from cast("list[yaml.Node]", node.value)


def _pairs(node: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
    return cast("list[tuple[yaml.Node, yaml.Node]]", node.value)


def _refuse_duplicates(root: yaml.Node) -> None:
    seen_nodes: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen_nodes:
            continue
        seen_nodes.add(id(node))
        waiting.extend(_children(node))
        if isinstance(node, yaml.MappingNode):
            _refuse_duplicate_keys(node)


def _refuse_duplicate_keys(node: yaml.MappingNode) -> None:
    first: dict[str, yaml.Node] = {}
    for key, _value in _pairs(node):
        if not isinstance(key, yaml.ScalarNode):
            raise SettingsError("a key must be a plain word", _place(key.start_mark))
        name = cast("str", key.value)
        if name == "<<" and key.tag == "tag:yaml.org,2002:merge":
            continue
        if name in first:
            raise SettingsError(
                f"'{name}' stands twice here (first on {_place(first[name].start_mark)}); delete one",
                _place(key.start_mark),
            )
        first[name] = key


def first_problem(exc: ValidationError, root: yaml.Node | None) -> SettingsError:
    """Returns the first thing that is wrong with a file's data, with its place."""
    errors = exc.errors(include_url=False, include_context=True, include_input=False)
    problem = errors[0]
    path = tuple(each for each in problem["loc"] if each != "[key]")
    name = ".".join(str(each) for each in path)
    more = f" ({len(errors) - 1} more problems follow)" if len(errors) > 1 else ""
    return SettingsError(f"{name + ': ' if name else ''}{_in_words(problem)}{more}", place_of(root, path))


def _in_words(problem: ErrorDetails) -> str:
    if problem["type"] == "value_error":
        return problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "missing":
        return "this key is missing; add it"
    message = problem["msg"]
    return message[:1].lower() + message[1:]


def place_of(root: yaml.Node | None, path: tuple[str | int, ...]) -> Place | None:
    """Returns where a value stands, or the nearest thing around it that is there."""
    if root is None:
        return Place(1, 1)
    node = root
    for step in path:
        below = _below(node, step)
        if below is None:
            break
        node = below
    return _place(node.start_mark)


def _below(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in _pairs(node):
            if str(key.value) == str(step):
                return value
    if isinstance(node, yaml.SequenceNode) and str(step).isdigit():
        items = cast("list[yaml.Node]", node.value)
        return items[int(step)] if int(step) < len(items) else None
    return None


def _place(mark: _Mark | None) -> Place:
    return Place(1, 1) if mark is None else Place(mark.line + 1, mark.column + 1)


def _place_at(before: str) -> Place:
    lines = re.split(r"\r\n|[\r\n]", before)
    return Place(len(lines), len(lines[-1]) + 1)


def _yaml_problem(exc: yaml.MarkedYAMLError) -> SettingsError:
    mark = exc.problem_mark or exc.context_mark
    what = exc.problem or exc.context or "this is no YAML"
    near = get_close_matches(what, ["found character '\\t' that cannot start any token"], n=1, cutoff=0.9)
    hint = "indent with blanks, not tabs" if near else "look at this line and the one before it"
    return SettingsError(f"{what}; {hint}", _place(mark) if mark else None)
