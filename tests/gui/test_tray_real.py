"""The tray against a real display and bus, with a host that is there, comes late, or comes back."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("trays with a bus are Linux's", allow_module_level=True)
if shutil.which("Xvfb") is None or shutil.which("dbus-daemon") is None:
    pytest.skip("needs Xvfb and dbus-daemon (apt: xvfb dbus)", allow_module_level=True)

from tests.gui.tray_watcher import TrayWatcher

pytestmark = pytest.mark.plain_asyncio

_ROOT = Path(__file__).resolve().parent.parent.parent


@asynccontextmanager
async def _running(
    *command: str, env: dict[str, str] | None = None
) -> AsyncGenerator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=env, cwd=_ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def _first_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()


class Program:
    """The tray program and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def next(self, what: str) -> dict[str, Any]:
        """Waits until it says this."""
        while True:
            line = await _first_line(self.process)
            assert line, f"the program ended before it said {what}"
            said: dict[str, Any] = json.loads(line)
            if said["what"] == what:
                return said


@pytest.fixture
async def bus() -> AsyncIterator[str]:
    """A private session bus."""
    async with _running("dbus-daemon", "--session", "--nofork", "--print-address") as process:
        yield await _first_line(process)


@pytest.fixture
async def start(bus: str) -> AsyncIterator[Callable[[], Any]]:
    """Starts the tray program on a display of its own."""
    async with AsyncExitStack() as stack:
        xvfb = await stack.enter_async_context(
            _running("Xvfb", "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp")
        )
        env = {
            **os.environ,
            "DISPLAY": f":{await _first_line(xvfb)}",
            "DBUS_SESSION_BUS_ADDRESS": bus,
            "QT_QPA_PLATFORM": "xcb",
            "PYTHONPATH": str(_ROOT),
        }

        async def start_program() -> Program:
            process = await stack.enter_async_context(
                _running(sys.executable, "-m", "tests.gui.tray_program", env=env)
            )
            return Program(process)

        yield start_program


async def test_a_host_that_is_there_shows_icon_tip_and_menu_and_clicks_arrive(
    bus: str, start: Callable[[], Any]
):
    watcher = TrayWatcher(bus)
    await watcher.appear()
    program: Program = await start()
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


async def test_a_host_that_comes_late_gets_the_icon(bus: str, start: Callable[[], Any]):
    program: Program = await start()
    assert not (await program.next("ready"))["has_tray"]
    watcher = TrayWatcher(bus)
    await watcher.appear()
    await program.next("host_appeared")
    item = await watcher.next_item()
    await item.choose("View logs")
    await program.next("show_logs")
    await watcher.vanish()


async def test_a_host_that_comes_back_gets_the_icon_again(bus: str, start: Callable[[], Any]):
    watcher = TrayWatcher(bus)
    await watcher.appear()
    program: Program = await start()
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
