"""The exchanges of a request are chosen one at a time, by mouse and keyboard, and show both sides."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from gui.models.requests import RequestsModel
from gui.pages.page import Room
from gui.pages.requests import RequestsPage
from gui.widgets.laid_out import PIECE_CHARS
from proxy.events import Exchange, RequestFinished
from proxy.store.ledger_values import AttemptRow
from tests.gui.acting import dialog_of, key, press, shown
from tests.gui.fake_desk import FakeDesk
from tests.gui.scenes import START, request_events

ANSWER = '{\n  "role": "assistant"\n}'


@pytest.fixture
def page(qtbot: QtBot, room: Room, desk: FakeDesk) -> RequestsPage:
    rows = RequestsModel()
    rows.follow(room.bridge)
    desk.messages = {("req_0004", 4): ANSWER}
    desk.past = [replace(each, at=START + 5 + n) for n, each in enumerate(desk.past)]
    made = shown(qtbot, RequestsPage(room, rows), 1000, 760)
    with qtbot.waitSignal(room.bridge.requests_advanced):
        desk.announce(*request_events(12))
    return made


def _open(qtbot: QtBot, page: RequestsPage, request_id: str = "req_0004", *, is_asked: bool = True) -> None:
    page.show_request(request_id)
    if not is_asked:
        page.detail.tabs.setCurrentWidget(page.detail.exchanges)
        return
    with qtbot.waitSignal(page.room.bridge.exchange_read):
        page.detail.tabs.setCurrentWidget(page.detail.exchanges)


def _shown(page: RequestsPage) -> str:
    exchanges = page.detail.exchanges
    return exchanges.body.view.toPlainText() if exchanges.body.isVisible() else exchanges.hint.text()


def _choose(qtbot: QtBot, page: RequestsPage, row: int) -> None:
    with qtbot.waitSignal(page.room.bridge.exchange_read):
        page.detail.exchanges.table.choose_row(row)


def test_the_last_attempt_is_chosen_first_and_its_answer_is_one_message(
    qtbot: QtBot, page: RequestsPage, desk: FakeDesk
):
    _open(qtbot, page)
    exchanges = page.detail.exchanges
    assert page.detail.tabs.tabText(1) == "Exchanges (4)"
    assert exchanges.table.row_text(0) == "1\topenrouter / claude-sonnet-4\t529 overloaded\t310 ms"
    assert exchanges.table.currentIndex().row() == exchanges.model.rowCount() - 1
    assert _shown(page) == ANSWER
    assert "round 2" in exchanges.facts.text()
    assert desk.exchanges_asked == [("req_0004", None)]
    press(exchanges.raw)
    assert _shown(page).endswith("data: [DONE]\n")
    press(exchanges.sent)
    assert '"model": "qwen3-coder:30b"' in _shown(page)
    assert not exchanges.raw.isVisible()


def test_another_one_is_read_when_it_is_chosen_and_tells_why_it_failed(
    qtbot: QtBot, page: RequestsPage, desk: FakeDesk
):
    _open(qtbot, page)
    _choose(qtbot, page, 0)
    exchanges = page.detail.exchanges
    assert desk.exchanges_asked[-1] == ("req_0004", 1)
    assert _shown(page).startswith("content-type: application/json\nretry-after: 1\n\n{")
    assert exchanges.error.text().startswith("openrouter: Overloaded.")
    assert exchanges.facts.text().startswith("key 1 of 2")
    press(page.detail.copy)
    assert json.loads(QGuiApplication.clipboard().text())["error"]["code"] == 529


def test_the_arrow_keys_lead_through_the_steps_and_the_tab_key_to_both_sides(
    qtbot: QtBot, page: RequestsPage
):
    _open(qtbot, page)
    exchanges = page.detail.exchanges
    exchanges.table.setFocus()
    key(exchanges.table, Qt.Key.Key_Up)
    assert exchanges.step is not None
    assert exchanges.step.decision is not None
    key(exchanges.table, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
    with qtbot.waitSignal(page.room.bridge.exchange_read):
        pass
    assert "Overloaded" in _shown(page)
    exchanges.came.setFocus()
    key(exchanges.came, Qt.Key.Key_Left)
    assert exchanges.sent.isChecked()
    assert '"model": "anthropic/claude-sonnet-4"' in _shown(page)
    exchanges.body.view.setFocus()
    assert exchanges.body.view.hasFocus()


def test_the_chosen_side_is_saved_as_a_file(qtbot: QtBot, page: RequestsPage, tmp_path: Path):
    page.show_request("req_0004")
    assert not page.detail.save.isVisible()
    _open(qtbot, page)
    press(page.detail.save)
    chooser = dialog_of(QFileDialog)
    assert chooser.selectedFiles()[0].endswith("answer-4.json")
    chooser.fileSelected.emit(str(tmp_path / "answer.json"))
    chooser.close()
    assert (tmp_path / "answer.json").read_text() == ANSWER


def test_a_tool_between_two_rounds_shows_its_call_and_its_result(qtbot: QtBot, page: RequestsPage):
    _open(qtbot, page)
    exchanges = page.detail.exchanges
    exchanges.table.choose_row(3)
    assert _shown(page).startswith("> lamp@1.0.0 test")
    assert exchanges.facts.text().startswith("allowed by Bash(npm *)")
    press(exchanges.sent)
    assert _shown(page) == "npm test"


def test_what_is_chosen_stays_chosen_while_the_request_is_told_of_again(
    qtbot: QtBot, page: RequestsPage, desk: FakeDesk
):
    _open(qtbot, page)
    _choose(qtbot, page, 1)
    with qtbot.waitSignal(page.room.bridge.exchange_kept):
        desk.announce(Exchange("req_0004"))
    assert page.detail.exchanges.table.currentIndex().row() == 1
    assert "Overloaded" in _shown(page)
    assert len(desk.exchanges_asked) == 2


def test_where_bodies_are_not_kept_it_says_so_and_turns_them_on(
    qtbot: QtBot, page: RequestsPage, desk: FakeDesk
):
    desk.exchanges.clear()
    desk.bodies_now = "off"
    _open(qtbot, page, "req_0003")
    exchanges = page.detail.exchanges
    assert _shown(page).startswith("Bodies are not kept. Turn them on")
    assert not exchanges.sent.isVisible()
    with qtbot.waitSignal(page.room.bridge.settings_changed):
        press(exchanges.keep)
    assert desk.bodies_now == "all"
    qtbot.waitUntil(lambda: "took its place" in _shown(page))
    assert not exchanges.keep.isVisible()


def test_settings_that_cannot_be_written_are_said(qtbot: QtBot, page: RequestsPage, desk: FakeDesk):
    desk.exchanges.clear()
    desk.bodies_now, desk.refusal = "off", "The settings are of a newer Signalbox."
    _open(qtbot, page, "req_0003")
    press(page.detail.exchanges.keep)
    assert _shown(page) == "The settings are of a newer Signalbox."


def test_without_bodies_the_ledger_tells_how_each_attempt_ended(
    qtbot: QtBot, page: RequestsPage, desk: FakeDesk
):
    desk.exchanges.clear()
    desk.attempts = {"req_0003": (AttemptRow("req_0003", 1, "one", "m", "first", "overloaded_error", 3),)}
    _open(qtbot, page, "req_0003")
    table = page.detail.exchanges.table
    qtbot.waitUntil(lambda: table.row_text(0) == "1\tone / m\toverloaded\t3 ms")


def test_an_empty_answer_of_the_ledger_is_not_asked_for_again(
    qtbot: QtBot, page: RequestsPage, desk: FakeDesk
):
    desk.exchanges.clear()
    with qtbot.waitSignal(page.room.bridge.attempts_read):
        _open(qtbot, page, "req_0003")
    assert desk.calls.count("read_attempts req_0003") == 1
    assert page.detail.exchanges.model.rowCount() == 1


def test_a_running_request_says_when_its_sides_can_be_read(qtbot: QtBot, page: RequestsPage, desk: FakeDesk):
    desk.exchanges["req_0011"] = replace(desk.exchanges["req_0004"], request_id="req_0011")
    _open(qtbot, page, "req_0011", is_asked=False)
    assert _shown(page).startswith("Still on its way")
    assert desk.exchanges_asked == []
    with qtbot.waitSignal(page.room.bridge.exchange_read):
        desk.announce(RequestFinished("req_0011", START, "ok", 200, 1.5))
    assert _shown(page).endswith("data: [DONE]\n")


def test_a_request_that_was_refused_at_the_door_has_no_exchange(qtbot: QtBot, page: RequestsPage):
    _open(qtbot, page, "req_0005", is_asked=False)
    assert _shown(page).startswith("Refused at the door")
    assert not page.detail.exchanges.table.isVisible()
    assert page.detail.tabs.tabText(1) == "Exchanges"


def test_of_very_large_bodies_the_beginning_is_shown(qtbot: QtBot, page: RequestsPage, desk: FakeDesk):
    large = desk.exchanges["req_0004"]
    last = replace(large.upstream[-1], reply="data: {}\n\n" * 500_000, request='["' + "x" * 400_000 + '"]')
    desk.exchanges["req_0004"] = replace(large, upstream=(*large.upstream[:-1], last))
    desk.messages.clear()
    _open(qtbot, page)
    exchanges = page.detail.exchanges
    assert len(_shown(page)) < 2 * PIECE_CHARS
    assert exchanges.body.note == "The beginning of 5.0 MB."
    press(exchanges.sent)
    assert len(_shown(page)) < 2 * PIECE_CHARS
    assert exchanges.text() == last.request
