"""A field for a file or folder: typed, or chosen with the desktop's own dialog, which blocks nothing."""

from __future__ import annotations

from typing import Literal

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import button

Purpose = Literal["open", "save", "folder"]


class PathField(QWidget):
    """A line and a button that opens the file dialog."""

    def __init__(
        self, theme: Theme, name: str, purpose: Purpose, *, pattern: str = "", placeholder: str = ""
    ) -> None:
        super().__init__()
        self._name, self._pattern = name, pattern
        self._purpose: Purpose = purpose
        self.setAccessibleName(f"{name}, with its chooser")
        self.line = QLineEdit()
        self.line.setAccessibleName(name)
        self.line.setPlaceholderText(placeholder)
        self.browse = button(
            theme, "Choose…", icon="folder", name=f"Choose: {name}", on_click=self.open_chooser
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE.s)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.browse)
        self.setFocusProxy(self.line)

    @property
    def path(self) -> str:
        """What stands in the line."""
        return self.line.text().strip()

    def open_chooser(self) -> None:
        """Opens the file dialog; what is chosen there goes into the line."""
        chooser = file_chooser(self, self._name, self._purpose, self._pattern, self.path)
        chooser.fileSelected.connect(self.line.setText)
        chooser.open()


def file_chooser(
    parent: QWidget, title: str, purpose: Purpose, pattern: str = "", start: str = ""
) -> QFileDialog:
    """Makes the desktop's file dialog."""
    chooser = QFileDialog(parent, title)
    chooser.setFileMode(
        {
            "open": QFileDialog.FileMode.ExistingFile,
            "save": QFileDialog.FileMode.AnyFile,
            "folder": QFileDialog.FileMode.Directory,
        }[purpose]
    )
    if purpose == "save":
        chooser.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        chooser.setOption(QFileDialog.Option.DontConfirmOverwrite)  # nothing is overwritten: rules are put in
    if pattern:
        chooser.setNameFilters([pattern, "All files (*)"])
    if start:
        chooser.selectFile(start)
    return chooser
