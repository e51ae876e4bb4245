"""Logs are followed, filtered, copied, and lead to their request."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractSlider
from pytestqt.qtbot import QtBot

from gui.desk import LogsAppended
from gui.models.logs import REQUEST_COLUMN
from gui.pages.logs import LogsPage
from gui.pages.page import Room
from tests.gui.acting import click_cell, heard, key, press, shown, type_into
from tests.gui.fake_desk import FakeDesk
from tests.gui.scenes import log_lines


@pytest.fixture
def page(qtbot: QtBot, room: Room) -> LogsPage:
    return shown(qtbot, LogsPage(room), 900, 620)


def _append(qtbot: QtBot, page: LogsPage, desk: FakeDesk, count: int, dropped: int = 0) -> None:
    with qtbot.waitSignal(page.room.bridge.logs_appended):
        desk.announce(LogsAppended(tuple(log_lines(count)), dropped))


def test_it_starts_with_the_lines_that_are_kept_and_hides_debug(page: LogsPage):
    assert page.model.rowCount() == 60
    assert page.proxy.rowCount() < 60
    assert "of 60 lines" in page.shown.text()


def test_it_follows_the_end_until_the_user_looks_back(qtbot: QtBot, page: LogsPage, desk: FakeDesk):
    bar = page.table.verticalScrollBar()
    _append(qtbot, page, desk, 200)
    assert bar.value() == bar.maximum()
    bar.triggerAction(QAbstractSlider.SliderAction.SliderPageStepSub)
    assert not page.follow.isChecked()
    place = bar.value()
    _append(qtbot, page, desk, 50)
    assert bar.value() == place
    press(page.follow)
    assert bar.value() == bar.maximum()


def test_dropped_lines_are_told(qtbot: QtBot, page: LogsPage, desk: FakeDesk):
    _append(qtbot, page, desk, 1, dropped=1234)
    assert "1,234 came too fast" in page.shown.text()


def test_level_words_and_request_narrow_it_down(qtbot: QtBot, page: LogsPage):
    page.level.setCurrentIndex(3)
    assert {page.proxy.index(r, 1).data() for r in range(page.proxy.rowCount())} == {"error"}
    page.level.setCurrentIndex(0)
    type_into(page.filter, "top_k")
    key(page.filter, Qt.Key.Key_Return)
    assert {page.proxy.index(r, 3).data() for r in range(page.proxy.rowCount())} == {"field_left_out"}
    key(page.filter, Qt.Key.Key_Escape)
    type_into(page.request, "req_0003")
    assert page.proxy.rowCount() == 4
    key(page.request, Qt.Key.Key_Escape)
    assert page.proxy.rowCount() == 60


def test_a_chosen_line_is_shown_whole_and_copied_as_json(qtbot: QtBot, page: LogsPage):
    page.table.scrollToTop()
    click_cell(page.table, 1)
    assert page.view.toPlainText().startswith("{\n")
    press(page.copy)
    line = page.chosen()
    assert line is not None
    assert json.loads(QGuiApplication.clipboard().text())["event"] == line.event


def test_a_click_on_a_request_id_leads_to_the_request(qtbot: QtBot, page: LogsPage):
    page.table.scrollToTop()
    asked = heard(page.request_asked)
    click_cell(page.table, 2, REQUEST_COLUMN)
    assert asked == [(page.proxy.index(2, REQUEST_COLUMN).data(),)]
    click_cell(page.table, 2, 0)
    assert len(asked) == 1


def test_the_lines_of_one_request_are_shown_at_every_level(page: LogsPage):
    page.show_request("req_0002")
    assert page.proxy.rowCount() == 4
    assert page.level.currentData() == "debug"


def test_clearing_empties_the_view(qtbot: QtBot, page: LogsPage, desk: FakeDesk):
    press(page.clear)
    assert page.model.rowCount() == 0
    _append(qtbot, page, desk, 3)
    assert page.model.rowCount() == 3


def test_a_flood_reaches_the_view_in_few_signals(qtbot: QtBot, page: LogsPage, desk: FakeDesk):
    inserted, removed = heard(page.model.rowsInserted), heard(page.model.rowsRemoved)
    lines = tuple(log_lines(100))
    with qtbot.waitSignal(page.room.bridge.logs_appended):
        for _ in range(100):
            desk.announce(LogsAppended(lines))
    assert page.model.rowCount() == 10_000
    assert (len(inserted), len(removed)) == (1, 1)
