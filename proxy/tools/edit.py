"""Edit: replaces one exact string in a file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.permissions.values import PathFacts
from proxy.tools.base import ToolGroup, ToolOutput, ToolScope
from proxy.tools.errors import ToolError
from proxy.tools.file_state import guard_of, read_known, write_known
from proxy.tools.file_text import ALREADY_THERE, FileText, NotText
from proxy.tools.file_text import Edit as Replacement
from proxy.tools.guard import Stamp, WorkspaceGuard

SAME = "No changes to make: old_string and new_string are exactly the same."


class Edit:
    """Replaces text."""

    name = "Edit"
    group: ToolGroup = "Edit"
    description = (
        "Replaces an exact string in a file that was read in this conversation. old_string must be in it "
        "exactly once, blanks included and without line numbers: take in enough lines around it, or set "
        "replace_all. An empty old_string makes a new file of new_string. Fails when the file has changed "
        "since it was read. Line ends and encoding of the file stay."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "description": "Absolute path of the file"},
            "old_string": {"type": "string", "description": "The text to replace"},
            "new_string": {"type": "string", "description": "What takes its place; must be different"},
            "replace_all": {
                "type": "boolean",
                "default": False,
                "description": "Replace every occurrence (default false)",
            },
        },
        "required": ["file_path", "old_string", "new_string"],
    }
    may_run_beside_others = False
    timeout_s: float | None = 30.0

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Replaces the string and writes the file, whole or not at all."""
        path = str(arguments["file_path"])
        edit = replacement_of(arguments)
        guard, stamps = guard_of(scope), scope.conversation.stamps
        facts, stamp = await asyncio.to_thread(edit_file, guard, path, (edit,), stamps)
        stamps[facts.real] = stamp
        if edit.replace_all:
            return ToolOutput.text(
                f"The file {path} has been updated. All occurrences were successfully replaced."
            )
        return ToolOutput.text(f"The file {path} has been updated successfully.")


def replacement_of(arguments: Mapping[str, Any]) -> Replacement:
    """Returns the replacement that arguments ask for.

    Raises:
        ToolError: It would change nothing.
    """
    old, new = str(arguments["old_string"]), str(arguments["new_string"])
    if old == new:
        raise ToolError(SAME)
    return Replacement(old, new, bool(arguments.get("replace_all")))


def edit_file(
    guard: WorkspaceGuard, path: str, edits: Sequence[Replacement], stamps: Mapping[str, Stamp]
) -> tuple[PathFacts, Stamp]:
    """Makes all replacements one after the other, or none; belongs into a thread.

    Raises:
        ToolError: One of them cannot be made, or the file not be changed; it is as it was.
    """
    if path.lower().endswith(".ipynb"):
        raise ToolError("File is a Jupyter Notebook. Use NotebookEdit to edit this file.")
    if not edits[0].old:
        return _create(guard, path, edits)
    content = read_known(guard, path, stamps)
    try:
        text = FileText.from_bytes(content.data)
    except NotText as exc:
        raise ToolError("This is a binary file. Edit works on text only.") from exc
    data = _apply(text, edits).to_bytes()
    return content.facts, write_known(guard, path, data, content.stamp)


def _create(guard: WorkspaceGuard, path: str, edits: Sequence[Replacement]) -> tuple[PathFacts, Stamp]:
    facts = guard.facts(path)
    expected: Stamp | None = None
    if facts.kind != "missing":
        content = guard.read(path)
        if content.data:
            raise ToolError(ALREADY_THERE)
        expected = content.stamp
    text = _apply(FileText("").with_text(edits[0].new), edits[1:])
    return facts, write_known(guard, path, text.to_bytes(), expected)


def _apply(text: FileText, edits: Sequence[Replacement]) -> FileText:
    for number, edit in enumerate(edits, start=1):
        try:
            text = text.edited(edit)
        except ToolError as exc:
            if len(edits) == 1:
                raise
            raise ToolError(f"Edit {number} of {len(edits)}: {exc}\nNone of the edits was made.") from exc
    return text
