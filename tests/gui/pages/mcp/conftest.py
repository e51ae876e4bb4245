"""The MCP page on a desk with servers in every state."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from gui.pages.mcp.page import McpPage
from gui.pages.page import Room
from tests.gui.acting import shown
from tests.gui.fake_desk import FakeDesk
from tests.gui.mcp_scenes import START


@pytest.fixture
def show(qtbot: QtBot, make_room: Callable[[FakeDesk], Room]) -> Callable[[FakeDesk], McpPage]:
    """Shows the page on a desk."""
    return lambda desk: shown(qtbot, McpPage(make_room(desk), lambda: START), 1000, 700)


@pytest.fixture
def page(show: Callable[[FakeDesk], McpPage], desk: FakeDesk) -> McpPage:
    """The page of a program in use."""
    return show(desk)
