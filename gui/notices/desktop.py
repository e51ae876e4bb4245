"""Whoever shows notifications on this desktop: its service where there is one, else the tray's messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gui.notices.notice import Notice, Pressed

if TYPE_CHECKING:
    from gui.notices.bus_notices import BusNotices

Tell = Callable[[str, str], None]
"""Shows a title and a text for a while, without buttons."""


class DesktopNotifier:
    """A Notifier over a service that may be missing, or go."""

    def __init__(self, tell: Tell, service: BusNotices | None) -> None:
        self._tell, self._service = tell, service
        if service is not None:
            service.missing.connect(self._on_missing)

    def on_press(self, act: Pressed) -> None:
        """Says who is told of pressed buttons; the tray's messages know only one, and tell it themselves."""
        if self._service is not None:
            self._service.pressed.connect(act)

    def show(self, key: str, notice: Notice) -> None:
        """Shows a notification, in place of the one under the same key."""
        if self._service is not None:
            self._service.show(key, notice)
        else:
            self._tell(notice.title, notice.body)

    def withdraw(self, key: str) -> None:
        """Takes a notification back; the tray's go by themselves."""
        if self._service is not None:
            self._service.withdraw(key)

    def close(self) -> None:
        """Leaves the bus."""
        if self._service is not None:
            self._service.close()

    def _on_missing(self, _key: str, notice: Notice) -> None:
        self._tell(notice.title, notice.body)
