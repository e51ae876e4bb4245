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

    def tell_removal(
        self, name: str, refusal: str | None, text: str, restore: Callable[[], str | None]
    ) -> None:
        """Says what became of a removal.

        Args:
            name: What was to be removed.
            refusal: Why it was not, or None.
            text: What to say when it was.
            restore: Puts it back; returns why not, or None.
        """
        if refusal is not None:
            self._complain(f"{name} was not removed", refusal)
            return

        def take_back() -> None:
            self.dismiss()
            problem = restore()
            if problem is not None:
                self._complain(f"{name} could not be put back", problem)

        self.say("neutral", text, actions=(("Undo", take_back),))
        self.timer.start()

    def dismiss(self) -> None:
        """Hides the bar; what was done stays done."""
        self.timer.stop()
        super().dismiss()

    def _complain(self, title: str, text: str) -> None:
        self.timer.stop()
        self.say("danger", title, text)
