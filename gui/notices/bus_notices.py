"""The notification service of Linux desktops (org.freedesktop.Notifications): notifications with buttons."""

from __future__ import annotations

import html
from typing import Any

import jeepney
from jeepney import DBusAddress, MatchRule, Message
from PySide6.QtCore import QObject, Signal

from gui.notices.notice import Notice
from gui.notices.session_bus import Heard, SessionBus

_NAME = "org.freedesktop.Notifications"
_PATH = "/org/freedesktop/Notifications"
_SERVICE = DBusAddress(_PATH, _NAME, _NAME)
_CRITICAL, _NORMAL = 2, 1
_NEVER, _AS_USUAL = 0, -1


class BusNotices(QObject):
    """Keeps one notification a key; says which button was pressed, and when nobody shows any."""

    pressed = Signal(str, str)
    """A key and the action."""
    missing = Signal(str, object)
    """No service took the Notice of this key."""

    def __init__(self, bus: SessionBus, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bus = bus
        self._is_lost = False
        self._abilities: frozenset[str] | None = None
        self._is_asking = False
        self._wanted: dict[str, Notice] = {}
        self._numbers: dict[str, int] = {}
        self._on_way: dict[str, Notice] = {}
        self._server: str | None = None
        """The service's own name on the bus: a press said by anybody else is not heard."""
        bus.heard.connect(self._on_signal)
        bus.lost.connect(self._on_lost)
        bus.listen(MatchRule(type="signal", sender=_NAME, interface=_NAME, path=_PATH))

    def show(self, key: str, notice: Notice) -> None:
        """Shows a notification, in place of the one under the same key."""
        if self._wanted.get(key) == notice:
            return
        if self._is_lost:
            self.missing.emit(key, notice)
            return
        self._wanted[key] = notice
        self._send(key)

    def close(self) -> None:
        """Leaves the bus."""
        self._is_lost = True
        self._bus.close()

    def withdraw(self, key: str) -> None:
        """Takes a notification back."""
        self._wanted.pop(key, None)
        number = self._numbers.pop(key, None)
        if number is not None and not self._is_lost:
            self._bus.call(_call("CloseNotification", "u", (number,)))

    def _send(self, key: str) -> None:
        if self._abilities is None:
            if not self._is_asking:
                self._is_asking = True
                self._bus.call(_call("GetCapabilities"), self._on_abilities)
            return
        if key in self._on_way:
            return  # sent again when the service has given it a number
        notice = self._on_way[key] = self._wanted[key]
        body = html.escape(notice.body, quote=False) if "body-markup" in self._abilities else notice.body
        actions = (
            [part for action in notice.actions for part in action] if "actions" in self._abilities else []
        )
        hints = {
            "urgency": ("y", _CRITICAL if notice.is_sticky else _NORMAL),
            "desktop-entry": ("s", "signalbox"),
        }
        arguments = (
            "Signalbox",
            self._numbers.get(key, 0),
            "signalbox",
            notice.title,
            body,
            actions,
            hints,
            _NEVER if notice.is_sticky else _AS_USUAL,
        )
        message = _call("Notify", "susssasa{sv}i", arguments)
        self._bus.call(message, lambda reply: self._on_shown(key, reply))

    def _on_abilities(self, reply: Heard) -> None:
        self._is_asking = False
        if reply.is_error:
            self._give_up()
            return
        self._abilities = frozenset(str(each) for each in reply.body[0])
        for key in list(self._wanted):
            self._send(key)

    def _on_shown(self, key: str, reply: Heard) -> None:
        shown = self._on_way.pop(key)
        if reply.is_error:
            self._abilities = None  # another service may come
            if self._wanted.pop(key, None) is not None:
                self.missing.emit(key, shown)
            return
        self._server = reply.sender
        self._numbers[key] = int(reply.body[0])
        if key not in self._wanted:
            self.withdraw(key)
        elif self._wanted[key] != shown:
            self._send(key)

    def _on_signal(self, message: Heard) -> None:
        if message.sender != self._server or message.interface != _NAME or not message.body:
            return
        key = next((key for key, number in self._numbers.items() if number == message.body[0]), None)
        if key is None:
            return
        if message.member == "ActionInvoked":
            self.pressed.emit(key, str(message.body[1]))
        elif message.member == "NotificationClosed":
            self._numbers.pop(key, None)

    def _on_lost(self) -> None:
        self._is_lost = True
        self._on_way.clear()
        self._give_up()

    def _give_up(self) -> None:
        wanted, self._wanted = self._wanted, {}
        for key, notice in wanted.items():
            self.missing.emit(key, notice)


def _call(member: str, signature: str | None = None, arguments: tuple[Any, ...] = ()) -> Message:
    wire: Any = jeepney  # typed in part only
    return wire.new_method_call(_SERVICE, member, signature, arguments)
