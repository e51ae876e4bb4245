"""Servers are typed, pasted and taken over, tools are tried, changes accepted: by mouse and keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from gui.dialogs.editor import EditorDialog
from gui.dialogs.mcp_changes import McpChangesDialog
from gui.dialogs.mcp_imports import McpImportDialog, McpPasteDialog
from gui.dialogs.mcp_server import McpServerDialog
from gui.dialogs.mcp_try import McpTryDialog
from gui.mcp_desk import McpTried
from gui.theme import Theme
from gui.widgets.fields import ChoiceBox
from proxy.mcp.values import ToolChange
from tests.gui.acting import click_cell, heard, key, press, type_into, write
from tests.gui.fake_desk import FakeDesk
from tests.gui.mcp_scenes import CHANGES, IMPORTS, TOOLS

CONTROL = Qt.KeyboardModifier.ControlModifier


def _open(qtbot: QtBot, dialog: EditorDialog) -> None:
    with qtbot.waitExposed(dialog):
        dialog.open()


# the editor ---------------------------------------------------------------------------------


@pytest.fixture
def editor(qtbot: QtBot, theme: Theme, desk: FakeDesk, parent: QWidget) -> McpServerDialog:
    made = McpServerDialog(theme, desk, parent)
    _open(qtbot, made)
    return made


def test_a_local_server_is_typed_into_the_form(qtbot: QtBot, editor: McpServerDialog, desk: FakeDesk):
    saved = heard(editor.saved)
    type_into(editor.name, "files")
    editor.type.setCurrentIndex(1)
    type_into(editor.command, "@x/files")
    type_into(editor.args, "/srv/a b")
    key(editor.args, Qt.Key.Key_Return)
    type_into(editor.args, "--ro")
    type_into(editor.variables, "TOKEN=${keyring:files}")
    type_into(editor.folder.line, "/srv")
    key(editor.args, Qt.Key.Key_Return, CONTROL)
    text = (
        "files:\n  type: node\n  command: '@x/files'\n  args:\n  - /srv/a b\n  - --ro\n  cwd: /srv\n"
        "  environment:\n    TOKEN: ${keyring:files}\n"
    )
    assert desk.mcp_drafts == [(text, None)]
    assert saved == [("files",)]
    assert not editor.isVisible()


def test_a_remote_server_asks_for_an_address_only(qtbot: QtBot, editor: McpServerDialog, desk: FakeDesk):
    editor.type.setCurrentIndex(3)
    assert editor.url.isVisible()
    assert not editor.command.isVisible()
    assert not editor.folder.isVisible()
    type_into(editor.name, "box")
    type_into(editor.url, "https://box.example/mcp")
    press(editor.save_button)
    assert desk.mcp_drafts[0][0] == "box:\n  type: http\n  url: https://box.example/mcp\n"


def test_what_is_missing_or_wrong_is_said_in_the_form(qtbot: QtBot, editor: McpServerDialog, desk: FakeDesk):
    press(editor.save_button)
    assert editor.banner.title == "A name is missing"
    type_into(editor.name, "x")
    type_into(editor.variables, "no equals")
    press(editor.save_button)
    assert editor.banner.title == "This cannot be saved"
    write(editor.variables, "A=1")
    desk.mcp_refusal = "servers.x: a server of the type python needs a command"
    press(editor.save_button)
    assert editor.banner.title == "Not saved"
    assert editor.isVisible()


def test_a_whole_command_line_is_put_into_its_fields(qtbot: QtBot, editor: McpServerDialog):
    with qtbot.waitActive(editor):
        editor.activateWindow()
    editor.type.setCurrentIndex(2)
    editor.command.setFocus()
    type_into(editor.command, 'run --root "a b"')
    key(editor.command, Qt.Key.Key_Tab)
    assert (editor.command.text(), editor.args.toPlainText()) == ("run", "--root\na b")


def test_form_and_text_turn_into_each_other(qtbot: QtBot, editor: McpServerDialog, desk: FakeDesk):
    type_into(editor.name, "time")
    type_into(editor.command, "mcp-server-time")
    press(editor.turn)
    assert editor.text.toPlainText() == "time:\n  type: python\n  command: mcp-server-time\n"
    assert not editor.name.isVisible()
    write(editor.text, "clock: {type: python, command: x, restart: false}")
    press(editor.turn)
    assert (editor.name.text(), editor.command.text()) == ("clock", "x")
    press(editor.save_button)
    assert "restart: false" in desk.mcp_drafts[0][0]


def test_text_the_form_cannot_show_stays_text(qtbot: QtBot, editor: McpServerDialog, desk: FakeDesk):
    press(editor.turn)
    write(editor.text, "a: {command: [")
    press(editor.turn)
    assert editor.banner.title == "The form cannot show this"
    write(editor.text, "a: {type: ws, url: x}")
    press(editor.turn)
    assert editor.text.isVisible()
    press(editor.save_button)
    assert desk.mcp_drafts == [("a: {type: ws, url: x}", None)]


def test_a_server_is_changed_where_it_stands(qtbot: QtBot, theme: Theme, desk: FakeDesk, parent: QWidget):
    dialog = McpServerDialog(theme, desk, parent, "time")
    _open(qtbot, dialog)
    assert (dialog.command.text(), dialog.variables.toPlainText()) == (
        "mcp-server-time==2026.1.26",
        "TZ=$TZ",
    )
    write(dialog.command, "mcp-server-time")
    press(dialog.save_button)
    assert desk.mcp_calls == ["save replaces time"]


def test_an_entry_beyond_the_form_opens_as_text(qtbot: QtBot, theme: Theme, desk: FakeDesk, parent: QWidget):
    desk.mcp_texts["odd"] = "odd: {type: stdio, command: x, args: ['']}"
    dialog = McpServerDialog(theme, desk, parent, "odd")
    _open(qtbot, dialog)
    assert dialog.text.toPlainText() == desk.mcp_texts["odd"]


# taking over --------------------------------------------------------------------------------


def test_ticked_rows_are_taken_over_as_the_user_says(
    qtbot: QtBot, theme: Theme, desk: FakeDesk, parent: QWidget
):
    dialog = McpImportDialog(theme, desk, parent, rows=IMPORTS)
    taken = heard(dialog.imported)
    _open(qtbot, dialog)
    assert dialog.preview.toPlainText() == IMPORTS[0].yaml
    assert dialog.save_button.text() == "Add 1 server"
    click_cell(dialog.table, 2, 0)
    assert dialog.preview.toPlainText() == IMPORTS[2].yaml
    dialog.conflicts.setCurrentIndex(2)
    desk.mcp_refusal = "The file cannot be written."
    press(dialog.save_button)
    assert dialog.banner.title == "Not imported"
    desk.mcp_refusal = None
    press(dialog.save_button)
    assert desk.mcp_calls[-1] == "import k1 k3 replace"
    assert taken == [(("git", "github"),)]


def test_nothing_found_or_nothing_ticked_adds_nothing(
    qtbot: QtBot, theme: Theme, desk: FakeDesk, parent: QWidget
):
    dialog = McpImportDialog(theme, desk, parent)
    _open(qtbot, dialog)
    assert dialog.summary.text() == "Nothing was found."
    assert not dialog.save_button.isEnabled()
    dialog.offer(IMPORTS[:1])
    assert dialog.save_button.isEnabled()
    dialog.table.setFocus()
    key(dialog.table, Qt.Key.Key_Space)
    assert not dialog.save_button.isEnabled()


def test_what_is_pasted_is_read_while_it_is_typed(
    qtbot: QtBot, theme: Theme, desk: FakeDesk, parent: QWidget
):
    desk.text_rows["claude mcp add git -- uvx mcp-server-git"] = IMPORTS[:1]
    dialog = McpPasteDialog(theme, desk, parent)
    _open(qtbot, dialog)
    assert dialog.focusWidget() is dialog.text
    type_into(dialog.text, "claude mcp add git -- uvx mcp-server-git")
    qtbot.waitUntil(dialog.save_button.isEnabled)
    assert dialog.preview.toPlainText() == IMPORTS[0].yaml
    write(dialog.text, "{")
    qtbot.waitUntil(lambda: not dialog.save_button.isEnabled())
    assert dialog.summary.text() == "This is neither YAML, JSON nor a command."
    key(dialog.text, Qt.Key.Key_Backspace)
    qtbot.waitUntil(lambda: dialog.summary.text().startswith("Paste something"))


# changes ------------------------------------------------------------------------------------


def test_only_what_was_shown_is_accepted(qtbot: QtBot, theme: Theme, desk: FakeDesk, parent: QWidget):
    dialog = McpChangesDialog(theme, desk, parent, "github", CHANGES[:1])
    _open(qtbot, dialog)
    assert dialog.focusWidget() is dialog.cancel_button
    press(dialog.save_button)
    assert desk.mcp_calls == []
    qtbot.waitUntil(lambda: not dialog.guard.isActive())
    again = ToolChange("list_issues", CHANGES[0].before, '{"description": "worse\u202e"}')
    desk.mcp_changed_tools["github"] = (again,)
    press(dialog.save_button)
    assert desk.mcp_calls == []
    assert dialog.banner.title == "The definitions changed again"
    assert "worse\\u{202e}" in dialog.text.toPlainText()
    qtbot.waitUntil(lambda: not dialog.guard.isActive())
    desk.mcp_refusal = "The pins cannot be written."
    press(dialog.save_button)
    assert dialog.banner.title == "Not accepted"
    desk.mcp_refusal = None
    press(dialog.save_button)
    assert desk.mcp_calls[-1] == "accept github list_issues"


# trying -------------------------------------------------------------------------------------


@pytest.fixture
def trial(qtbot: QtBot, theme: Theme, desk: FakeDesk, parent: QWidget) -> McpTryDialog:
    made = McpTryDialog(theme, desk, parent, "time", TOOLS[1])
    _open(qtbot, made)
    return made


def test_the_form_of_the_schema_is_filled_in_and_sent(qtbot: QtBot, trial: McpTryDialog, desk: FakeDesk):
    assert trial.focusWidget() is trial.inputs["time"]
    type_into(trial.inputs["time"], "16:30")
    type_into(trial.inputs["source_timezone"], "UTC")
    seconds = trial.inputs["with_seconds"]
    assert isinstance(seconds, ChoiceBox)
    assert [seconds.itemText(row) for row in range(3)] == ["not sent", "true", "false"]
    seconds.setCurrentIndex(1)
    press(trial.save_button)
    arguments = (
        '{"time": "16:30", "days": 0, "source_timezone": "UTC", "style": "short", "with_seconds": true}'
    )
    assert desk.mcp_calls == [f"try time convert_time {arguments}"]
    assert trial.state.text() == "Waiting for the server…"
    assert not trial.save_button.isEnabled()


def test_a_wrong_field_is_said_where_it_is(qtbot: QtBot, trial: McpTryDialog, desk: FakeDesk):
    days = trial.inputs["days"]
    assert isinstance(days, QLineEdit)
    write(days, "many")
    press(trial.save_button)
    assert trial.banner.title == "This cannot be sent"
    assert trial.focusWidget() is days
    assert days.property("wrong") == "true"
    assert desk.mcp_calls == []


def test_the_form_becomes_json_and_json_is_sent_as_typed(qtbot: QtBot, trial: McpTryDialog, desk: FakeDesk):
    type_into(trial.inputs["time"], "1")
    trial.tabs.setCurrentIndex(1)
    assert '"time": "1"' in trial.json.toPlainText()
    write(trial.json, "[")
    press(trial.save_button)
    assert trial.banner.title == "This cannot be sent"
    write(trial.json, '{"time": 1}')
    press(trial.save_button)
    assert desk.mcp_calls == ['try time convert_time {"time": 1}']


def test_answers_of_other_tools_are_left_alone(qtbot: QtBot, trial: McpTryDialog):
    trial.tabs.setCurrentIndex(1)
    press(trial.save_button)
    trial.take(McpTried("time", "other", "no", is_error=False, duration_s=1))
    assert trial.answer.toPlainText() == ""
    trial.take(McpTried("time", "convert_time", "<b>bad</b>\u202e", is_error=True, duration_s=1.5))
    assert trial.answer.toPlainText() == "<b>bad</b>\\u{202e}"
    assert trial.state.text() == "It failed after 1.5 s."
    assert trial.save_button.isEnabled()


def test_a_long_answer_is_cut_and_an_empty_one_said(qtbot: QtBot, trial: McpTryDialog):
    trial.take(McpTried("time", "convert_time", "x" * 200_010, is_error=False, duration_s=1))
    assert trial.answer.toPlainText().endswith("\n… 10 more characters")
    trial.take(McpTried("time", "convert_time", "", is_error=False, duration_s=1))
    assert trial.answer.toPlainText() == "(empty)"


def test_a_schema_beyond_forms_offers_json_alone(qtbot: QtBot, theme: Theme, desk: FakeDesk, parent: QWidget):
    trial = McpTryDialog(theme, desk, parent, "time", TOOLS[2])
    _open(qtbot, trial)
    assert [trial.tabs.tabText(tab) for tab in range(trial.tabs.count())] == ["JSON"]
    desk.mcp_refusal = "It does not run."
    press(trial.save_button)
    assert trial.banner.title == "Not called"
