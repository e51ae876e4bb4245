"""The exact text of a call: monospaced, wrapped wherever needed, never cut, nothing in it invisible."""

from __future__ import annotations

from PySide6.QtGui import QFontDatabase, QTextOption
from PySide6.QtWidgets import QPlainTextEdit

from gui.wording import visible


class CallView(QPlainTextEdit):
    """Read-only; every line is broken at the edge, so that there is nothing to the right to overlook."""

    def __init__(self, name: str = "Exact call") -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setUndoRedoEnabled(False)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))

    def show_call(self, text: str) -> None:
        """Shows a call from its beginning."""
        shown = visible(text)
        if shown != self.toPlainText():
            self.setPlainText(shown)

    @property
    def lines(self) -> int:
        """How many lines the call itself has."""
        return self.blockCount()
