"""Changes a settings text and keeps its comments, order and unknown keys: text and edits in, text out.

ruamel.yaml writes the text; PyYAML, which reads it at the next start, must then find exactly the edited
data, or the change is refused. So a text that ruamel and PyYAML understand differently is never damaged.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.util import load_yaml_guess_indent

from app.settings_document import SettingsDocument, SettingsError, read_settings

Path: TypeAlias = "tuple[str, ...]"


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
    """Gives a key another name at the same place, its value, order and comments kept."""

    path: Path
    name: str


Edit: TypeAlias = Put | Remove | Rename


def edited(content: bytes, edits: Sequence[Edit]) -> tuple[bytes, SettingsDocument]:
    """Returns the file's new content and what it then says.

    Raises:
        SettingsError: The file is unusable, the edit makes it so, or it cannot be made without touching more.
    """
    before = read_settings(content)
    expected = copy.deepcopy(dict(before.raw))
    for each in edits:
        _apply(expected, each)
    new = _rewritten(content, edits)
    after = read_settings(new)
    if after.raw != expected:
        raise SettingsError(
            "this change cannot be made without changing other parts of the file; edit the file by hand"
        )
    return new, after


def _rewritten(content: bytes, edits: Sequence[Edit]) -> bytes:
    text = content.decode("utf-8-sig").replace("\r\n", "\n")
    try:
        loaded, indent, offset = cast("tuple[Any, int | None, int | None]", load_yaml_guess_indent(text))
    except (YAMLError, ValueError) as exc:
        raise SettingsError("this file cannot be changed from here; edit it by hand") from exc
    del loaded
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.allow_unicode = True
    mapping_indent = _mapping_indent(text)
    yaml.indent(
        mapping=mapping_indent, sequence=indent or mapping_indent + 2, offset=2 if offset is None else offset
    )
    document: Any = yaml.load(text)
    if document is None:
        document = CommentedMap()
    for each in edits:
        _apply(document, each)
    out = io.StringIO()
    yaml.dump(document, out)
    result = out.getvalue()
    if not cast("Mapping[str, Any]", document):  # an empty document loses its comments otherwise
        result = text
    return result.encode("utf-8")


def _mapping_indent(text: str) -> int:
    """Returns by how many blanks the file indents, judged by its first indented line."""
    for line in text.splitlines():
        stripped = line.lstrip(" ")
        if stripped and stripped[0] not in "#-" and stripped != line:
            return len(line) - len(stripped)
    return 2


def _apply(document: MutableMapping[str, Any], edit: Edit) -> None:
    parent = _parent(document, edit.path, make=isinstance(edit, Put))
    name = edit.path[-1]
    if parent is None:
        return
    if isinstance(edit, Put):
        parent[name] = _styled(edit.value) if isinstance(parent, CommentedMap) else edit.value
    elif isinstance(edit, Remove):
        parent.pop(name, None)
    elif name in parent and edit.name != name:
        _rename(parent, name, edit.name)


def _parent(document: MutableMapping[str, Any], path: Path, *, make: bool) -> MutableMapping[str, Any] | None:
    here = document
    for step in path[:-1]:
        below = here.get(step)
        if below is None or (make and not below and isinstance(below, CommentedMap)):
            if not make:
                return None
            # An empty `{}` is written in flow style: what grows there shall read like the rest.
            below = CommentedMap() if isinstance(here, CommentedMap) else {}
            here[step] = below
        if not isinstance(below, MutableMapping):
            raise SettingsError(f"'{step}' is no section; edit the file by hand")
        here = cast("MutableMapping[str, Any]", below)
    return here


def _rename(parent: MutableMapping[str, Any], old: str, new: str) -> None:
    if new in parent:
        raise SettingsError(f"'{new}' is there already")
    if isinstance(parent, CommentedMap):
        position = list(parent).index(old)
        value = parent.pop(old)
        cast("Any", parent).insert(position, new, value)
        comments = cast("dict[str, Any]", cast("Any", parent).ca.items)
        if old in comments:
            comments[new] = comments.pop(old)
        return
    items = list(parent.items())
    parent.clear()
    parent.update({(new if key == old else key): value for key, value in items})


def _styled(value: Any) -> Any:
    """Returns a value as the shipped file writes it: sections open, small things on one line."""
    if isinstance(value, Mapping):
        section = CommentedMap()
        for key, each in cast("Mapping[str, Any]", value).items():
            section[key] = _styled(each)
        if not any(isinstance(each, CommentedSeq) for each in section.values()):
            section.fa.set_flow_style()
        return section
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        sequence = CommentedSeq([_styled(each) for each in items])
        if not any(isinstance(each, CommentedMap) for each in sequence):
            sequence.fa.set_flow_style()
        return sequence
    return value
