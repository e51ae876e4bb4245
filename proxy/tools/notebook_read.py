"""NotebookRead: shows a notebook's cells with their outputs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from proxy.tools.base import ToolGroup, ToolOutput, ToolScope
from proxy.tools.errors import ToolError
from proxy.tools.file_state import guard_of, read_file
from proxy.tools.file_text import FileText, NotText
from proxy.tools.guard import FileContent, WorkspaceGuard
from proxy.tools.notebook import Block, Notebook

NOT_A_NOTEBOOK = "File must be a Jupyter notebook (.ipynb file)."


class NotebookRead:
    """Shows notebooks."""

    name = "NotebookRead"
    group: ToolGroup = "Read"
    description = (
        "Shows all cells of a Jupyter notebook (.ipynb), or one of them, each with its id, source and "
        "outputs, images included."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "notebook_path": {"type": "string", "description": "Absolute path of the notebook"},
            "cell_id": {"type": "string", "description": "Id of the only cell to show"},
        },
        "required": ["notebook_path"],
    }
    may_run_beside_others = True
    timeout_s: float | None = 30.0

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Returns the cells as text and image blocks."""
        guard = guard_of(scope)
        path, only = str(arguments["notebook_path"]), arguments.get("cell_id")
        content, blocks = await asyncio.to_thread(_read, guard, path, str(only) if only else None)
        scope.conversation.stamps[content.facts.real] = content.stamp
        return ToolOutput(blocks)


def _read(guard: WorkspaceGuard, path: str, only: str | None) -> tuple[FileContent, tuple[Block, ...]]:
    if not path.lower().endswith(".ipynb"):
        raise ToolError(f"{NOT_A_NOTEBOOK} Use Read for other files.")
    content = read_file(guard, path)
    return content, notebook_blocks(content.data, only)


def notebook_blocks(data: bytes, only: str | None = None) -> tuple[Block, ...]:
    """Returns a notebook's cells as content blocks.

    Raises:
        ToolError: It is none, or has no such cell.
    """
    try:
        shown = FileText.from_bytes(data).shown
    except NotText as exc:
        raise ToolError("This is no Jupyter notebook: it is no text.") from exc
    return Notebook(shown).blocks(only) or ({"type": "text", "text": "The notebook has no cells."},)
