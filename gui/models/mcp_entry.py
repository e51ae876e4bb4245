"""One server as the form's fields and as YAML, either way round; pure functions."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

LOCAL = ("python", "node", "stdio")
_NO_NAME = "my-server"
_FORM_KEYS = frozenset({"type", "command", "args", "url", "environment", "headers", "cwd"})


class EntryProblem(Exception):
    """The text is no single server, or the form cannot show it; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the form shows of a server."""

    name: str = ""
    type: str = "python"
    command: str = ""
    args: tuple[str, ...] = ()
    url: str = ""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """Environment variables of a local server, headers of a remote one."""
    cwd: str = ""
    rest: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the form does not show and must not lose."""


def entry_text(entry: Entry) -> str:
    """Returns the entry as it would stand in the file."""
    found: dict[str, Any] = {"type": entry.type}
    if entry.type in LOCAL:
        found["command"] = entry.command
        found["args"] = list(entry.args)
        found["cwd"] = entry.cwd
        found["environment"] = dict(entry.variables)
    else:
        found["url"] = entry.url
        found["headers"] = dict(entry.variables)
    kept = {key: value for key, value in found.items() if value}
    made = {entry.name or _NO_NAME: {**kept, **entry.rest}}
    return yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=100)


def read_entry(text: str, name: str = "") -> Entry:
    """Returns what a text holds, for the form.

    Args:
        text: One entry, alone or under its name.
        name: What it is called, where the text does not say so.

    Raises:
        EntryProblem: The text is not one server, or holds what the form cannot show.
    """
    try:
        value: object = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as problem:
        raise EntryProblem(f"This is no YAML: {' '.join(str(problem).split())}") from None
    if not isinstance(value, dict) or not value:
        raise EntryProblem("This is not one server: write its name, a colon, and what it is below.")
    found = cast("dict[Any, Any]", value)
    if not found.keys() & {"type", "command", "url"}:
        if len(found) != 1:
            raise EntryProblem("This holds several servers; the form shows one.")
        (key, inner), *_ = found.items()
        name, found = str(key), cast("dict[Any, Any]", inner) if isinstance(inner, dict) else {}
    kind = str(found.get("type", "stdio"))
    return Entry(
        name,
        kind,
        _text(found, "command"),
        tuple(_text({"args": each}, "args") for each in _list(found.get("args"))),
        _text(found, "url"),
        _texts(found.get("environment" if kind in LOCAL else "headers")),
        _text(found, "cwd"),
        {str(key): each for key, each in found.items() if key not in _FORM_KEYS},
    )


def _text(found: Mapping[Any, Any], key: str) -> str:
    value = found.get(key)
    if value is None:
        return ""
    if isinstance(value, Mapping | list):
        raise EntryProblem(f"The form cannot show {key}; edit it as text.")
    return str(value)


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise EntryProblem("The form cannot show args; edit it as text.")
    return cast("list[Any]", value)


def _texts(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise EntryProblem("The form cannot show the variables; edit them as text.")
    found = cast("Mapping[Any, Any]", value)
    return {str(key): _text(found, key) for key in found}


def split_arguments(text: str) -> tuple[str, ...]:
    """Returns the arguments of a field with one a line; empty lines are none."""
    return tuple(line for line in text.splitlines() if line.strip())


def read_variables(text: str) -> dict[str, str]:
    """Returns the variables of a field with one `NAME=value` a line.

    Raises:
        EntryProblem: A line is no variable.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise EntryProblem(f"Line {number} of the variables is not NAME=value.")
        found[name.strip()] = value
    return found


def command_parts(line: str) -> tuple[str, tuple[str, ...]]:
    """Returns the program and the arguments of a command line that was typed into the program's field."""
    try:
        parts = shlex.split(line)
    except ValueError:
        return line, ()
    return (parts[0], tuple(parts[1:])) if parts else ("", ())
