"""The tab that tries a call: what would happen, by which rule, and what to add to change it. Nothing runs."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QVBoxLayout, QWidget

from gui import permission_words as words
from gui.models.permissions import PartsModel
from gui.pages.page import Room
from gui.permission_desk import CallDraft, CallTried, TryView
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.cards import row
from gui.widgets.data_table import DataTable
from gui.widgets.fields import ChoiceBox
from gui.widgets.shape import Shape
from gui.widgets.text import announce, label, selectable, set_tone

_TYPING_MS = 250
_TONES = {"ok": "ok", "warn": "warn", "danger": "danger"}


class TryTab(QWidget):
    """A call to fill in, and the answer beside it as it is typed."""

    rule_asked = Signal(str)
    """The user wants to add this rule."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self._desk = room.desk
        self._asked: CallDraft | None = None
        self._suggested = ""
        theme = room.theme
        self.setAccessibleName("Try a call")
        self.tool = ChoiceBox(theme, "Tool to try", letters=6)
        self.arguments = QPlainTextEdit()
        self.arguments.setProperty("kind", "input")
        self.arguments.setAccessibleName("Arguments to try")
        self.arguments.setTabChangesFocus(True)
        self.arguments.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.arguments.setFixedHeight(self.arguments.fontMetrics().lineSpacing() * 3 + 20)
        self.arguments.setPlaceholderText("git push origin main")
        self.workspace = ChoiceBox(theme, "Workspace to try in", letters=5)
        self.mode = ChoiceBox(theme, "Mode to try with")
        self.mode.addItem("As set", None)
        for name, title, _meaning in words.MODES:
            self.mode.addItem(title.removesuffix("…"), name)
        choices = row(label("Tool"), self.tool, label("Workspace"), self.workspace, spacing=SPACE.s)
        choices.addWidget(label("Mode"))
        choices.addWidget(self.mode)
        choices.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE.m, 0, 0)
        layout.setSpacing(SPACE.m)
        layout.addLayout(choices)
        layout.addWidget(self.arguments)
        layout.addWidget(label("A command, a path or an address; or all arguments as JSON.", kind="caption"))
        layout.addWidget(self._answer_card(room), 1)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self.try_now)
        self.arguments.textChanged.connect(self._typing.start)
        for box in (self.tool, self.workspace, self.mode):
            box.currentIndexChanged.connect(self.try_now)
        room.bridge.permissions_changed.connect(self.refresh)
        room.bridge.workspaces_changed.connect(self.refresh)
        room.bridge.call_tried.connect(self._on_tried)
        self.refresh()

    def refresh(self) -> None:
        """Takes tools and workspaces as they are now, and judges again."""
        _fill(self.tool, [(tool.name, tool.name) for tool in self._desk.tools()], first="Bash")
        workspaces = sorted(self._desk.workspaces(), key=lambda each: not each.is_default)
        _fill(self.workspace, [*((each.name, each.name) for each in workspaces), ("None", None)])
        self.try_now()

    def draft(self) -> CallDraft:
        """Returns the call as it is filled in."""
        workspace: object = self.workspace.currentData()
        mode: object = self.mode.currentData()
        return CallDraft(
            self.tool.currentText(),
            self.arguments.toPlainText(),
            workspace if isinstance(workspace, str) else None,
            mode if isinstance(mode, str) else None,
        )

    def try_now(self) -> None:
        """Asks the desk; the answer comes as a signal."""
        self._typing.stop()
        draft = self.draft()
        if not draft.arguments.strip():
            self._asked = None
            self._show_nothing()
            return
        self._asked = draft
        self._desk.try_call(draft)

    def _answer_card(self, room: Room) -> QFrame:
        theme = room.theme
        card = QFrame()
        card.setProperty("kind", "card")
        card.setAccessibleName("Answer")
        self.shape = Shape(theme, "info", size=26)
        self.answer = label(kind="answer")
        self.reason = selectable(label(wraps=True))
        self.rule = selectable(label(kind="muted", wraps=True))
        self.parts = PartsModel()
        self.table = DataTable(theme, "Parts of the call", self.parts)
        self.table.set_widths((120, 280, 240), flexible=2)
        self.suggestion = selectable(label(kind="muted", wraps=True))
        self.add_rule = button(theme, "Add this rule…", icon="add", on_click=self._ask_rule)
        top = row(spacing=SPACE.s)
        top.addWidget(self.shape)
        top.addWidget(self.answer, 1)
        change = row(spacing=SPACE.s)
        change.addWidget(self.suggestion, 1)
        change.addWidget(self.add_rule)
        layout = QVBoxLayout(card)
        layout.setContentsMargins(SPACE.l, SPACE.m, SPACE.l, SPACE.m)
        layout.setSpacing(SPACE.s)
        layout.addLayout(top)
        layout.addWidget(self.reason)
        layout.addWidget(self.rule)
        layout.addWidget(self.table, 1)
        layout.addLayout(change)
        layout.addStretch(0)
        return card

    def _show_nothing(self) -> None:
        self._say("Nothing to try yet", "neutral", "info", "Type a call to see what would become of it.")
        self._show_rest(TryView("ask", "", None, None))

    def _on_tried(self, tried: CallTried) -> None:
        if tried.draft == self._asked:
            self._show_answer(tried.view)

    def _show_answer(self, seen: TryView) -> None:
        if seen.problem is not None:
            self._say("This is no call", "danger", "error", seen.problem)
            self._show_rest(TryView("ask", "", None, None))
            return
        phrase = words.answer_phrase(seen.decision)
        self._say(phrase.text, phrase.tone, phrase.icon, seen.reason)
        self._show_rest(seen)

    def _say(self, answer: str, tone: str, icon: str, reason: str) -> None:
        if answer != self.answer.text():
            announce(self, answer)
        self.answer.setText(answer)
        set_tone(self.answer, tone)
        self.shape.show_icon(icon, _TONES.get(tone, "muted"))
        self.shape.setAccessibleName(answer)
        self.reason.setText(reason)

    def _show_rest(self, seen: TryView) -> None:
        source = f", from {seen.source}" if seen.source else ""
        self.rule.setText(f"Rule: {seen.rule}{source}" if seen.rule else "")
        self.rule.setVisible(seen.rule is not None)
        self.parts.show(seen.parts)
        self.table.setVisible(bool(seen.parts))
        self._suggested = seen.suggestion or ""
        self.suggestion.setText(f"To allow it: {seen.suggestion}" if seen.suggestion else "")
        self.suggestion.setVisible(seen.suggestion is not None)
        self.add_rule.setVisible(seen.suggestion is not None)

    def _ask_rule(self) -> None:
        self.rule_asked.emit(self._suggested)


def _fill(box: ChoiceBox, items: list[tuple[str, str | None]], first: str = "") -> None:
    """Replaces a box's choices, keeping the chosen one, without a signal."""
    if [(box.itemText(i), box.itemData(i)) for i in range(box.count())] == items:
        return
    chosen = box.currentText() or first
    box.blockSignals(True)
    box.clear()
    for text, data in items:
        box.addItem(text, data)
    box.setCurrentIndex(max(0, box.findText(chosen)))
    box.blockSignals(False)
