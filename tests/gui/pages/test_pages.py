"""Pages are built when they are first looked at, once, and miss nothing of what went on before."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.attention import Attention
from gui.desk import LogsAppended
from gui.main_window import MainWindow
from gui.pages.page import Page, Room
from gui.pages.pages import PAGES, Pages
from proxy.events import BreakerChanged
from tests.gui.acting import press
from tests.gui.fake_desk import FakeDesk
from tests.gui.permission_scenes import PUSH
from tests.gui.scenes import log_lines, request_events
from tests.gui.window_tray import tray_of

ALL = [page for page, _title in PAGES]
RESTING = BreakerChanged("openrouter", "anthropic/claude-sonnet-4", "open", "5 failures in 30 s.", 48.0)
_START = """
import sys, app.desktop
print(*sorted(name for name in sys.modules if name.startswith(("gui.pages.", "gui.dialogs."))))
"""


@pytest.fixture
def built(window: MainWindow) -> list[Page]:
    """The pages that are built from now on."""
    pages: list[Page] = []
    window.pages.built.connect(pages.append)
    return pages


def test_the_program_loads_no_page_and_no_dialog_before_one_is_shown():
    done = subprocess.run([sys.executable, "-c", _START], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["gui.pages.page", "gui.pages.pages"]


def test_the_start_builds_only_the_page_it_shows(window: MainWindow):
    assert window.pages.all_built() == (window.pages.home,)
    assert window.pages.count() == 1


@pytest.mark.parametrize("page", [page for page in ALL if page != "home"])
def test_a_page_is_built_when_it_is_first_shown_and_only_then(
    window: MainWindow, built: list[Page], page: str
):
    window.show_page(page)
    assert built == [window.pages.currentWidget()]
    shown = window.page(page)
    window.show_page("home")
    window.show_page(page)
    assert window.page(page) is shown
    assert window.page_id == page
    assert built == [shown]


def test_every_page_has_its_id_and_no_page_another_pages(qapp: QApplication, room: Room):
    pages = Pages(room)
    assert [pages.page(page) for page in ALL] == list(pages.all_built())
    assert len(set(pages.all_built())) == len(ALL)
    for page in ALL:
        pages.setCurrentWidget(pages.page(page))
        assert pages.current_id == page
    pages.deleteLater()


def test_requests_that_came_before_their_page_stand_in_it(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    with qtbot.waitSignal(room.bridge.requests_advanced):
        desk.announce(*request_events(20))
    window.show_request("req_0004")
    page = window.pages.requests
    assert page.proxy.rowCount() == 20
    assert page.shown.text() == "20 requests"
    assert page.table.isVisible()
    assert page.detail.request_id == "req_0004"


def test_models_that_rest_when_the_providers_are_first_looked_at_are_told(window: MainWindow, desk: FakeDesk):
    desk.breaker_list = [RESTING]
    window.show_page("providers")
    assert window.pages.providers.model.index(0, 1).data() == "1 model rests"


def test_lines_under_way_when_the_logs_are_first_looked_at_are_shown_once(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    lines = log_lines(40)
    desk.lines = lines[:20]
    window.show_page("logs")
    for batch in (lines[:10], lines[10:30], lines[30:]):
        with qtbot.waitSignal(room.bridge.logs_appended):
            desk.announce(LogsAppended(tuple(batch)))
    assert window.pages.logs.model.kept() == lines


def test_a_page_built_late_takes_the_sizes_of_last_time(
    make_window: Callable[[Room], MainWindow], room: Room, store: QSettings
):
    first = make_window(room)
    first.show_page("requests")
    first.pages.requests.table.setColumnWidth(1, 177)
    first.allow_close()
    assert first.close()
    second = make_window(room)
    second.allow_close()
    second.remember()
    third = make_window(room)
    third.show_page("requests")
    assert third.pages.requests.table.columnWidth(1) == 177


def test_sizes_of_another_font_are_left_alone(
    make_window: Callable[[Room], MainWindow], room: Room, qapp: QApplication
):
    def shown() -> MainWindow:
        window = make_window(room)
        window.show_page("requests")
        window.allow_close()
        return window

    font = qapp.font()
    first = shown()
    usual = first.pages.requests.table.columnWidth(1)
    first.pages.requests.table.setColumnWidth(1, 3 * usual)
    assert first.close()
    larger = QFont(font)
    larger.setPointSizeF(font.pointSizeF() * 2)
    qapp.setFont(larger)
    try:
        second = shown()
        assert second.pages.requests.table.columnWidth(1) == pytest.approx(2 * usual, rel=0.1)
        assert second.close()
    finally:
        qapp.setFont(font)
    assert shown().pages.requests.table.columnWidth(1) == 3 * usual


def test_the_approval_window_is_made_for_the_first_call_that_waits(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    tray = tray_of(window, room)
    before = set(QApplication.topLevelWidgets())
    attention = Attention(room, window, tray, connect=lambda: None)
    window.show_page("approvals")
    window.show_page("home")
    assert set(QApplication.topLevelWidgets()) == before
    with qtbot.waitSignal(room.bridge.approvals_changed):
        desk.ask(PUSH)
    assert attention.popup.isVisible()
    press(attention.popup.to_page)
    assert window.pages.approvals.waiting.panel.shown == PUSH
    attention.close()
    tray.close()
