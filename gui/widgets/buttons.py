"""Buttons: made in one place, so that each has words, an icon that follows the theme, and a name."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QPushButton

from gui.icons import set_icon
from gui.theme import Theme
from gui.widgets.text import announce, plain, set_look, tip

_COPIED_MS = 1600
_ICON_ROLES = {"primary": "on_accent", "danger": "danger", "link": "accent"}


_BY_POINTER = {Qt.FocusReason.MouseFocusReason, Qt.FocusReason.ActiveWindowFocusReason}
_OTHER_KEYS = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
)


class Button(QPushButton):
    """A push button that shows its focus ring to those who came by keyboard."""

    def __init__(self, text: str, *, kind: str = "plain", name: str | None = None) -> None:
        super().__init__()
        self.setProperty("kind", kind)
        self.setProperty("ring", "false")
        self.setAutoDefault(False)
        self._name = name
        if name and not text:
            self.setToolTip(tip(name))
        self.say(text)

    def say(self, text: str) -> None:
        """Changes its words, and its name with them unless it has one of its own."""
        self.setText(plain(text))
        self.setAccessibleName(self._name or text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Presses the focused button on Enter too; else a dialog would press its default button, Save."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and not event.modifiers() & _OTHER_KEYS:
            self.click()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Shows the ring unless the pointer brought the focus."""
        if event.reason() not in _BY_POINTER:
            set_look(self, "ring", "true")
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Takes the ring away, but not while only the window loses the focus."""
        if event.reason() not in {
            Qt.FocusReason.ActiveWindowFocusReason,
            Qt.FocusReason.PopupFocusReason,
        }:
            set_look(self, "ring", "false")
        super().focusOutEvent(event)


def button(
    theme: Theme,
    text: str,
    *,
    icon: str | None = None,
    kind: str = "plain",
    name: str | None = None,
    on_click: Callable[[], None] | None = None,
) -> Button:
    """Makes a button.

    Args:
        theme: Colours its icon.
        text: Its words; empty for an icon alone, which then needs a `name`.
        icon: Name of its icon.
        kind: plain, primary, danger, flat, link, toggle or chip.
        name: What a screen reader says, and the tool tip of an icon without words.
        on_click: What a press does.
    """
    made = Button(text, kind=kind, name=name)
    if icon is not None:
        set_icon(made, icon, theme, role=_ICON_ROLES.get(kind, "text"))
    if on_click is not None:
        made.clicked.connect(on_click)
    return made


class CopyButton(Button):
    """Copies a text that it asks for when pressed, and says so for a moment."""

    def __init__(
        self,
        theme: Theme,
        source: Callable[[], str],
        *,
        text: str = "Copy",
        name: str = "Copy",
        kind: str = "plain",
    ) -> None:
        super().__init__(text, kind=kind, name=name)
        self._theme, self._source, self._words = theme, source, text
        self._role = _ICON_ROLES.get(kind, "text")
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
            self.say("Copied")
        announce(self, "Copied")
        self._timer.start()

    def _calm_down(self) -> None:
        set_icon(self, "copy", self._theme, role=self._role)
        self.say(self._words)
