"""What every page is: a title, a line under it, actions beside it, and contents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from PySide6.QtCore import QByteArray, QSettings, Signal
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from gui.bridge import Bridge
from gui.desk import Desk
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.cards import scrolling
from gui.widgets.data_table import DataTable
from gui.widgets.text import label


@dataclass(frozen=True, slots=True)
class Room:
    """What a page is given: whom to ask, whom to hear, and what to look like."""

    desk: Desk
    bridge: Bridge
    theme: Theme


class _Contents(QWidget):
    """Is made no higher than it must be: tables give way before the page scrolls."""

    def heightForWidth(self, width: int) -> int:
        """Returns the least height in which nothing is squeezed."""
        layout = self.layout()
        return layout.minimumHeightForWidth(width) if layout is not None else -1


class Page(QWidget):
    """A page of the window; subclasses fill `body`."""

    page_asked = Signal(str)
    """The user wants another page."""
    request_asked = Signal(str)
    """The user wants to see this request on its page."""
    request_missed = Signal(str)
    """This request was to be shown and is not kept."""
    lines_asked = Signal(str)
    """The user wants the log lines of this request."""
    part_changed = Signal()
    """Another part of the page is open."""

    def __init__(self, room: Room, title: str, caption: str) -> None:
        super().__init__()
        self.room = room
        self.setProperty("kind", "page")
        self.setAccessibleName(f"{title} page")
        self._caption = label(caption, kind="muted", wraps=True)
        self.top_actions = QHBoxLayout()
        self.top_actions.setSpacing(SPACE.s)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(title, kind="title"))
        words.addWidget(self._caption)
        top = QHBoxLayout()
        top.setSpacing(SPACE.l)
        top.addLayout(words, 1)
        top.addLayout(self.top_actions)
        inner = _Contents()
        inner.setAccessibleName(f"{title} page, contents")
        self.body = QVBoxLayout(inner)
        self.body.setContentsMargins(SPACE.xl, SPACE.l, SPACE.xl, SPACE.l)
        self.body.setSpacing(SPACE.m)
        self.body.addLayout(top)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        self.area = scrolling(inner, f"{title} page, scrolling")
        around.addWidget(self.area)

    def focus_filter(self) -> None:
        """Puts the cursor into the page's filter, where it has one (Ctrl+F)."""

    def remembered(self) -> tuple[QSplitter | DataTable, ...]:
        """Returns the splitters and tables whose sizes are kept between sessions."""
        return ()

    def save_sizes(self, store: QSettings) -> None:
        """Keeps the sizes the user gave to splitters and columns."""
        for part in self.remembered():
            state = part.saveState() if isinstance(part, QSplitter) else part.horizontalHeader().saveState()
            store.setValue(_key(self, part), state)

    def restore_sizes(self, store: QSettings) -> None:
        """Takes the sizes kept for this font; what does not fit is ignored by Qt."""
        for part in self.remembered():
            state: object = store.value(_key(self, part))
            if state is None:
                continue
            if isinstance(part, QSplitter):
                part.restoreState(cast("QByteArray", state))
            else:
                part.horizontalHeader().restoreState(cast("QByteArray", state))


def _key(page: Page, part: QSplitter | DataTable) -> str:
    return f"sizes/{type(page).__name__}/{part.accessibleName()}/{page.room.theme.scale:.2f}"
