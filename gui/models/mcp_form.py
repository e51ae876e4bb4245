"""A form from a tool's JSON schema, and the JSON a filled-in form stands for; pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

FieldKind = Literal["text", "whole", "number", "choice", "yes-no", "json"]
_KINDS: Mapping[str, FieldKind] = {
    "string": "text",
    "integer": "whole",
    "number": "number",
    "boolean": "yes-no",
}
_UNSUPPORTED = ("anyOf", "oneOf", "allOf", "$ref", "if", "patternProperties")
_WANTED: Mapping[FieldKind, str] = {
    "whole": "a whole number",
    "number": "a number",
    "choice": "one of its choices",
    "yes-no": "true or false",
    "json": 'JSON: [1, 2], {"key": "value"} or "text"',
}
MAX_FIELDS = 24


@dataclass(frozen=True, slots=True)
class FormField:
    """One argument of a tool."""

    name: str
    kind: FieldKind
    hint: str = ""
    is_required: bool = False
    choices: tuple[str, ...] = ()
    """JSON texts, for the kind `choice`."""
    start: str = ""
    """What stands in it at first: the schema's default."""


class FormProblem(Exception):
    """What was typed is not what the field takes; the text is a sentence."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


def fields_of(schema: Mapping[str, Any]) -> tuple[FormField, ...] | None:
    """Returns the fields of a schema, in its order; None where only JSON can say what it takes."""
    properties = schema.get("properties", {})
    if schema.get("type", "object") != "object" or any(word in schema for word in _UNSUPPORTED):
        return None
    if not isinstance(properties, Mapping) or len(cast("Mapping[str, Any]", properties)) > MAX_FIELDS:
        return None
    required: object = schema.get("required", ())
    needed = set(cast("Sequence[Any]", required)) if isinstance(required, list | tuple) else set[Any]()
    return tuple(
        _field(name, cast("Mapping[str, Any]", each) if isinstance(each, Mapping) else {}, name in needed)
        for name, each in cast("Mapping[str, Any]", properties).items()
    )


def _field(name: str, schema: Mapping[str, Any], is_required: bool) -> FormField:
    hint = str(schema.get("description", "")) or str(schema.get("title", ""))
    schema = _without_null(schema)
    start = _start(schema)
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        texts = tuple(_json(each) for each in cast("list[Any]", choices))
        start = _json(schema["default"]) if "default" in schema else ""
        return FormField(name, "choice", hint, is_required, texts, start if start in texts else "")
    if schema.get("type") == "boolean":
        return FormField(name, "yes-no", hint, is_required, ("true", "false"), start)
    kind = schema.get("type")
    return FormField(
        name, _KINDS.get(kind, "json") if isinstance(kind, str) else "json", hint, is_required, start=start
    )


def _without_null(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns what a value may be besides null, where that is one thing: an empty field says null."""
    options: object = schema.get("anyOf")
    if isinstance(options, list):
        others = [each for each in cast("list[Any]", options) if each != {"type": "null"}]
        if len(others) == 1 and isinstance(others[0], Mapping):
            return {**schema, **cast("Mapping[str, Any]", others[0])}
    kinds: object = schema.get("type")
    if isinstance(kinds, list):
        named = [each for each in cast("list[Any]", kinds) if each != "null"]
        return {**schema, "type": named[0] if len(named) == 1 else None}
    return schema


def _start(schema: Mapping[str, Any]) -> str:
    default: object = schema.get("default")
    if default is None:
        return ""
    return default if isinstance(default, str) and schema.get("type") == "string" else _json(default)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def arguments_of(fields: Sequence[FormField], typed: Mapping[str, str]) -> dict[str, Any]:
    """Returns the arguments that what was typed stands for; empty optional fields are left out.

    Raises:
        FormProblem: A field holds what it cannot take.
    """
    found: dict[str, Any] = {}
    for field in fields:
        text = typed.get(field.name, "")
        if text.strip() or (text and field.kind == "text"):
            found[field.name] = _value(field, text)
        elif field.is_required:
            if field.kind != "text":
                raise FormProblem(field.name, f"{field.name} is needed.")
            found[field.name] = ""
    return found


def _value(field: FormField, text: str) -> Any:
    if field.kind == "text":
        return text
    try:
        value: Any = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise FormProblem(field.name, f"{field.name} takes {_WANTED[field.kind]}.") from None
    if field.kind in {"whole", "number"}:
        return _number(field, value)
    return value


def _number(field: FormField, value: object) -> int | float:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and (field.kind == "number" or value.is_integer()):
        return int(value) if field.kind == "whole" else value
    raise FormProblem(field.name, f"{field.name} takes {_WANTED[field.kind]}.")


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def arguments_problem(text: str) -> str | None:
    """Returns why a text is no JSON object, in a sentence, or None."""
    try:
        value: object = json.loads(text or "{}")
    except json.JSONDecodeError as problem:
        return f"Line {problem.lineno}, column {problem.colno}: {problem.msg}."
    except RecursionError:
        return "This is nested too deeply."
    return None if isinstance(value, dict) else "The arguments must be one object: { … }."
