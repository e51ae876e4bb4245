"""A table of values with a tick in the first column; setting it asks, and the answer changes the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from PySide6.QtCore import Qt, Signal

from gui.models.value_table import Cell, Column, ValueTable
from gui.roles import Index, Role

T = TypeVar("T")


def with_tick(flags: Qt.ItemFlag, index: Index) -> Qt.ItemFlag:
    """Returns a cell's flags where the first column has a tick."""
    return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == 0 else flags


class TickedTable(ValueTable[T]):
    """Says in a word, a shape and Qt's own role whether a row is ticked."""

    tick_asked = Signal(str, bool)
    """The key of a row, and what its tick should be."""

    def __init__(
        self,
        title: str,
        columns: Sequence[Column[T]],
        key: Callable[[T], str],
        is_ticked: Callable[[T], bool],
    ) -> None:
        self._is_ticked, self._key_of = is_ticked, key
        super().__init__((Column(title, self._tick_cell), *columns), key)

    def _tick_cell(self, value: T) -> Cell:
        if self._is_ticked(value):
            return Cell("on", tone="accent", icon="tick-on")
        return Cell("off", tone="muted", icon="tick-off")

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Says that the first column has a tick."""
        return with_tick(super().flags(index), index)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Adds the tick to what a view may ask."""
        if role == Qt.ItemDataRole.CheckStateRole:
            if index.column() != 0 or not 0 <= index.row() < len(self.values):
                return None
            is_ticked = self._is_ticked(self.values[index.row()])
            return Qt.CheckState.Checked if is_ticked else Qt.CheckState.Unchecked
        return super().data(index, role)

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Asks for a tick to be set or taken."""
        row = index.data(Role.VALUE)
        if role != Qt.ItemDataRole.CheckStateRole or index.column() != 0 or row is None:
            return False
        self.tick_asked.emit(
            self._key_of(self.values[index.row()]), Qt.CheckState(value) is Qt.CheckState.Checked
        )
        return True
