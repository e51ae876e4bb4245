"""The sidebar: the program's name and one entry a page, by mouse, arrows or Ctrl and a digit."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QButtonGroup, QFrame, QLabel, QSizePolicy, QVBoxLayout

from gui.icons import app_icon, set_icon
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import Button
from gui.widgets.cards import row
from gui.widgets.text import label

WIDTH = 214
_ICON = 18
_BESIDE = 2 * SPACE.m + 36
"""What stands beside an entry's icon and words: margins, padding and border."""


class Sidebar(QFrame):
    """Shows which page is open and asks for another."""

    page_asked = Signal(str)

    def __init__(
        self, theme: Theme, entries: tuple[tuple[str, str], ...], groups: Mapping[str, str] | None = None
    ) -> None:
        """Makes an entry for each page.

        Args:
            theme: Colours the icons.
            entries: Id and title of each page; the id is the icon's name too.
            groups: Headings, each by the id of the page it stands above.
        """
        super().__init__()
        self.setProperty("kind", "sidebar")
        self.setAccessibleName("Pages")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self._theme = theme
        self._buttons: dict[str, Button] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE.m, SPACE.m + 2, SPACE.m, SPACE.m)
        layout.setSpacing(2)
        logo = QLabel()
        logo.setTextFormat(Qt.TextFormat.PlainText)
        size = theme.px(28)
        logo.setPixmap(app_icon().pixmap(QSize(size, size), self.devicePixelRatioF()))
        logo.setFixedSize(size, size)
        logo.setAccessibleName("Signalbox logo")
        layout.addLayout(row(SPACE.xs, logo, 2, label("Signalbox", kind="heading"), None))
        layout.addSpacing(SPACE.l)
        group = QButtonGroup(self)
        for number, (page, title) in enumerate(entries, start=1):
            if groups and page in groups:
                layout.addSpacing(SPACE.m)
                heading = label(groups[page], kind="group")
                layout.addWidget(heading)
            entry = Button(f"  {title}", kind="nav", name=title)
            entry.setAccessibleDescription(f"Ctrl+{number}")
            entry.setCheckable(True)
            set_icon(entry, page, theme, role="muted", on_role="on_accent_soft", size=_ICON)
            entry.clicked.connect(lambda _checked=False, page=page: self.page_asked.emit(page))
            group.addButton(entry)
            layout.addWidget(entry)
            self._buttons[page] = entry
        layout.addStretch(1)

    def sizeHint(self) -> QSize:
        """Returns a width that has room for every title, however large the desktop's font is."""
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)  # that of the page that is open
        widest = max(QFontMetrics(bold).horizontalAdvance(entry.text()) for entry in self._buttons.values())
        return QSize(max(WIDTH, widest + self._theme.px(_ICON) + _BESIDE), super().sizeHint().height())

    def show_page(self, page: str) -> None:
        """Marks a page as open."""
        self._buttons[page].setChecked(True)
        if self.window().focusWidget() in self._buttons.values():
            self._buttons[page].setFocus()

    def button(self, page: str) -> Button:
        """Returns a page's entry."""
        return self._buttons[page]
