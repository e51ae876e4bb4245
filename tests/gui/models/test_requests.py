"""The requests' table follows the proxy's events in batches and keeps to its bound."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt

from gui.models.requests import COLUMNS, RequestsModel
from gui.roles import Role, look_of
from proxy.events import FirstToken, RequestFinished, RequestRefused, RequestStarted
from tests.gui.acting import heard
from tests.gui.scenes import START, request_events


def _cell(model: RequestsModel, row: int, title: str, role: int = Qt.ItemDataRole.DisplayRole) -> object:
    return model.index(row, COLUMNS.index(title)).data(role)


def _started(n: int) -> RequestStarted:
    return RequestStarted(f"req_{n}", START + n, "sdk", None, "/v1/messages", "big", stream=True)


def test_the_model_keeps_qts_rules(qtmodeltester: Any):
    model = RequestsModel(max_rows=20)
    qtmodeltester.check(model)
    model.advance(request_events(15))
    model.advance([_started(n) for n in range(12)])
    assert model.rowCount() == 20


def test_a_request_is_told_from_waiting_to_done():
    model = RequestsModel()
    events = request_events(3)
    model.advance(events[:1])
    assert _cell(model, 0, "Status") == "waiting"
    model.advance([FirstToken("req_0000", 0.5)])
    assert _cell(model, 0, "Status") == "answering"
    done = RequestFinished("req_0000", START, "ok", 200, 2.5, input_tokens=10, output_tokens=4, cost_usd=0.5)
    model.advance([*events[1:2], done])
    row = [model.index(0, column).data() for column in range(len(COLUMNS))]
    assert _cell(model, 0, "Model asked → used", Role.FULL_TEXT) == (
        "claude-sonnet-4-5 → anthropic/claude-sonnet-4"
    )
    assert row[1] == "claude-cli"
    assert _cell(model, 0, "Client", Role.FULL_TEXT) == "claude-cli/2.1.330"
    assert row[2:] == [
        "claude-sonnet-4-5 → claude-sonnet-4",
        "openrouter",
        "200 ok",
        "10",
        "4",
        "0",
        "$0.500",
        "500 ms",
        "2.5 s",
    ]


@pytest.mark.parametrize(
    ("outcome", "status", "words", "tone"),
    [("error", 429, "429 rate_limit", "danger"), ("cancelled", 499, "499 cancelled", "muted")],
)
def test_an_end_has_a_word_a_code_and_a_shape(outcome: Any, status: int, words: str, tone: str):
    model = RequestsModel()
    end = RequestFinished("req_1", START, outcome, status, 1.0, error_type="rate_limit_error")
    model.advance([_started(1), end])
    assert _cell(model, 0, "Status") == words
    assert str(model.index(0, COLUMNS.index("Status")).data(Role.FULL_TEXT)).startswith(words)
    look = look_of(model.index(0, COLUMNS.index("Status")))
    assert look.tone == tone
    assert look.icon is not None


def test_a_refusal_shows_why():
    model = RequestsModel()
    model.advance([RequestRefused("req_1", START, 401, "no local token was sent")])
    assert _cell(model, 0, "Status") == "401 refused"
    assert _cell(model, 0, "Model asked → used") == "no local token was sent"


def test_a_batch_is_one_insertion_whatever_its_size():
    model = RequestsModel()
    inserted = heard(model.rowsInserted)
    model.advance([_started(n) for n in range(3000)])
    assert [span[1:] for span in inserted] == [(0, 2999)]


def test_known_requests_change_with_one_signal():
    model = RequestsModel()
    model.advance([_started(n) for n in range(100)])
    changes = heard(model.dataChanged)
    model.advance([FirstToken(f"req_{n}", 0.1) for n in range(10, 60)])
    assert [(first.row(), last.row()) for first, last, *_roles in changes] == [(40, 89)]


def test_an_old_request_and_new_ones_change_without_those_between_them():
    model = RequestsModel()
    model.advance([_started(n) for n in range(1000)])
    changes = heard(model.dataChanged)
    model.advance([FirstToken(f"req_{n}", 0.1) for n in (998, 3, 999, 990)])
    assert [(first.row(), last.row()) for first, last, *_roles in changes] == [(0, 9), (996, 996)]


def test_the_oldest_leave_and_the_rest_are_still_found():
    model = RequestsModel(max_rows=100)
    model.advance([_started(n) for n in range(250)])
    assert model.rowCount() == 100
    assert model.row_of("req_149") is None
    assert model.row_of("req_150") == 99
    model.advance([_started(n) for n in range(250, 260)])
    assert model.row_of("req_160") == 99
    assert model.request(0).request_id == "req_259"
    model.advance([FirstToken("req_160", 0.2), FirstToken("req_1", 0.2)])
    assert model.request(99).first_token_s == 0.2
