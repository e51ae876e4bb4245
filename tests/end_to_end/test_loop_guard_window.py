"""The window, the program behind it and a stuck client: it waits for a click, and goes on for ten minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from app.controller import Controller
from app.tool_host import tool_host
from gui.attention import Attention
from gui.bridge import Bridge
from gui.main_window import MainWindow
from gui.pages.page import Room
from gui.theme import Theme
from proxy.server.app import ProxyServer
from proxy.upstreams.probe import probe
from tests.end_to_end.in_process import TOKEN, configuration_in
from tests.gui.acting import press
from tests.gui.window_tray import tray_of
from tests.proxy.scripted import BODY, ScriptedUpstream

_SETTINGS = """\
server: {port: 0}
providers: {one: {base_url: "http://127.0.0.1:9/v1"}}
aliases: {big: {candidates: [{provider: one, model: m}]}}
"""


class _Desktop:
    """The desktop program with a scripted upstream, and a client that sends one request."""

    def __init__(self, home: Path, qapp: QApplication) -> None:
        (home / "settings.yaml").write_text(_SETTINGS)
        configuration = configuration_in(home)
        self.upstream = ScriptedUpstream()
        server = partial(
            ProxyServer, host=tool_host(configuration), make_upstream=lambda _provider: self.upstream
        )
        self.controller = Controller(configuration, make_server=server, probe=probe)
        self._bridge = Bridge(self.controller)
        room = Room(self.controller, self._bridge, Theme(qapp, "light"))
        store = QSettings(str(home / "window.ini"), QSettings.Format.IniFormat)
        self._window = MainWindow(room, store, has_tray=lambda: False, version="1")
        self._tray = tray_of(self._window, room)
        self.attention = Attention(room, self._window, self._tray, connect=lambda: None)
        self._came = asyncio.Event()
        self._bridge.approvals_changed.connect(self._came.set)

    async def until(self, is_so: Callable[[], object]) -> None:
        """Waits until something is so, looking whenever what waits has changed or the guard has passed."""
        self.attention.popup.panel.guard.timeout.connect(self._came.set)

        async def wait() -> None:
            while not is_so():
                self._came.clear()
                await self._came.wait()

        await asyncio.wait_for(wait(), 30)

    async def ask(self) -> int:
        """Sends the request; returns the status of its answer."""
        url, headers = f"{self.controller.state().url}/v1/messages", {"x-api-key": TOKEN}
        async with aiohttp.ClientSession() as http, http.post(url, json=BODY, headers=headers) as response:
            await response.read()
            return response.status

    def close(self) -> None:
        self.attention.close()
        self._tray.close()
        self._bridge.close()
        self._window.allow_close()
        self._window.close()


@pytest.fixture
def desktop(home: Path, qapp: QApplication) -> Iterator[_Desktop]:
    made = _Desktop(home, qapp)
    yield made
    made.close()


@pytest.mark.qt_loop
@pytest.mark.qt_log_ignore("This plugin does not support|systemTrayWindowChanged", extend=True)
@pytest.mark.expects_log("repeated_request_refused")
@pytest.mark.parametrize(("choice", "status", "after"), [("minutes", 200, 200), ("deny", 402, 402)])
async def test_the_sixth_request_brings_up_the_window_and_a_click_decides(
    desktop: _Desktop, choice: str, status: int, after: int
) -> None:
    popup = desktop.attention.popup
    await desktop.controller.start()
    try:
        assert [await desktop.ask() for _ in range(5)] == [200] * 5
        sixth = asyncio.ensure_future(desktop.ask())
        await desktop.until(lambda: popup.isVisible() and not popup.panel.guard.isActive())
        assert popup.windowTitle() == "A request waits for your approval"
        assert popup.panel.call.toPlainText() == (
            "6 times within 60 seconds\ntoken: local\nalias: big\ncost so far: $1.25"
        )
        press(popup.panel.minutes if choice == "minutes" else popup.panel.deny)
        assert await sixth == status
        assert await desktop.ask() == after
        await desktop.until(lambda: not popup.isVisible())
    finally:
        await desktop.controller.shutdown()
    assert len(desktop.upstream.asked) == (7 if status == 200 else 5)
