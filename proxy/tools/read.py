"""Read: shows a file; text with line numbers, images and PDFs as such, notebooks cell by cell."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from proxy.tools.base import ToolGroup, ToolOutput, ToolScope
from proxy.tools.errors import ToolError
from proxy.tools.file_state import guard_of, read_file
from proxy.tools.file_text import FileText, NotText
from proxy.tools.guard import FileContent, WorkspaceGuard
from proxy.tools.notebook_read import notebook_blocks
from proxy.tools.read_image import image_block, image_type
from proxy.tools.read_pdf import is_pdf, pdf_output

MAX_LINES = 2000
MAX_LINE_CHARS = 2000
_MAX_CHARS = 256 * 1024
"""More of a text costs more context than any file is worth at once."""
_EMPTY = "<system-reminder>Warning: the file exists but the contents are empty.</system-reminder>"


class Read:
    """Reads files."""

    name = "Read"
    group: ToolGroup = "Read"
    description = (
        "Shows a file. Text comes with a line number and a tab before each line, up to 2,000 lines of up to "
        "2,000 characters; offset and limit choose others. Images (PNG, JPEG, GIF, WebP) are shown as "
        "images, PDFs as documents (of a long one, name the pages), notebooks with their outputs. Folders "
        "are for LS. A file must be read before Edit or Write may change it."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "description": "Absolute path of the file"},
            "offset": {"type": "integer", "minimum": 0, "description": "First line to show, counted from 1"},
            "limit": {"type": "integer", "minimum": 1, "description": "How many lines to show"},
            "pages": {
                "type": "string",
                "description": 'Pages of a PDF as text, such as "3" or "1-5"; at most 20',
            },
        },
        "required": ["file_path"],
    }
    may_run_beside_others = True
    timeout_s: float | None = 60.0

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Returns the file's content and remembers what it was like."""
        content, output = await asyncio.to_thread(_read, guard_of(scope), arguments)
        scope.conversation.stamps[content.facts.real] = content.stamp
        return output


def _read(guard: WorkspaceGuard, arguments: Mapping[str, Any]) -> tuple[FileContent, ToolOutput]:
    path = str(arguments["file_path"])
    content = read_file(guard, path)
    return content, _shown(path, content.data, arguments)


def _shown(path: str, data: bytes, arguments: Mapping[str, Any]) -> ToolOutput:
    if is_pdf(data):
        return pdf_output(path, data, arguments.get("pages"))
    media_type = image_type(data)
    if media_type is not None:
        return ToolOutput((image_block(data, media_type),))
    if path.lower().endswith(".ipynb") and data.strip():
        return ToolOutput(notebook_blocks(data))
    try:
        text = FileText.from_bytes(data).shown
    except NotText as exc:
        kind = PurePath(path).suffix
        raise ToolError(
            f"This tool cannot read binary files. The file appears to be a binary {kind or 'file'}"
            f"{' file' if kind else ''}. Use a command that can read the format."
        ) from exc
    return ToolOutput.text(numbered(text, arguments.get("offset"), arguments.get("limit")))


def numbered(text: str, offset: int | None = None, limit: int | None = None) -> str:
    """Returns the wanted lines of a text, each with its number, and a line on what is left out.

    Args:
        text: With LF at each line's end.
        offset: The first line wanted, from 1.
        limit: How many.
    """
    if not text:
        return _EMPTY
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    first = max(offset or 1, 1)
    if first > len(lines):
        return (
            "<system-reminder>Warning: the file exists but is shorter than the provided offset "
            f"({offset}). The file has {len(lines)} lines.</system-reminder>"
        )
    chosen = lines[first - 1 : first - 1 + min(limit or MAX_LINES, MAX_LINES)]
    shown: list[str] = []
    size = 0
    for number, line in enumerate(chosen, start=first):
        told = line if len(line) <= MAX_LINE_CHARS else f"{line[:MAX_LINE_CHARS]}... [line truncated]"
        size += len(told) + 8
        if size > _MAX_CHARS:
            break
        shown.append(f"{number}\t{told}")
    last = first + len(shown) - 1
    if last < len(lines) and (limit is None or len(shown) < limit):
        shown.append(
            f"\n[Lines {first} to {last} of {len(lines)} are shown. Read on with offset {last + 1}.]"
        )
    return "\n".join(shown)
