"""A fake notification service: keeps what it is shown, presses buttons, and closes.

Without postponed annotations: the bus reads its signatures from them.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusInt32, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_signal

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
Texts = Annotated[list[str], DBusSignature("as")]
Hints = Annotated[dict[str, Any], DBusSignature("a{sv}")]


@dataclass(frozen=True)
class Shown:
    """A notification as the service got it."""

    number: int
    replaces: int
    title: str
    body: str
    actions: tuple[str, ...]
    hints: dict[str, Any]
    timeout: int


class _Service(ServiceInterface):
    def __init__(self, abilities: list[str]) -> None:
        super().__init__(NAME)
        self.abilities = abilities
        self.number = 6
        self.shown = asyncio.Queue[Shown]()
        self.closed = asyncio.Queue[int]()

    @dbus_method()
    def GetCapabilities(self) -> Texts:  # noqa: N802 - the name on the bus
        return self.abilities

    @dbus_method()
    def Notify(  # noqa: N802 - the name on the bus
        self,
        app: DBusStr,
        replaces: DBusUInt32,
        icon: DBusStr,
        title: DBusStr,
        body: DBusStr,
        actions: Texts,
        hints: Hints,
        timeout: DBusInt32,
    ) -> DBusUInt32:
        self.number = replaces or self.number + 1
        plain = {name: value.value for name, value in hints.items()}
        self.shown.put_nowait(Shown(self.number, replaces, title, body, tuple(actions), plain, timeout))
        return self.number

    @dbus_method()
    def CloseNotification(self, number: DBusUInt32) -> None:  # noqa: N802 - the name on the bus
        self.closed.put_nowait(number)

    @dbus_signal()
    def ActionInvoked(  # noqa: N802 - the name on the bus
        self, number: DBusUInt32, action: DBusStr
    ) -> Annotated[tuple[int, str], DBusSignature("us")]:
        return (number, action)

    @dbus_signal()
    def NotificationClosed(  # noqa: N802 - the name on the bus
        self, number: DBusUInt32, reason: DBusUInt32
    ) -> Annotated[tuple[int, int], DBusSignature("uu")]:
        return (number, reason)


class NotificationService:
    """The desktop's side of the conversation, on a bus of its own."""

    def __init__(self, address: str, abilities: tuple[str, ...] = ("body", "actions")) -> None:
        self._address = address
        self._service = _Service(list(abilities))
        self._bus: MessageBus | None = None

    async def appear(self, *, as_service: bool = True) -> None:
        """Joins the bus; an impostor does not take the well-known name."""
        bus = self._bus = await MessageBus(bus_address=self._address).connect()
        bus.export(PATH, self._service)
        if as_service:
            await bus.request_name(NAME)

    async def vanish(self) -> None:
        """Leaves the bus."""
        if self._bus is not None:
            self._bus.disconnect()
            await self._bus.wait_for_disconnect()
            self._bus = None

    async def next_shown(self) -> Shown:
        """Waits for a notification."""
        return await asyncio.wait_for(self._service.shown.get(), 20)

    async def next_closed(self) -> int:
        """Waits until a notification is taken back."""
        return await asyncio.wait_for(self._service.closed.get(), 20)

    def press(self, number: int, action: str) -> None:
        """Presses a button of a notification."""
        self._service.ActionInvoked(number, action)
        self._service.NotificationClosed(number, 2)
