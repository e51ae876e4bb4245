"""The table of every page: whole rows, keyboard first, tones and shapes drawn from the model's roles."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractItemModel, QEvent, QItemSelection, QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontDatabase,
    QGuiApplication,
    QHelpEvent,
    QIcon,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPalette,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolTip,
)

from gui.icons import icon
from gui.roles import Index, Role, look_of
from gui.theme import Theme
from gui.tokens import SCALE
from gui.widgets.text import tip

ROW_HEIGHT = 30
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_TEN_DIGITS = "0123456789"
_WIDTH_OF_TEN_DIGITS = 78
"""In the font that column widths are given for; a wider font gets wider columns."""


class ToneDelegate(QStyledItemDelegate):
    """Draws a cell's text in its tone, its shape before it, and its full text as a tool tip when cut off."""

    def __init__(self, theme: Theme, parent: QTableView) -> None:
        super().__init__(parent)
        self._theme = theme
        self._table = parent
        self._icons: dict[tuple[str, str], QIcon] = {}
        theme.changed.connect(self._icons.clear)
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
        option.displayAlignment = alignment if isinstance(alignment, Qt.AlignmentFlag) else _LEFT
        look = look_of(index)
        if look.tone is not None:
            color = self._theme.color(look.tone)
            for group in (QPalette.ColorGroup.Active, QPalette.ColorGroup.Inactive):
                option.palette.setColor(group, QPalette.ColorRole.Text, color)
        if look.icon is not None:
            option.icon = self._icon(look.icon, look.tone or "text")
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration
            option.decorationSize = QSize(14, 14)
        if look.is_mono:
            option.font = self._mono

    def _icon(self, shape: str, role: str) -> QIcon:
        """Draws a shape once for all cells that show it."""
        if (shape, role) not in self._icons:
            self._icons[shape, role] = icon(shape, self._theme, role)
        return self._icons[shape, role]

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
        self._flexible: int | None = None
        self._least = 0
        self.setAccessibleName(name)
        self.setModel(model)
        self.setItemDelegate(ToneDelegate(theme, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setMouseTracking(True)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(max(ROW_HEIGHT, self.fontMetrics().height() + 12))
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(48)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setAccessibleName(f"{name}, column headings")
        self.activated.connect(self._on_activated)
        theme.changed.connect(self.viewport().update)

    def set_widths(self, widths: Sequence[int], *, flexible: int | None = None) -> None:
        """Sets the columns' widths; the `flexible` one takes what is left, but never less than its width."""
        scale = max(1.0, self.fontMetrics().horizontalAdvance(_TEN_DIGITS) / _WIDTH_OF_TEN_DIGITS)
        for column, width in enumerate(widths):
            self.setColumnWidth(column, round(width * scale))
        if flexible is not None:
            self._flexible, self._least = flexible, round(widths[flexible] * scale)
            self.horizontalHeader().setStretchLastSection(False)
            self._flex()

    def current_value(self) -> object:
        """Returns the object of the chosen row, or None."""
        index = self.currentIndex()
        return index.data(Role.VALUE) if index.isValid() and self.selectionModel().hasSelection() else None

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
        self._flex()

    def _flex(self) -> None:
        if self._flexible is None:
            return
        others = sum(self.columnWidth(c) for c in range(self.model().columnCount()) if c != self._flexible)
        left = self.viewport().width() - others
        self.setColumnWidth(self._flexible, max(self._least, left))

    def _on_activated(self, index: QModelIndex) -> None:
        self.opened.emit(index)
