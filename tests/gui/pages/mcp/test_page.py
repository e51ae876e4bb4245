"""MCP servers are added, approved, started, stopped, changed and removed by mouse and keyboard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from gui.dialogs.mcp_imports import McpImportDialog, McpPasteDialog
from gui.dialogs.mcp_server import McpServerDialog
from gui.dialogs.mcp_trust import McpTrustDialog
from gui.mcp_desk import McpChanged
from gui.pages.mcp.page import McpPage
from proxy.mcp.values import ServerPhase, ServerStatus
from tests.gui.acting import click_cell, dialog_of, key, press, press_named, type_into
from tests.gui.fake_desk import FakeDesk
from tests.gui.mcp_scenes import IMPORTS, LAUNCH, PENDING, SERVERS


def _choose(page: McpPage, name: str) -> None:
    click_cell(page.table, [each.name for each in SERVERS].index(name), 1)


def _sheets() -> list[McpTrustDialog]:
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, McpTrustDialog) and w.isVisible()]


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_without_a_server_one_sentence_and_one_button_lead_on(
    qtbot: QtBot, show: Callable[[FakeDesk], McpPage], empty_desk: FakeDesk
):
    page = show(empty_desk)
    shown = [b for b in page.findChildren(QAbstractButton) if b.isVisible()]
    assert shown == [page.empty_add]
    press(page.empty_add)
    assert [action.text() for action in page.add_menu.actions()] == [
        "New server…",
        "Paste JSON or a command…",
        "Import from apps…",
        "Bundle (.mcpb)…",
    ]
    key(page.add_menu, Qt.Key.Key_Down)
    key(page.add_menu, Qt.Key.Key_Return)
    assert dialog_of(McpServerDialog).isVisible()


@pytest.mark.parametrize(
    ("name", "can"),
    [
        ("time", (False, True, True)),
        ("files", (False, False, False)),
        ("figma", (True, False, True)),
        ("search", (False, True, True)),
        ("notes", (True, False, True)),
    ],
)
def test_what_can_be_done_fits_the_state(page: McpPage, name: str, can: tuple[bool, bool, bool]):
    _choose(page, name)
    assert tuple(b.isEnabled() for b in (page.start, page.stop, page.restart)) == can
    assert page.approve.isVisible() == (name == "files")


def test_a_server_is_started_stopped_and_restarted(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    _choose(page, "time")
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        press(page.stop)
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        press(page.start)
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        press(page.restart)
    press(page.restart_failed)
    assert desk.mcp_calls == ["stop time", "start time", "restart time", "restart_failed"]
    assert page.chosen() == replace(SERVERS[0], phase=ServerPhase.STARTING)


def test_a_refusal_is_said_and_goes_with_the_next_success(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    desk.mcp_refusal = "npx was not found."
    _choose(page, "figma")
    press(page.start)
    assert page.refused.isVisible()
    assert page.refused.title == "figma was not started"
    desk.mcp_refusal = None
    press(page.start)
    assert not page.refused.isVisible()


def test_a_click_into_the_first_cell_or_space_switches_a_server(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        click_cell(page.table, 0, 0)
    assert page.table.model().index(0, 0).data() == "off"
    _choose(page, "notes")
    key(page.table, Qt.Key.Key_Space)
    assert desk.mcp_calls == ["enable False time", "enable True notes"]


def test_a_removed_server_is_offered_back(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    _choose(page, "figma")
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        key(page.table, Qt.Key.Key_Delete)
    assert page.model.row_of("figma") is None
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        press_named(qtbot, page.undo, "Undo")
    assert desk.mcp_calls == ["remove figma", "restore figma"]
    assert (page.chosen() or SERVERS[0]).name == "figma"


def test_a_broken_file_is_said_with_line_and_field(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    desk.mcp_problem_now = "mcp_servers.yaml, line 7, servers.git.type: no such type"
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        desk.announce(McpChanged())
    assert page.problem.isVisible()
    desk.mcp_problem_now = None
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        desk.announce(McpChanged())
    assert not page.problem.isVisible()


def test_the_chosen_server_stays_chosen_while_states_change(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    _choose(page, "search")
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        desk.server_list.insert(0, ServerStatus("first", "stdio", ServerPhase.STOPPED))
        desk.announce(McpChanged())
    assert (page.chosen() or SERVERS[0]).name == "search"


def test_enter_opens_the_editor_or_the_sheet(qtbot: QtBot, page: McpPage):
    _choose(page, "files")
    key(page.table, Qt.Key.Key_Return)
    assert len(_sheets()) == 1
    _sheets()[0].close()
    _choose(page, "time")
    key(page.table, Qt.Key.Key_Return)
    assert dialog_of(McpServerDialog).name.text() == "time"


def test_a_server_just_added_shows_its_sheet_once_it_is_known_what_it_runs(
    qtbot: QtBot, page: McpPage, desk: FakeDesk
):
    page.open_add()
    dialog = dialog_of(McpServerDialog)
    type_into(dialog.name, "clock")
    type_into(dialog.command, "mcp-server-time")
    press(dialog.save_button)
    assert desk.mcp_drafts == [("clock:\n  type: python\n  command: mcp-server-time\n", None)]
    unknown = replace(PENDING, name="clock", launch=None)
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        desk.server_list.append(unknown)
        desk.announce(McpChanged())
    assert _sheets() == []
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        desk.change_server("clock", lambda each: replace(each, launch=LAUNCH))
    assert [sheet.server for sheet in _sheets()] == ["clock"]
    _sheets()[0].close()
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        desk.announce(McpChanged())
    assert _sheets() == []


def test_a_server_that_waits_by_itself_pops_nothing_up(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        desk.change_server("files", lambda each: replace(each, reason="again"))
    assert _sheets() == []


def test_the_sheet_follows_its_server(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    _choose(page, "files")
    press(page.approve)
    other = replace(LAUNCH, argv=("npx", "other"), digest="other")
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        desk.change_server("files", lambda each: replace(each, launch=other))
    assert "other" in _sheets()[0].command.toPlainText()
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        desk.server_list = [each for each in desk.server_list if each.name != "files"]
        desk.announce(McpChanged())
    assert _sheets() == []


def test_servers_come_from_other_programs_from_text_and_from_bundles(
    qtbot: QtBot, page: McpPage, desk: FakeDesk
):
    page.open_import()
    dialog = dialog_of(McpImportDialog)
    press(dialog.save_button)
    assert desk.mcp_calls == ["find_imports", "import k1 skip"]
    page.open_paste()
    dialog_of(McpPasteDialog).close()
    page.read_bundle("/x/none.mcpb")
    assert page.refused.title == "The bundle cannot be used"
    desk.text_rows["/x/time.mcpb"] = IMPORTS[:1]
    page.read_bundle("/x/time.mcpb")
    assert dialog_of(McpImportDialog).model.values == IMPORTS[:1]
    assert not page.refused.isVisible()


def test_a_bundle_is_chosen_in_the_desktops_dialog(qtbot: QtBot, page: McpPage):
    page.open_bundle()
    chooser = dialog_of(QFileDialog)
    assert chooser.nameFilters() == ["MCP bundles (*.mcpb *.dxt)", "All files (*)"]
    chooser.close()


def test_the_find_key_searches_the_log_that_is_open(qtbot: QtBot, page: McpPage):
    page.focus_filter()
    assert page.detail.tabs.currentWidget() is page.detail.log
    page.detail.tabs.setCurrentWidget(page.detail.messages)
    page.focus_filter()
    assert page.detail.tabs.currentWidget() is page.detail.messages


def test_a_narrow_page_leaves_out_the_sum(qtbot: QtBot, page: McpPage):
    assert page.total.isVisible()
    page.resize(800, 560)
    assert not page.total.isVisible()
