"""The requests' filter: free words and `field:value` terms, and the proxy model that applies them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSortFilterProxyModel, Qt

from gui.models.requests import RequestRow, RequestsModel
from gui.roles import Index, Role

_TERM = re.compile(r"(?P<field>[a-z]+):(?P<value>\S+)")
_TOOK = re.compile(r"(?P<sign>[<>]?)(?P<number>\d+(?:\.\d+)?)s?")

Predicate = Callable[[RequestRow], bool]


@dataclass(frozen=True, slots=True)
class RequestQuery:
    """What the user wants to see; every condition must hold."""

    text: str = ""
    errors_only: bool = False
    live_only: bool = False

    def predicate(self) -> Predicate:
        """Returns the test a row must pass."""
        conditions: list[Predicate] = []
        if self.errors_only:
            conditions.append(lambda row: row.outcome == "error")
        if self.live_only:
            conditions.append(lambda row: row.is_live)
        conditions.extend(_condition(word) for word in self.text.casefold().split())
        return lambda row: all(condition(row) for condition in conditions)


def _condition(word: str) -> Predicate:
    term = _TERM.fullmatch(word)
    if term is not None:
        value = term["value"]
        reader = _FIELDS.get(term["field"])
        if reader is not None:
            return lambda row: value in reader(row).casefold()
        if term["field"] == "took" and (took := _TOOK.fullmatch(value)) is not None:
            return _took(took["sign"], float(took["number"]))
    return lambda row: word in _haystack(row)


def _took(sign: str, limit: float) -> Predicate:
    def holds(row: RequestRow) -> bool:
        if row.finished is None:
            return False
        return row.finished.duration_s < limit if sign == "<" else row.finished.duration_s >= limit

    return holds


def _tools(row: RequestRow) -> str:
    called = row.finished.tool_names if row.finished is not None else ()
    return " ".join((*called, *(each.tool for each in row.decided)))


def _decided(row: RequestRow) -> str:
    """Returns what was decided, by whom, and who ran the calls; `decided:deny`, `decided:signalbox`."""
    return " ".join(f"{each.decision} {each.decided_by} {each.runner}" for each in row.decided)


_FIELDS: dict[str, Callable[[RequestRow], str]] = {
    "status": lambda row: f"{row.status_text} {row.outcome or 'live'}",
    "model": lambda row: f"{row.model_asked} {row.model_used}",
    "provider": lambda row: row.provider,
    "client": lambda row: row.client,
    "tool": _tools,
    "decided": _decided,
    "conv": lambda row: row.conversation_id or "",
    "id": lambda row: row.request_id,
}


def _haystack(row: RequestRow) -> str:
    return " ".join(
        (
            row.request_id,
            row.client,
            row.model_text,
            row.provider,
            row.status_text,
            row.conversation_id or "",
            _tools(row),
            row.refused.reason if row.refused else "",
        )
    ).casefold()


class RequestsProxy(QSortFilterProxyModel):
    """The rows of a RequestsModel that pass a query, sorted as the user likes."""

    def __init__(self, source: RequestsModel) -> None:
        super().__init__()
        self._requests = source
        self._predicate = RequestQuery().predicate()
        self.setSortRole(Role.SORT)
        self.setSourceModel(source)

    def set_query(self, query: RequestQuery) -> None:
        """Shows only what passes."""
        self.beginFilterChange()
        self._predicate = query.predicate()
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sorts; newest first, the order they come in, costs no comparison: 5,000 rows took 200 ms."""
        if column == 0 and order is Qt.SortOrder.DescendingOrder:
            super().sort(-1, Qt.SortOrder.AscendingOrder)
        else:
            super().sort(column, order)

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:  # noqa: ARG002 - Qt names it
        """Says whether a row is shown."""
        return self._predicate(self._requests.request(source_row))
