"""Buttons: made in one place, so that each has words, an icon that follows the theme, and a name."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton, QWidget

from gui.icons import set_icon
from gui.theme import Theme
from gui.widgets.text import announce, plain, tip

_COPIED_MS = 1600
_ICON_ROLES = {"primary": "on_accent", "danger": "danger", "link": "accent"}


def button(
    theme: Theme,
    text: str,
    *,
    icon: str | None = None,
    kind: str = "plain",
    name: str | None = None,
    on_click: Callable[[], None] | None = None,
) -> QPushButton:
    """Makes a button.

    Args:
        theme: Colours its icon.
        text: Its words; empty for an icon alone, which then needs a `name`.
        icon: Name of its icon.
        kind: plain, primary, danger, flat, link or toggle.
        name: What a screen reader says, and the tool tip of an icon without words.
        on_click: What a press does.
    """
    made = QPushButton(plain(text))
    made.setProperty("kind", kind)
    made.setAccessibleName(name or text)
    made.setAutoDefault(False)
    if not text and name:
        made.setToolTip(tip(name))
    if icon is not None:
        set_icon(made, icon, theme, role=_ICON_ROLES.get(kind, "text"))
    if on_click is not None:
        made.clicked.connect(on_click)
    return made


class CopyButton(QPushButton):
    """Copies a text that it asks for when pressed, and says so for a moment."""

    def __init__(
        self,
        theme: Theme,
        source: Callable[[], str],
        *,
        text: str = "Copy",
        name: str = "Copy",
        kind: str = "plain",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(plain(text), parent)
        self._theme, self._source, self._words = theme, source, text
        self._role = _ICON_ROLES.get(kind, "text")
        self.setProperty("kind", kind)
        self.setAccessibleName(name)
        if not text:
            self.setToolTip(tip(name))
        self.setAutoDefault(False)
        set_icon(self, "copy", theme, role=self._role)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_COPIED_MS)
        self._timer.timeout.connect(self._calm_down)
        self.clicked.connect(self.copy)

    def copy(self) -> None:
        """Puts the text on the clipboard."""
        QGuiApplication.clipboard().setText(self._source())
        set_icon(self, "check", self._theme, role=self._role)
        if self._words:
            self.setMinimumWidth(self.width())
            self.setText("Copied")
        announce(self, "Copied")
        self._timer.start()

    def _calm_down(self) -> None:
        set_icon(self, "copy", self._theme, role=self._role)
        self.setText(plain(self._words))
