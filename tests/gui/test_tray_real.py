"""The tray against a real display and bus, with a host that is there, comes late, or comes back."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("trays with a bus are Linux's", allow_module_level=True)
if shutil.which("Xvfb") is None or shutil.which("dbus-daemon") is None:
    pytest.skip("needs Xvfb and dbus-daemon (apt: xvfb dbus)", allow_module_level=True)

from tests.gui.real_desktop import Program, private_display, program_of
from tests.gui.tray_watcher import TrayWatcher

pytestmark = pytest.mark.plain_asyncio


@pytest.fixture
async def start(bus: str) -> AsyncIterator[Callable[[], Awaitable[Program]]]:
    """Starts the tray program on a display of its own."""
    async with AsyncExitStack() as stack:
        env = await stack.enter_async_context(private_display(bus))
        yield lambda: stack.enter_async_context(program_of("tests.gui.tray_program", env=env))


async def test_a_host_that_is_there_shows_icon_tip_and_menu_and_clicks_arrive(
    bus: str, start: Callable[[], Awaitable[Program]]
):
    watcher = TrayWatcher(bus)
    await watcher.appear()
    program = await start()
    item = await watcher.next_item()
    assert (await program.next("ready"))["has_tray"]
    assert item.properties["Id"] == "signalbox"
    assert item.properties["ToolTip"][2] == "Signalbox – stopped"
    assert {16, 22, 24, 32, 48} <= {pixmap[0] for pixmap in item.properties["IconPixmap"]}
    menu = await item.menu()
    assert [entry["label"] for entry in menu if "label" in entry and entry.get("visible", True)] == [
        "Stopped",
        "Open Signalbox",
        "Copy address",
        "Start proxy",
        "Permission mode",
        "View logs",
        "Quit Signalbox",
    ]
    assert [entry["enabled"] for entry in menu if "label" in entry and entry.get("visible", True)][:3] == [
        False,
        True,
        False,
    ]
    await item.choose("Start proxy")
    await program.next("start_proxy")
    await program.next("state")
    labels = [entry.get("label") for entry in await item.menu()]
    assert "Running on 127.0.0.1:4000" in labels
    assert "Stop proxy" in labels
    await item.read()
    assert item.properties["ToolTip"][2] == "Signalbox – running on 127.0.0.1:4000"
    await item.activate()
    await program.next("toggle")
    await item.choose("Quit Signalbox")
    await program.next("quit")
    assert await asyncio.wait_for(program.process.wait(), 20) == 0
    await watcher.vanish()


async def test_a_host_that_comes_late_gets_the_icon(bus: str, start: Callable[[], Awaitable[Program]]):
    program = await start()
    assert not (await program.next("ready"))["has_tray"]
    watcher = TrayWatcher(bus)
    await watcher.appear()
    await program.next("host_appeared")
    item = await watcher.next_item()
    await item.choose("View logs")
    await program.next("show_logs")
    await watcher.vanish()


async def test_a_host_that_comes_back_gets_the_icon_again(bus: str, start: Callable[[], Awaitable[Program]]):
    watcher = TrayWatcher(bus)
    await watcher.appear()
    program = await start()
    await watcher.next_item()
    await watcher.vanish()
    await program.next("host_vanished")
    again = TrayWatcher(bus)
    await again.appear()
    await program.next("host_appeared")
    item = await again.next_item()
    await item.choose("Open Signalbox")
    await program.next("open")
    await again.vanish()
