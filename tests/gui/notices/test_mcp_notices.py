"""A server that gave up is told once, with a button that starts it again, and taken back when it runs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from gui.notices.mcp_notices import McpNotices
from gui.notices.notice import Notice
from gui.pages.page import Room
from proxy.mcp.values import ServerPhase
from tests.gui.acting import heard
from tests.gui.fake_desk import FakeDesk


class Shelf:
    """A notifier that keeps what it shows; the user looks elsewhere until `is_seen`."""

    def __init__(self) -> None:
        self.shown: dict[str, Notice] = {}
        self.count = 0
        self.is_seen = False

    def show(self, key: str, notice: Notice) -> None:
        self.shown[key] = notice
        self.count += 1

    def withdraw(self, key: str) -> None:
        self.shown.pop(key, None)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def notices(room: Room, shelf: Shelf) -> McpNotices:
    return McpNotices(room.desk, room.bridge, shelf, lambda: shelf.is_seen)


def _phase(qtbot: QtBot, room: Room, desk: FakeDesk, phase: ServerPhase, reason: str = "") -> None:
    with qtbot.waitSignal(room.bridge.mcp_changed):
        desk.change_server("time", lambda each: replace(each, phase=phase, reason=reason))


def test_a_failure_is_told_once_and_taken_back(
    qtbot: QtBot, room: Room, desk: FakeDesk, shelf: Shelf, notices: McpNotices
):
    _phase(qtbot, room, desk, ServerPhase.RESTARTING)
    assert shelf.shown == {}
    _phase(qtbot, room, desk, ServerPhase.FAILED, "exit 1:\nno\u202e")
    _phase(qtbot, room, desk, ServerPhase.FAILED, "exit 1 again")
    assert shelf.shown == {
        "mcp time": Notice(
            "The MCP server time failed",
            "exit 1: no\\u{202e}",
            (("default", "Open"), ("restart", "Restart")),
        )
    }
    assert shelf.count == 1
    _phase(qtbot, room, desk, ServerPhase.CONNECTED)
    assert shelf.shown == {}


def test_what_failed_before_or_is_looked_at_is_not_told(
    qtbot: QtBot, room: Room, desk: FakeDesk, shelf: Shelf, notices: McpNotices
):
    shelf.is_seen = True
    _phase(qtbot, room, desk, ServerPhase.FAILED)
    shelf.is_seen = False
    _phase(qtbot, room, desk, ServerPhase.FAILED, "still")
    assert shelf.count == 0


def test_the_button_restarts_and_a_click_opens(
    qtbot: QtBot, room: Room, desk: FakeDesk, shelf: Shelf, notices: McpNotices
):
    opened, refused = heard(notices.open_asked), heard(notices.refused)
    _phase(qtbot, room, desk, ServerPhase.NEEDS_AUTHENTICATION, "401")
    assert shelf.shown["mcp time"].actions == (("default", "Open"),)
    assert notices.press("mcp time", "default")
    assert notices.press("mcp figma", "restart")
    assert desk.mcp_calls == ["restart figma"]
    assert opened == [("time",)]
    desk.mcp_refusal = "It waits for approval."
    assert notices.press("mcp figma", "restart")
    assert refused == [("It waits for approval.",)]
    assert opened[-1] == ("figma",)
    assert not notices.press("waiting", "default")


def test_closing_takes_all_back(qtbot: QtBot, room: Room, desk: FakeDesk, shelf: Shelf, notices: McpNotices):
    _phase(qtbot, room, desk, ServerPhase.FAILED)
    notices.close()
    assert shelf.shown == {}
