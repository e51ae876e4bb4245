"""A table of frozen values that is told its rows as a whole and announces only what differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PySide6.QtCore import Qt

from gui.models.titled_table import TitledTable
from gui.roles import Index, Look, Role

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cell:
    """What a table shows of one value in one column."""

    text: str
    tone: str | None = None
    icon: str | None = None
    is_mono: bool = False
    is_link: bool = False
    full: str | None = None
    """What the text stands for, where that is longer."""


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A title and how a value looks under it."""

    title: str
    cell: Callable[[T], Cell]
    is_right: bool = False
    """Aligned to the right, as numbers are."""


class ChosenKey:
    """Remembers which value is chosen, by its key, while a table is told its rows anew."""

    def __init__(self) -> None:
        self.shown: str | None = None
        self.expected: str | None = None
        """What was just saved: it is chosen as soon as the table has it."""

    def row_in(self, table: ValueTable[Any]) -> int:
        """Returns the row to choose now."""
        if self.expected is not None:
            row = table.row_of(self.expected)
            if row is not None:
                self.expected = None
                return row
        return (table.row_of(self.shown) if self.shown else None) or 0


class ValueTable(TitledTable, Generic[T]):
    """Rows of values, identified by a key; selections survive a change that keeps the keys."""

    def __init__(self, columns: Sequence[Column[T]], key: Callable[[T], str]) -> None:
        right = {number for number, each in enumerate(columns) if each.is_right}
        super().__init__([each.title for each in columns], right=right)
        self._columns = tuple(columns)
        self._key = key
        self._values: tuple[T, ...] = ()

    @property
    def values(self) -> tuple[T, ...]:
        """The rows."""
        return self._values

    def row_of(self, key: str) -> int | None:
        """Returns the row of the value with this key."""
        for row, value in enumerate(self._values):
            if self._key(value) == key:
                return row
        return None

    def show(self, values: Sequence[T]) -> None:
        """Takes the rows; a reset only when keys came, went or moved."""
        values = tuple(values)
        if [self._key(v) for v in values] == [self._key(v) for v in self._values]:
            changed = [
                row for row, pair in enumerate(zip(values, self._values, strict=True)) if pair[0] != pair[1]
            ]
            self._values = values
            if changed:
                self.refresh(min(changed), max(changed))
            return
        self.beginResetModel()
        self._values = values
        self.endResetModel()

    def refresh(self, first: int, last: int) -> None:
        """Says that these rows look different now."""
        self.dataChanged.emit(self.index(first, 0), self.index(last, len(self._columns) - 1))

    def kept(self) -> Sequence[T]:
        """Returns the values."""
        return self._values

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Returns what a view asks of a cell."""
        if not index.isValid() or not 0 <= index.row() < len(self._values):
            return None
        value = self._values[index.row()]
        if role == Role.VALUE:
            return value
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(index.column())
        cell = self._columns[index.column()].cell(value)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return cell.text
            case Role.LOOK:
                return Look(cell.tone, cell.icon, cell.is_mono, cell.is_link)
            case Role.FULL_TEXT:
                return cell.full
            case _:
                return None
