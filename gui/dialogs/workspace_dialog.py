"""The editor of a workspace: its name, its root, what may also be read, and whether it is the default."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from gui.dialogs.editor import EditorDialog
from gui.permission_desk import PermissionDesk, WorkspaceView
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.cards import row
from gui.widgets.fields import CheckBox
from gui.widgets.path_field import PathField, file_chooser


class WorkspaceDialog(EditorDialog):
    """Adds a workspace, or changes the one it is given."""

    saved = Signal(str)
    """The name of the workspace that the desk took."""

    def __init__(
        self, theme: Theme, desk: PermissionDesk, parent: QWidget, workspace: WorkspaceView | None = None
    ) -> None:
        super().__init__(theme, "Edit workspace" if workspace else "Add a workspace", parent)
        self._desk = desk
        self._replaces = workspace.name if workspace else None
        self.setMinimumWidth(600)
        self.name = self.line(
            "Name",
            workspace.name if workspace else "",
            placeholder="for example website",
            hint="A short name, for this list and for tokens.",
        )
        self.root = PathField(theme, "Root folder", "folder", placeholder="/home/you/website")
        self.root.line.setText(workspace.root if workspace else "")
        self.add_row("Root folder", self.root, "Tools may work in here, as far as the rules allow.")
        self.read_only = QPlainTextEdit()
        self.read_only.setProperty("kind", "input")
        self.read_only.setAccessibleName("May also be read")
        self.read_only.setTabChangesFocus(True)
        self.read_only.setFixedHeight(self.read_only.fontMetrics().lineSpacing() * 4 + 18)
        self.read_only.setPlainText("\n".join(workspace.read_only) if workspace else "")
        self.add_folder = button(theme, "Add folder…", icon="folder", on_click=self._choose_folder)
        holder = QWidget()
        holder.setAccessibleName("Folders that may also be read")
        inside = QVBoxLayout(holder)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(SPACE.xs)
        inside.addWidget(self.read_only)
        inside.addLayout(row(self.add_folder, None))
        self.add_row("May also be read", holder, "One folder a line; nothing is ever written there.")
        self.is_default = CheckBox(theme, "Use it where a request names no workspace", "Default workspace")
        self.is_default.setChecked(workspace.is_default if workspace else not desk.workspaces())
        self.add_row("Default", self.is_default)
        self.name.setFocus()

    def save(self) -> bool:
        """Hands the workspace to the desk."""
        name, root = self.name.text().strip(), self.root.path
        if not name:
            self.complain("A name is missing", "Give the workspace a short name.", self.name)
            return False
        if not root:
            self.complain("A folder is missing", "Choose the folder tools may work in.", self.root.line)
            return False
        folders = tuple(line.strip() for line in self.read_only.toPlainText().splitlines() if line.strip())
        made = WorkspaceView(name, root, folders, is_default=self.is_default.isChecked())
        refusal = self._desk.save_workspace(made, replaces=self._replaces)
        if refusal is not None:
            self.complain("Not saved", refusal)
            return False
        self.saved.emit(name)
        return True

    def _choose_folder(self) -> None:
        chooser = file_chooser(self, "Folder that may also be read", "folder")
        chooser.fileSelected.connect(self.read_only.appendPlainText)
        chooser.open()
