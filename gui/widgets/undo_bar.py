"""The undo bar: says what was removed and offers it back for a while, instead of asking beforehand."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer

from gui.theme import Theme
from gui.widgets.cards import Banner

UNDO_MS = 10_000


class UndoBar(Banner):
    """A banner that goes away by itself."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Undo")
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.setInterval(UNDO_MS)
        self.timer.timeout.connect(self.dismiss)

    def offer(self, text: str, undo: Callable[[], None]) -> None:
        """Says what happened; `undo` takes it back."""

        def take_back() -> None:
            self.dismiss()
            undo()

        self.say("neutral", text, actions=(("Undo", take_back),))
        self.timer.start()

    def dismiss(self) -> None:
        """Hides the bar; what was done stays done."""
        self.timer.stop()
        super().dismiss()
