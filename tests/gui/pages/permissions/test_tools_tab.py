"""The tab of the tools: ticks offer them to models, and three buttons set what happens by default."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.pages.permissions.page import PermissionsPage
from gui.pages.permissions.tools import ToolsTab
from tests.gui.acting import key, press
from tests.gui.fake_desk import FakeDesk


@pytest.fixture
def tab(page: PermissionsPage) -> ToolsTab:
    return page.tools


def _choose(tab: ToolsTab, name: str) -> None:
    tab.tree.setFocus()
    tab.tree.setCurrentIndex(tab.model.index_of(name))


def test_space_takes_a_tool_from_what_models_are_told(qtbot: QtBot, page: PermissionsPage, desk: FakeDesk):
    _choose(page.tools, "Bash")
    with qtbot.waitSignal(page.room.bridge.permissions_changed):
        key(page.tools.tree, Qt.Key.Key_Space)
    assert desk.calls == ["offer_tool Bash False"]
    state = page.tools.model.index_of("Bash").data(Qt.ItemDataRole.CheckStateRole)
    assert state == Qt.CheckState.Unchecked
    assert page.tools.tree.currentIndex() == page.tools.model.index_of("Bash")


def test_space_on_a_group_ticks_what_is_missing(qtbot: QtBot, page: PermissionsPage, desk: FakeDesk):
    tree, model = page.tools.tree, page.tools.model
    tree.setFocus()
    tree.setCurrentIndex(model.index(0, 0))
    assert model.index(0, 0).data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.PartiallyChecked
    with qtbot.waitSignal(page.room.bridge.permissions_changed):
        key(tree, Qt.Key.Key_Space)
    assert desk.calls == ["offer_tool LS True"]
    assert model.index(0, 0).data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked


def test_a_click_on_the_tick_does_the_same(qtbot: QtBot, page: PermissionsPage, desk: FakeDesk):
    tree = page.tools.tree
    index = page.tools.model.index_of("Glob")
    tree.scrollTo(index)
    box = tree.visualRect(index)
    with qtbot.waitSignal(page.room.bridge.permissions_changed):
        QTest.mouseClick(
            tree.viewport(),
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
            box.topLeft() + QPoint(9, 14),
        )
    assert desk.calls == ["offer_tool Glob False"]


def test_enter_leads_to_the_default_which_is_set_by_keyboard(
    qtbot: QtBot, page: PermissionsPage, desk: FakeDesk
):
    page.activateWindow()
    _choose(page.tools, "Write")
    key(page.tools.tree, Qt.Key.Key_Return)
    assert QApplication.focusWidget() is page.tools.effects["ask"]
    key(page.tools.effects["ask"], Qt.Key.Key_Tab)
    with qtbot.waitSignal(page.room.bridge.permissions_changed):
        key(page.tools.effects["deny"], Qt.Key.Key_Space)
    assert desk.calls == ["set_tool_default Write deny"]
    assert page.tools.effects["deny"].isChecked()
    assert not page.tools.effects["ask"].isChecked()


def test_a_refused_change_is_told_and_undone(page: PermissionsPage, desk: FakeDesk):
    _choose(page.tools, "Write")
    desk.refusal = "The settings file cannot be written."
    press(page.tools.effects["allow"])
    assert page.tools.refused.isVisible()
    assert page.tools.effects["ask"].isChecked()
    assert not page.tools.effects["allow"].isChecked()


def test_the_chosen_tool_is_described_in_full(tab: ToolsTab):
    _choose(tab, "Task")
    assert tab.name.text() == "Task"
    assert tab.description.text() == "Hands a task to another model, with at most the same rights."


def test_what_the_offered_tools_cost_is_added_up(tab: ToolsTab):
    assert tab.total.text().startswith("15 of 17 tools offered; their definitions cost about 11.3k tokens")


def test_an_empty_catalogue_says_so(show: Callable[[FakeDesk], PermissionsPage], empty_desk: FakeDesk):
    page = show(empty_desk)
    assert page.tools.empty.isVisible()
    assert not page.tools.card.isVisible()
