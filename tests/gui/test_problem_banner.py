"""Problems: the worst in a banner, each whole from the menu."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from gui.desk import (
    Problem,
    ProxyPhase,
    ProxyState,
)
from gui.main_window import MainWindow
from gui.pages.page import Room
from tests.gui.acting import press_named
from tests.gui.fake_desk import URL, FakeDesk
from tests.gui.scenes import request_events

REFUSED = Problem("The key of openrouter is refused", "Requests to it fail with 401.", "providers")
IN_USE = Problem("Port 4000 is in use", "node (process 4711) holds it.", "home")


def test_a_problem_is_told_with_the_page_that_helps_until_dismissed(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    state = ProxyState(ProxyPhase.RUNNING, URL, problems=(REFUSED, IN_USE))
    with qtbot.waitSignal(room.bridge.state_changed):
        desk.set_state(state)
    assert window.header.problems.accessibleName() == "2 problems"
    press_named(qtbot, window.problem_banner, "Open Providers")
    assert window.page_id == "providers"
    press_named(qtbot, window.problem_banner, "Dismiss")
    assert (window.problem_banner.title, window.problem_banner.isVisible()) == (IN_USE.title, True)
    press_named(qtbot, window.problem_banner, "Dismiss")
    with qtbot.waitSignal(room.bridge.state_changed):
        desk.set_state(state)
    assert not window.problem_banner.isVisible()
    for problems in ((REFUSED,), (IN_USE, REFUSED)):
        with qtbot.waitSignal(room.bridge.state_changed):
            desk.set_state(ProxyState(ProxyPhase.RUNNING, URL, problems=problems))
    assert (window.problem_banner.title, window.problem_banner.isVisible()) == (IN_USE.title, True)


def test_the_menu_of_problems_shows_each_of_them_whole_also_one_that_was_closed(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    broken = Problem("The settings on disk are not in force", "line 2: " + "x" * 200)
    with qtbot.waitSignal(room.bridge.state_changed):
        desk.set_state(ProxyState(ProxyPhase.RUNNING, URL, problems=(REFUSED, broken)))
    for _ in range(2):
        press_named(qtbot, window.problem_banner, "Dismiss")
    refused, settings = window.header.problems.menu().actions()
    settings.trigger()
    assert broken.text in [each.text() for each in window.problem_banner.findChildren(QLabel)]
    assert (window.problem_banner.isVisible(), window.page_id) == (True, "home")
    refused.trigger()
    assert (window.problem_banner.title, window.page_id) == (REFUSED.title, "providers")
    with qtbot.waitSignal(room.bridge.state_changed):
        desk.set_state(ProxyState(ProxyPhase.RUNNING, URL, problems=(broken,)))
    assert window.problem_banner.title == broken.title, "asked for again, it is open until it is closed"


def test_a_problem_that_a_request_brings_is_shown(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    assert not window.problem_banner.isVisible()
    desk.state_now = ProxyState(ProxyPhase.RUNNING, URL, problems=(REFUSED,))
    with qtbot.waitSignal(room.bridge.requests_advanced):
        desk.announce(*request_events(1))
    assert (window.problem_banner.title, window.problem_banner.isVisible()) == (REFUSED.title, True)


def test_a_start_that_failed_can_be_tried_again_from_its_banner(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    with qtbot.waitSignal(room.bridge.state_changed):
        desk.set_state(ProxyState(ProxyPhase.FAILED, problems=(IN_USE,)))
    with qtbot.waitSignal(room.bridge.state_changed):
        press_named(qtbot, window.problem_banner, "Try again")
    assert desk.calls == ["start_proxy"]
    assert not window.problem_banner.isVisible()
