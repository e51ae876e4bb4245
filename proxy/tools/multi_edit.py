"""MultiEdit: several exact replacements in one file, all of them or none."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from proxy.tools.base import ToolGroup, ToolOutput, ToolScope
from proxy.tools.edit import edit_file, replacement_of
from proxy.tools.errors import ToolError
from proxy.tools.file_state import guard_of

_MAX_SHOWN = 50


class MultiEdit:
    """Replaces several texts."""

    name = "MultiEdit"
    group: ToolGroup = "Edit"
    description = (
        "Makes several replacements in one file that was read in this conversation, one after the other, "
        "each in what the one before left; each follows the rules of Edit. If one of them fails, none is "
        "made. An empty old_string in the first edit makes a new file."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "description": "Absolute path of the file"},
            "edits": {
                "type": "array",
                "minItems": 1,
                "description": "The replacements, in order",
                "items": {
                    "type": "object",
                    "properties": {
                        "old_string": {"type": "string", "description": "The text to replace"},
                        "new_string": {"type": "string", "description": "What takes its place"},
                        "replace_all": {
                            "type": "boolean",
                            "default": False,
                            "description": "Replace every occurrence (default false)",
                        },
                    },
                    "required": ["old_string", "new_string"],
                },
            },
        },
        "required": ["file_path", "edits"],
    }
    may_run_beside_others = False
    timeout_s: float | None = 30.0

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Makes all replacements and writes the file once."""
        path = str(arguments["file_path"])
        edits = [replacement_of(each) for each in arguments["edits"]]
        if not edits:
            raise ToolError("No edits were given.")
        guard, stamps = guard_of(scope), scope.conversation.stamps
        facts, stamp = await asyncio.to_thread(edit_file, guard, path, edits, stamps)
        stamps[facts.real] = stamp
        told = [
            f'{number}. Replaced "{_short(edit.old)}" with "{_short(edit.new)}"'
            for number, edit in enumerate(edits, start=1)
        ]
        count = f"{len(edits)} edit" if len(edits) == 1 else f"{len(edits)} edits"
        return ToolOutput.text("\n".join((f"Applied {count} to {path}:", *told)))


def _short(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
