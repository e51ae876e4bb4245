"""What our tables have in common: titled columns, and no rows below rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Sized

from PySide6.QtCore import QAbstractTableModel, Qt

from gui.roles import NO_PARENT, Index


class TitledTable(QAbstractTableModel):
    """Counts rows and columns and titles them; subclasses keep the rows and answer `data`."""

    def __init__(self, titles: Sequence[str], *, right: Collection[int] = ()) -> None:
        """Makes the columns of these titles; those in `right` are aligned to the right."""
        super().__init__()
        self._titles = tuple(titles)
        self._right = frozenset(right)

    def kept(self) -> Sized:
        """Returns the rows that are kept now."""
        raise NotImplementedError

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        """Returns how many rows are kept."""
        return 0 if parent.isValid() else len(self.kept())

    def columnCount(self, parent: Index = NO_PARENT) -> int:
        """Returns the number of columns."""
        return 0 if parent.isValid() else len(self._titles)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Returns a column's title."""
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(self._titles):
            if role == Qt.ItemDataRole.DisplayRole:
                return self._titles[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return self.alignment(section)
        return None

    def alignment(self, column: int) -> Qt.AlignmentFlag:
        """Returns how a column's title and cells are aligned."""
        side = Qt.AlignmentFlag.AlignRight if column in self._right else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter
