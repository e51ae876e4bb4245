"""The tab of the workspaces: the folders tools may work in."""

from __future__ import annotations

from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from gui.dialogs.workspace_dialog import WorkspaceDialog
from gui.models.permissions import WorkspacesModel
from gui.models.value_table import ChosenKey
from gui.pages.page import Room
from gui.permission_desk import WorkspaceView
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.cards import EmptyState, row
from gui.widgets.data_table import DataTable
from gui.widgets.text import label
from gui.widgets.undo_bar import UndoBar


class WorkspacesTab(QWidget):
    """A table of workspaces and their editor."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self._room = room
        theme = room.theme
        self.setAccessibleName("Workspaces")
        self.model = WorkspacesModel()
        self.add = button(theme, "Add workspace…", icon="add", kind="primary", on_click=self.open_add)
        self.edit = button(theme, "Edit…", icon="edit", on_click=self.open_edit)
        self.remove = button(theme, "Remove", icon="remove", on_click=self.remove_chosen)
        self.undo = UndoBar(theme)
        self.table = DataTable(theme, "Workspaces", self.model)
        self.table.set_widths((130, 300, 220, 92), flexible=1)
        self.empty_add = button(theme, "Add a workspace", icon="add", kind="primary", on_click=self.open_add)
        self.empty = EmptyState(
            theme,
            "folder",
            "No workspace yet",
            "Without a folder to work in, tools that touch files and commands ask or are denied, "
            "whatever the rules say.",
            self.empty_add,
        )
        self.stack = QStackedWidget()
        self.stack.setAccessibleName("Workspaces or a hint")
        self.stack.addWidget(self.table)
        self.stack.addWidget(self.empty)
        self.tools = QWidget()
        self.tools.setAccessibleName("Workspace actions")
        self.tools.setLayout(row(self.add, self.edit, self.remove, None))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE.m, 0, 0)
        layout.setSpacing(SPACE.m)
        layout.addWidget(self.tools)
        layout.addWidget(self.undo)
        layout.addWidget(self.stack, 1)
        layout.addWidget(
            label(
                "A request’s workspace comes from its token, its header or the default. Removing one here "
                "leaves its folder alone.",
                kind="caption",
                wraps=True,
            )
        )
        self._key = ChosenKey()
        room.bridge.workspaces_changed.connect(self.refresh)
        self.table.chosen.connect(self._show_chosen)
        self.table.opened.connect(self.open_edit)
        self.table.remove_asked.connect(self.remove_chosen)
        self.refresh()

    def refresh(self) -> None:
        """Shows the workspaces the desk has now."""
        workspaces = self._room.desk.workspaces()
        self.model.show(workspaces)
        self.stack.setCurrentWidget(self.table if workspaces else self.empty)
        self.tools.setVisible(bool(workspaces))
        if workspaces:
            self.table.choose_row(self._key.row_in(self.model))
        self._show_chosen()

    def chosen(self) -> WorkspaceView | None:
        """Returns the chosen workspace."""
        value = self.table.current_value()
        return value if isinstance(value, WorkspaceView) else None

    def open_add(self) -> None:
        """Opens the editor for a new workspace."""
        self._open(None)

    def open_edit(self) -> None:
        """Opens the editor for the chosen workspace."""
        workspace = self.chosen()
        if workspace is not None:
            self._open(workspace)

    def remove_chosen(self) -> None:
        """Takes the chosen workspace out of the settings and offers it back."""
        workspace = self.chosen()
        if workspace is None:
            return
        desk = self._room.desk
        self.undo.tell_removal(
            workspace.name,
            desk.remove_workspace(workspace.name),
            f"Removed the workspace {workspace.name}. Its folder was not touched.",
            lambda: desk.save_workspace(workspace, replaces=None),
        )

    def _open(self, workspace: WorkspaceView | None) -> None:
        dialog = WorkspaceDialog(self._room.theme, self._room.desk, self, workspace)
        dialog.saved.connect(self._on_saved)
        dialog.open()

    def _on_saved(self, name: str) -> None:
        self._key.expected = name
        self.refresh()

    def _show_chosen(self) -> None:
        workspace = self.chosen()
        self.edit.setEnabled(workspace is not None)
        self.remove.setEnabled(workspace is not None)
        if workspace is not None:
            self._key.shown = workspace.name
