"""Servers from elsewhere: other programs' files, a bundle, or pasted text; pick, look, take over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from gui.dialogs.editor import EditorDialog
from gui.mcp_desk import McpDesk, McpImportRow
from gui.models.mcp_imports import McpImportsModel
from gui.theme import Theme
from gui.widgets.call_view import CallView
from gui.widgets.cards import row
from gui.widgets.fields import ChoiceBox
from gui.widgets.text import label, set_tone
from gui.widgets.tick_table import TickTable
from gui.wording import count

_CONFLICTS = (
    ("skip", "leave ours as it is"),
    ("rename", "take it under another name"),
    ("replace", "replace ours"),
)
_TYPING_MS = 200


class McpImportDialog(EditorDialog):
    """Rows to tick, with the entry each would become; nothing starts before it was approved."""

    imported = Signal(tuple)
    """The names of the rows that were taken over."""

    def __init__(
        self,
        theme: Theme,
        desk: McpDesk,
        parent: QWidget,
        title: str = "Import MCP servers from other programs",
        rows: Sequence[McpImportRow] = (),
    ) -> None:
        super().__init__(theme, title, parent)
        self._desk = desk
        self.setMinimumSize(820, 540)
        self.model = McpImportsModel()
        self.table = TickTable(theme, "Servers found", self.model)
        self.table.set_widths((64, 110, 106, 180, 160, 110), flexible=5)
        self.table.setMinimumHeight(130)
        self.summary = label(kind="muted", wraps=True)
        self.conflicts = ChoiceBox(theme, "Where we have a server of that name")
        for value, words in _CONFLICTS:
            self.conflicts.addItem(words, value)
        self.preview = CallView("Entry of the chosen server")
        self.preview.setPlaceholderText("Choose a row to see its entry.")
        self.preview.setMinimumHeight(110)
        self.middle.addWidget(self.table, 3)
        self.middle.addLayout(row(label("Where we have a server of that name"), self.conflicts, None))
        self.middle.addWidget(self.preview, 2)
        self.middle.addWidget(self.summary)
        self.table.chosen.connect(self._show_chosen)
        self.model.dataChanged.connect(self._count)
        self.offer(rows)

    def offer(self, rows: Sequence[McpImportRow]) -> None:
        """Shows what was found."""
        self.model.offer(rows)
        if rows:
            self.table.choose_row(0)
        self._show_chosen()
        self._count()

    def save(self) -> bool:
        """Takes over the ticked rows."""
        conflicts = cast("Literal['skip', 'rename', 'replace']", self.conflicts.currentData())
        keys = self.model.ticked
        refusal = self._desk.import_mcp(keys, conflicts)
        if refusal is not None:
            self.complain("Not imported", refusal)
            return False
        self.imported.emit(tuple(each.name for each in self.model.values if each.key in keys))
        return True

    def _show_chosen(self) -> None:
        value = self.table.current_value()
        self.preview.show_call(value.yaml if isinstance(value, McpImportRow) else "")

    def _count(self) -> None:
        found, ticked = len(self.model.values), len(self.model.ticked)
        self._say(
            f"{ticked:,} of {count(found, 'server')} will be added. Each starts only after you approved it."
            if found
            else "Nothing was found.",
            "muted",
        )
        self.save_button.setEnabled(ticked > 0)
        self.save_button.say(f"Add {count(ticked, 'server')}" if ticked else "Add")

    def _say(self, text: str, tone: str) -> None:
        self.summary.setText(text)
        set_tone(self.summary, tone)


class McpPasteDialog(McpImportDialog):
    """Reads what is pasted while it is typed."""

    def __init__(self, theme: Theme, desk: McpDesk, parent: QWidget) -> None:
        super().__init__(theme, desk, parent, "Paste MCP servers")
        self.text = QPlainTextEdit()
        self.text.setProperty("kind", "input")
        self.text.setAccessibleName("JSON, YAML or a command")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setTabChangesFocus(True)
        self.text.setMinimumHeight(110)
        self.text.setPlaceholderText(
            '{"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}\n'
            "or  claude mcp add time -- uvx mcp-server-time"
        )
        self.middle.insertWidget(
            0,
            label("What a server’s page tells you to paste into another program:", kind="muted", wraps=True),
        )
        self.middle.insertWidget(1, self.text, 2)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self.read)
        self.text.textChanged.connect(self._typing.start)
        self._say("Paste something to see what it holds.", "muted")
        self.text.setFocus()

    def read(self) -> None:
        """Shows what the text holds."""
        self._typing.stop()
        text = self.text.toPlainText()
        found = self._desk.read_mcp_text(text) if text.strip() else ()
        if isinstance(found, str):
            self.offer(())
            self._say(found, "danger")
            return
        self.offer(found)
        if not text.strip():
            self._say("Paste something to see what it holds.", "muted")
