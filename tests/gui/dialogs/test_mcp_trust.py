"""The sheet shows exactly what would run, and nothing approves it by accident."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from gui.dialogs.mcp_trust import McpTrustDialog
from gui.theme import Theme
from proxy.mcp.values import Launch, ServerPhase
from tests.gui.acting import key, press
from tests.gui.fake_desk import FakeDesk
from tests.gui.mcp_scenes import DIGEST, LAUNCH, PENDING


@pytest.fixture
def sheet(qtbot: QtBot, theme: Theme, desk: FakeDesk, parent: QWidget) -> McpTrustDialog:
    made = McpTrustDialog(theme, desk, parent, PENDING)
    with qtbot.waitExposed(made):
        made.open()
    return made


def _calm(qtbot: QtBot, sheet: McpTrustDialog) -> None:
    qtbot.waitUntil(lambda: not sheet.guard.isActive())


def test_the_sheet_shows_all_an_approval_is_bound_to(sheet: McpTrustDialog):
    lines = sheet.command.toPlainText().splitlines()
    assert len(lines) == len(LAUNCH.argv)
    assert "\\u{202e}" in lines[-1]
    shown = " ".join(each.text() for each in sheet.findChildren(QLabel))
    for fact in (LAUNCH.package or "", LAUNCH.cwd, "FILES_TOKEN, LANG", DIGEST, "It runs as you"):
        assert fact in shown


def test_the_focus_is_on_the_answer_that_does_nothing(sheet: McpTrustDialog, desk: FakeDesk):
    assert sheet.focusWidget() is sheet.not_now
    key(sheet.not_now, Qt.Key.Key_Return)
    assert not sheet.isVisible()
    assert desk.mcp_calls == []


def test_a_press_within_half_a_second_approves_nothing(qtbot: QtBot, sheet: McpTrustDialog, desk: FakeDesk):
    press(sheet.approve)
    press(sheet.never)
    assert desk.mcp_calls == []
    assert sheet.isVisible()
    _calm(qtbot, sheet)
    press(sheet.approve)
    assert desk.mcp_calls == [f"approve {DIGEST} files"]
    assert not sheet.isVisible()


def test_never_rejects(qtbot: QtBot, sheet: McpTrustDialog, desk: FakeDesk):
    _calm(qtbot, sheet)
    press(sheet.never)
    assert desk.mcp_calls == ["reject files"]


def test_another_launch_has_to_be_read_again(qtbot: QtBot, sheet: McpTrustDialog, desk: FakeDesk):
    _calm(qtbot, sheet)
    sheet.approve.setFocus()
    other = replace(LAUNCH, argv=("npx", "evil"), digest="other")
    sheet.show_server(replace(PENDING, launch=other))
    assert sheet.changed.isVisible()
    assert sheet.focusWidget() is sheet.not_now
    press(sheet.approve)
    assert desk.mcp_calls == []
    _calm(qtbot, sheet)
    press(sheet.approve)
    assert desk.mcp_calls == ["approve other files"]


def test_the_same_launch_again_changes_nothing(qtbot: QtBot, sheet: McpTrustDialog):
    _calm(qtbot, sheet)
    sheet.show_server(replace(PENDING, reason="still waiting"))
    assert not sheet.guard.isActive()
    assert not sheet.changed.isVisible()


def test_a_window_that_comes_to_the_front_starts_the_guard(qtbot: QtBot, sheet: McpTrustDialog):
    _calm(qtbot, sheet)
    sheet.activateWindow()
    qtbot.waitUntil(sheet.isActiveWindow)
    _calm(qtbot, sheet)
    QApplication.sendEvent(sheet, QEvent(QEvent.Type.ActivationChange))
    assert sheet.guard.isActive()


def test_an_unknown_version_cannot_be_approved(qtbot: QtBot, sheet: McpTrustDialog, desk: FakeDesk):
    sheet.show_server(replace(PENDING, launch=None, reason="looking up mcp-server-files"))
    assert not sheet.approve.isEnabled()
    assert sheet.what.text() == "looking up mcp-server-files"
    sheet.show_server(replace(PENDING, launch=replace(LAUNCH, digest="")))
    assert not sheet.approve.isEnabled()


def test_what_was_looked_up_again_is_said_only_where_it_changed(sheet: McpTrustDialog):
    unknown = replace(PENDING, launch=None)
    sheet.show_server(unknown)
    sheet.show_server(PENDING)
    assert not sheet.changed.isVisible()
    sheet.show_server(unknown)
    sheet.show_server(replace(PENDING, launch=replace(LAUNCH, digest="other")))
    assert sheet.changed.isVisible()


def test_a_server_that_waits_no_more_closes_its_sheet(sheet: McpTrustDialog):
    sheet.show_server(replace(PENDING, phase=ServerPhase.STARTING))
    assert not sheet.isVisible()


def test_a_remote_server_is_an_address(qtbot: QtBot, sheet: McpTrustDialog):
    launch = Launch("files", (), url="https://box.example/\u200bmcp", digest="remote")
    sheet.show_server(replace(PENDING, type="http", launch=launch))
    assert sheet.command.toPlainText() == "https://box.example/\\u{200b}mcp"
    assert sheet.approve.text() == "Approve and connect"


def test_a_refused_answer_is_said(qtbot: QtBot, sheet: McpTrustDialog, desk: FakeDesk):
    desk.mcp_refusal = "What would be started is another by now."
    _calm(qtbot, sheet)
    press(sheet.approve)
    assert sheet.refused.isVisible()
    assert sheet.isVisible()
