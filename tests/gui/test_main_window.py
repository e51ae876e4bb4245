"""The window: header, pages, keys, banners, and what closing it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction, QFontMetrics, QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from gui.desk import (
    ActionDone,
    ActionFailed,
    LogsAppended,
    Problem,
    ProxyPhase,
    ProxyState,
    ShowWindow,
)
from gui.dialogs.about import AboutDialog
from gui.dialogs.alias_dialog import AliasDialog
from gui.dialogs.provider_dialog import ProviderDialog
from gui.main_window import PAGES, MainWindow
from gui.models.logs import REQUEST_COLUMN
from gui.pages.page import Room
from gui.widgets.buttons import Button
from tests.gui.acting import click_cell, dialog_of, heard, key, press, press_named
from tests.gui.conftest import Screen
from tests.gui.fake_desk import URL, FakeDesk
from tests.gui.permission_scenes import PUSH, WRITE
from tests.gui.scenes import PROVIDERS, log_lines, request_events

REFUSED = Problem("The key of openrouter is refused", "Requests to it fail with 401.", "providers")
IN_USE = Problem("Port 4000 is in use", "node (process 4711) holds it.", "home")


def _action(window: MainWindow, text: str) -> QAction:
    return next(a for a in window.findChildren(QAction) if a.text().replace("&", "") == text)


def test_the_header_shows_state_address_and_activity(window: MainWindow):
    assert window.header.chip.text == "Running"
    assert window.header.endpoint.text() == URL
    assert window.header.activity.text() == "2 active"


def test_the_switch_stops_and_starts_the_proxy(qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk):
    with qtbot.waitSignal(room.bridge.state_changed):
        press(window.header.switch)
    assert window.header.switch.text() == "Start proxy"
    assert not window.header.endpoint.isVisible()
    window.header.switch.setFocus()
    with qtbot.waitSignal(room.bridge.state_changed):
        key(window.header.switch, Qt.Key.Key_Space)
    assert desk.calls == ["stop_proxy", "start_proxy"]
    assert window.header.endpoint.isVisible()


def test_nothing_can_be_switched_while_it_changes(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    with qtbot.waitSignal(room.bridge.state_changed):
        desk.set_state(ProxyState(ProxyPhase.STOPPING, URL, active_requests=1))
    assert not window.header.switch.isEnabled()
    assert not window.menus.start.isEnabled()
    assert not window.menus.stop.isEnabled()


def test_the_address_is_copied(qtbot: QtBot, window: MainWindow):
    press(window.header.copy)
    assert QGuiApplication.clipboard().text() == URL


def test_the_count_of_active_requests_follows_the_requests(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    desk.state_now = ProxyState(ProxyPhase.RUNNING, URL, active_requests=5)
    with qtbot.waitSignal(room.bridge.requests_advanced):
        desk.announce(*request_events(3))
    assert window.header.activity.text() == "5 active"


@pytest.mark.parametrize(("number", "page"), list(enumerate([page for page, _ in PAGES], start=1)))
def test_ctrl_and_a_digit_open_a_page(qtbot: QtBot, window: MainWindow, number: int, page: str):
    window.show_page("logs" if page == "home" else "home")
    shortcut = next(a for a in window.findChildren(QAction) if a.shortcut().toString() == f"Ctrl+{number}")
    shortcut.trigger()
    assert window.page_id == page
    assert window.sidebar.button(page).isChecked()


def test_the_sidebar_opens_a_page_by_mouse(qtbot: QtBot, window: MainWindow):
    press(window.sidebar.button("models"))
    assert window.page_id == "models"


def test_find_puts_the_cursor_into_the_pages_filter(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    with qtbot.waitSignal(room.bridge.requests_advanced):
        desk.announce(*request_events(3))
    window.activateWindow()
    for page, field in (
        ("requests", window.pages.requests.filter),
        ("logs", window.pages.logs.filter),
        ("models", window.pages.models.resolve.field),
    ):
        window.show_page(page)
        _action(window, "Find on this page").trigger()
        assert window.focusWidget() is field


def test_answers_go_to_the_status_bar_and_failures_to_a_banner(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    with qtbot.waitSignal(room.bridge.action_failed):
        desk.announce(ActionDone("Saved"), ActionFailed("The key was not saved", "No keyring answers."))
    assert window.failure_banner.isVisible()
    assert window.failure_banner.title == "The key was not saved"
    with qtbot.waitSignal(room.bridge.action_done):
        desk.announce(ActionDone("Saved"))
    assert window.last_event.text() == "Saved"
    assert not window.failure_banner.isVisible()


def test_a_log_lines_request_id_jumps_to_the_request_and_back(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    with qtbot.waitSignal(room.bridge.requests_advanced):
        desk.announce(*request_events(20))
    window.show_page("logs")
    window.pages.logs.table.scrollToTop()
    click_cell(window.pages.logs.table, 5, REQUEST_COLUMN)
    assert window.page_id == "requests"
    shown = window.pages.requests.detail.request_id
    assert shown.startswith("req_")
    press(window.pages.requests.detail.to_lines)
    assert window.page_id == "logs"
    assert window.pages.logs.request.text() == shown


def test_a_request_that_is_no_longer_kept_is_told(qtbot: QtBot, window: MainWindow):
    with qtbot.waitSignal(window.pages.requests.request_missed):
        window.pages.logs.request_asked.emit("req_gone")
    assert "no longer" in window.last_event.text()


def test_the_menus_open_editors_and_about(qtbot: QtBot, window: MainWindow):
    for text, kind in (
        ("Add provider…", ProviderDialog),
        ("Add alias…", AliasDialog),
        ("About Signalbox", AboutDialog),
    ):
        _action(window, text).trigger()
        dialog_of(kind).reject()


def test_the_theme_is_chosen_shown_and_stored(window: MainWindow, room: Room, desk: FakeDesk):
    _action(window, "Dark").trigger()
    assert room.theme.is_dark
    assert desk.theme_now == "dark"
    assert _action(window, "Dark").isChecked()


def test_a_theme_changed_elsewhere_is_taken_over(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    with qtbot.waitSignal(room.bridge.settings_changed):
        desk.set_theme("dark")
    assert room.theme.is_dark


def test_quit_goes_at_once_where_nothing_is_under_way(window: MainWindow, desk: FakeDesk):
    desk.state_now = replace(desk.state_now, active_requests=0)
    _action(window, "Quit Signalbox").trigger()
    assert desk.calls == ["quit"]
    assert not window.quit_banner.isVisible()


def test_closing_hides_in_the_tray_and_a_second_start_shows_it(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    with qtbot.waitSignal(window.hidden_to_tray):
        window.close()
    assert not window.isVisible()
    assert desk.calls == []
    with qtbot.waitSignal(room.bridge.show_requested):
        desk.announce(ShowWindow())
    assert window.isVisible()


@pytest.mark.parametrize(("words", "calls"), [("Keep running", []), ("Quit", ["quit"])])
def test_without_a_tray_closing_asks_once_and_remembers(
    qtbot: QtBot, window: MainWindow, desk: FakeDesk, screen: Screen, words: str, calls: list[str]
):
    screen.has_tray = False
    desk.state_now = replace(desk.state_now, active_requests=0)
    window.close()
    assert window.isVisible()
    assert window.close_banner.isVisible()
    press_named(qtbot, window.close_banner, words)
    assert desk.calls == calls
    assert window.isVisible() == (words == "Quit")
    window.show_up()
    assert not window.close_banner.isVisible()
    window.close()
    assert not window.close_banner.isVisible()
    assert desk.calls == calls * 2


def test_a_closed_program_leaves_its_shape_to_the_next(
    qtbot: QtBot, make_window: Callable[[Room], MainWindow], room: Room, store: QSettings
):
    first = make_window(room)
    first.resize(860, 590)
    first.pages.providers.splitter.setSizes([300, 500])
    first.show_page("providers")
    QApplication.processEvents()
    sizes = first.pages.providers.splitter.sizes()
    first.allow_close()
    assert first.close()
    second = make_window(room)
    assert (second.width(), second.height()) == (860, 590)
    second.show_page("providers")
    QApplication.processEvents()
    assert second.pages.providers.splitter.sizes() == sizes


def test_it_is_never_smaller_than_its_contents_allow(window: MainWindow):
    window.resize(100, 100)
    assert (window.width(), window.height()) == (860, 560)
    for page, _title in PAGES:
        window.show_page(page)
        QApplication.processEvents()
        assert window.page(page).area.horizontalScrollBar().maximum() == 0, page


def test_at_the_least_width_the_header_cuts_no_word_off(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    window.resize(100, 100)
    with qtbot.waitSignal(room.bridge.state_changed):
        desk.set_state(ProxyState(ProxyPhase.RUNNING, URL, (REFUSED, IN_USE), active_requests=3))
    QApplication.processEvents()
    header = window.header
    for part in (header.chip, header.endpoint, header.problems, header.switch):
        assert part.width() >= part.sizeHint().width(), part.accessibleName()
    assert header.problems.accessibleName() == "2 problems"
    window.resize(1200, 600)
    QApplication.processEvents()
    assert (header.problems.text(), header.activity.text()) == ("2 problems", "3 active")
    assert header.activity.isVisible()


def test_large_text_has_room(large_text: None, window: MainWindow):
    window.resize(1180, 760)
    for page, title in PAGES:
        window.show_page(page)
        QApplication.processEvents()
        entry = window.sidebar.button(page)
        words = QFontMetrics(entry.font()).horizontalAdvance(entry.text())
        assert entry.width() >= words + entry.iconSize().width() + 24, title
    for part in (window.header.chip, window.header.switch):
        assert part.width() >= part.sizeHint().width(), part.accessibleName()
        assert part.height() >= part.sizeHint().height(), part.accessibleName()


@pytest.mark.parametrize("page", [page for page, _title in PAGES])
def test_no_page_squeezes_its_words_where_it_has_no_room(
    large_text: None,
    window: MainWindow,
    page: str,
):
    window.resize(860, 560)
    window.show_page(page)
    QApplication.processEvents()
    shown = [each for each in window.page(page).findChildren(QLabel) if each.isVisible() and each.text()]
    for each in shown:
        needed = each.heightForWidth(each.width()) if each.wordWrap() else each.sizeHint().height()
        assert each.height() >= needed - 4, each.text()
    for each in window.page(page).findChildren(Button):
        assert not each.isVisible() or each.height() >= each.fontMetrics().height() + 4, each.text()


def test_the_pages_stand_in_the_order_of_their_keys(window: MainWindow):
    assert [page for page, _ in PAGES] == [
        "home",
        "connect",
        "providers",
        "models",
        "tools",
        "mcp",
        "requests",
        "approvals",
        "logs",
    ]


def test_the_sidebar_names_its_groups(window: MainWindow):
    headings = [
        each.text() for each in window.sidebar.findChildren(QLabel) if each.property("kind") == "group"
    ]
    assert headings == ["Setup", "Monitor"]


def test_a_waiting_call_is_counted_in_the_header_which_leads_to_it(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    assert not window.header.approvals.isVisible()
    with qtbot.waitSignal(room.bridge.approvals_changed):
        desk.ask(PUSH, WRITE)
    assert window.header.approvals.text() == "2 approvals"
    press(window.header.approvals)
    assert window.page_id == "approvals"
    with qtbot.waitSignal(room.bridge.approvals_changed):
        desk.end("apr_1")
    assert window.header.approvals.text() == "1 approval"
    with qtbot.waitSignal(room.bridge.approvals_changed):
        desk.end("apr_2")
    assert not window.header.approvals.isVisible()


def test_a_red_banner_stays_while_bypass_is_on(qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk):
    with qtbot.waitSignal(room.bridge.permissions_changed):
        desk.set_mode("bypassPermissions", confirmation="bypass")
    assert window.bypass_banner.isVisible()
    assert window.bypass_banner.property("tone") == "danger"
    window.show_page("logs")
    assert window.bypass_banner.isVisible()
    with qtbot.waitSignal(room.bridge.permissions_changed):
        press_named(qtbot, window.bypass_banner, "Ask again")
    assert not window.bypass_banner.isVisible()
    assert desk.safety_now.mode == "default"


def test_a_hidden_windows_logs_are_opened_from_the_tray(window: MainWindow):
    window.close()
    window.show_logs()
    assert window.isVisible()
    assert window.page_id == "logs"


def test_a_flood_of_everything_is_a_handful_of_signals(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    told = [
        heard(room.bridge.state_changed),
        heard(room.bridge.requests_advanced),
        heard(room.bridge.logs_appended),
    ]
    desk.provider_list = list(PROVIDERS)
    lines, events = tuple(log_lines(50)), request_events(200)
    with qtbot.waitSignals([room.bridge.logs_appended, room.bridge.requests_advanced]):
        for _ in range(200):
            desk.announce(LogsAppended(lines))
            desk.set_state(desk.state_now)
        desk.announce(*events)
    assert [len(one) for one in told] == [1, 1, 1]
    assert window.pages.requests.model.rowCount() == 200
