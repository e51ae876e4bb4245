"""Workspaces are added, changed and removed; their folders are chosen or typed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from gui.dialogs.workspace_dialog import WorkspaceDialog
from gui.pages.permissions.page import PermissionsPage
from gui.pages.permissions.workspaces import WorkspacesTab
from gui.permission_desk import WorkspaceView
from tests.gui.acting import click_cell, dialog_of, key, press, press_named, type_into, write
from tests.gui.fake_desk import FakeDesk


@pytest.fixture
def tab(page: PermissionsPage) -> WorkspacesTab:
    page.tabs.setCurrentWidget(page.workspaces)
    return page.workspaces


def test_a_folder_that_is_not_there_is_told(tab: WorkspacesTab):
    assert tab.model.index(2, 1).data() == "/mnt/backup/old  (the folder is not there)"


def _choose_folder(folder: str) -> None:
    chooser = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QFileDialog) and w.isVisible())
    assert chooser.fileMode() == QFileDialog.FileMode.Directory
    chooser.fileSelected.emit(folder)
    chooser.close()


def test_a_workspace_is_added_with_folders_from_the_chooser(
    qtbot: QtBot, page: PermissionsPage, tab: WorkspacesTab, desk: FakeDesk
):
    press(tab.add)
    dialog = dialog_of(WorkspaceDialog)
    press(dialog.save_button)
    assert dialog.banner.title == "A name is missing"
    type_into(dialog.name, "games")
    press(dialog.save_button)
    assert dialog.banner.title == "A folder is missing"
    press(dialog.root.browse)
    _choose_folder("/home/you/games")
    press(dialog.add_folder)
    _choose_folder("/home/you/art")
    with qtbot.waitSignal(page.room.bridge.workspaces_changed):
        press(dialog.save_button)
    assert desk.workspace_list[-1] == WorkspaceView("games", "/home/you/games", ("/home/you/art",))
    chosen = tab.chosen()
    assert chosen is not None
    assert chosen.name == "games"


def test_a_workspace_is_changed_by_keyboard_and_made_the_default(
    qtbot: QtBot, page: PermissionsPage, tab: WorkspacesTab, desk: FakeDesk
):
    click_cell(tab.table, 1)
    key(tab.table, Qt.Key.Key_Return)
    dialog = dialog_of(WorkspaceDialog)
    write(dialog.name, "diary")
    key(dialog.is_default, Qt.Key.Key_Space)
    with qtbot.waitSignal(page.room.bridge.workspaces_changed):
        key(dialog.is_default, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert desk.workspace_list[1] == WorkspaceView("diary", "/home/you/notes", is_default=True)
    assert not desk.workspace_list[0].is_default


def test_a_removed_workspace_comes_back_by_undo(qtbot: QtBot, tab: WorkspacesTab, desk: FakeDesk):
    click_cell(tab.table, 0)
    press(tab.remove)
    assert tab.undo.title == "Removed the workspace website. Its folder was not touched."
    press_named(qtbot, tab.undo, "Undo")
    assert desk.calls == ["remove_workspace website", "save_workspace website replaces None"]


def test_a_refused_workspace_keeps_the_dialog_open(tab: WorkspacesTab, desk: FakeDesk):
    desk.refusal = "/ is no workspace: it holds everything."
    press(tab.edit)
    dialog = dialog_of(WorkspaceDialog)
    press(dialog.save_button)
    assert dialog.banner.title == "Not saved"
    assert dialog.isVisible()


def test_without_workspaces_a_sentence_says_what_that_means(
    show: Callable[[FakeDesk], PermissionsPage], empty_desk: FakeDesk
):
    page = show(empty_desk)
    page.tabs.setCurrentWidget(page.workspaces)
    press(page.workspaces.empty_add)
    dialog = dialog_of(WorkspaceDialog)
    assert dialog.is_default.isChecked()
