"""Spells a tool's declaration the way model families read it, so that its tokens can be counted."""

from __future__ import annotations

import json
from typing import Any, cast

from proxy.messages.request import ToolParam

_TYPES = {"integer": "number", "null": "null", "string": "string", "boolean": "boolean", "number": "number"}
_DEEPEST = 24
"""Schemas that refer to themselves are not followed; this ends those that are nested without need."""


def as_messages(tool: ToolParam) -> str:
    """Returns the declaration as the Messages API has it, without what only the API reads."""
    return _spaced({"name": tool.name, "description": tool.description or "", "input_schema": _schema(tool)})


def as_chat(tool: ToolParam) -> str:
    """Returns the declaration as chat completions have it: most open models are shown this JSON."""
    function = {"name": tool.name, "description": tool.description or "", "parameters": _schema(tool)}
    return _spaced({"type": "function", "function": function})


def as_typescript(tool: ToolParam) -> str:
    """Returns the declaration as a TypeScript type, which OpenAI's and Moonshot's models are shown."""
    lines = [f"// {line}" for line in (tool.description or "").splitlines()]
    schema = _schema(tool)
    if _named(schema):
        lines.append(f"type {tool.name} = (_: {{")
        lines += _properties(schema, 0)
        lines.append("}) => any;")
    else:
        lines.append(f"type {tool.name} = () => any;")
    return "\n".join(lines) + "\n\n"


def _schema(tool: ToolParam) -> dict[str, Any]:
    return tool.input_schema or {}


def _named(schema: dict[str, Any]) -> dict[str, Any]:
    properties: Any = schema.get("properties")
    return cast("dict[str, Any]", properties) if isinstance(properties, dict) else {}


def _spaced(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _properties(schema: dict[str, Any], depth: int) -> list[str]:
    required: Any = schema.get("required")
    needed = cast("list[Any]", required) if isinstance(required, list) else []
    lines: list[str] = []
    for name, each in _named(schema).items():
        described = cast("dict[str, Any]", each) if isinstance(each, dict) else {}
        lines += [f"// {line}" for line in str(described.get("description") or "").splitlines()]
        mark = "" if name in needed else "?"
        default = f" // default: {described['default']}" if "default" in described else ""
        lines.append(f"{name}{mark}: {_type(described, depth)},{default}")
    return lines


def _type(schema: dict[str, Any], depth: int) -> str:
    if depth > _DEEPEST:
        return "any"
    choices: Any = schema.get("enum")
    if isinstance(choices, list):
        return " | ".join(json.dumps(choice, ensure_ascii=False) for choice in cast("list[Any]", choices))
    for union in ("anyOf", "oneOf", "allOf"):
        parts: Any = schema.get(union)
        if isinstance(parts, list):
            kinds = [
                cast("dict[str, Any]", part) for part in cast("list[Any]", parts) if isinstance(part, dict)
            ]
            return " | ".join(_type(kind, depth + 1) for kind in kinds)
    kind: Any = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_TYPES.get(str(each), str(each)) for each in cast("list[Any]", kind))
    if kind == "object" or "properties" in schema:
        return "\n".join(["{", *_properties(schema, depth + 1), "}"]) if _named(schema) else "object"
    if kind == "array":
        items: Any = schema.get("items")
        return (_type(cast("dict[str, Any]", items), depth + 1) if isinstance(items, dict) else "any") + "[]"
    return _TYPES.get(str(kind), "any")
