"""The sheet for a server that was never started: exactly what would run, and three answers.

For half a second after it appears, or shows something else, nothing pressed counts, and the button that has
the focus then approves nothing: a server is another's program, and it runs with the user's rights.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from gui import mcp_words as words
from gui.dialogs.approval_panel import GUARD_MS, AnswerButton
from gui.icons import set_icon
from gui.mcp_desk import McpDesk
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.call_view import CallView
from gui.widgets.cards import Banner, row
from gui.widgets.facts import Facts
from gui.widgets.text import announce, label, name_structure
from gui.wording import count
from proxy.mcp.values import Launch, ServerStatus

_MAX_LINES = 9


class McpTrustDialog(QDialog):
    """Shows one launch and answers for exactly that one, by its digest."""

    answered = Signal()

    def __init__(self, theme: Theme, desk: McpDesk, parent: QWidget, server: ServerStatus) -> None:
        super().__init__(parent)
        self._desk, self._name = desk, server.name
        self._shown: Launch | None = None
        self._read: Launch | None = None
        """What was shown last; it may be looked up again meanwhile."""
        title = "Approve an MCP server"
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setMinimumWidth(620)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.guard = QTimer(self)
        self.guard.setSingleShot(True)
        self.guard.setInterval(GUARD_MS)
        self.heading = label(kind="heading", wraps=True)
        self.changed = Banner(theme, "What changed")
        self.refused = Banner(theme, "Not answered")
        self.what = label(kind="muted")
        self.command = CallView("Exact command")
        self.facts = Facts("What the approval is bound to")
        self.meaning = Banner(theme, "What starting it means")
        self.not_now = self._answer_button(theme, "Not now", self.reject)
        self.never = self._answer_button(theme, "Never", self._on_never, kind="danger", icon="refused")
        self.approve = self._answer_button(
            theme, "Approve and start", self._on_approve, kind="primary", icon="check"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE.xl, SPACE.l + 2, SPACE.xl, SPACE.l + 2)
        layout.setSpacing(SPACE.m)
        layout.addWidget(self.heading)
        layout.addWidget(self.changed)
        layout.addWidget(self.refused)
        layout.addWidget(self.what)
        layout.addWidget(self.command, 1)
        layout.addWidget(self.facts)
        layout.addWidget(self.meaning)
        layout.addLayout(row(self.never, None, self.not_now, self.approve))
        self.show_server(server)

    @property
    def server(self) -> str:
        """Whose sheet this is."""
        return self._name

    def open(self) -> None:
        """Shows the sheet without blocking, with the focus on the answer that does nothing."""
        name_structure(self)
        super().open()
        self.not_now.setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """Starts the guard."""
        super().showEvent(event)
        self.guard.start()

    def changeEvent(self, event: QEvent) -> None:
        """Starts the guard when the window comes to the front: the last click was for another."""
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.guard.start()
        super().changeEvent(event)

    def show_server(self, server: ServerStatus) -> None:
        """Shows what would be started now; another launch than before starts the guard."""
        launch = server.launch
        if server.phase not in words.UNAPPROVED:
            self.reject()
            return
        if launch == self._shown and launch is not None:
            return
        self._show_guarded(launch)
        verb = "Start" if launch is None or launch.argv else "Connect to"
        self.heading.setText(f"{verb} the MCP server {server.name}?")
        self.approve.setEnabled(launch is not None and bool(launch.digest))
        self.approve.say("Approve and start" if launch is None or launch.argv else "Approve and connect")
        if launch is None:
            reason = words.one_line(server.reason) or "Looking up which version would be started…"
            self.what.setText(reason)
            self.command.show_call("")
            self.facts.show_facts(())
            self.meaning.hide()
            return
        self._show_launch(launch)

    def _show_guarded(self, launch: Launch | None) -> None:
        had, self._shown = self._read, launch
        self._read = launch or had
        self.guard.start()
        for each in (self.approve, self.never, self.not_now):
            each.setDown(False)
        if had is not None and launch is not None and had != launch:
            self.changed.say("warn", "What would be started changed", "Read it again before you answer.")
            self.not_now.setFocus()

    def _show_launch(self, launch: Launch) -> None:
        if launch.argv:
            self.what.setText(f"The program and its {count(len(launch.argv) - 1, 'argument')}, one a line:")
        else:
            self.what.setText("The address:")
        self.command.show_call(words.launch_lines(launch))
        line = self.command.fontMetrics().lineSpacing()
        self.command.setMinimumHeight(line * min(self.command.lines + 1, _MAX_LINES) + 18)
        facts = words.launch_facts(launch)
        self.facts.show_facts(facts)
        self.facts.setFixedHeight((line + 6) * (len(facts) + 1))
        self.meaning.say(
            "warn",
            "It runs as you" if launch.argv else "It is another computer’s program",
            words.runs_as(launch),
            can_close=False,
        )
        announce(self, f"{self.heading.text()} {words.launch_lines(launch)}")

    def _answer_button(
        self, theme: Theme, text: str, act: object, *, kind: str = "plain", icon: str | None = None
    ) -> AnswerButton:
        made = AnswerButton(text, kind=kind)
        if icon is not None:
            role = {"primary": "on_accent", "danger": "danger"}.get(kind, "text")
            set_icon(made, icon, theme, role=role)
        made.clicked.connect(act)
        return made

    def _on_approve(self) -> None:
        launch = self._shown
        if launch is not None and not self.guard.isActive():
            self._take(self._desk.approve_mcp(self._name, launch.digest))

    def _on_never(self) -> None:
        if not self.guard.isActive():
            self._take(self._desk.reject_mcp(self._name))

    def _take(self, refusal: str | None) -> None:
        if refusal is not None:
            self.refused.say("danger", "Not answered", refusal)
            return
        self.answered.emit()
        self.accept()
