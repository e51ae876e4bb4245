"""Tells of MCP servers that gave up or need a person, once each time, and carries the buttons' answers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from gui import mcp_words as words
from gui.bridge import Bridge
from gui.mcp_desk import McpDesk
from gui.notices.notice import OPEN, Notice, Notifier
from proxy.mcp.values import ServerPhase, ServerStatus

_KEY = "mcp "
_RESTART = "restart"
_SHOWN_CHARACTERS = 200
_TOLD = frozenset({ServerPhase.FAILED, ServerPhase.NEEDS_AUTHENTICATION})


class McpNotices(QObject):
    """One notification a server; taken back when it runs again or is gone."""

    open_asked = Signal(str)
    """The user wants to see this server."""
    told = Signal(str)
    """A server was told of."""
    refused = Signal(str)
    """A button's answer was not taken; says why."""

    def __init__(
        self, desk: McpDesk, bridge: Bridge, notifier: Notifier, is_seen: Callable[[], bool]
    ) -> None:
        """Begins to listen; what has failed already is not told again.

        Args:
            desk: Knows the servers.
            bridge: Says when they change.
            notifier: Shows notifications.
            is_seen: Says that the user looks at the servers anyway.
        """
        super().__init__()
        self._desk, self._notifier, self._is_seen = desk, notifier, is_seen
        self._known = {each.name: each.phase for each in desk.mcp_servers()}
        self._shown: set[str] = set()
        bridge.mcp_changed.connect(self.refresh)

    def refresh(self) -> None:
        """Tells what is new, and takes back what is over."""
        servers = self._desk.mcp_servers()
        before, self._known = self._known, {each.name: each.phase for each in servers}
        for server in servers:
            is_new = before.get(server.name) is not server.phase
            if server.phase in _TOLD and is_new and not self._is_seen():
                self._shown.add(server.name)
                self._notifier.show(_KEY + server.name, _notice_of(server))
                self.told.emit(server.name)
        for name in [name for name in self._shown if self._known.get(name) not in _TOLD]:
            self._shown.discard(name)
            self._notifier.withdraw(_KEY + name)

    def close(self) -> None:
        """Takes all of them back."""
        for name in self._shown:
            self._notifier.withdraw(_KEY + name)
        self._shown.clear()

    def press(self, key: str, action: str) -> bool:
        """Does what a notification's button says; says whether it was one of ours."""
        if not key.startswith(_KEY):
            return False
        name = key.removeprefix(_KEY)
        refusal = self._desk.restart_mcp(name) if action == _RESTART else None
        if refusal is not None:
            self.refused.emit(refusal)
        if action != _RESTART or refusal is not None:
            self.open_asked.emit(name)
        return True


def _notice_of(server: ServerStatus) -> Notice:
    is_failed = server.phase is ServerPhase.FAILED
    title = f"The MCP server {server.name} {'failed' if is_failed else 'needs a sign-in'}"
    reason = words.one_line(server.reason)[:_SHOWN_CHARACTERS]
    actions = ((OPEN, "Open"), (_RESTART, "Restart")) if is_failed else ((OPEN, "Open"),)
    return Notice(title, reason or "Its log says more.", actions)
