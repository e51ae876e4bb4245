"""A body of any size to read: its beginning at once, the rest on demand; the window never stands meanwhile.

What is copied and saved is the body itself, whole and as it was sent, without the lines above it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from gui import wording
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.cards import row
from gui.widgets.code_view import CodeView
from gui.widgets.laid_out import laid_out
from gui.widgets.path_field import file_chooser
from gui.widgets.text import label, set_tone


class BodyView(QWidget):
    """Monospaced text with a line below it that says what of it is shown."""

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self.setAccessibleName(f"{name}, page")
        self._name = name
        self._shown: tuple[str, str, str] | None = None
        self._file_name = ""
        self.text = ""
        """The body, whole."""
        self._rest: Iterator[str] = iter(())
        self._next: str | None = None
        """The piece that comes next; None: all are shown."""
        self.view = CodeView(name)
        self.view.setMaximumBlockCount(0)  # any number: else the first lines would go
        self._note = label(kind="caption", wraps=True)
        self.show_all = button(theme, "Show all", kind="flat", name=f"Show all: {name}", on_click=self._go_on)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._append)
        self._said = ""
        line = row(self._note, self.show_all, spacing=SPACE.s)
        line.setStretch(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE.s, 0, 0)
        layout.setSpacing(SPACE.xs)
        layout.addWidget(self.view, 1)
        layout.addLayout(line)

    def show_body(self, text: str, *, head: str = "", note: str = "", file_name: str = "body.txt") -> None:
        """Shows a body from its beginning.

        Args:
            text: The body.
            head: Lines above it, such as headers.
            note: What else is to be known of it; stands below.
            file_name: What a file with it is called.
        """
        self._file_name = file_name
        if self._shown == (text, head, note):
            return
        self._shown = text, head, note
        self._timer.stop()
        self.text, self._said = text, note
        self._rest = laid_out(text)
        above = f"{head}\n\n" if head and text else head
        self.view.setPlainText(above + next(self._rest, ""))
        self._next = next(self._rest, None)
        self._tell()

    @property
    def note(self) -> str:
        """What the line below says."""
        return self._note.text()

    def save(self) -> None:
        """Asks for a file and writes the body into it."""
        chooser = file_chooser(self, f"Save: {self._name}", "save", start=self._file_name)
        chooser.setOption(QFileDialog.Option.DontConfirmOverwrite, on=False)
        chooser.fileSelected.connect(self.write)
        chooser.open()

    def write(self, path: str) -> None:
        """Writes the body into a file."""
        try:
            Path(path).write_text(self.text, encoding="utf-8", errors="replace", newline="")
        except OSError as problem:
            self._say(f"{path} was not written: {problem.strerror or problem}.", "danger")
        else:
            self._say(f"Saved as {path}")

    def _go_on(self) -> None:
        self.show_all.hide()
        self._say("Showing all …")
        self.view.setFocus()
        self._timer.start(0)

    def _append(self) -> None:
        """One piece at a time: between two of them the window draws and takes keys."""
        if self._next is None:
            return
        cursor = QTextCursor(self.view.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText("\n" + self._next)
        self._next = next(self._rest, None)
        if self._next is None:
            self._tell()
        else:
            self._timer.start(0)

    def _tell(self) -> None:
        words = [self._said] if self._said else []
        if self._next is not None:
            words.insert(0, f"The beginning of {wording.byte_size(len(self.text))}.")
        self._say(" ".join(words))
        self.show_all.setVisible(self._next is not None)

    def _say(self, words: str, tone: str = "") -> None:
        self._note.setText(words)
        set_tone(self._note, tone)
        self._note.setVisible(bool(words))
