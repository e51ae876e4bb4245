"""The one way words reach the screen: always plain text, always with a name for screen readers."""

from __future__ import annotations

import html

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QAbstractScrollArea, QLabel, QWidget

_PART_WORDS = {"QScrollBar": "scroll bar", "QHeaderView": "headings", "QSplitterHandle": "divider"}


def plain(text: str) -> str:
    """Returns text for a button, action, tab or menu: `&` is doubled, for Qt takes a single one away."""
    return text.replace("&", "&&")


def tip(text: str) -> str:
    """Returns text for a tool tip: markup is escaped, for tool tips guess at rich text."""
    return f"<span>{html.escape(text)}</span>" if text else ""


def label(text: str = "", *, kind: str | None = None, wraps: bool = False, name: str | None = None) -> QLabel:
    """Makes a label that shows its text as it is.

    Args:
        text: What it says; may come from outside.
        kind: Its look in the style sheet: title, heading, caption, muted, strong or mono.
        wraps: Long text goes on in a second line.
        name: What a screen reader says, where that differs from the text.
    """
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    made.setWordWrap(wraps)
    if kind is not None:
        made.setProperty("kind", kind)
    if name is not None:
        made.setAccessibleName(name)
    return made


def selectable(made: QLabel) -> QLabel:
    """Lets the user mark and copy a label's text with mouse and keyboard."""
    made.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return made


def set_tone(widget: QWidget, tone: str) -> None:
    """Changes a widget's `tone` in the style sheet: neutral, info, ok, warn or danger."""
    set_look(widget, "tone", tone)


def set_look(widget: QWidget, attribute: str, value: str) -> None:
    """Changes an attribute that the style sheet selects by, and redraws the widget."""
    if widget.property(attribute) == value:
        return
    widget.setProperty(attribute, value)
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)


def announce(widget: QWidget, text: str) -> None:
    """Has a screen reader say a sentence although the focus is elsewhere."""
    if QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, text))


def name_structure(root: QWidget) -> None:
    """Names the parts that only hold other parts, after the nearest named widget around them.

    Whatever a person acts on or reads names itself; frames, viewports, headers and scroll bars have no
    words of their own, and a screen reader would say nothing at all for them.
    """
    for widget in root.findChildren(QWidget):
        if not widget.accessibleName() and not isinstance(widget, QLabel):
            widget.setAccessibleName(f"{_owner_name(widget)} – {_part_word(widget)}")


def _owner_name(widget: QWidget) -> str:
    parent: QObject | None = widget.parent()
    while isinstance(parent, QWidget):
        own = parent.accessibleName() or parent.windowTitle()
        if own:
            return own.partition(" – ")[0]
        parent = parent.parent()
    return "Signalbox"


def _part_word(widget: QWidget) -> str:
    parent = widget.parent()
    if isinstance(parent, QAbstractScrollArea) and parent.viewport() is widget:
        return "contents"
    kind = type(widget).__name__
    return _PART_WORDS.get(kind, "area")
