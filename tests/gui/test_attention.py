"""A waiting call gets a window of its own unless its page is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.attention import Attention
from gui.main_window import MainWindow
from gui.pages.page import Room
from gui.tray import Tray
from proxy.mcp.values import ServerPhase
from tests.gui.acting import key, press
from tests.gui.fake_desk import FakeDesk
from tests.gui.permission_scenes import FETCH, PUSH, REPEATED, WRITE
from tests.gui.scenes import START
from tests.gui.window_tray import tray_of


@pytest.fixture
def told() -> list[str]:
    """The tray's messages."""
    return []


@pytest.fixture
def attention(qapp: QApplication, room: Room, window: MainWindow, told: list[str]) -> Iterator[Attention]:
    class QuietTray(Tray):
        def tell(self, title: str, text: str) -> None:
            told.append(title)

    tray = tray_of(window, room, QuietTray)
    made = Attention(room, window, tray, clock=lambda: START, connect=lambda: None)
    yield made
    made.close()
    tray.close()


Ask = Callable[..., None]


def test_a_server_that_gave_up_is_told_and_its_notification_leads_to_it(
    qtbot: QtBot, attention: Attention, window: MainWindow, desk: FakeDesk, told: list[str]
):
    with qtbot.waitSignal(attention.mcp_notices.told):
        desk.change_server("search", lambda each: replace(each, phase=ServerPhase.FAILED))
    assert told == ["The MCP server search failed"]
    attention.mcp_notices.press("mcp search", "default")
    chosen = window.pages.mcp.chosen()
    assert (window.page_id, chosen and chosen.name) == ("mcp", "search")
    desk.mcp_refusal = "It waits for approval."
    attention.mcp_notices.press("mcp search", "restart")
    assert window.failure_banner.title == "The MCP server was not restarted"


def test_a_call_that_waits_brings_up_a_window_that_stays_in_front_and_takes_no_typing(
    attention: Attention, ask: Ask
):
    assert not attention.popup.isVisible()
    ask(PUSH)
    popup = attention.popup
    assert popup.isVisible()
    assert not popup.isModal()
    assert popup.windowFlags() & Qt.WindowType.WindowStaysOnTopHint
    assert popup.testAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
    assert popup.panel.call.toPlainText() == PUSH.shown
    assert popup.focusWidget() is popup.panel.deny


def test_it_does_not_come_while_the_waiting_calls_are_looked_at(
    attention: Attention, ask: Ask, window: MainWindow
):
    window.show_page("approvals")
    ask(PUSH)
    assert not attention.popup.isVisible()
    window.show_page("home")
    assert attention.popup.isVisible()
    window.show_page("approvals")
    assert not attention.popup.isVisible()


def test_it_comes_when_the_window_is_hidden(attention: Attention, ask: Ask, window: MainWindow):
    window.show_page("approvals")
    window.close()
    ask(PUSH)
    assert attention.popup.isVisible()


def test_several_calls_are_stepped_through(qtbot: QtBot, attention: Attention, ask: Ask, desk: FakeDesk):
    ask(PUSH, WRITE, FETCH)
    popup = attention.popup
    assert popup.position.text() == "1 of 3"
    assert not popup.before.isEnabled()
    press(popup.after)
    press(popup.after)
    assert popup.position.text() == "3 of 3"
    assert popup.panel.shown == FETCH
    assert not popup.after.isEnabled()
    press(popup.before)
    qtbot.waitUntil(lambda: not popup.panel.guard.isActive())
    press(popup.panel.once)
    assert [each.approval_id for each in desk.answers] == ["apr_2"]
    qtbot.waitUntil(lambda: popup.position.text() == "1 of 2")


def test_a_call_that_comes_does_not_take_the_place_of_the_one_that_is_read(attention: Attention, ask: Ask):
    ask(PUSH)
    ask(WRITE)
    assert attention.popup.panel.shown == PUSH
    assert attention.popup.position.text() == "1 of 2"


def test_it_closes_when_nothing_waits_any_more(qtbot: QtBot, attention: Attention, ask: Ask, desk: FakeDesk):
    ask(PUSH)
    desk.end("apr_1")
    qtbot.waitUntil(lambda: not attention.popup.isVisible())


def test_what_was_put_off_does_not_come_again_until_another_call_waits(
    qtbot: QtBot, attention: Attention, ask: Ask, window: MainWindow, desk: FakeDesk
):
    ask(PUSH)
    key(attention.popup, Qt.Key.Key_Escape)
    assert not attention.popup.isVisible()
    assert desk.answers == []
    window.show_page("logs")
    assert not attention.popup.isVisible()
    ask(WRITE)
    assert attention.popup.isVisible()
    assert attention.popup.panel.shown == WRITE


def test_closing_the_window_puts_off_and_answers_nothing(attention: Attention, ask: Ask, desk: FakeDesk):
    ask(PUSH)
    attention.popup.close()
    assert not attention.popup.isVisible()
    assert desk.answers == []
    assert desk.waiting == [PUSH]


def test_it_leads_to_the_page_and_to_the_request(attention: Attention, ask: Ask, window: MainWindow):
    ask(PUSH)
    press(attention.popup.panel.to_request)
    assert window.page_id == "requests"
    press(attention.popup.to_page)
    assert window.page_id == "approvals"
    assert not attention.popup.isVisible()


def test_without_a_notification_service_the_tray_tells(attention: Attention, ask: Ask, told: list[str]):
    ask(PUSH)
    assert told == ["Bash wants to run a command"]


def test_what_waits_at_the_start_is_shown(qtbot: QtBot, desk: FakeDesk, room: Room, window: MainWindow):
    desk.waiting.append(PUSH)
    tray = tray_of(window, room)
    made = Attention(room, window, tray, clock=lambda: START, connect=lambda: None)
    assert made.popup.isVisible()
    made.close()
    tray.close()


def test_its_title_says_whether_a_tool_or_a_request_waits(attention: Attention, ask: Ask):
    ask(PUSH, REPEATED)
    popup = attention.popup
    assert popup.windowTitle() == popup.accessibleName() == "A tool waits for your approval"
    press(popup.after)
    assert popup.windowTitle() == popup.accessibleName() == "A request waits for your approval"
