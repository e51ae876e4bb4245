"""Schemas of tools: cleaned for upstreams that are picky, and written out for Anthropic's own client tools.

Anthropic's typed client tools (`bash_20250124` …) have no schema in the request because Claude was trained
on them. Any other model gets an equivalent function; the client cannot tell the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

from proxy.dialects.loose_json import as_object
from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.message import JsonObject

_MAX_INLINE_DEPTH = 8
"""Deeper references are recursive in practice; what is beyond becomes an open object."""
_MAX_INLINED = 500
"""References that branch grow exponentially; no honest schema has so many."""


def clean_schema(schema: JsonObject | None, rules: tuple[str, ...]) -> JsonObject:
    """Returns a tool's schema as an upstream takes it: always an object, cleaned by the profile's rules."""
    cleaned: Any = dict(schema or {})
    cleaned.setdefault("type", "object")
    if cleaned["type"] == "object":
        cleaned.setdefault("properties", {})
    if "inline_refs" in rules or "gemini" in rules:
        try:
            cleaned = _Inliner(cleaned).inline(cleaned)
        except RecursionError:
            raise ClientError(ErrorType.INVALID_REQUEST, "tools: a schema is nested too deeply") from None
    if "drop_meta" in rules:
        cleaned = _walk(cleaned, _without_meta)
    if "gemini" in rules:
        cleaned = _walk(cleaned, _for_gemini)
    return cast("JsonObject", cleaned)


def is_strict(schema: Any) -> bool:
    """Every object in the schema is closed and requires all it names, as OpenAI's strict mode demands."""
    if isinstance(schema, list):
        return all(is_strict(item) for item in cast("list[Any]", schema))
    if not isinstance(schema, dict):
        return True
    fields = cast("JsonObject", schema)
    properties = fields.get("properties")
    if fields.get("type") == "object" or isinstance(properties, dict):
        required = fields.get("required", [])
        all_of_them = isinstance(required, list) and all(name in required for name in as_object(properties))
        if fields.get("additionalProperties") is not False or not all_of_them:
            return False
    return all(is_strict(item) for item in fields.values())


class _Inliner:
    """Puts what `$ref` points to in its place, as far as a schema may reasonably go."""

    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._left = _MAX_INLINED

    def inline(self, node: Any, depth: int = 0) -> Any:
        """Returns the node without references."""
        if isinstance(node, list):
            return [self.inline(item, depth) for item in cast("list[Any]", node)]
        if not isinstance(node, dict):
            return node
        fields = cast("JsonObject", node)
        reference = fields.get("$ref")
        if isinstance(reference, str):
            self._left -= 1
            if depth >= _MAX_INLINE_DEPTH or self._left < 0:
                return {"type": "object"}
            beside = {key: value for key, value in fields.items() if key != "$ref"}
            return self.inline({**self._target(reference), **beside}, depth + 1)
        kept = {key: value for key, value in fields.items() if key not in ("$defs", "definitions")}
        return {key: self.inline(value, depth) for key, value in kept.items()}

    def _target(self, reference: str) -> JsonObject:
        node: Any = self._root
        for step in filter(None, reference.lstrip("#").split("/")):
            name = step.replace("~1", "/").replace("~0", "~")
            node = cast("JsonObject", node).get(name) if isinstance(node, dict) else None
        return cast("JsonObject", node) if isinstance(node, dict) else {}


def _walk(node: Any, change: Callable[[JsonObject], JsonObject]) -> Any:
    """Applies `change` to every schema in a schema; property names are no schema keywords."""
    if isinstance(node, list):
        return [_walk(item, change) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    changed = change(cast("JsonObject", node))
    made: JsonObject = {}
    for key, value in changed.items():
        if key == "properties" and isinstance(value, dict):
            made[key] = {name: _walk(item, change) for name, item in cast("JsonObject", value).items()}
        elif key in ("enum", "const", "default", "required"):
            made[key] = value
        else:
            made[key] = _walk(value, change)
    return made


def _without_meta(schema: JsonObject) -> JsonObject:
    return {key: value for key, value in schema.items() if key not in ("$schema", "$id", "$comment")}


_NOT_IN_GEMINI = frozenset(
    {
        "$schema",
        "$id",
        "$comment",
        "title",
        "discriminator",
        "examples",
        "exclusiveMinimum",
        "exclusiveMaximum",
    }
)


def _for_gemini(schema: JsonObject) -> JsonObject:
    made = {key: value for key, value in schema.items() if key not in _NOT_IN_GEMINI}
    if "const" in made:
        made["enum"] = [made.pop("const")]
    if "oneOf" in made:
        made["anyOf"] = made.pop("oneOf")
    if isinstance(made.get("enum"), list):
        made["enum"] = [value if isinstance(value, str) else str(value) for value in made["enum"]]
        made["type"] = "string"
    if isinstance(made.get("format"), str):
        hint = f"Format: {made.pop('format')}."
        made["description"] = f"{made.get('description', '')} {hint}".strip()
    return made


def _function(description: str, properties: JsonObject, required: tuple[str, ...]) -> JsonObject:
    return {
        "description": description,
        "parameters": {"type": "object", "properties": properties, "required": list(required)},
    }


def _text(description: str) -> JsonObject:
    return {"type": "string", "description": description}


def _numbers(description: str, count: int) -> JsonObject:
    return {
        "type": "array",
        "items": {"type": "integer"},
        "minItems": count,
        "maxItems": count,
        "description": description,
    }


_EDITOR_FIELDS: JsonObject = {
    "path": _text("Absolute path of the file or folder."),
    "file_text": _text("create: the whole text of the new file."),
    "old_str": _text("str_replace: the text to replace; it must occur exactly once."),
    "new_str": _text("str_replace: what takes its place. insert (older form): the text to insert."),
    "insert_line": {
        "type": "integer",
        "description": "insert: the line after which to insert; 0 is the start.",
    },
    "insert_text": _text("insert: the text to insert."),
    "view_range": _numbers("view: first and last line, counted from 1; -1 as last line is the end.", 2),
}


def _editor(*commands: str) -> JsonObject:
    return _function(
        "View, create and edit text files.",
        {"command": {"type": "string", "enum": list(commands)}, **_EDITOR_FIELDS},
        ("command", "path"),
    )


_BASH = _function(
    "Run a command in a persistent bash session; its state stays between calls.",
    {
        "command": _text("The command to run."),
        "restart": {"type": "boolean", "description": "True starts the session anew instead."},
    },
    (),
)
_MEMORY = _function(
    "Keep notes in files under /memories that last between conversations. View /memories first.",
    {
        "command": {
            "type": "string",
            "enum": ["view", "create", "str_replace", "insert", "delete", "rename"],
        },
        **_EDITOR_FIELDS,
        "path": _text("Path under /memories."),
        "old_path": _text("rename: the path as it is."),
        "new_path": _text("rename: the path as it shall be."),
    },
    ("command",),
)
_COMPUTER = _function(
    "Use a computer's screen, mouse and keyboard. Take a screenshot first to see what is there.",
    {
        "action": {
            "type": "string",
            "enum": [
                "screenshot",
                "key",
                "type",
                "mouse_move",
                "left_click",
                "left_click_drag",
                "right_click",
                "middle_click",
                "double_click",
                "triple_click",
                "left_mouse_down",
                "left_mouse_up",
                "scroll",
                "hold_key",
                "wait",
                "cursor_position",
                "zoom",
            ],
        },
        "coordinate": _numbers("x and y in pixels from the left upper corner.", 2),
        "start_coordinate": _numbers("left_click_drag: where the drag begins.", 2),
        "text": _text(
            "type: the text. key, hold_key: the keys, such as ctrl+s. Clicks: keys held meanwhile."
        ),
        "duration": {"type": "number", "description": "hold_key, wait: seconds."},
        "scroll_direction": {"type": "string", "enum": ["up", "down", "left", "right"]},
        "scroll_amount": {"type": "integer", "description": "scroll: number of clicks of the wheel."},
        "region": _numbers("zoom: left, top, right and bottom in pixels.", 4),
    },
    ("action",),
)

_CLIENT_TOOLS: Mapping[str, JsonObject] = MappingProxyType({
    "bash": _BASH,
    "text_editor_2024": _editor("view", "create", "str_replace", "insert", "undo_edit"),
    "text_editor_20250124": _editor("view", "create", "str_replace", "insert", "undo_edit"),
    "text_editor": _editor("view", "create", "str_replace", "insert"),
    "memory": _MEMORY,
    "computer_20": _COMPUTER,
})  # fmt: skip
"""By the beginning of the tool's type; the longest that fits counts."""


def client_tool(kind: str, settings: Mapping[str, Any]) -> JsonObject | None:
    """Returns description and parameters of a typed client tool; None: no function can stand for it.

    Args:
        kind: The tool's `type`, such as `text_editor_20250728`.
        settings: Its further fields, such as `display_width_px`.
    """
    fitting = [start for start in _CLIENT_TOOLS if kind.startswith(start)]
    if not fitting:
        return None
    function = _CLIENT_TOOLS[max(fitting, key=len)]
    if "display_width_px" in settings:
        size = f" The screen has {settings['display_width_px']}x{settings.get('display_height_px')} pixels."
        function = {**function, "description": function["description"] + size}
    return function
