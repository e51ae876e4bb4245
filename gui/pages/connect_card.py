"""The card with the two lines that point Claude Code at the proxy; on Home and on Connect."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout

from gui.desk import ProxyPhase, ProxyState
from gui.pages.page import Room
from gui.tokens import SPACE
from gui.widgets.buttons import CopyButton
from gui.widgets.cards import Card, frame
from gui.widgets.text import label, selectable


class ConnectCard(Card):
    """Shows the lines with the token masked, and copies them with it."""

    def __init__(self, room: Room) -> None:
        self._desk = room.desk
        self.copy_lines = CopyButton(
            room.theme, self._shell_lines, text="Copy", name="Copy both lines, token included", kind="primary"
        )
        super().__init__("Connect Claude Code", self.copy_lines)
        self.body.addWidget(
            label("Paste these two lines into a terminal, then start claude there.", kind="muted", wraps=True)
        )
        self.well = frame("well", "The two lines")
        self.lines = selectable(label(kind="mono", wraps=False))
        inside = QVBoxLayout(self.well)
        inside.setContentsMargins(SPACE.m, SPACE.s + 2, SPACE.m, SPACE.s + 2)
        inside.addWidget(self.lines)
        self.body.addWidget(self.well)
        self.body.addWidget(
            label(
                "The token is hidden here and copied in full. It opens this proxy only, not your providers.",
                kind="caption",
                wraps=True,
            )
        )
        room.bridge.state_changed.connect(self._show)
        self._show(room.desk.state())

    def _show(self, state: ProxyState) -> None:
        self.copy_lines.setEnabled(state.phase is ProxyPhase.RUNNING)
        self.lines.setText(self._desk.connect_lines().shown)

    def _shell_lines(self) -> str:
        return self._desk.connect_lines().shell.get_secret_value()
