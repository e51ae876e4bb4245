"""Facts as pairs of words in a scroll area: a title, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from gui.tokens import SPACE
from gui.widgets.text import label, selectable

Fact: TypeAlias = tuple[str, str, str]
"""Title, text and tone."""


class Facts(QScrollArea):
    """Shows facts one under the other."""

    def __init__(self, name: str, *, title_width: int = 96) -> None:
        super().__init__()
        self._title_width = title_width
        self.setAccessibleName(name)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)

    def show_facts(self, lines: Sequence[Fact]) -> None:
        """Shows these facts, keeping the place that was scrolled to."""
        position = self.verticalScrollBar().value()
        inner = QWidget()
        inner.setProperty("kind", "page")
        inner.setAccessibleName("Facts")
        grid = QGridLayout(inner)
        grid.setContentsMargins(0, SPACE.s, SPACE.s, SPACE.s)
        grid.setHorizontalSpacing(SPACE.l)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for number, (title, text, tone) in enumerate(lines):
            value = selectable(label(text, wraps=True))
            value.setAccessibleName(f"{title}: {text}")
            if tone:
                value.setProperty("tone", tone)
            heading = label(title, kind="muted")
            heading.setMinimumWidth(self._title_width)
            heading.setAlignment(Qt.AlignmentFlag.AlignTop)
            grid.addWidget(heading, number, 0)
            grid.addWidget(value, number, 1)
        grid.setRowStretch(len(lines), 1)
        self.setWidget(inner)
        self.verticalScrollBar().setValue(position)
