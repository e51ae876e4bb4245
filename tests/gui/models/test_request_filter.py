"""The filter box finds requests by words and by `field:value`."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from gui.models.request_filter import RequestQuery, RequestsProxy
from gui.models.requests import RequestsModel
from gui.roles import Index, Role
from tests.gui.scenes import request_events


@pytest.fixture
def model() -> RequestsModel:
    made = RequestsModel()
    made.advance(request_events(40))
    return made


def _found(model: RequestsModel, query: RequestQuery) -> list[str]:
    accepts = query.predicate()
    rows = (model.request(row) for row in reversed(range(model.rowCount())))
    return [row.request_id for row in rows if accepts(row)]


def test_no_words_show_everything(model: RequestsModel):
    assert len(_found(model, RequestQuery())) == 40


def test_errors_are_failures_and_refusals(model: RequestsModel):
    found = _found(model, RequestQuery(errors_only=True))
    assert found == ["req_0005", "req_0007", "req_0018", "req_0029", "req_0031"]
    assert found == _found(model, RequestQuery("status:error"))


def test_live_ones_have_not_ended(model: RequestsModel):
    assert _found(model, RequestQuery(live_only=True)) == ["req_0038", "req_0039"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model:haiku status:429", ["req_0029"]),
        ("id:req_0012", ["req_0012"]),
        ("CONV:conv_0 tool:bash", ["req_0001", "req_0002", "req_0004"]),
        ("status:cancelled", ["req_0009", "req_0026"]),
        ("local token", ["req_0005", "req_0018", "req_0031"]),
        ("took:>12", ["req_0006", "req_0013", "req_0020", "req_0027", "req_0034"]),
        ("took:<1 provider:openrouter", ["req_0007", "req_0029"]),
        ("nosuchthing", []),
    ],
)
def test_terms_narrow_it_down(model: RequestsModel, text: str, expected: list[str]):
    assert _found(model, RequestQuery(text)) == expected


@pytest.mark.parametrize("text", ["took:abc", "http://x", ":", "a:", "took:", "[(*"])
def test_what_is_no_term_is_a_word(model: RequestsModel, text: str):
    assert _found(model, RequestQuery(text)) == []


def test_newest_first_compares_nothing(qapp: QApplication):
    class Counting(RequestsModel):
        compared = 0

        def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
            self.compared += role == Role.SORT
            return super().data(index, role)

    model = Counting()
    model.advance(request_events(200))
    proxy = RequestsProxy(model)
    proxy.sort(0, Qt.SortOrder.DescendingOrder)
    model.advance(request_events(260))
    assert proxy.index(0, 0).data(Role.VALUE) is model.request(0)
    assert model.compared == 0
    proxy.sort(10, Qt.SortOrder.DescendingOrder)
    assert model.compared > 260


def test_the_view_follows_the_query_and_new_rows(model: RequestsModel):
    proxy = RequestsProxy(model)
    proxy.set_query(RequestQuery("status:cancelled"))
    assert proxy.rowCount() == 2
    proxy.set_query(RequestQuery())
    assert proxy.rowCount() == 40
    model.advance(request_events(41))
    assert proxy.rowCount() == 41
