"""One waiting call and the buttons that answer it, on the Approvals page and in the window of its own.

For half a second after a call appears, or another takes its place, nothing typed or clicked counts: what the
user's hands were doing was meant for something else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QFrame, QLineEdit, QVBoxLayout, QWidget

from gui import permission_words as words
from gui import wording
from gui.clock import now
from gui.dialogs.rule_field import RuleField
from gui.icons import set_icon
from gui.permission_desk import ApprovalAnswerDraft, ApprovalView, PermissionDesk
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import Button, button
from gui.widgets.call_view import CallView
from gui.widgets.cards import Banner, Chip, row
from gui.widgets.shape import Shape
from gui.widgets.text import announce, label, set_look, tip

GUARD_MS = 500
_SECOND_MS = 1000
_HURRY_S = 20
_NO_RULE = "No rule is narrow enough to be kept for this call."


class AnswerButton(Button):
    """A button that a held key presses once, and that shows its ring as soon as keys would press it."""

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Shows the ring when the window comes to the front too: the user must see where Enter goes."""
        super().focusInEvent(event)
        if event.reason() == Qt.FocusReason.ActiveWindowFocusReason:
            set_look(self, "ring", "true")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leaves repeated keys alone."""
        if event.isAutoRepeat():
            event.accept()
            return
        super().keyPressEvent(event)


class ApprovalPanel(QFrame):
    """Shows a call whole and gives the user's answer to the desk, bound to the call that was shown."""

    request_asked = Signal(str)
    answered = Signal()

    def __init__(self, theme: Theme, desk: PermissionDesk, *, clock: Callable[[], float] = now) -> None:
        super().__init__()
        self._theme, self._desk, self._clock = theme, desk, clock
        self._shown: ApprovalView | None = None
        self.setProperty("kind", "card")
        self.setAccessibleName("Waiting call")
        self.guard = QTimer(self)
        self.guard.setSingleShot(True)
        self.guard.setInterval(GUARD_MS)
        self._second = QTimer(self)
        self._second.setInterval(_SECOND_MS)
        self._second.timeout.connect(self._show_time)
        self._make_parts()
        self._lay_out()
        self._open_rule(is_open=False)

    @property
    def shown(self) -> ApprovalView | None:
        """The call that the buttons answer."""
        return self._shown

    def add_keys(self, owner: QWidget) -> None:
        """Lets A and D answer wherever the focus is in `owner`, but in a field that takes text."""
        for keys, act in (("A", self._allow_once), ("D", self._deny)):
            shortcut = QShortcut(QKeySequence(keys), owner)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(act)

    def show_approval(self, approval: ApprovalView, *, takes_focus: bool = False) -> None:
        """Shows a call; another one than before starts the guard and forgets what was typed."""
        was, self._shown = self._shown, approval
        if was is None or (was.approval_id, was.digest) != (approval.approval_id, approval.digest):
            self.restart_guard()
            self.reason.clear()
            self.refused.hide()
            self._open_rule(is_open=False)
            if takes_focus or self._holds_focus():
                self.deny.setFocus()
            announce(self, f"{words.wants(approval)}: {approval.shown}")
        self._show_facts(approval)
        self._show_time()
        self._second.start()

    def restart_guard(self) -> None:
        """Lets nothing count for half a second, nor a press that began before."""
        self.guard.start()
        for each in self.answer_buttons():
            each.setDown(False)

    def forget(self) -> None:
        """Shows no call."""
        self._shown = None
        self._second.stop()

    def answer_buttons(self) -> tuple[Button, ...]:
        """Returns the buttons that answer, in order."""
        return (self.deny, self.once, self.minutes, self.conversation, self.always, self.store)

    def changeEvent(self, event: QEvent) -> None:
        """Starts the guard when the window comes to the front: the last click was for another."""
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.restart_guard()
        super().changeEvent(event)

    def _make_parts(self) -> None:
        theme = self._theme
        self.title = label(kind="heading", wraps=True)
        self.clock_chip = Chip(theme, "Time left")
        self.origin = label(kind="muted", wraps=True)
        self.to_request = button(
            theme, "Show request", icon="requests", kind="flat", on_click=self._ask_request
        )
        self.call = CallView()
        self.call.setMinimumHeight(self.call.fontMetrics().lineSpacing() * 2 + 18)
        self.length = label(kind="caption")
        self.length.setProperty("tone", "warn")
        self.call.verticalScrollBar().rangeChanged.connect(self._show_length)
        self.why = label(wraps=True)
        self.hints = label(wraps=True)
        self.hints.setProperty("tone", "warn")
        self.hint_row = QWidget()
        line = row(spacing=SPACE.s)
        line.addWidget(Shape(theme, "warn", role="warn", size=16), 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self.hints, 1)
        self.hint_row.setLayout(line)
        self.reason = QLineEdit()
        self.deny = self._answer_button("Deny", "refused", self._deny, kind="danger")
        self.once = self._answer_button("Allow once", "check", self._allow_once, kind="primary")
        self.conversation = self._answer_button("Allow for this conversation", None, self._allow_conversation)
        self.always = self._answer_button("Always…", None, self._show_rule)
        self.minutes = self._answer_button("Allow for 10 minutes", None, self._allow_minutes)
        self.minutes.hide()  # until it is asked about a request: with it, the others have too little room
        self.deny.setAccessibleDescription("Key D")
        self.once.setAccessibleDescription("Key A")
        self.refused = Banner(theme, "Not answered")
        self.rule_part = QWidget()
        self.rule_part.setAccessibleName("Rule to store")
        self.rule = RuleField(theme, self._desk, "Rule that allows it from now on")
        self.rule.changed.connect(self._on_rule)
        self.store = self._answer_button(
            "Store the rule and allow", "check", self._allow_always, kind="primary"
        )
        self.back = button(theme, "Back", on_click=self._close_rule)

    def _answer_button(
        self, text: str, icon: str | None, act: Callable[[], None], *, kind: str = "plain"
    ) -> Button:
        made = AnswerButton(text, kind=kind)
        if icon is not None:
            role = {"primary": "on_accent", "danger": "danger"}.get(kind, "text")
            set_icon(made, icon, self._theme, role=role)
        made.clicked.connect(act)
        return made

    def _lay_out(self) -> None:
        rule_layout = QVBoxLayout(self.rule_part)
        rule_layout.setContentsMargins(0, 0, 0, 0)
        rule_layout.setSpacing(SPACE.s)
        rule_layout.addWidget(label("Allow from now on what this rule names", kind="strong"))
        rule_layout.addWidget(self.rule)
        rule_layout.addLayout(row(None, self.back, self.store))
        self.buttons = QWidget()
        self.buttons.setAccessibleName("Answers")
        answers = QVBoxLayout(self.buttons)
        answers.setContentsMargins(0, 0, 0, 0)
        answers.setSpacing(SPACE.s)
        answers.addWidget(self.reason)
        answers.addLayout(row(self.deny, None, self.once, self.minutes, self.conversation, self.always))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE.l, SPACE.m, SPACE.l, SPACE.l)
        layout.setSpacing(SPACE.s)
        top = row(spacing=SPACE.s)
        top.addWidget(self.title, 1)
        top.addWidget(self.to_request)
        top.addWidget(self.clock_chip)
        layout.addLayout(top)
        layout.addWidget(self.origin)
        layout.addWidget(self.call, 1)
        layout.addWidget(self.length)
        layout.addWidget(self.why)
        layout.addWidget(self.hint_row)
        layout.addWidget(self.refused)
        layout.addWidget(self.rule_part)
        layout.addWidget(self.buttons)

    def _show_facts(self, approval: ApprovalView) -> None:
        self.title.setText(words.wants(approval))
        origin = [approval.client or "unknown client"]
        if not approval.is_request:
            origin.append(f"workspace {approval.workspace}" if approval.workspace else "no workspace")
        if approval.conversation_id:
            origin.append(f"conversation {approval.conversation_id}")
        self.origin.setText("  ·  ".join(origin))
        self.call.show_call(approval.shown)
        self._show_length()
        self.why.setText(f"Why asked: {approval.reason}")
        self._show_hints(approval.hints)
        self.conversation.setEnabled(approval.conversation_id is not None)
        self.minutes.setVisible(approval.is_request)
        self.conversation.setVisible(not approval.is_request)
        self.always.setVisible(not approval.is_request)
        told = "client" if approval.is_request else "model"
        self.reason.setAccessibleName(f"Reason for denying, for the {told}")
        self.reason.setPlaceholderText(f"If you deny: a reason for the {told} (optional)")
        can_keep = approval.suggestion is not None and words.can_be_typed(approval.suggestion)
        self.always.setEnabled(can_keep)
        self.always.setToolTip("" if can_keep else tip(_NO_RULE))
        self.always.setAccessibleDescription("" if can_keep else _NO_RULE)

    def _show_length(self) -> None:
        """Says that a part of the call is out of view, so that nobody takes its beginning for all of it."""
        has_more = self.call.verticalScrollBar().maximum() > 0
        lines = wording.count(self.call.lines, "line")
        self.length.setText(f"Not all of the call is in view: it has {lines}. Scroll to read the rest.")
        self.length.setVisible(has_more)

    def _show_hints(self, hints: tuple[str, ...]) -> None:
        self.hints.setText("  ·  ".join(hints))
        self.hint_row.setAccessibleName(f"Risks: {', '.join(hints)}")
        self.hint_row.setVisible(bool(hints))

    def _show_time(self) -> None:
        if self._shown is None:
            return
        left = self._shown.expires_at - self._clock()
        tone = "warn" if left < _HURRY_S else "neutral"
        text = f"denied in {wording.time_left(left)}" if left > 0 else "time is up"
        self.clock_chip.show_phrase(text, tone, "state-busy")

    def _show_rule(self) -> None:
        if self._shown is not None and not self.guard.isActive():
            self._open_rule(is_open=True)
            self.rule.set_rule("allow", self._shown.suggestion or "")
            self.rule.line.setFocus()

    def _open_rule(self, *, is_open: bool) -> None:
        self.rule_part.setVisible(is_open)
        self.buttons.setVisible(not is_open)

    def _close_rule(self) -> None:
        self._open_rule(is_open=False)
        self.always.setFocus()

    def _on_rule(self) -> None:
        self.store.setEnabled(bool(self.rule.text))

    def _holds_focus(self) -> bool:
        focused = QApplication.focusWidget()
        return focused is not None and self.isAncestorOf(focused)

    def _deny(self) -> None:
        self._answer("deny", message=self.reason.text().strip())

    def _allow_once(self) -> None:
        self._answer("allow")

    def _allow_conversation(self) -> None:
        self._answer("allow", scope="conversation")

    def _allow_minutes(self) -> None:
        self._answer("allow", scope="10 minutes")

    def _allow_always(self) -> None:
        self._answer("allow", scope="always", rule=self.rule.text)

    def _answer(
        self,
        decision: Literal["allow", "deny"],
        *,
        scope: Literal["once", "conversation", "always", "10 minutes"] = "once",
        rule: str | None = None,
        message: str = "",
    ) -> None:
        approval = self._shown
        if approval is None or self.guard.isActive():
            return
        refusal = self._desk.answer_approval(
            ApprovalAnswerDraft(approval.approval_id, approval.digest, decision, scope, rule, message)
        )
        if refusal is not None:
            self.refused.say("danger", "Not answered", refusal)
            return
        self.answered.emit()

    def _ask_request(self) -> None:
        if self._shown is not None:
            self.request_asked.emit(self._shown.request_id)
