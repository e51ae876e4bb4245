"""A table whose first column is ticked by a click into its cell, or by Space."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent

from gui.roles import Index
from gui.widgets.data_table import DataTable


class TickTable(DataTable):
    """A DataTable over a model with ticks in its first column."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ticks the row on Space, whichever column is current."""
        if event.key() == Qt.Key.Key_Space and self.currentIndex().isValid():
            self._turn(self.currentIndex().siblingAtColumn(0))
            return
        super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Ticks the row whose first cell was clicked."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid() and index.column() == 0:
            self._turn(index)

    def _turn(self, index: Index) -> None:
        is_ticked = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
        wanted = Qt.CheckState.Unchecked if is_ticked else Qt.CheckState.Checked
        self.model().setData(index, wanted, Qt.ItemDataRole.CheckStateRole)
