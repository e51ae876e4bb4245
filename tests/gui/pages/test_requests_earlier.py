"""Requests of earlier sessions are in the table too, with every attempt and why it was made."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from gui.main_window import MainWindow
from gui.models.earlier_requests import earlier_row
from gui.models.requests import RequestsModel
from gui.pages.page import Room
from gui.pages.requests import RequestsPage
from gui.request_desk import EarlierRequestsRead
from gui.roles import Role, look_of
from proxy.store.ledger_values import AttemptRow, RequestRow
from tests.gui.acting import heard, press
from tests.gui.fake_desk import FakeDesk
from tests.gui.scenes import START, request_events

ROW = RequestRow(
    id="req_old",
    started_us=round((START - 86_400) * 1e6),
    client="claude-cli/2.1.330",
    token="phone",
    conversation="conv_old",
    path="/v1/messages",
    model_asked="claude-sonnet-4-5",
    alias="big",
    provider="local",
    model_used="qwen3-coder:30b",
    outcome="ok",
    status=200,
    stop_reason="end_turn",
    error_type=None,
    input_tokens=10,
    output_tokens=20,
    cache_read_tokens=30,
    cache_write_tokens=40,
    cost_micro_usd=12_300,
    cost_source="price list",
    first_token_ms=340,
    total_ms=4_200,
)
ATTEMPTS = (
    AttemptRow("req_old", 1, "openrouter", "anthropic/claude-sonnet-4", "first", "overloaded_error", 310),
    AttemptRow("req_old", 2, "local", "qwen3-coder:30b", "openrouter failed: overloaded", "ok", 3_890),
)


def _older(number: int) -> RequestRow:
    return ROW._replace(id=f"req_old{number}", started_us=ROW.started_us - number)


@pytest.fixture
def open_page(qtbot: QtBot, room: Room, desk: FakeDesk) -> Callable[..., RequestsPage]:
    def made(*rows: RequestRow) -> RequestsPage:
        desk.ledger = list(rows)
        desk.attempts = {"req_old": ATTEMPTS}
        model = RequestsModel()
        model.follow(room.bridge)
        page = RequestsPage(room, model)
        qtbot.addWidget(page)
        page.resize(900, 620)
        with qtbot.waitSignal(room.bridge.earlier_requests_read), qtbot.waitExposed(page):
            page.show()
        return page

    return made


OpenPage = Callable[..., RequestsPage]


def _ids(page: RequestsPage) -> list[str]:
    return [page.model.request(row).request_id for row in range(page.model.rowCount())]


def test_they_are_there_when_the_page_is_first_seen_and_marked(open_page: OpenPage):
    page = open_page(ROW)
    assert page.table.isVisible()
    assert _ids(page) == ["req_old"]
    assert look_of(page.model.index(0, 0)).tone == "muted"
    assert len(str(page.model.index(0, 0).data())) == len("11-21 14:03")
    assert not page.load_earlier.isVisible()


def test_they_are_asked_for_once_and_not_before_the_page_is_seen(
    qtbot: QtBot, desk: FakeDesk, room: Room, open_page: OpenPage
):
    qtbot.addWidget(RequestsPage(room, RequestsModel()))
    asked = [call for call in desk.calls if call.startswith("read_earlier")]
    assert asked == []
    page = open_page(ROW)
    page.hide()
    page.show()
    assert desk.calls.count("read_earlier_requests None") == 1


def test_an_attempt_tells_its_reason_and_its_end_and_the_cost_who_says_so(
    qtbot: QtBot, room: Room, open_page: OpenPage
):
    page = open_page(ROW)
    with qtbot.waitSignal(room.bridge.attempts_read):
        page.show_request("req_old")
    facts = [(title, text) for title, text, _tone in page.detail.facts]
    assert (
        "Routed",
        "big → openrouter / anthropic/claude-sonnet-4\nfirst\noverloaded_error after 310 ms",
    ) in facts
    assert (
        "Next attempt",
        "big → local / qwen3-coder:30b\nopenrouter failed: overloaded\nok after 3.9 s",
    ) in facts
    assert ("Cost", "$0.012, by the price list") in facts
    assert ("Token", "phone") in facts
    assert ("Asked for", "claude-sonnet-4-5  (/v1/messages)") in facts


@pytest.mark.parametrize(
    ("changes", "words", "cell"),
    [
        ({"cost_source": "upstream"}, "$0.012, as the provider stated", "$0.012"),
        (
            {"cost_source": "estimate"},
            "$0.012, estimated: the provider did not say what was used",
            "$0.012",
        ),
        (
            {"cost_source": "unknown"},
            "not known: nobody told a price; $0.012 counts against budgets",
            "",
        ),
        (
            {"outcome": "interrupted", "status": None, "cost_source": "estimate"},
            "$0.012 at most: what was set aside for it counts as spent",
            "$0.012",
        ),
    ],
)
def test_a_cost_says_how_sure_it_is(
    qtbot: QtBot, room: Room, open_page: OpenPage, changes: dict[str, object], words: str, cell: str
):
    page = open_page(ROW._replace(**changes))
    with qtbot.waitSignal(room.bridge.attempts_read):
        page.show_request("req_old")
    assert ("Cost", words, "") in page.detail.facts
    assert page.model.index(0, 8).data() == cell


def test_a_request_that_a_crash_cut_off_says_so(qtbot: QtBot, room: Room, open_page: OpenPage):
    cut = ROW._replace(outcome="interrupted", status=None, provider=None, model_used=None)
    page = open_page(cut._replace(id="req_cut"))
    with qtbot.waitSignal(room.bridge.attempts_read):
        page.show_request("req_cut")
    assert page.detail.facts[0] == ("Status", "interrupted", "danger")
    assert ("Routed", "No provider was asked", "") in page.detail.facts


def test_older_ones_come_on_demand_and_none_twice(
    qtbot: QtBot, desk: FakeDesk, room: Room, open_page: OpenPage
):
    page = open_page(*map(_older, range(5)))
    assert _ids(page) == ["req_old0", "req_old1", "req_old2"]
    with qtbot.waitSignal(room.bridge.requests_advanced):
        desk.announce(*request_events(1))
    with qtbot.waitSignal(room.bridge.earlier_requests_read):
        press(page.load_earlier)
    assert _ids(page) == ["req_0000", "req_old0", "req_old1", "req_old2", "req_old3", "req_old4"]
    assert not page.load_earlier.isVisible()
    assert page.model.row_of("req_0000") == 0
    assert page.model.row_of("req_old4") == 5
    newest = page.proxy.index(0, 0).data(Role.VALUE)
    assert getattr(newest, "request_id", "") == "req_0000"


def test_one_that_is_wanted_before_they_were_read_is_shown_when_they_are(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    desk.ledger = [_older(1), ROW, _older(2)]
    desk.attempts = {"req_old": ATTEMPTS}
    missed = heard(window.pages.requests.request_missed)
    with qtbot.waitSignal(room.bridge.attempts_read):
        window.pages.logs.request_asked.emit("req_old")
    assert window.page_id == "requests"
    assert window.pages.requests.detail.request_id == "req_old"
    assert window.pages.requests.detail.isVisible()
    assert missed == []


def test_one_that_is_wanted_while_the_window_is_hidden_waits_until_it_is_seen(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    desk.ledger = [ROW]
    window.hide()
    with qtbot.waitSignal(room.bridge.attempts_read):
        window.show_request("req_old")
    assert window.pages.requests.detail.request_id == "req_old"


def test_one_that_is_not_among_those_read_is_told_then_and_at_once_from_then_on(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    desk.ledger = [ROW]
    with qtbot.waitSignal(room.bridge.earlier_requests_read):
        window.show_request("req_gone")
        assert window.last_event.text() == "Ready"
    assert window.last_event.text() == "Request req_gone is no longer in the table"
    window.show_request("req_lost")
    assert window.last_event.text() == "Request req_lost is no longer in the table"


def test_a_request_of_this_session_is_not_listed_a_second_time(
    qtbot: QtBot, desk: FakeDesk, room: Room, open_page: OpenPage
):
    page = open_page()
    with qtbot.waitSignal(room.bridge.requests_advanced):
        desk.announce(*request_events(1))
    desk.ledger = [ROW._replace(id="req_0000", started_us=1)]
    page.model.add_earlier([])
    with qtbot.waitSignal(room.bridge.earlier_requests_read):
        desk.read_earlier_requests(None)
    assert _ids(page) == ["req_0000"]


def test_a_first_reading_that_failed_can_be_repeated_where_there_is_no_request_yet(
    qtbot: QtBot, desk: FakeDesk, room: Room, open_page: OpenPage
):
    page = open_page()
    assert not page.load_earlier.isVisible()
    with qtbot.waitSignal(room.bridge.earlier_requests_read):
        desk.announce(EarlierRequestsRead(has_more=True))
    assert page.empty.isVisible()
    desk.ledger = [ROW]
    with qtbot.waitSignal(room.bridge.earlier_requests_read):
        press(page.load_earlier)
    assert _ids(page) == ["req_old"]
    assert not page.load_earlier.isVisible()


def test_live_requests_push_out_the_oldest_of_the_earlier_ones():
    model = RequestsModel(max_rows=3)
    model.add_earlier([earlier_row(_older(number)) for number in range(5)])
    assert model.is_full
    assert [model.request(row).request_id for row in range(3)] == ["req_old0", "req_old1", "req_old2"]
    model.advance(request_events(1))
    assert [model.request(row).request_id for row in range(3)] == ["req_0000", "req_old0", "req_old1"]
    assert model.row_of("req_0000") == 0
