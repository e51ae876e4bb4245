"""Trying a call: the answer in big words, by which rule, part by part, and what to add to change it."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from gui.dialogs.rule_dialog import RuleDialog
from gui.pages.permissions.page import PermissionsPage
from gui.pages.permissions.try_call import TryTab
from gui.permission_desk import CallDraft, CallTried, TryView
from tests.gui.acting import dialog_of, press, type_into
from tests.gui.fake_desk import FakeDesk


@pytest.fixture
def tab(page: PermissionsPage) -> TryTab:
    page.focus_filter()
    page.trial.tool.setCurrentText("Bash")
    return page.trial


def _try(qtbot: QtBot, page: PermissionsPage, text: str) -> None:
    with qtbot.waitSignal(page.room.bridge.call_tried):
        type_into(page.trial.arguments, text)


def test_a_denied_call_shows_the_rule_and_each_part(qtbot: QtBot, page: PermissionsPage, tab: TryTab):
    _try(qtbot, page, "git push origin main && rm -rf build")
    assert tab.answer.text() == "Denied"
    assert tab.answer.property("tone") == "danger"
    assert tab.rule.text() == "Rule: Bash(rm -rf *), from /home/you/website/.claude/settings.json"
    assert [tab.table.row_text(row).split("\t")[:2] for row in range(2)] == [
        ["Would ask", "git push origin main"],
        ["Denied", "rm -rf build"],
    ]
    assert not tab.add_rule.isVisible()


def test_an_allowed_call_says_so(qtbot: QtBot, page: PermissionsPage, tab: TryTab):
    _try(qtbot, page, "npm test")
    assert tab.answer.text() == "Allowed"
    assert not tab.table.isVisible()


def test_a_call_that_would_ask_says_what_to_add(qtbot: QtBot, page: PermissionsPage, tab: TryTab):
    _try(qtbot, page, "make all")
    assert tab.answer.text() == "Would ask"
    assert tab.suggestion.text() == "To allow it: Bash(make all)"
    press(tab.add_rule)
    assert page.tabs.currentWidget() is page.rules
    assert dialog_of(RuleDialog).rule.text == "Bash(make all)"


def test_what_is_no_call_is_told(qtbot: QtBot, page: PermissionsPage, tab: TryTab):
    _try(qtbot, page, "{")
    assert tab.answer.text() == "This is no call"
    assert tab.reason.text().startswith("The arguments begin like JSON")


def test_tool_workspace_and_mode_are_part_of_the_question(
    qtbot: QtBot, page: PermissionsPage, tab: TryTab, desk: FakeDesk
):
    tab.workspace.setCurrentText("notes")
    tab.mode.setCurrentText("Plan")
    _try(qtbot, page, "ls")
    assert desk.tried[-1] == CallDraft("Bash", "ls", "notes", "plan")
    with qtbot.waitSignal(page.room.bridge.call_tried):
        tab.workspace.setCurrentText("None")
    assert desk.tried[-1].workspace is None


def test_an_answer_to_an_older_question_is_not_shown(
    qtbot: QtBot, page: PermissionsPage, tab: TryTab, desk: FakeDesk
):
    _try(qtbot, page, "npm test")
    with qtbot.waitSignal(page.room.bridge.call_tried):
        desk.announce(CallTried(CallDraft("Bash", "npm", "website"), TryView("deny", "old", None, None)))
    assert tab.answer.text() == "Allowed"


def test_without_arguments_nothing_is_asked(qtbot: QtBot, page: PermissionsPage, tab: TryTab, desk: FakeDesk):
    assert tab.answer.text() == "Nothing to try yet"
    tab.try_now()
    assert desk.tried == []


def test_changed_rules_are_tried_again(qtbot: QtBot, page: PermissionsPage, tab: TryTab, desk: FakeDesk):
    _try(qtbot, page, "npm test")
    desk.tries["npm test"] = TryView("deny", "changed", "Bash(npm *)", "settings")
    with qtbot.waitSignals([page.room.bridge.permissions_changed, page.room.bridge.call_tried]):
        desk.save_rule("deny", "Bash(npm *)")
    qtbot.waitUntil(lambda: tab.answer.text() == "Denied")
