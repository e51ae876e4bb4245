"""The tray's menu of MCP servers: built once, its words and ticks kept up to date."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from gui import mcp_words as words
from gui.mcp_desk import McpDesk
from gui.widgets.text import plain
from proxy.mcp.values import ServerPhase, ServerStatus

MAX_SERVERS = 12


class McpMenu(QMenu):
    """One entry a server: ticked while it runs; a click starts or stops it."""

    def __init__(self, desk: McpDesk, manage: Callable[[], None], tell: Callable[[str, str], None]) -> None:
        super().__init__("MCP servers")
        self._desk, self._manage, self._tell = desk, manage, tell
        self.setAccessibleName("MCP servers")
        self.entries = [self._add("", self._turner(number)) for number in range(MAX_SERVERS)]
        for entry in self.entries:
            entry.setCheckable(True)
        self.more = self._add("More…", manage)
        self._servers: tuple[ServerStatus, ...] = ()
        self.addSeparator()
        self.restart_failed = self._add("Restart failed", desk.restart_failed_mcp)
        self.manage = self._add("Manage…", manage)
        self.refresh()

    def refresh(self) -> None:
        """Shows the servers as they are now."""
        self._servers = servers = self._desk.mcp_servers()
        for entry, server in zip(self.entries, servers, strict=False):
            entry.setText(plain(_entry_text(server)))
            entry.setChecked(server.phase in words.RUNNING)
            entry.setEnabled(server.phase is not ServerPhase.STOPPING)
        for number, entry in enumerate(self.entries):
            entry.setVisible(number < len(servers))
        self.more.setVisible(len(servers) > MAX_SERVERS)
        self.restart_failed.setEnabled(any(each.phase is ServerPhase.FAILED for each in servers))
        self.menuAction().setVisible(bool(servers))

    def _add(self, text: str, act: Callable[[], None]) -> QAction:
        action = QAction(plain(text), self)
        action.triggered.connect(lambda: act())  # noqa: PLW0108 - drops the signal's `checked`
        self.addAction(action)
        return action

    def _turner(self, number: int) -> Callable[[], None]:
        return lambda: self._turn(number)

    def _turn(self, number: int) -> None:
        server = self._servers[number]
        if server.phase in words.UNAPPROVED and not words.can_start(server):
            self._manage()
        elif server.phase in words.RUNNING:
            self._say(server.name, "stopped", self._desk.stop_mcp(server.name))
        else:
            self._say(server.name, "started", self._desk.start_mcp(server.name))
        self.refresh()

    def _say(self, name: str, done: str, refusal: str | None) -> None:
        if refusal is not None:
            self._tell(f"{name} was not {done}", refusal)


def _entry_text(server: ServerStatus) -> str:
    if server.phase is ServerPhase.CONNECTED:
        return server.name
    word = {
        ServerPhase.PENDING: "waits for approval…",
        ServerPhase.REJECTED: "rejected…",
        ServerPhase.DISABLED: "off",
    }.get(server.phase, server.phase.value)
    return f"{server.name} ({word})"
