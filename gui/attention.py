"""Gets the user's attention: the approval window, notifications, and the way to the page that helps."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from gui.clock import now
from gui.main_window import MainWindow
from gui.notices.approval_notices import ApprovalNotices
from gui.notices.desktop import DesktopNotifier
from gui.notices.mcp_notices import McpNotices
from gui.pages.page import Room
from gui.tray import Tray

if TYPE_CHECKING:
    from gui.dialogs.approval_window import ApprovalWindow
    from gui.notices.bus_notices import BusNotices


class Attention(QObject):
    """Wires approvals and failed servers to whatever the user may be looking at."""

    def __init__(
        self,
        room: Room,
        window: MainWindow,
        tray: Tray,
        *,
        clock: Callable[[], float] | None = None,
        connect: Callable[[], BusNotices | None] | None = None,
    ) -> None:
        """Begins at once with what waits already.

        Args:
            room: Desk, bridge and theme.
            window: The main window.
            tray: Shows messages where no service shows notifications.
            clock: Seconds since the epoch; as a rule the computer's own.
            connect: Opens the way to the notification service; as a rule `session_notices`.
        """
        super().__init__()
        self._room, self._window = room, window
        self._put_off: set[str] = set()
        self._clock = clock
        self._popup: ApprovalWindow | None = None
        self.notifier = DesktopNotifier(tray.tell, (connect or session_notices)())
        self.notices = ApprovalNotices(room.desk, room.bridge, self.notifier, self._is_seen)
        self.notices.open_asked.connect(window.show_approvals)
        self.notices.refused.connect(self._on_refused)
        self.mcp_notices = McpNotices(room.desk, room.bridge, self.notifier, self._is_mcp_seen)
        self.mcp_notices.open_asked.connect(self._open_mcp)
        self.mcp_notices.refused.connect(self._on_not_restarted)
        self.notifier.on_press(self._press)
        room.bridge.approvals_changed.connect(self._refresh)
        window.looked_at_changed.connect(self._refresh)
        window.looked_at_changed.connect(self.notices.refresh)
        self._refresh()
        self.notices.refresh()

    @property
    def popup(self) -> ApprovalWindow:
        """The approval window; made when the first call waits."""
        if self._popup is None:
            self._popup = self._make_popup()
        return self._popup

    def close(self) -> None:
        """Takes everything off the screen."""
        if self._popup is not None:
            self._popup.hide()
        self.notices.close()
        self.mcp_notices.close()
        self.notifier.close()

    def _make_popup(self) -> ApprovalWindow:
        from gui.dialogs.approval_window import ApprovalWindow  # noqa: PLC0415 - when the first call waits

        made = ApprovalWindow(self._room.theme, self._room.desk, clock=self._clock or now)
        made.put_off.connect(self._on_put_off)
        made.page_asked.connect(self._window.show_approvals)
        made.request_asked.connect(self._window.show_request)
        return made

    def _is_seen(self) -> bool:
        return self._window.shows_approvals and self._window.isActiveWindow()

    def _is_mcp_seen(self) -> bool:
        window = self._window
        return window.isVisible() and window.isActiveWindow() and window.page_id == "mcp"

    def _press(self, key: str, action: str) -> None:
        if not self.mcp_notices.press(key, action):
            self.notices.press(key, action)

    def _open_mcp(self, name: str) -> None:
        self._window.show_mcp()
        self._window.pages.mcp.choose(name)

    def _on_not_restarted(self, text: str) -> None:
        self._window.say_failed("The MCP server was not restarted", text)

    def _refresh(self) -> None:
        waiting = self._room.desk.approvals()
        self._put_off &= {each.approval_id for each in waiting}
        if self._window.shows_approvals:
            if self._popup is not None:
                self._popup.show_approvals(())
            if waiting and not self._window.isActiveWindow():
                QApplication.alert(self._window)
            return
        fresh = [each.approval_id for each in waiting if each.approval_id not in self._put_off]
        if fresh or (self._popup is not None and self._popup.isVisible()):
            self.popup.show_approvals(waiting, first=fresh[0] if fresh else None)

    def _on_refused(self, text: str) -> None:
        self._window.say_failed("Not answered", text)

    def _on_put_off(self) -> None:
        self._put_off = {each.approval_id for each in self._room.desk.approvals()}


def session_notices() -> BusNotices | None:
    """Returns the way to the desktop's notification service; None where there is no session bus."""
    if not sys.platform.startswith("linux"):
        return None
    from gui.notices.bus_notices import BusNotices  # noqa: PLC0415 - jeepney is there on Linux only
    from gui.notices.session_bus import open_session_bus  # noqa: PLC0415 - likewise

    bus = open_session_bus()
    return BusNotices(bus) if bus is not None else None
