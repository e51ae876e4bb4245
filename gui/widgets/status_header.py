"""The status header: the proxy's state, its address, what it is busy with, and the switch."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu

from gui import wording
from gui.desk import Problem, ProxyPhase, ProxyState
from gui.icons import set_icon
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import CopyButton, button
from gui.widgets.cards import Chip
from gui.widgets.text import announce, label, plain, selectable, set_look


class StatusHeader(QFrame):
    """One row, always visible; shows a ProxyState and says what the user pressed."""

    start_asked = Signal()
    stop_asked = Signal()
    page_asked = Signal(str)
    """The page where calls wait."""
    problem_asked = Signal(Problem)
    """A problem of the menu, which shows but its beginning."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._state = ProxyState(ProxyPhase.STOPPED)
        self.setProperty("kind", "header")
        self.setAccessibleName("Status")
        self.chip = Chip(theme, "Proxy state")
        self.endpoint = selectable(label(kind="mono", name="Address of the proxy"))
        self.copy = CopyButton(theme, self._url, text="", name="Copy address", kind="flat")
        self.activity = label(kind="muted")
        self.problems = button(theme, "", icon="warn", kind="chip")
        set_icon(self.problems, "warn", theme, role="warn")
        self._menu = QMenu(self)
        self._menu.setAccessibleName("Problems")
        self.problems.setMenu(self._menu)
        self.approvals = button(theme, "", icon="approvals", kind="alert", on_click=self._ask_approvals)
        set_icon(self.approvals, "approvals", theme, role="on_accent_soft")
        self.approvals.hide()
        self._waiting = 0
        self.switch = button(theme, "Start proxy", on_click=self._on_switch)
        self._row = layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE.xl, SPACE.m - 2, SPACE.l, SPACE.m - 2)
        layout.setSpacing(SPACE.s)
        layout.addWidget(self.chip)
        layout.addSpacing(SPACE.s)
        layout.addWidget(self.endpoint)
        layout.addWidget(self.copy)
        layout.addSpacing(SPACE.xs)
        layout.addWidget(self.activity)
        layout.addStretch(1)
        layout.addWidget(self.approvals)
        layout.addWidget(self.problems)
        layout.addWidget(self.switch)
        self.show_state(self._state, is_first=True)

    def show_state(self, state: ProxyState, *, is_first: bool = False) -> None:
        """Shows what the proxy does now."""
        phrase = wording.phase_phrase(state)
        if not is_first and phrase.text != self.chip.text:
            announce(self, f"Proxy: {phrase.text}")
        was = self._state
        self._state = state
        self.activity.setText(f"{state.active_requests:,} active" if state.active_requests else "")
        if is_first or was != replace(state, active_requests=was.active_requests):
            self._show_all(state, phrase)
        self._fit()

    def show_waiting(self, number: int) -> None:
        """Shows how many calls wait for the user; with none the button goes."""
        if number > self._waiting:
            announce(self, f"{wording.count(number, 'approval')} waiting")
        self._waiting = number
        self.approvals.say(wording.count(number, "approval"))
        self.approvals.setVisible(number > 0)
        self._fit()

    def _show_all(self, state: ProxyState, phrase: wording.Phrase) -> None:
        """Shows everything but the count of active requests, which alone changes many times a second."""
        self.chip.show_phrase(phrase.text, phrase.tone, phrase.icon)
        self.endpoint.setText(state.url or "")
        self.endpoint.setAccessibleName(f"Address of the proxy: {state.url or 'none'}")
        self._show_problems(state)
        self._show_switch(state.phase)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shortens the row where it has become too narrow."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Leaves away what is said elsewhere too, where not everything has room: no word is cut off."""
        number = len(self._state.problems)
        self.activity.setVisible(bool(self.activity.text()))
        has_address = self._state.phase is ProxyPhase.RUNNING and self._state.url is not None
        self.endpoint.setVisible(has_address)
        self.copy.setVisible(has_address)
        self.problems.setText(wording.count(number, "problem"))
        if self._is_too_narrow():
            self.activity.hide()
        self.approvals.setText(wording.count(self._waiting, "approval"))
        if self._is_too_narrow():
            self.problems.setText(f"{number:,}")
        if self._is_too_narrow():
            self.approvals.setText(f"{self._waiting:,}")
        for part in (self.copy, self.endpoint):  # Home has the address too
            if self._is_too_narrow():
                part.hide()

    def _is_too_narrow(self) -> bool:
        return self._row.sizeHint().width() > self.width()

    def _show_problems(self, state: ProxyState) -> None:
        self.problems.setVisible(bool(state.problems))
        words = wording.count(len(state.problems), "problem")
        self.problems.say(words)
        self._menu.clear()
        for problem in state.problems:
            entry = QAction(plain(f"{problem.title} – {_one_line(problem.text)}"), self._menu)
            set_icon(entry, "warn", self._theme, role="warn")
            entry.triggered.connect(lambda _checked=False, problem=problem: self.problem_asked.emit(problem))
            self._menu.addAction(entry)

    def _show_switch(self, phase: ProxyPhase) -> None:
        can_stop = phase in {ProxyPhase.RUNNING, ProxyPhase.STOPPING, ProxyPhase.STARTING}
        words = "Stop proxy" if can_stop else "Start proxy"
        self.switch.say(words)
        self.switch.setEnabled(phase not in {ProxyPhase.STOPPING, ProxyPhase.STARTING})
        kind = "plain" if can_stop else "primary"
        set_look(self.switch, "kind", kind)
        set_icon(
            self.switch,
            "stop" if can_stop else "start",
            self._theme,
            role="text" if can_stop else "on_accent",
        )

    def _on_switch(self) -> None:
        if self._state.phase is ProxyPhase.RUNNING:
            self.stop_asked.emit()
        else:
            self.start_asked.emit()

    def _ask_approvals(self) -> None:
        self.page_asked.emit("approvals")

    def _url(self) -> str:
        return self._state.url or ""


def _one_line(text: str, limit: int = 90) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
