"""The log's table: the last lines, appended in batches, and the proxy model that filters them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSortFilterProxyModel, Qt

from gui import wording
from gui.desk import LogLine
from gui.models.titled_table import TitledTable
from gui.roles import NO_PARENT, PLAIN, Index, Look, Role

MAX_LINES = 10_000
LEVELS = ("debug", "info", "warning", "error", "critical")
_RANK = {level: rank for rank, level in enumerate(LEVELS)}
_LEVEL_LOOK = {
    "debug": Look("muted"),
    "warning": Look("warn", "warn"),
    "error": Look("danger", "error"),
    "critical": Look("danger", "error"),
}
_MONO, _FAINT, _FAINT_MONO = Look(is_mono=True), Look("muted"), Look("muted", is_mono=True)
_LINK = Look("accent", is_mono=True, is_link=True)

COLUMNS = ("Time", "Level", "Component", "Event", "Request", "Details")
REQUEST_COLUMN = 4
_MAX_DETAILS = 400


class LogsModel(TitledTable):
    """Log lines, oldest first, at most `max_lines`."""

    def __init__(self, max_lines: int = MAX_LINES) -> None:
        super().__init__(COLUMNS)
        self._max_lines = max_lines
        self._lines: list[LogLine] = []
        self.dropped = 0
        """Lines that came too fast to keep."""

    def line(self, row: int) -> LogLine:
        """Returns the line in a row."""
        return self._lines[row]

    def append(self, lines: Sequence[LogLine], dropped: int = 0) -> None:
        """Takes a batch: at most one removal and one insertion, however many lines."""
        self.dropped += dropped
        kept = list(lines[-self._max_lines :])
        if not kept:
            return
        surplus = min(len(self._lines) + len(kept) - self._max_lines, len(self._lines))
        if surplus > 0:
            self.beginRemoveRows(NO_PARENT, 0, surplus - 1)
            del self._lines[:surplus]
            self.endRemoveRows()
        start = len(self._lines)
        self.beginInsertRows(NO_PARENT, start, start + len(kept) - 1)
        self._lines.extend(kept)
        self.endInsertRows()

    def clear(self) -> None:
        """Empties the table; the file is untouched."""
        self.beginResetModel()
        self._lines.clear()
        self.dropped = 0
        self.endResetModel()

    def kept(self) -> Sequence[LogLine]:
        """Returns the lines."""
        return self._lines

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Returns what a view asks of a cell."""
        if not index.isValid() or not 0 <= index.row() < len(self._lines):
            return None
        line = self._lines[index.row()]
        column = index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return _text(line, column)
            case Role.LOOK:
                return _look(line, column)
            case Role.VALUE:
                return line
            case _:
                return None


def _look(line: LogLine, column: int) -> Look:
    is_faint = line.level == "debug"
    if column == 1:
        return _LEVEL_LOOK.get(line.level, PLAIN)
    if column == REQUEST_COLUMN and line.request_id is not None:
        return _LINK
    if column in {0, REQUEST_COLUMN, 5}:
        return _FAINT_MONO if is_faint else _MONO
    return _FAINT if is_faint else PLAIN


def _text(line: LogLine, column: int) -> str:
    match column:
        case 0:
            return wording.clock_time_ms(line.at)
        case 1:
            return line.level
        case 2:
            return line.component
        case 3:
            return line.event
        case 4:
            return line.request_id or ""
        case _:
            return details(line)[:_MAX_DETAILS]


def details(line: LogLine) -> str:
    """Returns a line's further fields as `name=value`."""
    return "  ".join(f"{name}={value}" for name, value in line.fields.items())


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines the user wants to see; every condition must hold."""

    level: str = "debug"
    """This level and worse."""
    text: str = ""
    request_id: str = ""

    def accepts(self, line: LogLine) -> bool:
        """Says whether a line is wanted."""
        if _RANK.get(line.level, 1) < _RANK.get(self.level, 0):
            return False
        if self.request_id and self.request_id not in (line.request_id or "").casefold():
            return False
        if not self.text:
            return True
        return self.text in f"{line.component} {line.event} {line.request_id} {details(line)}".casefold()


class LogsProxy(QSortFilterProxyModel):
    """The lines of a LogsModel that a query wants, in the order they came."""

    def __init__(self, source: LogsModel) -> None:
        super().__init__()
        self._logs = source
        self._query = LogQuery()
        self.setSourceModel(source)

    def set_query(self, query: LogQuery) -> None:
        """Shows only what the query wants."""
        self.beginFilterChange()
        self._query = LogQuery(query.level, query.text.casefold(), query.request_id.strip().casefold())
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:  # noqa: ARG002 - Qt names it
        """Says whether a line is shown."""
        return self._query.accepts(self._logs.line(source_row))
