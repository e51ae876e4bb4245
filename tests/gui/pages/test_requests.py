"""Requests appear as they happen, are filtered, and show both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from gui.bridge import MAX_REQUEST_EVENTS
from gui.models.requests import RequestRow, RequestsModel
from gui.pages.exchange_sides import READING
from gui.pages.page import Room
from gui.pages.request_detail import facts
from gui.pages.requests import RequestsPage
from proxy.events import Exchange, FirstToken, RequestEvent, RequestFinished, RequestRouted, ToolDecided
from tests.gui.acting import click_cell, heard, key, press, shown, type_into
from tests.gui.fake_desk import FakeDesk
from tests.gui.scenes import START, request_events


@pytest.fixture
def page(qtbot: QtBot, room: Room) -> RequestsPage:
    rows = RequestsModel()
    rows.follow(room.bridge)
    return shown(qtbot, RequestsPage(room, rows), 900, 620)


@pytest.fixture
def happen(qtbot: QtBot, desk: FakeDesk, page: RequestsPage) -> Callable[[list[RequestEvent]], None]:
    def announce(events: list[RequestEvent]) -> None:
        with qtbot.waitSignal(page.room.bridge.requests_advanced):
            desk.announce(*events)

    return announce


Happen = Callable[[list[RequestEvent]], None]


def _ids(page: RequestsPage) -> list[str]:
    rows = range(page.proxy.rowCount())
    return [page.model.request(page.proxy.mapToSource(page.proxy.index(r, 0)).row()).request_id for r in rows]


def test_before_the_first_request_there_is_a_sentence_and_a_button(qtbot: QtBot, page: RequestsPage):
    press(page.copy_lines)
    assert "ANTHROPIC_BASE_URL" in QGuiApplication.clipboard().text()
    assert not page.filter.isVisible()


def test_the_newest_request_stands_first(page: RequestsPage, happen: Happen):
    happen(request_events(12))
    assert page.table.isVisible()
    assert _ids(page) == [f"req_{n:04d}" for n in reversed(range(12))]
    assert page.shown.text() == "12 requests"
    happen(request_events(20))
    newest_first = [f"req_{n:04d}" for n in reversed(range(20))]
    assert _ids(page) == newest_first
    page.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert _ids(page) == newest_first[::-1]
    page.table.sortByColumn(5, Qt.SortOrder.DescendingOrder)
    assert _ids(page)[0] == "req_0017"
    page.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert _ids(page) == newest_first


def _opened(qtbot: QtBot, page: RequestsPage, title: str) -> str:
    body = page.detail.views[title]
    page.detail.tabs.setCurrentWidget(body)
    qtbot.waitUntil(lambda: body.view.toPlainText() not in ("", READING))
    assert body.isVisible()
    return body.view.toPlainText()


def test_every_column_has_room_in_a_first_window_and_the_model_used_is_not_what_is_cut(
    qtbot: QtBot, page: RequestsPage, happen: Happen
):
    page.resize(966, 620)
    happen(request_events(40))
    qtbot.waitUntil(lambda: page.table.verticalScrollBar().maximum() > 0)
    assert page.table.horizontalScrollBar().maximum() == 0
    assert page.table.textElideMode() == Qt.TextElideMode.ElideMiddle


def test_updates_that_came_too_fast_to_show_are_counted(page: RequestsPage, happen: Happen):
    events = request_events(12)
    happen([*[FirstToken("req_gone", 0.1)] * (MAX_REQUEST_EVENTS - len(events) + 5), *events])
    assert page.shown.text() == "12 requests  ·  5 updates came too fast to show (the log has them)"


def test_the_errors_chip_and_the_filter_box_narrow_it_down(qtbot: QtBot, page: RequestsPage, happen: Happen):
    happen(request_events(30))
    press(page.errors)
    assert _ids(page) == ["req_0018", "req_0007", "req_0005"]
    press(page.errors)
    type_into(page.filter, "model:haiku")
    key(page.filter, Qt.Key.Key_Return)
    assert 0 < page.proxy.rowCount() < 30
    key(page.filter, Qt.Key.Key_Escape)
    assert page.proxy.rowCount() == 30


def test_a_chosen_request_shows_facts_and_both_sides_pretty(qtbot: QtBot, page: RequestsPage, happen: Happen):
    happen(request_events(8))
    click_cell(page.table, 5)
    facts = [one.text() for one in page.detail.summary.findChildren(QLabel)]
    assert "200 ok" in facts
    assert any("openrouter / anthropic/claude-sonnet-4" in text for text in facts)
    client = _opened(qtbot, page, "Client request")
    assert client.startswith("user-agent: claude-cli/2.1.330\n")
    assert '\n  "model": "claude-sonnet-4-5",' in client
    assert _opened(qtbot, page, "Client reply").startswith("event: message_start")


def test_both_sides_are_asked_for_only_when_they_are_looked_at(
    qtbot: QtBot, desk: FakeDesk, page: RequestsPage, happen: Happen
):
    happen(request_events(8))
    for row in range(4):
        click_cell(page.table, row)
    assert desk.exchanges_asked == []
    _opened(qtbot, page, "Client request")
    _opened(qtbot, page, "Client reply")
    assert desk.exchanges_asked == [("req_0004", 0)]
    page.table.choose_row(4)
    assert desk.exchanges_asked == [("req_0004", 0), ("req_0003", 0)]
    page.table.choose_row(1)  # still on its way
    assert len(desk.exchanges_asked) == 2


def test_losses_and_errors_are_told(qtbot: QtBot, page: RequestsPage, happen: Happen):
    happen(request_events(20))
    page.show_request("req_0006")
    assert ("Left out", "top_k is not known to this dialect and was left out.", "warn") in page.detail.facts
    page.show_request("req_0007")
    assert page.detail.facts[0][1].endswith("too many requests for this key; try again in 12 s")


def test_the_detail_follows_a_running_request(
    qtbot: QtBot, desk: FakeDesk, page: RequestsPage, happen: Happen
):
    happen(request_events(3))
    desk.exchanges.clear()
    page.show_request("req_0002")
    assert page.detail.facts[0] == ("Status", "waiting", "")
    happen([RequestFinished("req_0002", START, "ok", 200, 1.5)])
    assert page.detail.facts[0] == ("Status", "200 ok", "ok")
    assert _opened(qtbot, page, "Client reply").startswith("Not kept")
    desk.exchanges["req_0002"] = Exchange("req_0002", client_reply="late", is_cut=True)
    with qtbot.waitSignal(page.room.bridge.exchange_kept):
        desk.announce(Exchange("req_0002", client_reply="raw text that may hold a secret"))
    reply = page.detail.views["Client reply"]
    qtbot.waitUntil(lambda: reply.view.toPlainText() == "late")
    assert "too long" in reply.note


def test_escape_closes_the_detail(qtbot: QtBot, page: RequestsPage, happen: Happen):
    happen(request_events(3))
    click_cell(page.table, 0)
    assert page.detail.isVisible()
    key(page.table, Qt.Key.Key_Escape)
    assert not page.detail.isVisible()


def test_a_request_hidden_by_the_filter_is_found_all_the_same(
    qtbot: QtBot, page: RequestsPage, happen: Happen
):
    happen(request_events(10))
    press(page.errors)
    page.show_request("req_0001")
    assert page.detail.request_id == "req_0001"
    assert not page.errors.isChecked()


def test_ctrl_c_copies_the_row(qtbot: QtBot, page: RequestsPage, happen: Happen):
    happen(request_events(1 + 5))
    click_cell(page.table, 5)
    key(page.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert "claude-sonnet-4-5 → claude-sonnet-4\topenrouter" in QGuiApplication.clipboard().text()


def test_the_log_lines_of_a_request_are_asked_for(qtbot: QtBot, page: RequestsPage, happen: Happen):
    happen(request_events(2))
    page.show_request("req_0001")
    asked = heard(page.lines_asked)
    press(page.detail.to_lines)
    assert asked == [("req_0001",)]


def test_the_tools_part_lists_who_ran_each_call_by_which_rule(page: RequestsPage, happen: Happen):
    happen(request_events(12))
    page.show_request("req_0004")
    tabs = page.detail.tabs
    assert tabs.tabText(2) == "Tools (4)"
    tabs.setCurrentIndex(2)
    table = page.detail.tools.table
    assert table.row_text(0).split("\t") == [
        "Bash",
        "npm test",
        "ran by Signalbox",
        "Allowed",
        "Bash(npm *)",
        "exit 0",
        "1.2 kB",
        "20 ms",
    ]
    assert table.row_text(2).split("\t")[2:6] == ["–", "Denied", "Bash(rm -rf *)", "not run"]
    click_cell(table, 1)
    assert page.detail.tools.call.toPlainText() == "git push origin main"
    press(page.detail.copy)
    assert "npm test\tran by Signalbox" in QGuiApplication.clipboard().text()
    page.show_request("req_0001")
    assert tabs.tabText(2) == "Tools"
    assert page.detail.tools.none.isVisible()


def _decided(request_id: str, tool: str, decision: Literal["allow", "deny"], runner: str) -> ToolDecided:
    return ToolDecided(request_id, START, "toolu", tool, "{}", runner, decision, "", None, None, "rule")


def test_requests_are_found_by_what_was_decided_about_their_tools(
    qtbot: QtBot, desk: FakeDesk, page: RequestsPage, happen: Happen
):
    happen(request_events(12))
    with qtbot.waitSignal(page.room.bridge.tools_decided):
        desk.announce(
            _decided("req_0002", "WebFetch", "deny", "client"),
            _decided("req_0006", "Grep", "allow", "signalbox"),
            _decided("req_none", "Grep", "deny", "client"),
        )
    for words, found in (
        ("tool:webfetch", ["req_0002"]),
        ("decided:deny", ["req_0002"]),
        ("decided:signalbox", ["req_0006"]),
    ):
        page.filter.setText(words)
        page.filter.searched.emit(words)
        assert _ids(page) == found


def test_an_open_tools_part_follows_what_is_decided(
    qtbot: QtBot, desk: FakeDesk, page: RequestsPage, happen: Happen
):
    happen(request_events(12))
    page.show_request("req_0002")
    desk.past.append(replace(desk.past[0], request_id="req_0002"))
    with qtbot.waitSignal(page.room.bridge.tools_decided):
        desk.announce(_decided("req_0002", "Bash", "allow", "signalbox"))
    assert page.detail.tabs.tabText(2) == "Tools (1)"


def test_a_further_round_after_tools_is_no_further_attempt() -> None:
    row = RequestRow("req_1", START)
    for number, provider, losses in ((1, "a", ("x",)), (1, "b", ("x",)), (2, "b", ("x", "y")), (3, "c", ())):
        row.routes.append(RequestRouted("req_1", None, provider, "m", "why", losses, number))
    ways = {"Routed", "Next attempt", "Round 2", "Round 3", "Rounds", "Left out"}
    assert [(title, text.partition("\n")[0]) for title, text, _ in facts(row) if title in ways] == [
        ("Routed", "a / m"),
        ("Left out", "x"),
        ("Next attempt", "b / m"),
        ("Left out", "y"),
        ("Round 3", "c / m"),
        ("Rounds", "3: the model was asked again after tools ran"),
    ]
