"""The roles beyond Qt's own that our models answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt

Index: TypeAlias = QModelIndex | QPersistentModelIndex

NO_PARENT = QModelIndex()


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell is drawn; one value, for each question of a view to a model costs time."""

    tone: str | None = None
    """ok, warn, danger, accent or muted: the colour of the text."""
    icon: str | None = None
    """Name of the icon before the text: the same fact as the tone, as a shape."""
    is_mono: bool = False
    """In a fixed-width font."""
    is_link: bool = False
    """The cell leads somewhere when clicked."""


PLAIN = Look()


class Role(IntEnum):
    """Item data roles of ours."""

    LOOK = Qt.ItemDataRole.UserRole + 1
    """A `Look`; a cell without one is plain."""
    SORT = Qt.ItemDataRole.UserRole + 2
    """What to sort by."""
    VALUE = Qt.ItemDataRole.UserRole + 3
    """The row's own object."""
    FULL_TEXT = Qt.ItemDataRole.UserRole + 4
    """What the cell's text stands for, where that is longer: the tool tip."""


def look_of(index: Index) -> Look:
    """Returns how a cell is drawn."""
    look: object = index.data(Role.LOOK)
    return look if isinstance(look, Look) else PLAIN
