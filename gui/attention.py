"""Gets the user's attention while calls wait: the approval window, notifications, and the way to the page."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from gui.dialogs.approval_panel import now
from gui.dialogs.approval_window import ApprovalWindow
from gui.main_window import MainWindow
from gui.notices.approval_notices import ApprovalNotices
from gui.notices.notice import Notice, Notifier
from gui.pages.page import Room
from gui.tray import Tray

if TYPE_CHECKING:
    from gui.notices.bus_notices import BusNotices
    from gui.notices.session_bus import SessionBus


class Attention(QObject):
    """Wires approvals to whatever the user may be looking at."""

    def __init__(
        self, room: Room, window: MainWindow, tray: Tray, *, clock: Callable[[], float] = now
    ) -> None:
        super().__init__()
        self._room, self._window = room, window
        self._put_off: set[str] = set()
        self.popup = ApprovalWindow(room.theme, room.desk, clock=clock)
        self.popup.put_off.connect(self._on_put_off)
        self.popup.page_asked.connect(window.show_approvals)
        self.popup.request_asked.connect(window.show_request)
        self.notifier = DesktopNotifier(tray)
        self.notices = ApprovalNotices(room.desk, room.bridge, self.notifier, self._is_seen)
        self.notices.open_asked.connect(window.show_approvals)
        self.notices.refused.connect(self._on_refused)
        self.notifier.on_press(self.notices.press)
        room.bridge.approvals_changed.connect(self._refresh)
        window.looked_at_changed.connect(self._refresh)
        window.looked_at_changed.connect(self.notices.refresh)
        self._refresh()
        self.notices.refresh()

    def close(self) -> None:
        """Takes everything off the screen."""
        self.popup.hide()
        self.notices.close()
        self.notifier.close()

    def _is_seen(self) -> bool:
        return self._window.shows_approvals and self._window.isActiveWindow()

    def _refresh(self) -> None:
        waiting = self._room.desk.approvals()
        self._put_off &= {each.approval_id for each in waiting}
        if self._window.shows_approvals:
            self.popup.show_approvals(())
            if waiting and not self._window.isActiveWindow():
                QApplication.alert(self._window)
            return
        fresh = [each.approval_id for each in waiting if each.approval_id not in self._put_off]
        if fresh or self.popup.isVisible():
            self.popup.show_approvals(waiting, first=fresh[0] if fresh else None)

    def _on_refused(self, text: str) -> None:
        self._window.say_failed("Not answered", text)

    def _on_put_off(self) -> None:
        self._put_off = {each.approval_id for each in self._room.desk.approvals()}


class DesktopNotifier(QObject):
    """The notification service where there is one, with buttons; the tray's messages where there is none."""

    def __init__(self, tray: Tray) -> None:
        super().__init__()
        self._tray = tray
        self._bus: SessionBus | None = None
        self._service: BusNotices | None = None
        if sys.platform.startswith("linux"):
            self._connect()

    def _connect(self) -> None:
        from gui.notices.bus_notices import BusNotices  # noqa: PLC0415 - jeepney is there on Linux only
        from gui.notices.session_bus import open_session_bus  # noqa: PLC0415

        self._bus = open_session_bus(self)
        if self._bus is not None:
            self._bus.lost.connect(self._on_lost)
            self._service = BusNotices(self._bus, self)
            self._service.missing.connect(self._on_missing)

    def on_press(self, act: Callable[[str, str], None]) -> None:
        """Says who is told of pressed buttons; the tray's messages know only one, and tell it themselves."""
        if self._service is not None:
            self._service.pressed.connect(act)

    def show(self, key: str, notice: Notice) -> None:
        """Shows a notification, in place of the one under the same key."""
        if self._service is not None:
            self._service.show(key, notice)
        else:
            self._tray.tell(notice.title, notice.body)

    def withdraw(self, key: str) -> None:
        """Takes a notification back; the tray's go by themselves."""
        if self._service is not None:
            self._service.withdraw(key)

    def close(self) -> None:
        """Leaves the bus; its notifications go with us."""
        if self._bus is not None:
            self._bus.close()

    def _on_missing(self, _key: str, notice: Notice) -> None:
        self._tray.tell(notice.title, notice.body)

    def _on_lost(self) -> None:
        self._service = None


_: type[Notifier] = DesktopNotifier
