"""The tabs of a server: facts, tools, its entry as text, its lines live."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from gui.dialogs.mcp_changes import McpChangesDialog
from gui.dialogs.mcp_trust import McpTrustDialog
from gui.dialogs.mcp_try import McpTryDialog
from gui.mcp_desk import McpChanged, McpTried
from gui.pages.mcp.log import LinesTab
from gui.pages.mcp.page import McpPage
from proxy.mcp.values import LogEntry, ServerPhase, ServerStatus
from tests.gui.acting import click_cell, dialog_of, key, press, press_named, type_into, write
from tests.gui.fake_desk import FakeDesk
from tests.gui.mcp_scenes import START


def _facts(page: McpPage) -> dict[str, str]:
    named = [
        each.accessibleName().partition(": ") for each in page.detail.overview.facts.findChildren(QLabel)
    ]
    return {title: text for title, colon, text in named if colon}


def _open(page: McpPage, tab: int) -> None:
    page.detail.tabs.setCurrentIndex(tab)
    QApplication.processEvents()


def test_the_overview_says_what_runs_and_how_it_went(qtbot: QtBot, page: McpPage):
    facts = _facts(page)
    assert facts["Command"] == "/home/ada/.local/bin/uvx\nmcp-server-time==2026.1.26"
    assert facts["Process"] == "41207"
    assert facts["Variables"] == "TZ"
    assert facts["Package"] == "mcp-server-time==2026.1.26"
    assert facts["Server"] == "mcp-time 1.26.0"
    tail = page.detail.overview.tail.toPlainText()
    assert "Installed 21 packages" in tail
    assert "jsonrpc" not in tail
    page.choose("github")
    assert _facts(page)["Address"] == "https://api.githubcopilot.com/mcp/"
    assert _facts(page)["Offers too"] == "3 resources, 2 prompts"
    assert not page.detail.overview.tail.isVisible()


def test_the_overview_offers_what_helps(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    page.choose("figma")
    press_named(qtbot, page.detail.overview.banner, "Start again")
    assert desk.mcp_calls == ["start figma"]
    page.choose("files")
    press_named(qtbot, page.detail.overview.banner, "Review…")
    dialog_of(McpTrustDialog).close()
    page.choose("time")
    assert not page.detail.overview.banner.isVisible()


def test_what_could_not_be_looked_up_is_looked_up_again(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        desk.change_server("files", lambda each: replace(each, launch=None, reason="the registry is away"))
    page.choose("files")
    assert not page.approve.isVisible()
    assert page.start.isEnabled()
    press_named(qtbot, page.detail.overview.banner, "Look again")
    assert desk.mcp_calls == ["start files"]


def test_a_rejected_server_and_one_without_a_sign_in_say_what_to_do(qtbot: QtBot, page: McpPage):
    overview = page.detail.overview
    overview.show_server(ServerStatus("a", "http", ServerPhase.REJECTED))
    assert overview.banner.title == "You said never"
    overview.show_server(ServerStatus("a", "http", ServerPhase.REJECTED, reason="the file was damaged"))
    assert overview.banner.title == "It counts as rejected"
    overview.show_server(ServerStatus("a", "http", ServerPhase.NEEDS_AUTHENTICATION, reason="401"))
    assert overview.banner.title == "Needs a sign-in"


def test_a_tool_is_switched_and_permitted(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    _open(page, 1)
    tools = page.detail.tools
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        click_cell(tools.table, 0, 0)
    click_cell(tools.table, 1, 1)
    assert tools.permissions["default"].isChecked()
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        press(tools.permissions["deny"])
    assert tools.permissions["deny"].isChecked()
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        press(tools.permissions["default"])
    assert desk.mcp_calls == [
        "tool time get_current_time False None",
        "tool time convert_time None deny",
        "tool time convert_time None default",
    ]
    assert page.detail.tabs.tabText(1) == "Tools (3)"


def test_a_refused_permission_is_said_and_shown_as_it_is(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    _open(page, 1)
    desk.mcp_refusal = "The file is locked."
    press(page.detail.tools.permissions["deny"])
    assert page.refused.isVisible()
    assert not page.detail.tools.permissions["deny"].isChecked()


def test_changed_tools_wait_until_their_change_was_seen(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    page.choose("github")
    _open(page, 1)
    tools = page.detail.tools
    assert tools.banner.title == "2 tools to look at: 1 changed, 1 new"
    assert not tools.attempt.isEnabled()
    press(tools.review)
    dialog = dialog_of(McpChangesDialog)
    assert "delete_repository" not in dialog.text.toPlainText()
    dialog.close()
    press_named(qtbot, tools.banner, "Look at them…")
    dialog = dialog_of(McpChangesDialog)
    assert "delete_repository" in dialog.text.toPlainText()
    qtbot.waitUntil(lambda: not dialog.guard.isActive())
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        press(dialog.save_button)
    assert desk.mcp_calls == ["accept github list_issues delete_repository"]
    assert not tools.banner.isVisible()
    assert tools.attempt.isEnabled()


def test_a_tool_is_tried_from_its_row(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    _open(page, 1)
    click_cell(page.detail.tools.table, 0, 1)
    key(page.detail.tools.table, Qt.Key.Key_Return)
    dialog = dialog_of(McpTryDialog)
    type_into(dialog.inputs["timezone"], "UTC")
    desk.mcp_answer = McpTried("", "", "12:00", is_error=False, duration_s=0.2)
    press(dialog.save_button)
    qtbot.waitUntil(lambda: dialog.answer.toPlainText() == "12:00")
    assert desk.mcp_calls == ['try time get_current_time {"timezone": "UTC"}']


def test_a_server_without_tools_says_why(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    page.choose("figma")
    _open(page, 1)
    assert page.detail.tools.stack.currentWidget() is page.detail.tools.empty
    assert not page.detail.tools.card.isVisible()
    page.detail.tools.open_try()
    page.detail.tools.open_changes()
    assert QApplication.activeModalWidget() is None


def test_the_entry_is_changed_as_text_and_the_desk_judges_it(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    _open(page, 2)
    config = page.detail.config
    assert not config.save.isEnabled()
    write(config.text, "time: {command: ")
    desk.mcp_refusal = "line 1: the bracket is not closed"
    press(config.save)
    assert config.said.text() == desk.mcp_refusal
    desk.mcp_refusal = None
    write(config.text, "time: {command: x}")
    press(config.save)
    assert config.said.text() == "Saved."
    assert desk.mcp_drafts[-1] == ("time: {command: x}", "time")
    assert not config.save.isEnabled()


def test_what_is_typed_survives_news_and_is_reverted_by_hand(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    _open(page, 2)
    config = page.detail.config
    before = config.text.toPlainText()
    write(config.text, "mine")
    desk.mcp_texts["time"] = "theirs"
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        desk.announce(McpChanged())
    assert config.text.toPlainText() == "mine"
    press(config.revert)
    assert config.text.toPlainText() == before
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        desk.announce(McpChanged())
    assert config.text.toPlainText() == "theirs"


def test_the_log_grows_live_until_it_is_paused(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    _open(page, 3)
    log = page.detail.log
    assert log.model.rowCount() == 4
    desk.mcp_logs["time"].append(LogEntry(START, "stderr", "one more"))
    qtbot.waitUntil(lambda: log.model.rowCount() == 5)
    press(log.pause)
    desk.mcp_logs["time"].append(LogEntry(START, "stderr", "unseen"))
    log.refresh()
    assert log.model.rowCount() == 5
    press(log.pause)
    assert log.model.rowCount() == 6


def test_a_log_that_is_not_seen_asks_for_nothing(qtbot: QtBot, page: McpPage):
    assert not page.detail.log.timer.isActive()
    _open(page, 3)
    assert page.detail.log.timer.isActive()
    page.hide()
    assert not page.detail.log.timer.isActive()


def test_the_log_is_searched_copied_and_saved(qtbot: QtBot, page: McpPage, tmp_path: Path):
    _open(page, 3)
    log = page.detail.log
    type_into(log.search, "installed")
    key(log.search, Qt.Key.Key_Return)
    assert log.shown.text() == "1 of 4 lines"
    press(log.copy)
    assert QGuiApplication.clipboard().text().endswith("Installed 21 packages in 48ms\n")
    log.write(str(tmp_path / "log.txt"))
    assert (tmp_path / "log.txt").read_text(encoding="utf-8") == QGuiApplication.clipboard().text()
    log.write(str(tmp_path / "none" / "log.txt"))
    assert page.refused.isVisible()


def test_a_chosen_line_is_shown_whole(qtbot: QtBot, page: McpPage):
    _open(page, 4)
    messages = page.detail.messages
    click_cell(messages.table, 0, 2)
    assert messages.view.toPlainText() == '{\n  "jsonrpc": "2.0",\n  "id": 7,\n  "method": "tools/call"\n}'
    page.choose("github")
    assert messages.view.toPlainText() == ""


def test_messages_are_kept_only_when_asked_and_server_by_server(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    _open(page, 4)
    trace = page.detail.messages.trace
    assert not trace.isChecked()
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        press(trace)
    page.choose("github")
    assert not trace.isChecked()
    page.choose("time")
    assert trace.isChecked()
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        press(trace)
    desk.mcp_refusal = "It does not run."
    press(trace)
    assert not trace.isChecked()
    assert page.refused.isVisible()
    assert desk.mcp_calls == ["trace time True", "trace time False", "trace time True"]


@pytest.mark.parametrize("tab", [3, 4])
def test_another_server_shows_its_own_lines_only(qtbot: QtBot, page: McpPage, tab: int):
    _open(page, tab)
    shown = page.detail.tabs.currentWidget()
    assert isinstance(shown, LinesTab)
    assert shown.model.rowCount() > 0
    page.choose("github")
    assert shown.model.rowCount() == 0


def test_news_of_a_server_change_its_facts_in_place(qtbot: QtBot, page: McpPage, desk: FakeDesk):
    with qtbot.waitSignal(page.room.bridge.mcp_changed):
        desk.change_server("time", lambda each: replace(each, restarts=2, last_call_at=None))
    facts = _facts(page)
    assert facts["Restarts"] == "2"
    assert "Last call" not in facts
