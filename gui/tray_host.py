"""Finds out when a tray host appears: on Linux it may start after us, or be restarted.

An icon made before the host is there is never shown; one made afterwards is. So we look twice a second
for a minute, and from then on let the bus tell us. X11's older trays have no bus name: Qt says whether
one is there.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtDBus import QDBusConnection, QDBusServiceWatcher
from PySide6.QtWidgets import QSystemTrayIcon

WATCHER = "org.kde.StatusNotifierWatcher"
POLL_MS = 500
POLLS = 120


class TrayHost(QObject):
    """Says when there is a tray to show an icon in, and when it has gone."""

    appeared = Signal()
    vanished = Signal()

    def __init__(self, parent: QObject | None = None, *, polls: int = POLLS, poll_ms: int = POLL_MS) -> None:
        super().__init__(parent)
        self._bus = QDBusConnection.sessionBus() if sys.platform.startswith("linux") else None
        self._is_there = self._look()
        self._polls_left = polls
        self._timer = QTimer(self)
        self._timer.setInterval(poll_ms)
        self._timer.timeout.connect(self._poll)
        self._watcher: QDBusServiceWatcher | None = None
        if self._bus is not None and self._bus.isConnected():
            self._watcher = QDBusServiceWatcher(
                WATCHER, self._bus, QDBusServiceWatcher.WatchModeFlag.WatchForOwnerChange, self
            )
            self._watcher.serviceOwnerChanged.connect(self._on_owner_changed)
        if not self._is_there:
            self._timer.start()

    @property
    def is_there(self) -> bool:
        """There is a tray now; looks again, for X11's trays come without a word."""
        return self._look()

    def _look(self) -> bool:
        return self._has_watcher() or QSystemTrayIcon.isSystemTrayAvailable()

    def _has_watcher(self) -> bool:
        if self._bus is None or not self._bus.isConnected():
            return False
        reply = self._bus.interface().isServiceRegistered(WATCHER)
        return bool(reply.value())

    def _poll(self) -> None:
        self._polls_left -= 1
        self._note(is_there=self._look())
        if self._is_there or self._polls_left <= 0:
            self._timer.stop()

    def _on_owner_changed(self, _name: str, _old: str, new: str) -> None:
        self._note(is_there=bool(new) or QSystemTrayIcon.isSystemTrayAvailable())

    def _note(self, *, is_there: bool) -> None:
        if is_there == self._is_there:
            return
        self._is_there = is_there
        (self.appeared if is_there else self.vanished).emit()
