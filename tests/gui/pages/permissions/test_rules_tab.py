"""The tab of the rules: shown in order with their warnings, built, mended, removed, imported and exported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from gui.dialogs.rule_dialog import RuleDialog
from gui.dialogs.rule_files import ExportDialog, ImportDialog, RulesTextDialog
from gui.pages.permissions.page import PermissionsPage
from gui.pages.permissions.rules import RulesTab
from gui.permission_desk import PermissionsChanged
from tests.gui.acting import click_cell, dialog_of, key, press, press_named, type_into, write
from tests.gui.fake_desk import FakeDesk
from tests.gui.permission_scenes import RULES


@pytest.fixture
def tab(page: PermissionsPage) -> RulesTab:
    page.show_rules()
    return page.rules


def _rows(tab: RulesTab) -> list[list[str]]:
    return [tab.table.row_text(row).split("\t") for row in range(tab.model.rowCount())]


def test_rules_stand_in_the_order_they_are_looked_at(tab: RulesTab):
    assert [row[0] for row in _rows(tab)] == ["Deny", "Deny", "Ask", "Allow", "Allow", "Allow"]
    assert _rows(tab)[1] == [
        "Deny",
        "Bash(rm -rf *)",
        "Denies commands that begin with rm -rf.",
        "settings.json",
        "2",
        "",
    ]


def test_a_warning_stands_with_its_rule_and_is_mended_by_one_click(
    qtbot: QtBot, page: PermissionsPage, tab: RulesTab, desk: FakeDesk
):
    click_cell(tab.table, 4)
    assert tab.warning.title == "/etc/hosts is not the absolute path here; the rule never matches."
    assert tab.warning.property("tone") == "warn"
    with qtbot.waitSignal(page.room.bridge.permissions_changed):
        press_named(qtbot, tab.warning, "Change to Write(//etc/hosts)")
    assert "save_rule allow Write(//etc/hosts) replaces Write(/etc/hosts)" in desk.calls
    chosen = tab.chosen()
    assert chosen is not None
    assert chosen.text == "Write(//etc/hosts)"
    assert not tab.warning.isVisible()


def test_a_rule_of_another_file_cannot_be_changed_here(tab: RulesTab, desk: FakeDesk):
    click_cell(tab.table, 1)
    assert not tab.edit.isEnabled()
    assert not tab.remove.isEnabled()
    assert tab.source.text() == "From /home/you/website/.claude/settings.json; change it there."
    key(tab.table, Qt.Key.Key_Delete)
    key(tab.table, Qt.Key.Key_Return)
    assert desk.calls == []


def test_a_removed_rule_comes_back_by_undo(qtbot: QtBot, tab: RulesTab, desk: FakeDesk):
    click_cell(tab.table, 2)
    key(tab.table, Qt.Key.Key_Delete)
    assert tab.undo.title == "Removed the ask rule Bash(git push *)."
    press_named(qtbot, tab.undo, "Undo")
    assert desk.calls == ["remove_rule ask Bash(git push *)", "save_rule ask Bash(git push *) replaces None"]


def test_an_exception_is_shown_as_one_and_changed_as_text(
    qtbot: QtBot, page: PermissionsPage, tab: RulesTab, desk: FakeDesk
):
    desk.rule_list.insert(0, replace(RULES[0], text="Read(./.env.example)", is_exception=True))
    with qtbot.waitSignal(page.room.bridge.permissions_changed):
        desk.announce(PermissionsChanged())
    assert _rows(tab)[0][0] == "Exception"
    click_cell(tab.table, 0)
    assert not tab.remove.isEnabled()
    press(tab.edit)
    assert dialog_of(RulesTextDialog).isVisible()


def test_a_rule_is_built_from_tool_and_subject_with_its_meaning(
    qtbot: QtBot, page: PermissionsPage, tab: RulesTab, desk: FakeDesk
):
    desk.previews["Bash(npm *)"] = replace(RULES[3], hits=14)
    press(tab.add)
    dialog = dialog_of(RuleDialog)
    dialog.tool.setCurrentText("Bash")
    type_into(dialog.about, "npm *")
    assert dialog.rule.line.text() == "Bash(npm *)"
    assert dialog.rule.meaning.text() == "Allows commands that begin with npm."
    assert dialog.rule.matches.text() == "Would have matched 14 calls of the last 200."
    assert dialog.rule.warning.isVisible()
    press(dialog.rule.use_fix)
    assert dialog.rule.line.text() == "Bash(npm test)"
    press(dialog.effects["ask"])
    assert dialog.rule.meaning.text() == "Asks before every call that Bash(npm test) names."
    with qtbot.waitSignal(page.room.bridge.permissions_changed):
        press(dialog.save_button)
    assert "save_rule ask Bash(npm test) replaces None" in desk.calls
    chosen = tab.chosen()
    assert chosen is not None
    assert (chosen.effect, chosen.text) == ("ask", "Bash(npm test)")


def test_a_typed_rule_is_taken_apart(tab: RulesTab):
    press(tab.add)
    dialog = dialog_of(RuleDialog)
    write(dialog.rule.line, "WebFetch(domain:example.org)")
    assert (dialog.tool.currentText(), dialog.about.text()) == ("WebFetch", "domain:example.org")
    write(dialog.rule.line, "mcp__other__*")
    assert dialog.tool.currentIndex() == -1


def test_editing_replaces_the_rule(qtbot: QtBot, tab: RulesTab, desk: FakeDesk):
    click_cell(tab.table, 5)
    key(tab.table, Qt.Key.Key_Return)
    dialog = dialog_of(RuleDialog)
    write(dialog.about, "domain:python.org")
    press(dialog.save_button)
    assert desk.calls == [
        "save_rule allow WebFetch(domain:python.org) replaces WebFetch(domain:docs.python.org)"
    ]


def test_a_refused_rule_keeps_the_dialog_open(tab: RulesTab, desk: FakeDesk):
    desk.refusal = "Bash(x is not a rule: a bracket is missing."
    press(tab.add)
    dialog = dialog_of(RuleDialog)
    press(dialog.save_button)
    assert dialog.isVisible()
    assert dialog.banner.title == "Not saved"


def test_text_that_is_no_json_cannot_be_saved(qtbot: QtBot, tab: RulesTab, desk: FakeDesk):
    press(tab.as_text)
    dialog = dialog_of(RulesTextDialog)
    assert dialog.save_button.isEnabled()
    dialog.text.setPlainText('{"allow": ["Read"}')
    assert dialog.state.text().startswith("Line 1, column 18")
    assert not dialog.save_button.isEnabled()
    dialog.text.setPlainText("[]")
    assert dialog.state.text() == "The text must be one object: { … }."
    dialog.text.setPlainText('{"allow": []}')
    key(dialog.text, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert desk.rules_json == '{"allow": []}'
    assert not dialog.isVisible()


def test_import_shows_what_becomes_of_each_rule_first(qtbot: QtBot, tab: RulesTab, desk: FakeDesk):
    press(tab.take_in)
    dialog = dialog_of(ImportDialog)
    assert not dialog.save_button.isEnabled()
    type_into(dialog.file.line, "~/s.json")
    qtbot.waitUntil(lambda: dialog.model.rowCount() == 5)
    assert [dialog.table.row_text(row).split("\t")[0] for row in range(5)] == [
        "taken over",
        "already there",
        "does nothing",
        "out of scope",
        "taken over",
    ]
    assert dialog.summary.text() == "2 of 5 rules would be taken over; the others are left out."
    press(dialog.save_button)
    assert desk.calls[-1] == "import_rules ~/s.json"


def test_a_file_that_cannot_be_read_imports_nothing(qtbot: QtBot, tab: RulesTab, desk: FakeDesk):
    desk.import_preview = None
    press(tab.take_in)
    dialog = dialog_of(ImportDialog)
    type_into(dialog.file.line, "nope.json")
    qtbot.waitUntil(lambda: dialog.summary.text() == "nope.json cannot be read.")
    assert not dialog.save_button.isEnabled()


def test_the_chosen_file_is_put_into_the_line(qtbot: QtBot, tab: RulesTab):
    press(tab.give_out)
    dialog = dialog_of(ExportDialog)
    press(dialog.file.browse)
    chooser = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QFileDialog) and w.isVisible())
    chooser.fileSelected.emit("/home/you/.claude/settings.json")
    chooser.close()
    assert dialog.file.path == "/home/you/.claude/settings.json"


def test_rules_are_exported(tab: RulesTab, desk: FakeDesk):
    press(tab.give_out)
    dialog = dialog_of(ExportDialog)
    press(dialog.save_button)
    assert dialog.banner.title == "A file is missing"
    type_into(dialog.file.line, "out.json")
    press(dialog.save_button)
    assert desk.calls == ["export_rules out.json"]


def test_without_rules_there_is_a_sentence_and_a_button(
    show: Callable[[FakeDesk], PermissionsPage], empty_desk: FakeDesk
):
    page = show(empty_desk)
    page.show_rules()
    press(page.rules.empty_add)
    assert dialog_of(RuleDialog).isVisible()
