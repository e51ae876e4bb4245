"""The tree that looks and answers like our tables: whole rows, ticks in the first column, keyboard first."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QEvent, QItemSelection, QModelIndex, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyleOptionViewItem,
    QToolTip,
    QTreeView,
)

from gui.icons import pixmap
from gui.roles import Index, Role, look_of
from gui.theme import Theme
from gui.widgets.rows import LookDelegate, Rows
from gui.widgets.text import tip


class TreeDelegate(LookDelegate):
    """Draws a cell in its tone with its shape; ticks are drawn by the style."""

    def __init__(self, theme: Theme, parent: QTreeView) -> None:
        super().__init__(theme, parent)
        self._tree = parent

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Adds tone and shape to what the style knows."""
        super().initStyleOption(option, index)
        self.put_look(option, look_of(index))

    def helpEvent(
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,  # noqa: ARG002 - Qt hands it
        index: Index,
    ) -> bool:
        """Shows what a cell stands for, where that is more than it says."""
        full = index.data(Role.FULL_TEXT)
        if event.type() != QEvent.Type.ToolTip:
            return False
        QToolTip.showText(event.globalPos(), tip(full) if isinstance(full, str) else "", view)
        return True

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draws the tick into its box, which the style sheet leaves empty."""
        super().paint(painter, option, index)
        state = index.data(Qt.ItemDataRole.CheckStateRole)
        if state is None or state == Qt.CheckState.Unchecked:
            return
        drawn = QStyleOptionViewItem(option)
        self.initStyleOption(drawn, index)
        element = QStyle.SubElement.SE_ItemViewItemCheckIndicator
        box = self._tree.style().subElementRect(element, drawn, self._tree)
        shape = "check" if state == Qt.CheckState.Checked else "dash"
        size = self._theme.px(13)
        tick = pixmap(shape, self._theme.color("on_accent"), size, self._tree.devicePixelRatioF())
        painter.drawPixmap(box.center().x() - size // 2, box.center().y() - size // 2, tick)


class DataTree(QTreeView):
    """Rows below groups; Enter opens, Space ticks."""

    opened = Signal(QModelIndex)
    chosen = Signal()

    def __init__(self, theme: Theme, name: str, model: QAbstractItemModel) -> None:
        super().__init__()
        self._rows = Rows(self, self.header(), theme, name, model)
        self.setItemDelegate(TreeDelegate(theme, self))
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setIndentation(18)
        model.modelReset.connect(self.expandAll)

    def set_widths(self, widths: tuple[int, ...], *, flexible: int) -> None:
        """Sets the columns' widths; the `flexible` one takes what is left."""
        self._rows.set_widths(widths, flexible)

    def current_value(self) -> object:
        """Returns the object of the chosen row, or None."""
        return self._rows.value()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Opens a row on Enter, and ticks it on Space whichever column is current."""
        index = self.currentIndex()
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and index.isValid():
            self.opened.emit(index)
        elif event.key() == Qt.Key.Key_Space and index.isValid():
            first = index.siblingAtColumn(0)
            is_ticked = first.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
            wanted = Qt.CheckState.Unchecked if is_ticked else Qt.CheckState.Checked
            self.model().setData(first, wanted, Qt.ItemDataRole.CheckStateRole)
        else:
            super().keyPressEvent(event)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Says that another row is chosen."""
        super().selectionChanged(selected, deselected)
        self.chosen.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Gives the flexible column what is left."""
        super().resizeEvent(event)
        self._rows.flex()
