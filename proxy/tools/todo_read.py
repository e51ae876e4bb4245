"""TodoRead: shows the conversation's to-do list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from proxy.tools.base import ToolGroup, ToolOutput, ToolScope


class TodoRead:
    """Shows the list."""

    name = "TodoRead"
    group: ToolGroup = "Plan"
    description = "Returns the to-do list of this conversation as JSON. Takes no arguments."
    input_schema: Mapping[str, Any] = {"type": "object", "properties": {}}
    may_run_beside_others = True
    timeout_s: float | None = 5.0

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:  # noqa: ARG002 - has none
        """Returns the list."""
        todos = scope.conversation.todos
        if not todos:
            return ToolOutput.text("The to-do list is empty.")
        return ToolOutput.text(json.dumps([dict(each) for each in todos], ensure_ascii=False, indent=1))
