"""Write: puts a whole file in place."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from proxy.permissions.values import PathFacts
from proxy.tools.base import ToolGroup, ToolOutput, ToolScope
from proxy.tools.file_state import guard_of, read_known, write_known
from proxy.tools.file_text import FileText, NotText
from proxy.tools.guard import Stamp, WorkspaceGuard


class Write:
    """Writes files."""

    name = "Write"
    group: ToolGroup = "Edit"
    description = (
        "Writes a whole file; missing folders are made. A file that exists must have been read in this "
        "conversation before, and is replaced unless it has changed since; its encoding, and its line ends "
        "where they are all Windows', stay. Prefer Edit to change part of a file."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "description": "Absolute path of the file"},
            "content": {"type": "string", "description": "All that the file shall hold"},
        },
        "required": ["file_path", "content"],
    }
    may_run_beside_others = False
    timeout_s: float | None = 30.0

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Writes the file, whole or not at all."""
        path, content = str(arguments["file_path"]), str(arguments["content"])
        guard, stamps = guard_of(scope), scope.conversation.stamps
        facts, stamp = await asyncio.to_thread(_write, guard, path, content, stamps)
        stamps[facts.real] = stamp
        if facts.kind == "missing":
            return ToolOutput.text(f"File created successfully at: {path}")
        return ToolOutput.text(f"The file {path} has been updated successfully.")


def _write(
    guard: WorkspaceGuard, path: str, content: str, stamps: Mapping[str, Stamp]
) -> tuple[PathFacts, Stamp]:
    facts = guard.facts(path)
    if facts.kind != "file":  # missing; what is neither, the guard refuses in its own words
        data = FileText("").with_text(content).to_bytes()
        return facts, write_known(guard, path, data, None)
    old = read_known(guard, path, stamps)
    try:
        text = FileText.from_bytes(old.data).with_text(content)
    except NotText:
        text = FileText("").with_text(content)
    data = text.to_bytes()
    if data == old.data:
        return old.facts, old.stamp
    return old.facts, write_known(guard, path, data, old.stamp)
