"""A tool call as people read it before they consent: every character of it, invisible ones spelt out."""

from __future__ import annotations

import copy
import json
import unicodedata
from collections.abc import Mapping
from typing import Any, cast

from proxy.permissions.approval import RepeatedRequest
from proxy.permissions.tool_names import COMMAND_TOOLS, FILE_TOOLS, canonical
from proxy.permissions.values import ToolCall
from proxy.routing.budgets import usd

MAX_NOTIFICATION_CHARS = 200

MAIN_ARGUMENT: Mapping[str, str] = {
    "Bash": "command",
    "Read": "file_path",
    "Write": "file_path",
    "Edit": "file_path",
    "MultiEdit": "file_path",
    "NotebookRead": "notebook_path",
    "NotebookEdit": "notebook_path",
    "Glob": "pattern",
    "Grep": "pattern",
    "LS": "path",
    "WebFetch": "url",
    "WebSearch": "query",
    "Agent": "prompt",
}
"""By canonical tool name: the argument that says most."""

_IN_A_FOLDER = FILE_TOOLS | COMMAND_TOOLS
"""Tools to which it matters in which folder they start."""
_MODELS_OWN_WORDS = frozenset({"description"})
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_LOOK_LIKE_NOTHING = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u2800\u3164\uffa0"
)


def spelt_out(text: str) -> str:
    r"""Returns the text with each character that cannot be seen as `\u{…}`; line feeds stay."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(char if _is_visible(char) else f"\\u{{{ord(char):x}}}" for char in text)


def _is_visible(char: str) -> bool:
    if char in {"\n", " "}:
        return True
    if char in _LOOK_LIKE_NOTHING or _is_variation(char):
        return False
    category = unicodedata.category(char)
    return category not in _HIDDEN_CATEGORIES and category != "Zs"


def _is_variation(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def call_text(call: ToolCall, root: str | None = None) -> str:
    """Returns the call as people read it: what it is about first, then all its other arguments.

    Args:
        call: What would run.
        root: The folder of its workspace, which is named elsewhere: only another folder is said here.
    """
    arguments = copy.deepcopy(dict(call.input))
    tool = canonical(call.tool)
    lines: list[str] = []
    main = MAIN_ARGUMENT.get(tool)
    if main is not None and isinstance(arguments.get(main), str):
        lines.append(arguments.pop(main))
    if tool == "Edit" and all(isinstance(arguments.get(name), str) for name in ("old_string", "new_string")):
        lines += _change(arguments.pop("old_string"), arguments.pop("new_string"))
    elif tool == "Write" and isinstance(arguments.get("content"), str):
        lines += ["", *(f"+ {line}" for line in arguments.pop("content").split("\n"))]
    elif tool == "MultiEdit":
        for edit in _changes(arguments):
            lines += _change(edit.pop("old_string"), edit.pop("new_string"))
            lines += _named(edit)
    if call.cwd and tool in _IN_A_FOLDER and call.cwd != root:
        lines.append(f"in the folder: {call.cwd}")
    return spelt_out("\n".join([*lines, *_named(arguments)]))


def _change(old: str, new: str) -> list[str]:
    before = [f"- {line}" for line in old.split("\n")] if old else []
    return ["", *before, *(f"+ {line}" for line in new.split("\n"))]


def _changes(arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """Takes the edits out, where they all are edits."""
    edits: Any = arguments.get("edits")
    if not isinstance(edits, list) or not all(map(_is_change, cast("list[object]", edits))):
        return []
    return cast("list[dict[str, Any]]", arguments.pop("edits"))


def _is_change(edit: object) -> bool:
    if not isinstance(edit, dict):
        return False
    fields = cast("dict[str, object]", edit)
    return all(isinstance(fields.get(name), str) for name in ("old_string", "new_string"))


def _named(arguments: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, value in arguments.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        label = f"{name} (says the model)" if name in _MODELS_OWN_WORDS else name
        lines.append(f"{label}: {text}" if "\n" not in text else f"{label}:\n{text}")
    return lines


def repeat_text(repeated: RepeatedRequest) -> str:
    """Returns a request that came too often as people read it before they let it go on."""
    served = f"alias: {repeated.alias} (asked for {repeated.model})"
    if repeated.alias in {None, repeated.model}:
        served = f"{'model' if repeated.alias is None else 'alias'}: {repeated.model}"
    lines = (
        f"{repeated.times} times within {repeated.within_s:g} seconds",
        f"token: {repeated.token}",
        served,
        f"cost so far: {usd(repeated.cost_micro_usd)}",
    )
    return spelt_out("\n".join(lines))


def fits_notification(text: str) -> bool:
    """Says whether a notification would show all of a call's text."""
    return (
        len(text) <= MAX_NOTIFICATION_CHARS and "\n" not in text and "\\u{" not in text and "  " not in text
    )
