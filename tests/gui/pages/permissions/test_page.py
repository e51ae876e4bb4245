"""The header: mode and default workspace; bypass only with the typed word."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from gui.dialogs.bypass_dialog import BypassDialog
from gui.dialogs.rule_files import RulesTextDialog
from gui.pages.permissions.page import PermissionsPage
from gui.pages.permissions.safety import safety_facts
from gui.permission_desk import PermissionsChanged
from tests.gui.acting import dialog_of, key, press, press_named, type_into
from tests.gui.fake_desk import FakeDesk


def test_the_page_says_whom_its_rules_govern_and_what_the_mode_means(page: PermissionsPage):
    assert [page.mode.itemText(i) for i in range(page.mode.count())] == [
        "Ask",
        "Accept edits",
        "Plan",
        "Don’t ask",
        "Bypass…",
    ]
    assert page.mode.currentText() == "Ask"
    assert page.meaning.text().startswith("What no rule allows waits for you")


def test_a_mode_is_set(qtbot: QtBot, page: PermissionsPage, desk: FakeDesk):
    page.mode.setFocus()
    with qtbot.waitSignal(page.room.bridge.permissions_changed):
        key(page.mode, Qt.Key.Key_Down)
    assert desk.safety_now.mode == "acceptEdits"
    assert page.meaning.text() == "Edits of files inside the workspace go through unasked."


def test_a_refused_mode_is_told_and_the_box_goes_back(page: PermissionsPage, desk: FakeDesk):
    desk.refusal = "The settings file cannot be written."
    page.mode.setFocus()
    key(page.mode, Qt.Key.Key_Down)
    assert page.refused.isVisible()
    assert page.mode.currentText() == "Ask"


def _open_bypass(page: PermissionsPage) -> BypassDialog:
    page.mode.setCurrentIndex(4)
    page.mode.activated.emit(4)
    return dialog_of(BypassDialog)


def test_bypass_needs_the_typed_word(qtbot: QtBot, page: PermissionsPage, desk: FakeDesk):
    dialog = _open_bypass(page)
    assert page.mode.currentText() == "Ask"
    assert not dialog.save_button.isEnabled()
    type_into(dialog.word, "bypas")
    key(dialog.word, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert desk.calls == []
    type_into(dialog.word, "s")
    with qtbot.waitSignal(page.room.bridge.permissions_changed):
        press(dialog.save_button)
    assert desk.calls == ["set_mode bypassPermissions bypass"]
    assert page.mode.currentText() == "Bypass…"


def test_a_forbidden_bypass_is_refused_before_the_word_is_asked_for(page: PermissionsPage, desk: FakeDesk):
    desk.safety_now = replace(desk.safety_now, bypass_refusal="The settings forbid it.")
    page.mode.setCurrentIndex(4)
    page.mode.activated.emit(4)
    assert page.findChildren(BypassDialog) == []
    assert "The settings forbid it." in [each.text() for each in page.refused.findChildren(QLabel)]
    assert (page.mode.currentText(), desk.calls) == ("Ask", [])


def test_leaving_the_confirmation_changes_nothing(page: PermissionsPage, desk: FakeDesk):
    dialog = _open_bypass(page)
    key(dialog, Qt.Key.Key_Escape)
    assert desk.safety_now.mode == "default"


def test_the_default_workspace_is_chosen(qtbot: QtBot, page: PermissionsPage, desk: FakeDesk):
    assert page.workspace.currentText() == "website"
    page.workspace.setFocus()
    with qtbot.waitSignal(page.room.bridge.workspaces_changed):
        key(page.workspace, Qt.Key.Key_Down)
    assert [each.name for each in desk.workspace_list if each.is_default] == ["notes"]
    assert page.workspace.currentText() == "notes"


def test_rules_that_cannot_be_read_are_a_red_banner_with_the_way_to_mend_them(
    qtbot: QtBot, page: PermissionsPage, desk: FakeDesk
):
    desk.safety_now = replace(desk.safety_now, broken="line 3: allow must be a list.")
    with qtbot.waitSignal(page.room.bridge.permissions_changed):
        desk.announce(PermissionsChanged())
    assert page.broken.title == "The rules cannot be read, so every call asks"
    assert page.broken.property("tone") == "danger"
    press_named(qtbot, page.broken, "Edit as text…")
    assert dialog_of(RulesTextDialog).isVisible()


def test_the_safety_tab_says_what_holds(page: PermissionsPage, desk: FakeDesk, qtbot: QtBot):
    page.tabs.setCurrentWidget(page.safety)
    said = " ".join(each.accessibleName() for each in page.safety.facts.findChildren(QLabel))
    assert "Sandbox found: none: install bubblewrap" in said
    assert "Commands end after: 2 min 00 s" in said
    assert "Changing always asks: .git,  .claude" in said
    assert "Removing always asks: /,  ~" in said


@pytest.mark.parametrize(
    ("found", "tone"),
    [
        ("none: install bubblewrap", "warn"),
        ("There is no sandbox: bubblewrap is not installed.", "warn"),
        ("The sandbox is switched off: commands run with all your rights.", "warn"),
        ("No command runs: a sandbox is required, and bubblewrap is not installed.", "warn"),
        ("Which sandbox there is shows when the first command runs.", ""),
        ("Commands run in bubblewrap: they write only in the workspace.", "ok"),
    ],
)
def test_what_holds_commands_is_a_warning_unless_something_does(desk: FakeDesk, found: str, tone: str):
    facts = safety_facts(replace(desk.safety_now, sandbox_found=found))
    assert ("Sandbox found", found, tone) in facts


@pytest.mark.parametrize(
    ("repeats", "approvals", "words"),
    [
        (5, "wait", "the very same request is served 5 times within 60 seconds, then it waits for your word"),
        (5, "deny", "the very same request is served 5 times within 60 seconds, then it is refused"),
        (1, "wait", "the very same request is served once within 60 seconds, then it waits for your word"),
        (0, "wait", "off: a client may send the very same request as often as it likes"),
    ],
)
def test_the_loop_guard_stands_among_the_facts(desk: FakeDesk, repeats: int, approvals: str, words: str):
    facts = safety_facts(replace(desk.safety_now, repeats=repeats, approvals=approvals))
    assert ("Repeated requests", words, "") in facts
