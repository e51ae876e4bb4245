"""About: what this is, which version, on what terms."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from gui.icons import app_icon
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.cards import row
from gui.widgets.text import label, name_structure, selectable

_SENTENCE = "A local proxy that lets Claude Code and other Messages API clients talk to any upstream model."


class AboutDialog(QDialog):
    """Name, version and licence."""

    def __init__(self, theme: Theme, version: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Signalbox")
        self.setAccessibleName("About Signalbox")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        logo = QLabel()
        logo.setTextFormat(Qt.TextFormat.PlainText)
        logo.setPixmap(app_icon().pixmap(QSize(72, 72), self.devicePixelRatioF()))
        logo.setAccessibleName("Signalbox logo")
        close = button(theme, "Close", kind="primary", on_click=self.accept)
        sentence = label(_SENTENCE, wraps=True)
        sentence.setMinimumWidth(320)
        words = QVBoxLayout()
        words.setSpacing(SPACE.xs)
        words.addWidget(label("Signalbox", kind="title"))
        words.addWidget(selectable(label(f"Version {version}", kind="muted")))
        words.addSpacing(SPACE.s)
        words.addWidget(sentence)
        words.addWidget(label("Free software under the MIT licence.", kind="muted"))
        top = row(spacing=SPACE.l)
        top.addWidget(logo, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(words)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE.xl, SPACE.xl, SPACE.xl, SPACE.l)
        layout.setSpacing(SPACE.l)
        layout.addLayout(top)
        layout.addLayout(row(None, close))
        close.setFocus()
        name_structure(self)
