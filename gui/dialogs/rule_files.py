"""Rules as text and as Claude Code's files: edit the JSON, import with a preview, export."""

from __future__ import annotations

import json

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from gui import wording
from gui.dialogs.editor import EditorDialog
from gui.models.permissions import ImportModel
from gui.permission_desk import PermissionDesk
from gui.theme import Theme
from gui.widgets.data_table import DataTable
from gui.widgets.path_field import PathField
from gui.widgets.text import label, set_tone

_PATTERN = "Claude Code settings (*.json)"
_TYPING_MS = 200


class RulesTextDialog(EditorDialog):
    """Our `permissions` object as JSON; what is not JSON is said while it is typed."""

    def __init__(self, theme: Theme, desk: PermissionDesk, parent: QWidget) -> None:
        super().__init__(theme, "Edit the rules as text", parent)
        self._desk = desk
        self.setMinimumSize(640, 480)
        self.text = QPlainTextEdit()
        self.text.setProperty("kind", "input")
        self.text.setAccessibleName("Rules as JSON")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setTabChangesFocus(True)
        self.text.setPlainText(desk.rules_text())
        self.state = label(kind="caption", wraps=True)
        self.middle.addWidget(
            label(
                "The permissions object as Claude Code writes it, with our denyExcept. Ctrl+Enter saves.",
                kind="muted",
                wraps=True,
            )
        )
        self.middle.addWidget(self.text, 1)
        self.middle.addWidget(self.state)
        self.text.textChanged.connect(self._check)
        self._check()
        self.text.setFocus()

    def save(self) -> bool:
        """Hands the text to the desk."""
        refusal = self._desk.save_rules_text(self.text.toPlainText())
        if refusal is not None:
            self.complain("Not saved", refusal)
            return False
        return True

    def _check(self) -> None:
        problem = _json_problem(self.text.toPlainText())
        self.state.setText(problem or "This is valid JSON.")
        set_tone(self.state, "danger" if problem else "ok")
        self.save_button.setEnabled(problem is None)


def _json_problem(text: str) -> str | None:
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError as problem:
        return f"Line {problem.lineno}, column {problem.colno}: {problem.msg}."
    except RecursionError:
        return "This is nested too deeply."
    return None if isinstance(value, dict) else "The text must be one object: { … }."


class ImportDialog(EditorDialog):
    """Chooses a Claude Code settings file, shows what each rule would do here, and takes over what works."""

    def __init__(self, theme: Theme, desk: PermissionDesk, parent: QWidget) -> None:
        super().__init__(theme, "Import from Claude Code", parent)
        self._desk = desk
        self.setMinimumSize(720, 480)
        self.file = PathField(
            theme,
            "Settings file",
            "open",
            pattern=_PATTERN,
            placeholder="for example ~/.claude/settings.json",
        )
        self.add_row("Settings file", self.file, "The file itself is only read.")
        self.model = ImportModel()
        self.table = DataTable(theme, "Rules of the file", self.model)
        self.table.set_widths((140, 70, 220, 200), flexible=3)
        self.summary = label(kind="muted", wraps=True)
        self.middle.addWidget(self.table, 1)
        self.middle.addWidget(self.summary)
        self.save_button.say("Import")
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self.preview)
        self.file.line.textChanged.connect(self._typing.start)
        self.preview()

    def preview(self) -> None:
        """Shows what the chosen file holds."""
        self._typing.stop()
        if not self.file.path:
            self._show(0, "Choose a file to see its rules.", "neutral")
            return
        found = self._desk.preview_import(self.file.path)
        self.model.show(found.rows)
        works = sum(each.verdict == "works" for each in found.rows)
        if found.problem is not None:
            self._show(0, found.problem, "danger")
        elif not found.rows:
            self._show(0, "This file holds no rules.", "neutral")
        else:
            total = wording.count(len(found.rows), "rule")
            self._show(
                works, f"{works:,} of {total} would be taken over; the others are left out.", "neutral"
            )

    def save(self) -> bool:
        """Takes over the rules that work."""
        refusal = self._desk.import_rules(self.file.path)
        if refusal is not None:
            self.complain("Not imported", refusal)
            return False
        return True

    def _show(self, works: int, text: str, tone: str) -> None:
        if not works and not self.file.path:
            self.model.show(())
        self.summary.setText(text)
        set_tone(self.summary, tone)
        self.save_button.setEnabled(works > 0)
        self.save_button.say(f"Import {wording.count(works, 'rule')}" if works else "Import")


class ExportDialog(EditorDialog):
    """Writes our rules into a Claude Code settings file."""

    exported = Signal(str)

    def __init__(self, theme: Theme, desk: PermissionDesk, parent: QWidget) -> None:
        super().__init__(theme, "Export to Claude Code", parent)
        self._desk = desk
        self.setMinimumWidth(600)
        self.file = PathField(
            theme,
            "Settings file",
            "save",
            pattern=_PATTERN,
            placeholder="for example ~/.claude/settings.json",
        )
        self.add_row(
            "Settings file",
            self.file,
            "Our rules are put into its permissions; whatever else stands there stays as it is.",
        )
        self.save_button.say("Export")
        self.file.setFocus()

    def save(self) -> bool:
        """Has the desk write the file."""
        if not self.file.path:
            self.complain("A file is missing", "Choose the file to write into.", self.file.line)
            return False
        refusal = self._desk.export_rules(self.file.path)
        if refusal is not None:
            self.complain("Not exported", refusal)
            return False
        self.exported.emit(self.file.path)
        return True
