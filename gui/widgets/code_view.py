"""Monospaced text to read and copy: bodies, headers, log lines."""

from __future__ import annotations

import json

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit

MAX_BLOCKS = 10_000
_MAX_PRETTY = 2_000_000


class CodeView(QPlainTextEdit):
    """Read-only plain text; JSON is laid out over lines."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setReadOnly(True)
        self.setMaximumBlockCount(MAX_BLOCKS)
        self.setTabChangesFocus(True)
        self.setUndoRedoEnabled(False)
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))

    def show_text(self, text: str) -> None:
        """Shows text from its beginning, laid out if it is JSON."""
        shown = _first_lines(pretty(text), MAX_BLOCKS)
        if shown != self.toPlainText():
            self.setPlainText(shown)


def _first_lines(text: str, limit: int) -> str:
    lines = text.split("\n", limit - 1)
    if len(lines) < limit:
        return text
    left_out = lines.pop().count("\n") + 1
    return "\n".join([*lines, f"… {left_out:,} more lines"])


def pretty(text: str) -> str:
    """Returns JSON over several lines; anything else as it is."""
    stripped = text.strip()
    if not stripped or stripped[0] not in "{[" or len(stripped) > _MAX_PRETTY:
        return text
    try:
        value: object = json.loads(stripped)
    except (ValueError, RecursionError):
        return text
    return json.dumps(value, indent=2, ensure_ascii=False)
