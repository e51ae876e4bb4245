"""A field for a rule: its text, and under it what it would mean and what is wrong with it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from gui import wording
from gui.permission_desk import Effect, PermissionDesk, RuleView
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.cards import row
from gui.widgets.text import label


class RuleField(QWidget):
    """Asks the desk for the meaning while the user types; offers the fix the desk knows."""

    changed = Signal()

    def __init__(self, theme: Theme, desk: PermissionDesk, name: str = "Rule") -> None:
        super().__init__()
        self._desk = desk
        self._effect: Effect = "allow"
        self.preview: RuleView | None = None
        self.setAccessibleName(f"{name}, with its meaning")
        self.line = QLineEdit()
        self.line.setAccessibleName(name)
        self.line.setProperty("kind", "mono")
        self.line.setPlaceholderText("for example Bash(git push *)")
        self.line.textChanged.connect(self._on_text)
        self.meaning = label(kind="caption", wraps=True)
        self.matches = label(kind="caption", wraps=True)
        self.warning = label(wraps=True)
        self.warning.setProperty("tone", "warn")
        self.use_fix = button(theme, "", kind="link", on_click=self._take_fix)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE.xs)
        layout.addWidget(self.line)
        layout.addWidget(self.meaning)
        layout.addWidget(self.matches)
        layout.addWidget(self.warning)
        layout.addLayout(row(self.use_fix, None))
        self._show()

    @property
    def text(self) -> str:
        """The rule as typed."""
        return self.line.text().strip()

    def set_rule(self, effect: Effect, text: str) -> None:
        """Puts a rule into the field."""
        self._effect = effect
        if text != self.line.text():
            self.line.setText(text)
        else:
            self._on_text()

    def _on_text(self) -> None:
        text = self.text
        self.preview = self._desk.rule_preview(self._effect, text) if text else None
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        seen = self.preview
        self.meaning.setText(seen.meaning if seen else "Type a rule to see what it would mean.")
        hits = seen.hits if seen else 0
        self.matches.setText(f"Would have matched {wording.count(hits, 'call')} of the last 200.")
        self.matches.setVisible(seen is not None)
        self.warning.setText(seen.warning or "" if seen else "")
        self.warning.setVisible(bool(self.warning.text()))
        fix = seen.fix if seen else None
        self.use_fix.setVisible(fix is not None)
        if fix is not None:
            self.use_fix.say(f"Use {fix} instead")

    def _take_fix(self) -> None:
        if self.preview is not None and self.preview.fix is not None:
            self.line.setText(self.preview.fix)
            self.line.setFocus()
