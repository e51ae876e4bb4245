"""The requests' table: one row a request, kept up to date from the proxy's events, bounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import Qt

from gui import wording
from gui.bridge import Bridge
from gui.models.titled_table import TitledTable
from gui.roles import NO_PARENT, Index, Look, Role
from proxy.events import (
    FirstToken,
    Outcome,
    RequestEvent,
    RequestFinished,
    RequestRefused,
    RequestRouted,
    RequestStarted,
    ToolDecided,
)
from proxy.store.ledger_values import AttemptRow
from proxy.store.ledger_values import RequestRow as LedgerRow

MAX_ROWS = 5_000
_NEAR = 16
"""Changed rows no further apart than this are told as one change."""


@dataclass(slots=True)
class RequestRow:
    """What is known of one request so far."""

    request_id: str
    at: float
    client: str = ""
    conversation_id: str | None = None
    path: str = ""
    model_asked: str = ""
    stream: bool = False
    routes: list[RequestRouted] = field(default_factory=list[RequestRouted])
    first_token_s: float | None = None
    finished: RequestFinished | None = None
    refused: RequestRefused | None = None
    decided: list[ToolDecided] = field(default_factory=list[ToolDecided])
    """What was decided about its tool calls."""
    earlier: LedgerRow | None = None
    """What the ledger says of it, where it is of an earlier session."""
    attempts: tuple[AttemptRow, ...] | None = None
    """Those of an earlier session's request, once they were read."""

    @property
    def is_live(self) -> bool:
        """It has not ended."""
        return self.finished is None and self.refused is None

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while it runs."""
        if self.refused is not None:
            return "error"
        return self.finished.outcome if self.finished is not None else None

    @property
    def model_used(self) -> str:
        """The upstream's name of the model that serves it."""
        return self.routes[-1].model if self.routes else ""

    @property
    def provider(self) -> str:
        """Who serves it."""
        return self.routes[-1].provider if self.routes else ""

    @property
    def status_text(self) -> str:
        """The status as word and code."""
        if self.refused is not None:
            return f"{self.refused.status} refused"
        if self.earlier is not None and self.earlier.outcome == "interrupted":
            return "interrupted"
        if self.finished is None:
            return "answering" if self.first_token_s is not None else "waiting"
        if self.finished.outcome == "ok":
            return f"{self.finished.status} ok"
        if self.finished.outcome == "cancelled":
            return f"{self.finished.status} cancelled"
        return f"{self.finished.status} {self.finished.error_type or 'error'}"

    @property
    def short_status_text(self) -> str:
        """The same for a narrow place: what failed without saying "error" once more."""
        return self.status_text.removesuffix("_error")

    @property
    def model_text(self) -> str:
        """The model asked for and, where it is another, the one used."""
        return self._asked_and(self.model_used)

    @property
    def short_model_text(self) -> str:
        """The same for a narrow place: without the maker's name before the used model's."""
        return self._asked_and(self.model_used.rpartition("/")[2])

    def _asked_and(self, used: str) -> str:
        return f"{self.model_asked} → {used}" if used and used != self.model_asked else self.model_asked


COLUMNS = (
    "Time",
    "Client",
    "Model asked → used",
    "Provider",
    "Status",
    "In",
    "Out",
    "Cache",
    "Cost",
    "First token",
    "Duration",
)
_NUMERIC = frozenset(range(5, 11))
_OUTCOME_LOOK = {
    "ok": Look("ok", "check"),
    "error": Look("danger", "error"),
    "cancelled": Look("muted", "cancelled"),
    None: Look("accent", "live"),
}
_EARLIER_LOOK = Look("muted")


class RequestsModel(TitledTable):
    """Requests, newest first; the oldest leave when there are more than `max_rows`."""

    def __init__(self, max_rows: int = MAX_ROWS) -> None:
        super().__init__(COLUMNS, right=_NUMERIC)
        self._max_rows = max_rows
        self._rows: list[RequestRow] = []
        """Oldest first: what comes and goes most does so at a list's cheap ends."""
        self._by_id: dict[str, RequestRow] = {}
        self._first = 0
        self._ordinal: dict[str, int] = {}

    def follow(self, bridge: Bridge) -> None:
        """Takes all that happens from now on."""
        bridge.requests_advanced.connect(self.advance)
        bridge.tools_decided.connect(self.note_decisions)

    def row_of(self, request_id: str) -> int | None:
        """Returns the row a request stands in, if it is still kept."""
        ordinal = self._ordinal.get(request_id)
        return None if ordinal is None else self._first + len(self._rows) - 1 - ordinal

    def request(self, row: int) -> RequestRow:
        """Returns the request in a row."""
        return self._rows[-1 - row]

    def advance(self, events: Sequence[RequestEvent]) -> None:
        """Takes a batch of events: new requests in one insertion, known ones in one change."""
        fresh: dict[str, RequestRow] = {}
        touched: list[int] = []
        for event in events:
            if isinstance(event, (RequestStarted, RequestRefused)):
                known = self._by_id.get(event.request_id) or fresh.get(event.request_id)
                if known is None:
                    fresh[event.request_id] = _row_from(event)
                    continue
            row = fresh.get(event.request_id) or self._by_id.get(event.request_id)
            if row is None:
                continue
            _advance(row, event)
            position = self.row_of(event.request_id)
            if position is not None:
                touched.append(position)
        self._tell_changed(touched)
        self._append(list(fresh.values())[-self._max_rows :])

    def note_decisions(self, decisions: Sequence[ToolDecided]) -> None:
        """Keeps what was decided about tool calls with the requests they belong to, for the filter."""
        touched: list[int] = []
        for decision in decisions:
            row = self._by_id.get(decision.request_id)
            position = self.row_of(decision.request_id)
            if row is not None and position is not None:
                row.decided.append(decision)
                touched.append(position)
        self._tell_changed(touched)

    def _tell_changed(self, rows: list[int]) -> None:
        """One old request among many new ones must not have all rows between them judged and drawn anew."""
        for first, last in _spans(rows):
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(COLUMNS) - 1))

    def add_earlier(self, rows: Sequence[RequestRow]) -> None:
        """Puts requests of earlier sessions below all others, as far as there is room.

        Args:
            rows: Newest first; those that are known already are left out.
        """
        fresh = [each for each in rows if each.request_id not in self._by_id]
        del fresh[max(0, self._max_rows - len(self._rows)) :]
        if not fresh:
            return
        fresh.reverse()
        self.beginInsertRows(NO_PARENT, len(self._rows), len(self._rows) + len(fresh) - 1)
        self._first -= len(fresh)
        for offset, row in enumerate(fresh):
            self._by_id[row.request_id] = row
            self._ordinal[row.request_id] = self._first + offset
        self._rows[:0] = fresh
        self.endInsertRows()

    @property
    def is_full(self) -> bool:
        """There is no room for requests of earlier sessions."""
        return len(self._rows) >= self._max_rows

    def oldest_us(self) -> int | None:
        """Returns when the oldest request began, in microseconds since the epoch."""
        return round(self._rows[0].at * 1e6) if self._rows else None

    def note_attempts(self, request_id: str, attempts: tuple[AttemptRow, ...]) -> None:
        """Keeps what was read of an earlier request's attempts."""
        row = self._by_id.get(request_id)
        if row is not None:
            row.attempts = attempts

    def _append(self, rows: list[RequestRow]) -> None:
        if not rows:
            return
        surplus = len(self._rows) + len(rows) - self._max_rows
        if surplus > 0:
            surplus = min(surplus, len(self._rows))
        if surplus > 0:
            self.beginRemoveRows(NO_PARENT, len(self._rows) - surplus, len(self._rows) - 1)
            for old in self._rows[:surplus]:
                del self._by_id[old.request_id], self._ordinal[old.request_id]
            del self._rows[:surplus]
            self._first += surplus
            self.endRemoveRows()
        self.beginInsertRows(NO_PARENT, 0, len(rows) - 1)
        for ordinal, row in enumerate(rows, start=self._first + len(self._rows)):
            self._by_id[row.request_id] = row
            self._ordinal[row.request_id] = ordinal
        self._rows.extend(rows)
        self.endInsertRows()

    def kept(self) -> Sequence[RequestRow]:
        """Returns the requests."""
        return self._rows

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Returns what a view asks of a cell."""
        if not index.isValid() or not 0 <= index.row() < len(self._rows):
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(index.column())
        answer = _ANSWERS.get(role)
        return None if answer is None else answer(self.request(index.row()), index.column())


def _spans(rows: Sequence[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for row in sorted(rows):
        if spans and row - spans[-1][1] <= _NEAR:
            spans[-1] = spans[-1][0], row
        else:
            spans.append((row, row))
    return spans


def _row_from(event: RequestStarted | RequestRefused) -> RequestRow:
    if isinstance(event, RequestRefused):
        return RequestRow(event.request_id, event.at, refused=event)
    return RequestRow(
        event.request_id,
        event.at,
        client=event.client,
        conversation_id=event.conversation_id,
        path=event.path,
        model_asked=event.model_asked,
        stream=event.stream,
    )


def _advance(row: RequestRow, event: RequestEvent) -> None:
    match event:
        case RequestRouted():
            row.routes.append(event)
        case FirstToken():
            row.first_token_s = event.after_s
        case RequestFinished():
            row.finished = event
            if event.first_token_s is not None:
                row.first_token_s = event.first_token_s
        case RequestRefused():
            row.refused = event
        case _:
            pass


def _text(row: RequestRow, column: int) -> str:
    done = row.finished
    match column:
        case 0:
            return wording.clock_time(row.at) if row.earlier is None else wording.day_time(row.at)
        case 1:
            return row.client.partition("/")[0]
        case 2:
            return row.short_model_text or (row.refused.reason if row.refused else "")
        case 3:
            return row.provider
        case 4:
            return row.short_status_text
        case 9:
            return wording.seconds(row.first_token_s)
        case _:
            return _figure(done, column) if done is not None else ""


def _figure(done: RequestFinished, column: int) -> str:
    match column:
        case 5:
            return wording.tokens(done.input_tokens)
        case 6:
            return wording.tokens(done.output_tokens)
        case 7:
            return wording.tokens(done.cache_read_tokens + done.cache_write_tokens)
        case 8:
            return wording.cost(done.cost_usd)
        case _:
            return wording.seconds(done.duration_s)


def _sort_key(row: RequestRow, column: int) -> str | float:
    done = row.finished
    if column == 0:
        return row.at
    if column == 9:
        return row.first_token_s or 0.0
    if column not in _NUMERIC:
        return _text(row, column)
    if done is None:
        return 0.0
    return {
        5: done.input_tokens,
        6: done.output_tokens,
        7: done.cache_read_tokens + done.cache_write_tokens,
        8: done.cost_usd or 0.0,
        10: done.duration_s,
    }[column]


def _full_text(row: RequestRow, column: int) -> str | None:
    told = {0: wording.full_time(row.at), 1: row.client, 2: row.model_text, 4: row.status_text}
    return told.get(column) or None


def _look(row: RequestRow, column: int) -> Look | None:
    if column == 0 and row.earlier is not None:
        return _EARLIER_LOOK
    return _OUTCOME_LOOK[row.outcome] if column == 4 else None


_ANSWERS: Mapping[int, Callable[[RequestRow, int], object]] = {
    Qt.ItemDataRole.DisplayRole: _text,
    Role.SORT: _sort_key,
    Role.LOOK: _look,
    Role.FULL_TEXT: _full_text,
    Role.VALUE: lambda row, _column: row,
}
