"""TodoWrite: keeps the conversation's to-do list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.tools.base import ToolGroup, ToolOutput, ToolScope

_MAX_ITEMS = 500
_FIELDS = ("id", "content", "status", "activeForm", "priority")


class TodoWrite:
    """Keeps the list."""

    name = "TodoWrite"
    group: ToolGroup = "Plan"
    description = (
        "Replaces the to-do list of this conversation. Use it for work of several steps: write all steps "
        "first, keep exactly one in_progress, and mark each completed as soon as it is done. Each call gives "
        "the whole list."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "todos": {
                "type": "array",
                "maxItems": _MAX_ITEMS,
                "description": "The whole list",
                "items": {
                    "type": "object",
                    "properties": {
                        "content": {"type": "string", "minLength": 1, "description": "What is to be done"},
                        "status": {"type": "string", "enum": ["pending", "in_progress", "completed"]},
                        "activeForm": {
                            "type": "string",
                            "description": "The same while it is being done, such as Running the tests",
                        },
                    },
                    "required": ["content", "status"],
                },
            }
        },
        "required": ["todos"],
    }
    may_run_beside_others = False
    timeout_s: float | None = 5.0

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Replaces the list."""
        todos = tuple({name: each[name] for name in _FIELDS if name in each} for each in arguments["todos"])
        scope.conversation.todos = todos
        done = sum(each["status"] == "completed" for each in todos)
        doing = next((each["content"] for each in todos if each["status"] == "in_progress"), None)
        going = f"; in progress: {doing}" if doing is not None else ""
        return ToolOutput.text(
            f"Todos have been modified successfully: {done} of {len(todos)} completed{going}."
        )
