"""The roles beyond Qt's own that our models answer."""

from __future__ import annotations

from enum import IntEnum
from typing import TypeAlias

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt

Index: TypeAlias = QModelIndex | QPersistentModelIndex

NO_PARENT = QModelIndex()


class Role(IntEnum):
    """Item data roles of ours."""

    TONE = Qt.ItemDataRole.UserRole + 1
    """neutral, ok, warn, danger or muted: the colour of the text."""
    ICON = Qt.ItemDataRole.UserRole + 2
    """Name of the icon before the text: the same fact as the tone, as a shape."""
    SORT = Qt.ItemDataRole.UserRole + 3
    """What to sort by."""
    VALUE = Qt.ItemDataRole.UserRole + 4
    """The row's own object."""
    MONO = Qt.ItemDataRole.UserRole + 5
    """True: a fixed-width font."""
    FULL_TEXT = Qt.ItemDataRole.UserRole + 7
    """What the cell's text stands for, where that is longer: the tool tip."""
    LINK = Qt.ItemDataRole.UserRole + 6
    """True: the cell leads somewhere when clicked."""
