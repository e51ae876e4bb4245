"""The table of every page: whole rows, keyboard first, tones and shapes drawn from the model's roles."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractItemModel, QEvent, QItemSelection, QModelIndex, Qt, Signal
from PySide6.QtGui import (
    QFontDatabase,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyleOptionViewItem,
    QTableView,
    QToolTip,
)

from gui.roles import Index, Role, look_of
from gui.theme import Theme
from gui.tokens import SCALE
from gui.widgets.rows import LEFT, LookDelegate, Rows
from gui.widgets.text import tip

ROW_HEIGHT = 30


class ToneDelegate(LookDelegate):
    """Draws a cell's text in its tone, its shape before it, and its full text as a tool tip when cut off."""

    def __init__(self, theme: Theme, parent: QTableView) -> None:
        super().__init__(theme, parent)
        self._table = parent
        self._mono = parent.font()
        self._mono.setFamilies([QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()])
        self._mono.setPointSizeF(self._mono.pointSizeF() * SCALE.small)

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Puts text, tone, shape and font into the option.

        Without the base class, which asks the model for eight roles that ours do not have: with a table
        that moves twenty times a second those questions are most of the work.
        """
        if isinstance(index, QModelIndex):
            option.index = index
        option.text = str(index.data(Qt.ItemDataRole.DisplayRole) or "")
        option.features |= QStyleOptionViewItem.ViewItemFeature.HasDisplay
        alignment = index.data(Qt.ItemDataRole.TextAlignmentRole)
        option.displayAlignment = alignment if isinstance(alignment, Qt.AlignmentFlag) else LEFT
        look = look_of(index)
        self.put_look(option, look)
        if look.is_mono:
            option.font = self._mono

    def helpEvent(
        self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        """Shows the whole text of a cell that is too narrow for it."""
        text, full = index.data(Qt.ItemDataRole.DisplayRole), index.data(Role.FULL_TEXT)
        if event.type() != QEvent.Type.ToolTip or not isinstance(text, str):
            return False
        is_cut_off = self.sizeHint(option, index).width() > self._table.columnWidth(index.column())
        whole = full if isinstance(full, str) else text if is_cut_off else ""
        QToolTip.showText(event.globalPos(), tip(whole), view)
        return True


class DataTable(QTableView):
    """Rows to choose from: Enter or a double click opens, Ctrl+C copies the row, Del asks to remove."""

    opened = Signal(QModelIndex)
    """A row was double-clicked, or Enter pressed on it."""
    chosen = Signal()
    """Another row is current, or none."""
    remove_asked = Signal()
    link_clicked = Signal(QModelIndex)

    def __init__(self, theme: Theme, name: str, model: QAbstractItemModel) -> None:
        super().__init__()
        self._rows = Rows(self, self.horizontalHeader(), theme, name, model)
        self.setItemDelegate(ToneDelegate(theme, self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setMouseTracking(True)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(max(ROW_HEIGHT, self.fontMetrics().height() + 12))
        self.horizontalHeader().setStretchLastSection(True)
        self.activated.connect(self._on_activated)

    def set_widths(self, widths: Sequence[int], *, flexible: int | None = None) -> None:
        """Sets the columns' widths; the `flexible` one takes what is left, but never less than its width."""
        self._rows.set_widths(widths, flexible)

    def current_value(self) -> object:
        """Returns the object of the chosen row, or None."""
        return self._rows.value()

    def choose_row(self, row: int) -> None:
        """Makes a row the chosen one and brings it into view."""
        self.selectRow(row)
        self.scrollTo(self.model().index(row, 0))

    def row_text(self, row: int) -> str:
        """Returns a row's cells, separated by tabs."""
        model = self.model()
        return "\t".join(str(model.index(row, c).data() or "") for c in range(model.columnCount()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Adds copy and remove to the keys a table knows."""
        if event.matches(QKeySequence.StandardKey.Copy) and self.currentIndex().isValid():
            QGuiApplication.clipboard().setText(self.row_text(self.currentIndex().row()))
        elif event.key() == Qt.Key.Key_Delete and self.currentIndex().isValid():
            self.remove_asked.emit()
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Follows a cell that leads somewhere."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid() and look_of(index).is_link:
            self.link_clicked.emit(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Shows a hand over a cell that leads somewhere."""
        super().mouseMoveEvent(event)
        index = self.indexAt(event.position().toPoint())
        is_link = index.isValid() and look_of(index).is_link
        self.viewport().setCursor(
            Qt.CursorShape.PointingHandCursor if is_link else Qt.CursorShape.ArrowCursor
        )

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Says that another row is chosen."""
        super().selectionChanged(selected, deselected)
        self.chosen.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Gives the flexible column what is left."""
        super().resizeEvent(event)
        self._rows.flex()

    def _on_activated(self, index: QModelIndex) -> None:
        self.opened.emit(index)
