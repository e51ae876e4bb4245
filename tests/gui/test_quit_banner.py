"""Quit asks while requests are under way, blocks nothing, and keeps up with what ends meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.desk import ProxyPhase
from gui.main_window import MainWindow
from gui.pages.page import Room
from tests.gui.acting import key, press_named
from tests.gui.fake_desk import FakeDesk

FINISH = "Finish 2 requests, then quit"


def _words(window: MainWindow) -> list[str]:
    return [each.text() for each in window.quit_banner.action_buttons()]


def _now_active(qtbot: QtBot, room: Room, desk: FakeDesk, number: int) -> None:
    with qtbot.waitSignal(room.bridge.state_changed):
        desk.set_state(replace(desk.state_now, active_requests=number))


def test_the_question_says_how_many_and_nothing_happens_before_the_answer(window: MainWindow, desk: FakeDesk):
    window.hide()
    window.quit_banner.ask()
    assert window.isVisible()
    assert window.quit_banner.title == "2 requests are under way"
    assert _words(window) == ["Finish 2 requests, then quit", "Quit now", "Cancel"]
    assert desk.calls == []
    assert window.pages.isEnabled()


@pytest.mark.parametrize(
    ("words", "calls", "stays"),
    [
        (FINISH, ["quit"], True),
        ("Quit now", ["quit now"], True),
        ("Cancel", [], False),
    ],
)
def test_each_answer_does_what_it_says(
    qtbot: QtBot, window: MainWindow, desk: FakeDesk, words: str, calls: list[str], stays: bool
):
    window.quit_banner.ask()
    press_named(qtbot, window.quit_banner, words)
    assert desk.calls == calls
    assert window.quit_banner.isVisible() == stays


def test_the_first_answer_has_the_focus_and_keeps_it_when_the_number_changes(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    window.quit_banner.ask()
    assert window.focusWidget() is window.quit_banner.action_buttons()[0]
    _now_active(qtbot, room, desk, 1)
    assert window.quit_banner.title == "1 request is under way"
    assert window.focusWidget() is window.quit_banner.action_buttons()[0]
    qtbot.waitUntil(window.quit_banner.action_buttons()[0].isVisible)
    key(window.quit_banner.action_buttons()[0], Qt.Key.Key_Space)
    assert desk.calls == ["quit"]


@pytest.mark.parametrize(("focused", "then"), [("Quit now", "Quit"), ("Cancel", "Cancel")])
def test_the_focus_stays_with_the_answer_that_means_the_same_when_all_have_ended(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk, focused: str, then: str
):
    window.quit_banner.ask()
    qtbot.waitUntil(window.quit_banner.action_buttons()[0].isVisible)
    window.quit_banner.action_buttons()[_words(window).index(focused)].setFocus()
    _now_active(qtbot, room, desk, 0)
    assert window.focusWidget() is window.quit_banner.action_buttons()[_words(window).index(then)]


def test_where_all_have_ended_before_the_answer_it_still_is_the_users_word(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    window.quit_banner.ask()
    _now_active(qtbot, room, desk, 0)
    assert desk.calls == []
    assert window.quit_banner.title == "Nothing is under way any more"
    assert _words(window) == ["Quit", "Cancel"]
    assert window.focusWidget() is window.quit_banner.action_buttons()[0]
    press_named(qtbot, window.quit_banner, "Quit")
    assert desk.calls == ["quit"]


def test_where_a_request_begins_after_all_had_ended_the_question_is_whole_again(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    window.quit_banner.ask()
    _now_active(qtbot, room, desk, 0)
    _now_active(qtbot, room, desk, 1)
    assert window.quit_banner.title == "1 request is under way"
    assert _words(window) == ["Finish 1 request, then quit", "Quit now", "Cancel"]


def test_while_they_end_it_counts_down_and_offers_not_to_wait(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    window.quit_banner.ask()
    press_named(qtbot, window.quit_banner, FINISH)
    assert window.quit_banner.title == "Signalbox quits when 2 requests have ended"
    desk.state_now = replace(desk.state_now, phase=ProxyPhase.STOPPING)
    _now_active(qtbot, room, desk, 1)
    assert window.quit_banner.title == "Signalbox quits when 1 request has ended"
    _now_active(qtbot, room, desk, 0)
    assert window.quit_banner.title == "Signalbox quits"
    press_named(qtbot, window.quit_banner, "Quit now")
    assert desk.calls == ["quit", "quit now"]


def test_quit_again_while_they_end_waits_no_more(qtbot: QtBot, window: MainWindow, desk: FakeDesk):
    window.quit_banner.ask()
    press_named(qtbot, window.quit_banner, FINISH)
    window.quit_banner.ask()
    assert desk.calls == ["quit", "quit"]
