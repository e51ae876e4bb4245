"""The window, the program behind it and a real server: a tool clicked off is gone from the next list."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.controller import Controller
from app.tool_host import tool_host
from gui.bridge import Bridge
from gui.main_window import MainWindow
from gui.pages.page import Room
from gui.theme import Theme
from proxy.mcp.values import ServerPhase
from proxy.server.app import ProxyServer
from proxy.upstreams.probe import probe
from tests.end_to_end.in_process import TOKEN, configuration_in

_SERVER = Path(__file__).parents[1] / "proxy" / "mcp" / "servers" / "modern.py"


class _News:
    """Wakes whoever waits when the program or the window changed."""

    def __init__(self, controller: Controller, bridge: Bridge) -> None:
        self._came = asyncio.Event()
        controller.subscribe(lambda _event: self._came.set())
        bridge.mcp_changed.connect(self._came.set)

    async def until(self, is_so: Callable[[], object]) -> None:
        """Waits until something is so."""

        async def wait() -> None:
            while not is_so():
                self._came.clear()
                await self._came.wait()

        await asyncio.wait_for(wait(), 30)


async def _names(url: str) -> list[str]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    http: httpx2.AsyncClient = httpx2.AsyncClient(headers=headers, timeout=20)
    async with (
        http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
    ):
        return [tool.name for tool in (await client.list_tools()).tools if tool.name.startswith("mcp__")]


@pytest.mark.qt_loop
@pytest.mark.qt_log_ignore("This plugin does not support (propagateSizeHints|raise)", extend=True)
async def test_a_tool_switched_off_by_a_click_is_gone_from_the_next_list(
    home: Path, qapp: QApplication
) -> None:
    (home / "settings.yaml").write_text("server: {port: 0}\n")
    (home / "mcp_servers.yaml").write_text(
        f"servers:\n  modern: {{type: stdio, command: {sys.executable}, args: ['{_SERVER}']}}\n"
    )
    configuration = configuration_in(home)
    host = tool_host(configuration)
    controller = Controller(configuration, make_server=partial(ProxyServer, host=host), probe=probe)
    theme = Theme(qapp, "light")
    bridge = Bridge(controller)
    store = QSettings(str(home / "window.ini"), QSettings.Format.IniFormat)
    window = MainWindow(Room(controller, bridge, theme), store, has_tray=lambda: False, version="1")
    news = _News(controller, bridge)
    try:
        window.show_up()
        window.show_page("mcp")
        await controller.start()
        await news.until(lambda: controller.mcp_servers() and controller.mcp_servers()[0].launch)
        (status,) = controller.mcp_servers()
        assert status.launch is not None
        assert status.phase is ServerPhase.PENDING
        assert controller.approve_mcp("modern", status.launch.digest) is None
        await news.until(lambda: controller.mcp_servers()[0].phase is ServerPhase.CONNECTED)
        url = controller.state().url or ""
        before = await _names(url)

        detail = window.pages.mcp.detail
        detail.tabs.setCurrentWidget(detail.tools)
        table = detail.tools.table
        await news.until(lambda: table.model().rowCount() == len(before))
        cell = table.visualRect(table.model().index(0, 0))
        QTest.mouseClick(
            table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, cell.center()
        )
        await news.until(lambda: not controller.mcp_servers()[0].tools[0].is_enabled)

        assert before == ["mcp__modern__add", "mcp__modern__grow"]
        assert await _names(url) == ["mcp__modern__grow"]
    finally:
        bridge.close()
        window.allow_close()
        window.close()
        await controller.shutdown()
