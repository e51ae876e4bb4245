"""NotebookEdit: replaces, inserts or deletes one cell of a notebook."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from typing_extensions import assert_never

from proxy.permissions.values import PathFacts
from proxy.tools.base import ToolGroup, ToolOutput, ToolScope
from proxy.tools.errors import ToolError
from proxy.tools.file_state import guard_of, read_known, write_known
from proxy.tools.file_text import FileText, NotText, require_whole
from proxy.tools.guard import Stamp, WorkspaceGuard
from proxy.tools.notebook import CellType, EditMode, Notebook
from proxy.tools.notebook_read import NOT_A_NOTEBOOK


@dataclass(frozen=True, slots=True)
class _CellEdit:
    mode: EditMode
    cell_id: str | None
    source: str
    cell_type: CellType | None


class NotebookEdit:
    """Edits notebooks."""

    name = "NotebookEdit"
    group: ToolGroup = "Edit"
    description = (
        "Replaces, inserts or deletes one cell of a Jupyter notebook (.ipynb) that was read in this "
        "conversation. Cells are named by their id, or by their number from 0 where they have none. Code "
        "that is replaced loses its outputs; all other cells stay as they are. Fails when the file has "
        "changed since it was read."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "notebook_path": {"type": "string", "description": "Absolute path of the notebook"},
            "cell_id": {
                "type": "string",
                "description": "Id or number of the cell; a new one goes after it, or first if it is missing",
            },
            "new_source": {"type": "string", "description": "The cell's new source"},
            "cell_type": {
                "type": "string",
                "enum": ["code", "markdown"],
                "description": "Type of the cell; needed to insert, else it stays",
            },
            "edit_mode": {
                "type": "string",
                "enum": ["replace", "insert", "delete"],
                "description": "What to do (default replace)",
            },
        },
        "required": ["notebook_path", "new_source"],
    }
    may_run_beside_others = False
    timeout_s: float | None = 30.0

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Changes the cell and writes the notebook, whole or not at all."""
        path = str(arguments["notebook_path"])
        if not path.lower().endswith(".ipynb"):
            raise ToolError(f"{NOT_A_NOTEBOOK} For editing other file types, use Edit.")
        edit = _edit_of(arguments)
        guard, stamps = guard_of(scope), scope.conversation.stamps
        told, facts, stamp = await asyncio.to_thread(_edit_file, guard, path, edit, stamps)
        stamps[facts.real] = stamp
        return ToolOutput.text(told)


def _edit_of(arguments: Mapping[str, Any]) -> _CellEdit:
    cell_id = arguments.get("cell_id")
    if cell_id is None and isinstance(arguments.get("cell_number"), int):
        cell_id = arguments["cell_number"]  # what it was called before cells had ids
    edit = _CellEdit(
        arguments.get("edit_mode") or "replace",
        str(cell_id) if cell_id is not None else None,
        str(arguments.get("new_source", "")),
        arguments.get("cell_type"),
    )
    if edit.mode == "insert" and edit.cell_type is None:
        raise ToolError("Cell type is required when using edit_mode=insert.")
    if edit.mode != "insert" and edit.cell_id is None:
        raise ToolError("Cell ID must be specified when not inserting a new cell.")
    require_whole(edit.source)
    return edit


def _edit_file(
    guard: WorkspaceGuard, path: str, edit: _CellEdit, stamps: Mapping[str, Stamp]
) -> tuple[str, PathFacts, Stamp]:
    content = read_known(guard, path, stamps)
    try:
        text = FileText.from_bytes(content.data)
    except NotText as exc:
        raise ToolError("This is no Jupyter notebook: it is no text.") from exc
    notebook = Notebook(text.text)
    was_sound = notebook.problem() is None
    told = _apply(notebook, edit)
    if was_sound and (problem := notebook.problem()) is not None:
        raise ToolError(f"The notebook would not be valid any more: {problem}. Nothing was changed.")
    stamp = write_known(guard, path, text.with_text(notebook.to_text()).to_bytes(), content.stamp)
    return told, content.facts, stamp


def _apply(notebook: Notebook, edit: _CellEdit) -> str:
    mode = edit.mode
    if mode == "replace":
        changed = notebook.replace(edit.cell_id or "", edit.source, edit.cell_type)
        return f"Updated cell {changed} with {edit.source}"
    if mode == "insert":
        made = notebook.insert(edit.cell_id, edit.source, edit.cell_type or "code")
        return f"Inserted cell {made} with {edit.source}"
    if mode == "delete":
        return f"Deleted cell {notebook.delete(edit.cell_id or '')}"
    assert_never(mode)
