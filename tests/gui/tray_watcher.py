"""A fake StatusNotifierItem host: takes items, reads their properties and menus, and clicks.

Without postponed annotations: the bus reads its signatures from them.
"""

import asyncio
from typing import Any

from dbus_fast import PropertyAccess, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusInt32, DBusStr
from dbus_fast.errors import DBusError
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

WATCHER = "org.kde.StatusNotifierWatcher"
_ITEM_PATH = "/StatusNotifierItem"


class _Watcher(ServiceInterface):
    def __init__(self) -> None:
        super().__init__(WATCHER)
        self.items: list[str] = []
        self.registered = asyncio.Queue[str]()

    @dbus_method()
    def RegisterStatusNotifierItem(self, service: DBusStr) -> None:  # noqa: N802 - the name on the bus
        self.items.append(service)
        self.registered.put_nowait(service)
        self.StatusNotifierItemRegistered(service)

    @dbus_method()
    def RegisterStatusNotifierHost(self, service: DBusStr) -> None:  # noqa: N802 - the name on the bus
        del service

    @dbus_property(access=PropertyAccess.READ)
    def IsStatusNotifierHostRegistered(self) -> DBusBool:  # noqa: N802 - the name on the bus
        return True

    @dbus_property(access=PropertyAccess.READ)
    def ProtocolVersion(self) -> DBusInt32:  # noqa: N802 - the name on the bus
        return 0

    @dbus_signal()
    def StatusNotifierItemRegistered(self, service: DBusStr) -> DBusStr:  # noqa: N802 - the name on the bus
        return service

    @dbus_signal()
    def StatusNotifierHostRegistered(self) -> None:  # noqa: N802 - the name on the bus
        pass


class TrayWatcher:
    """The host's side of the conversation, on a bus of its own."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._watcher = _Watcher()
        self._bus: MessageBus | None = None

    async def appear(self) -> None:
        """Takes the well-known name, as a panel does when it starts."""
        bus = self._bus = await MessageBus(bus_address=self._address).connect()
        bus.export("/StatusNotifierWatcher", self._watcher)
        await bus.request_name(WATCHER)

    async def vanish(self) -> None:
        """Leaves the bus."""
        if self._bus is not None:
            self._bus.disconnect()
            await self._bus.wait_for_disconnect()
            self._bus = None

    async def next_item(self) -> "Item":
        """Waits for an icon that stays: after a restart Qt registers the old one before we replace it."""
        assert self._bus is not None
        while True:
            service = await asyncio.wait_for(self._watcher.registered.get(), 20)
            try:
                return await Item.of(self._bus, service)
            except DBusError:
                continue


class Item:
    """One icon as the host sees it."""

    def __init__(self, bus: MessageBus, service: str) -> None:
        self._bus, self._service = bus, service
        self._item: Any = None
        self._menu: Any = None
        self.properties: dict[str, Any] = {}

    @classmethod
    async def of(cls, bus: MessageBus, service: str) -> "Item":
        """Reads an icon's properties."""
        made = cls(bus, service)
        found = bus.get_proxy_object(service, _ITEM_PATH, await bus.introspect(service, _ITEM_PATH))
        made._item = found.get_interface("org.kde.StatusNotifierItem")
        await made.read()
        path = made.properties["Menu"]
        menu = bus.get_proxy_object(service, path, await bus.introspect(service, path))
        made._menu = menu.get_interface("com.canonical.dbusmenu")
        return made

    async def read(self) -> None:
        """Reads the properties anew."""
        found = self._bus.get_proxy_object(
            self._service, _ITEM_PATH, await self._bus.introspect(self._service, _ITEM_PATH)
        )
        properties: Any = found.get_interface("org.freedesktop.DBus.Properties")
        values = await properties.call_get_all("org.kde.StatusNotifierItem")
        self.properties = {name: value.value for name, value in values.items()}

    async def menu(self) -> list[dict[str, Any]]:
        """Opens the menu and returns its entries, separators without a label."""
        await self._menu.call_about_to_show(0)
        _revision, (_id, _properties, children) = await self._menu.call_get_layout(0, -1, [])
        return [
            {"id": child.value[0], **{name: value.value for name, value in child.value[1].items()}}
            for child in children
        ]

    async def choose(self, label: str) -> None:
        """Clicks an entry."""
        entry = next(one for one in await self.menu() if one.get("label", "").replace("_", "") == label)
        await self._menu.call_event(entry["id"], "clicked", Variant("i", 0), 0)

    async def activate(self) -> None:
        """Clicks the icon."""
        await self._item.call_activate(10, 10)
