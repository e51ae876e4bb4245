"""Containers with a look: cards, chips, banners and the place-holder of an empty page."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import Button, button
from gui.widgets.shape import Shape
from gui.widgets.text import announce, label, set_tone

_TONE_ROLE = {"neutral": "muted", "info": "accent", "ok": "ok", "warn": "warn", "danger": "danger"}
_TONE_ICON = {"neutral": "info", "info": "info", "ok": "ok", "warn": "warn", "danger": "error"}


def frame(kind: str, name: str) -> QFrame:
    """Makes a frame with a look of the style sheet and a name for screen readers."""
    made = QFrame()
    made.setProperty("kind", kind)
    made.setAccessibleName(name)
    return made


def rule() -> QFrame:
    """Makes a hairline."""
    return frame("rule", "divider")


def row(*parts: QWidget | int | None, spacing: int = SPACE.s) -> QHBoxLayout:
    """Lays parts out in a row: a widget, a number for a fixed gap, None for what stretches."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for part in parts:
        if part is None:
            layout.addStretch(1)
        elif isinstance(part, int):
            layout.addSpacing(part)
        else:
            layout.addWidget(part)
    return layout


class ScrollArea(QScrollArea):
    """Scrolls to what the keyboard goes to; Qt does so only where it comes from the same area."""

    def __init__(self, inner: QWidget, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(inner)
        self._inner = inner
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._on_focus)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps what the keyboard is at in sight."""
        super().resizeEvent(event)
        self._on_focus(None, QApplication.focusWidget())

    def _on_focus(self, _old: QWidget | None, new: QWidget | None) -> None:
        # Nothing moves below a pressed mouse button: the click would end somewhere else.
        is_pressed = QApplication.mouseButtons() != Qt.MouseButton.NoButton
        if new is not None and not is_pressed and self._inner.isAncestorOf(new):
            self.ensureWidgetVisible(new)


def scrolling(inner: QWidget, name: str) -> ScrollArea:
    """Puts a widget where it may be larger than its place, without a frame of its own."""
    inner.setProperty("kind", "page")
    return ScrollArea(inner, name)


class Card(QFrame):
    """A raised area with a heading."""

    def __init__(self, title: str, *actions: QWidget) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.setAccessibleName(title)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(SPACE.l, SPACE.m, SPACE.l, SPACE.l)
        self.body.setSpacing(SPACE.m)
        self.body.addLayout(row(label(title, kind="heading"), None, *actions))


class Chip(QFrame):
    """A pill with a shape and a word."""

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._name = name
        self.setProperty("kind", "chip")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(26)
        self._shape = Shape(theme, "state-stopped", size=14)
        self._word = label()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 2, 12, 2)
        layout.setSpacing(6)
        layout.addWidget(self._shape)
        layout.addWidget(self._word)

    @property
    def text(self) -> str:
        """Its word."""
        return self._word.text()

    def show_phrase(self, text: str, tone: str, icon: str) -> None:
        """Says a word in a tone, with its shape."""
        self._word.setText(text)
        self._shape.show_icon(icon, _TONE_ROLE[tone])
        self.setAccessibleName(f"{self._name}: {text}")
        set_tone(self, tone)
        set_tone(self._word, tone)
        self.updateGeometry()  # now, not with the next event: whoever asks for a size hint may rely on it


class Banner(QFrame):
    """A line that says what is wrong or done, its consequence, and what to do; never modal."""

    closed = Signal()

    def __init__(self, theme: Theme, name: str, *, place: str = "page") -> None:
        super().__init__()
        self._theme = theme
        self.setProperty("kind", "banner")
        self.setProperty("place", place)
        self.setAccessibleName(name)
        self._shape = Shape(theme, "info", size=18)
        self._title = label(kind="strong", wraps=True)
        self._text = label(wraps=True)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._text)
        self._actions = QHBoxLayout()
        self._actions.setSpacing(SPACE.s)
        self._close = button(theme, "", icon="close", kind="flat", name="Dismiss", on_click=self.dismiss)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE.m, SPACE.s, SPACE.s, SPACE.s)
        layout.setSpacing(SPACE.m)
        layout.addWidget(self._shape, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        layout.addLayout(self._actions)
        layout.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def say(
        self,
        tone: str,
        title: str,
        text: str = "",
        *,
        actions: tuple[tuple[str, Callable[[], None]], ...] = (),
        can_close: bool = True,
    ) -> None:
        """Shows a message; `actions` are pairs of words and what their button does."""
        set_tone(self, tone)
        self._shape.show_icon(_TONE_ICON[tone], _TONE_ROLE[tone])
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        for old in self.action_buttons():
            self._actions.removeWidget(old)
            old.hide()
            old.deleteLater()
        for words, act in actions:
            self._actions.addWidget(button(self._theme, words, on_click=act))
        self._close.setVisible(can_close)
        self.show()
        announce(self, f"{title}. {text}")

    def dismiss(self) -> None:
        """Hides it."""
        if not self.isHidden():
            self.hide()
            self.closed.emit()

    def action_buttons(self) -> list[Button]:
        """Returns the buttons of the message, in order."""
        items = (self._actions.itemAt(i) for i in range(self._actions.count()))
        widgets = (item.widget() for item in items if item is not None)
        return [widget for widget in widgets if isinstance(widget, Button)]

    @property
    def title(self) -> str:
        """What it says first."""
        return self._title.text()


class EmptyState(QWidget):
    """Stands where a table would be empty: one sentence and one button."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        title: str,
        text: str,
        action: Button | None = None,
    ) -> None:
        super().__init__()
        self.setAccessibleName(title)
        self._title = label(title, kind="heading")
        self._title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._text = label(text, kind="muted", wraps=True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        layout = QVBoxLayout(self)
        layout.setSpacing(SPACE.s)
        layout.addStretch(2)
        layout.addWidget(Shape(theme, icon, role="control", size=44), 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(SPACE.s)
        layout.addWidget(self._title)
        layout.addWidget(self._text)
        if action is not None:
            layout.addSpacing(SPACE.s)
            layout.addWidget(action, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)

    def say(self, title: str, text: str) -> None:
        """Changes the sentence."""
        self._title.setText(title)
        self._text.setText(text)
        self.setAccessibleName(title)
