"""Puts texts into lists of a JSON text and takes them out; every byte that need not change stays as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import cast

from proxy.permissions.json_spans import JsonList, JsonObject, Node, NotJson, Scalar, plain, read_spans


class CannotEdit(ValueError):
    """The text's layout does not allow the change; it must be edited by hand."""


def with_list(text: str, path: tuple[str, str], wanted: Sequence[str]) -> str:
    """Returns the text with a list of texts at `path` that holds exactly `wanted`.

    What is already there stays where it is; what is new comes last. A missing list, or the object around it,
    is made; an empty list is not.

    Raises:
        NotJson: The text is no JSON.
        CannotEdit: Something else than a list of texts stands there.
    """
    if not text.strip("\ufeff \t\r\n"):
        text += "{}\n"
    found = _list_at(text, path)
    have = _texts(found)
    gone = [index for index, each in enumerate(have) if each not in wanted]
    for index in reversed(gone):
        text = _without(text, cast("JsonList", _list_at(text, path)), index)
    for each in dict.fromkeys(wanted):
        if each not in have:
            text = _with(text, path, each)
    return text


def _list_at(text: str, path: tuple[str, str]) -> JsonList | None:
    node: Node | None = read_spans(text)
    for step in path:
        if not isinstance(node, JsonObject):
            raise CannotEdit(f"there is no object in which '{step}' could stand")
        names = [each.name for each in node.members]
        if names.count(step) > 1:
            raise CannotEdit(f"'{step}' stands twice; delete one")
        node = node.get(step)
        if node is None:
            return None
    if not isinstance(node, JsonList) or not all(map(_is_text, node.items)):
        raise CannotEdit(f"'{path[-1]}' is no list of texts")
    return node


def _is_text(node: Node) -> bool:
    return isinstance(node, Scalar) and isinstance(node.value, str)


def _texts(found: JsonList | None) -> list[object]:
    return [] if found is None else [plain(each) for each in found.items]


def _without(text: str, listed: JsonList, index: int) -> str:
    items = listed.items
    if len(items) == 1:
        return f"{text[: listed.start]}[]{text[listed.end :]}"
    if index + 1 < len(items):
        return text[: items[index].start] + text[items[index + 1].start :]
    return text[: items[index - 1].end] + text[items[index].end :]


def _with(text: str, path: tuple[str, str], new: str) -> str:
    found = _list_at(text, path)
    root = cast("JsonObject", read_spans(text))  # `_list_at` has refused anything else
    section = root.get(path[0])
    unit = _unit(text, root)
    if found is not None:
        return _inserted(text, found, _quoted(new), unit)
    if isinstance(section, JsonObject):
        listed = _laid_out([_quoted(new)], "[]", _indent(text, section, unit), unit, _newline(text))
        return _inserted(text, section, f"{_quoted(path[1])}: {listed}", unit)
    inner = _laid_out([_quoted(new)], "[]", unit * 2, unit, _newline(text))
    whole = _laid_out([f"{_quoted(path[1])}: {inner}"], "{}", unit, unit, _newline(text))
    return _inserted(text, root, f"{_quoted(path[0])}: {whole}", unit)


def _inserted(text: str, into: JsonList | JsonObject, new: str, unit: str) -> str:
    """Returns the text with a further element, laid out like those before it."""
    parts: tuple[int, ...] = tuple(
        each.start for each in (into.items if isinstance(into, JsonList) else into.members)
    )
    brackets = "[]" if isinstance(into, JsonList) else "{}"
    if not parts:
        outer = _line_indent(text, into.start)
        whole = _laid_out([new], brackets, outer, unit, _newline(text))
        return text[: into.start] + whole + text[into.end :]
    last = into.items[-1].end if isinstance(into, JsonList) else into.members[-1].value.end
    if "\n" not in text[into.start : parts[-1]]:
        return f"{text[:last]}, {new}{text[last:]}"
    return f"{text[:last]},{_newline(text)}{_line_indent(text, parts[-1])}{new}{text[last:]}"


def _laid_out(items: Sequence[str], brackets: str, outer: str, unit: str, newline: str) -> str:
    inner = f",{newline}".join(f"{outer}{unit}{each}" for each in items)
    return f"{brackets[0]}{newline}{inner}{newline}{outer}{brackets[1]}"


def _indent(text: str, section: JsonObject, unit: str) -> str:
    """Returns the indentation of a section's members."""
    if section.members and "\n" in text[section.start : section.members[0].start]:
        return _line_indent(text, section.members[0].start)
    return _line_indent(text, section.start) + unit


def _unit(text: str, root: JsonObject) -> str:
    """Returns by what the text indents."""
    if root.members and "\n" in text[root.start : root.members[0].start]:
        return _line_indent(text, root.members[0].start) or "  "
    return "  "


def _line_indent(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    found = re.match(r"[ \t]*", line)
    return found[0] if found else ""


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


__all__ = ["CannotEdit", "NotJson", "with_list"]
