"""A shape: an icon as a picture, re-drawn in the theme's colours."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui.icons import pixmap
from gui.theme import Theme


class Shape(QWidget):
    """Draws one icon in one role's colour; decoration beside words, so it takes no focus."""

    def __init__(self, theme: Theme, icon: str, *, role: str = "muted", size: int = 16) -> None:
        super().__init__()
        self._theme, self._icon, self._role, self._size = theme, icon, role, theme.px(size)
        self.setFixedSize(self._size, self._size)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.changed.connect(self.update)

    def show_icon(self, icon: str, role: str) -> None:
        """Draws another icon in another role's colour."""
        if (icon, role) != (self._icon, self._role):
            self._icon, self._role = icon, role
            self.update()

    def sizeHint(self) -> QSize:
        """Returns its fixed size."""
        return QSize(self._size, self._size)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 - Qt hands it
        """Draws the icon at the screen's own resolution."""
        painter = QPainter(self)
        color = self._theme.color(self._role)
        painter.drawPixmap(0, 0, pixmap(self._icon, color, self._size, self.devicePixelRatioF()))
        painter.end()
