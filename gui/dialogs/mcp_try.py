"""Trying a tool: a form made from its schema, or the arguments as JSON, and what the server answered."""

from __future__ import annotations

import json

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QFormLayout, QLineEdit, QPlainTextEdit, QTabWidget, QVBoxLayout, QWidget

from gui import mcp_words as words
from gui import wording
from gui.dialogs.editor import EditorDialog
from gui.mcp_desk import McpDesk, McpTried
from gui.models.mcp_form import FormField, FormProblem, arguments_of, arguments_problem, fields_of
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.call_view import CallView
from gui.widgets.cards import scrolling
from gui.widgets.fields import ChoiceBox
from gui.widgets.text import announce, label, set_look, set_tone
from proxy.mcp.values import ToolFacts

_MAX_SHOWN = 200_000
_MAX_DESCRIPTION = 600
_NOT_SENT = "not sent"


class McpTryDialog(EditorDialog):
    """Calls one tool with what the user fills in; it stays open for the answer and the next call."""

    def __init__(self, theme: Theme, desk: McpDesk, parent: QWidget, server: str, tool: ToolFacts) -> None:
        super().__init__(theme, f"Try {words.one_line(tool.name)} of {server}", parent)
        self._desk, self._server, self._tool = desk, server, tool
        self.setMinimumSize(680, 560)
        self._fields = fields_of(tool.input_schema)
        self.inputs: dict[str, QLineEdit | ChoiceBox] = {}
        self.json = QPlainTextEdit("{}")
        self.json.setProperty("kind", "input")
        self.json.setAccessibleName("Arguments as JSON")
        self.json.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.json.setTabChangesFocus(True)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Arguments")
        self.tabs.tabBar().setAccessibleName("Arguments, tabs")
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        if self._fields is not None:
            self.tabs.addTab(self._form(self._fields), "Form")
        self.tabs.addTab(self.json, "JSON")
        self.state = label(kind="muted", wraps=True)
        self.answer = CallView("Answer")
        self.answer.setPlaceholderText("The server’s answer, as plain text.")
        about = words.one_line(tool.description)[:_MAX_DESCRIPTION]
        self.middle.addWidget(label(about or "It has no description.", kind="muted", wraps=True))
        self.middle.addWidget(self.tabs, 3)
        self.middle.addWidget(self.state)
        self.middle.addWidget(self.answer, 2)
        self.save_button.say("Call it")
        self.cancel_button.say("Close")
        self._say("The call is yours: no rule is asked.", "muted")
        self.tabs.currentChanged.connect(self._on_tab)
        first = next(iter(self.inputs.values()), self.json)
        first.setFocus()

    def save(self) -> bool:
        """Calls the tool; the dialog stays."""
        arguments = self._arguments()
        if arguments is None:
            return False
        refusal = self._desk.try_mcp_tool(self._server, self._tool.name, arguments)
        if refusal is not None:
            self.complain("Not called", refusal)
            return False
        self.banner.hide()
        self.answer.clear()
        self._say("Waiting for the server…", "muted")
        self.save_button.setEnabled(False)
        return False

    def take(self, tried: McpTried) -> None:
        """Shows the answer, if it is ours."""
        if (tried.server, tried.tool) != (self._server, self._tool.name):
            return
        self.save_button.setEnabled(True)
        took = wording.seconds(tried.duration_s)
        self._say(
            f"It failed after {took}." if tried.is_error else f"Answered in {took}.",
            "danger" if tried.is_error else "ok",
        )
        left = len(tried.text) - _MAX_SHOWN
        text = tried.text if left <= 0 else f"{tried.text[:_MAX_SHOWN]}\n… {left:,} more characters"
        self.answer.show_call(text or "(empty)")
        announce(self.answer, self.state.text())

    def _form(self, fields: tuple[FormField, ...]) -> QWidget:
        inner = QWidget()
        inner.setProperty("kind", "page")
        inner.setAccessibleName("Arguments")
        form = QFormLayout(inner)
        form.setContentsMargins(0, SPACE.m, SPACE.s, 0)
        form.setHorizontalSpacing(SPACE.l)
        form.setVerticalSpacing(SPACE.s)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        if not fields:
            form.addRow(label("It takes no arguments.", kind="muted"))
        for field in fields:
            made = self._input(field)
            self.inputs[field.name] = made
            words_before = label(words.exact(field.name) + (" *" if field.is_required else ""))
            words_before.setBuddy(made)
            holder = QWidget()
            holder.setAccessibleName(f"{field.name}, with its hint")
            layout = QVBoxLayout(holder)
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(2)
            layout.addWidget(made)
            if field.hint:
                layout.addWidget(label(words.one_line(field.hint)[:300], kind="caption", wraps=True))
            form.addRow(words_before, holder)
        return scrolling(inner, "Arguments form")

    def _input(self, field: FormField) -> QLineEdit | ChoiceBox:
        name = f"{words.exact(field.name)}{', needed' if field.is_required else ''}"
        if field.kind in {"choice", "yes-no"}:
            box = ChoiceBox(self.theme, name, letters=16)
            if not field.is_required:
                box.addItem(_NOT_SENT, "")
            for choice in field.choices:
                box.addItem(words.one_line(choice), choice)
            box.setCurrentIndex(max(0, box.findData(field.start)))
            return box
        line = QLineEdit(field.start)
        line.setAccessibleName(name)
        line.setPlaceholderText({"text": "", "json": "JSON"}.get(field.kind, "a number"))
        line.textEdited.connect(lambda: set_look(line, "wrong", "false"))
        return line

    def _arguments(self) -> str | None:
        """Returns the arguments as JSON; says what is wrong with them, or None."""
        if self.tabs.currentWidget() is self.json:
            problem = arguments_problem(self.json.toPlainText())
            if problem is not None:
                self.complain("This cannot be sent", problem)
                self.json.setFocus()
                return None
            return self.json.toPlainText().strip() or "{}"
        try:
            found = arguments_of(self._fields or (), self._typed())
        except FormProblem as problem:
            field = self.inputs[problem.name]
            self.complain(
                "This cannot be sent", str(problem), field if isinstance(field, QLineEdit) else None
            )
            return None
        return json.dumps(found, ensure_ascii=False)

    def _typed(self) -> dict[str, str]:
        return {
            name: made.text() if isinstance(made, QLineEdit) else str(made.currentData())
            for name, made in self.inputs.items()
        }

    def _on_tab(self) -> None:
        """Writes the form as JSON when the user turns to it, as far as it can be."""
        if self.tabs.currentWidget() is not self.json or self._fields is None:
            return
        try:
            found = arguments_of(self._fields, self._typed())
        except FormProblem:
            return
        self.json.setPlainText(json.dumps(found, indent=2, ensure_ascii=False))

    def _say(self, text: str, tone: str) -> None:
        self.state.setText(text)
        set_tone(self.state, tone)
