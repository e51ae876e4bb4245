"""The tab with a server's entry as YAML: changed here, judged by the desk."""

from __future__ import annotations

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from gui.mcp_desk import McpDesk, McpDraft
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.cards import row
from gui.widgets.text import label, set_tone

_HINT = (
    "Secrets stay out of the file: write ${keyring:name}. A changed command waits for your approval again."
)


class ConfigTab(QWidget):
    """Keeps what is typed until it is saved or thrown away, whatever else happens to the server."""

    def __init__(self, theme: Theme, desk: McpDesk) -> None:
        super().__init__()
        self._desk = desk
        self._name: str = ""
        self._kept: str = ""
        self.setAccessibleName("Configuration")
        self.text = QPlainTextEdit()
        self.text.setProperty("kind", "input")
        self.text.setAccessibleName("Entry of the server as YAML")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setTabChangesFocus(True)
        self.said = label(_HINT, kind="caption", wraps=True)
        self.revert = button(theme, "Revert", icon="undo", on_click=self._revert)
        self.save = button(theme, "Save", icon="check", kind="primary", on_click=self._save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE.s, 0, 0)
        layout.setSpacing(SPACE.s)
        layout.addWidget(self.text, 1)
        line = row(spacing=SPACE.s)
        line.addWidget(self.said, 1)
        line.addWidget(self.revert)
        line.addWidget(self.save)
        layout.addLayout(line)
        self.text.textChanged.connect(self._on_text)

    @property
    def is_changed(self) -> bool:
        """Something was typed that is not saved."""
        return self.text.toPlainText() != self._kept

    def show_server(self, name: str) -> None:
        """Shows a server's entry, unless something unsaved stands there for it."""
        is_other = name != self._name
        if not is_other and self.is_changed:
            return
        text = self._desk.mcp_text(name)
        if is_other or text != self._kept:
            self._name, self._kept = name, text
            self.text.setPlainText(text)
            self._say(_HINT, "muted")
        self._on_text()

    def _on_text(self) -> None:
        self.save.setEnabled(self.is_changed)
        self.revert.setEnabled(self.is_changed)

    def _revert(self) -> None:
        self.text.setPlainText(self._kept)
        self._say(_HINT, "muted")

    def _save(self) -> None:
        refusal = self._desk.save_mcp(McpDraft(self.text.toPlainText()), replaces=self._name)
        if refusal is not None:
            self._say(refusal, "danger")
            self.text.setFocus()
            return
        self._kept = self.text.toPlainText()
        self._on_text()
        self._say("Saved.", "ok")

    def _say(self, text: str, tone: str) -> None:
        self.said.setText(text)
        set_tone(self.said, tone)
