"""The log's table takes floods in batches, keeps to its bound and filters by level, words and request."""

from __future__ import annotations

from typing import Any

import pytest

from gui.models.logs import LogQuery, LogsModel, LogsProxy
from tests.gui.acting import heard
from tests.gui.scenes import log_lines


def test_the_models_keep_qts_rules(qtmodeltester: Any):
    model = LogsModel(max_lines=50)
    proxy = LogsProxy(model)
    qtmodeltester.check(proxy)
    model.append(log_lines(30))
    proxy.set_query(LogQuery("warning"))
    model.append(log_lines(40))
    assert model.rowCount() == 50


def test_ten_thousand_lines_a_second_cost_two_signals_a_batch():
    model = LogsModel(max_lines=10_000)
    inserted, removed = heard(model.rowsInserted), heard(model.rowsRemoved)
    others = [heard(model.dataChanged), heard(model.modelReset), heard(model.layoutChanged)]
    batch = log_lines(500)
    for _ in range(40):
        model.append(batch)
    assert model.rowCount() == 10_000
    assert (len(inserted), len(removed)) == (40, 20)
    assert others == [[], [], []]


def test_a_batch_larger_than_the_table_leaves_its_end():
    model = LogsModel(max_lines=10)
    lines = log_lines(25)
    model.append(log_lines(5))
    model.append(lines, dropped=4)
    assert [model.line(row) for row in range(10)] == lines[-10:]
    assert model.dropped == 4


@pytest.mark.parametrize(
    ("query", "events"),
    [
        (LogQuery("error"), {"upstream_refused"}),
        (LogQuery("warning"), {"upstream_refused", "field_left_out"}),
        (LogQuery(text="TOP_K"), {"field_left_out"}),
        (LogQuery(text="proxy.routing"), {"candidate_chosen"}),
    ],
)
def test_a_query_narrows_it_down(query: LogQuery, events: set[str]):
    model = LogsModel()
    model.append(log_lines(60))
    proxy = LogsProxy(model)
    proxy.set_query(query)
    assert {proxy.index(row, 3).data() for row in range(proxy.rowCount())} == events


def test_a_request_id_shows_that_request_only():
    model = LogsModel()
    model.append(log_lines(60))
    proxy = LogsProxy(model)
    proxy.set_query(LogQuery(request_id=" REQ_0003 "))
    assert proxy.rowCount() == 4
    assert {proxy.index(row, 4).data() for row in range(4)} == {"req_0003"}


def test_an_emptied_table_starts_anew():
    model = LogsModel()
    model.append(log_lines(5), dropped=2)
    model.clear()
    assert (model.rowCount(), model.dropped) == (0, 0)
