"""What tables and trees of rows have in common: how a cell looks, how wide columns are, what is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractItemModel, QSize, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QStyledItemDelegate, QStyleOptionViewItem

from gui.icons import icon
from gui.roles import Look, Role
from gui.theme import Theme

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class LookDelegate(QStyledItemDelegate):
    """Puts tone and shape into a cell's option."""

    def __init__(self, theme: Theme, parent: QAbstractItemView) -> None:
        super().__init__(parent)
        self._theme = theme

    def put_look(self, option: QStyleOptionViewItem, look: Look) -> None:
        """Changes the option."""
        if look.tone is not None:
            color = self._theme.color(look.tone)
            for group in (QPalette.ColorGroup.Active, QPalette.ColorGroup.Inactive):
                option.palette.setColor(group, QPalette.ColorRole.Text, color)
        if look.icon is not None:
            option.icon = icon(look.icon, self._theme, look.tone or "text")
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration
            option.decorationSize = QSize(self._theme.px(14), self._theme.px(14))


class Rows:
    """Makes a view one of whole rows that are read, not edited, and keeps its columns' widths."""

    def __init__(
        self, view: QAbstractItemView, header: QHeaderView, theme: Theme, name: str, model: QAbstractItemModel
    ) -> None:
        self._view, self._header, self._theme = view, header, theme
        self._flexible: int | None = None
        self._least = 0
        view.setAccessibleName(name)
        view.setModel(model)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setTabKeyNavigation(False)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(48)
        header.setDefaultAlignment(LEFT)
        header.setAccessibleName(f"{name}, column headings")
        theme.changed.connect(view.viewport().update)

    def set_widths(self, widths: Sequence[int], flexible: int | None = None) -> None:
        """Sets the columns' widths; the `flexible` one takes what is left, but never less than its width."""
        for column, width in enumerate(widths):
            self._header.resizeSection(column, self._theme.px(width))
        if flexible is not None:
            self._flexible, self._least = flexible, self._theme.px(widths[flexible])
            self._header.setStretchLastSection(False)
            self.flex()

    def flex(self) -> None:
        """Gives the flexible column what is left."""
        if self._flexible is None:
            return
        others = self._header.length() - self._header.sectionSize(self._flexible)
        self._header.resizeSection(self._flexible, max(self._least, self._view.viewport().width() - others))

    def value(self) -> object:
        """Returns the object of the chosen row, or None."""
        index = self._view.currentIndex()
        is_chosen = index.isValid() and self._view.selectionModel().hasSelection()
        return index.data(Role.VALUE) if is_chosen else None
