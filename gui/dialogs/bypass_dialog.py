"""The confirmation before every question is switched off: a word has to be typed."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from gui.dialogs.editor import EditorDialog
from gui.permission_desk import PermissionDesk
from gui.permission_words import BYPASS
from gui.theme import Theme
from gui.widgets.text import set_look

WORD = "bypass"
_TEXT = (
    "From then on tools run without a question: commands, changes anywhere in your files, and the network. "
    "Only deny rules still hold. Whoever can write what a model reads can then make it act on this computer."
)


class BypassDialog(EditorDialog):
    """Switches to bypass once the word is typed."""

    def __init__(self, theme: Theme, desk: PermissionDesk, parent: QWidget) -> None:
        super().__init__(theme, "Run tools without asking?", parent)
        self._desk = desk
        self.banner.say("danger", "This switches off every question", _TEXT, can_close=False)
        self.word = self.line("Confirmation", placeholder=WORD, hint=f"Type the word {WORD} to confirm.")
        self.middle.addStretch(1)
        self.save_button.say("Switch to bypass")
        set_look(self.save_button, "kind", "danger")
        self.save_button.setEnabled(False)
        self.save_button.setDefault(False)
        self.word.textChanged.connect(self._on_word)
        self.cancel_button.setFocus()

    def save(self) -> bool:
        """Hands the word to the desk, which decides."""
        if self.word.text().strip() != WORD:
            return False
        refusal = self._desk.set_mode(BYPASS, confirmation=self.word.text().strip())
        if refusal is not None:
            self.complain("Not switched", refusal, self.word)
            return False
        return True

    def _on_word(self, text: str) -> None:
        self.save_button.setEnabled(text.strip() == WORD)
