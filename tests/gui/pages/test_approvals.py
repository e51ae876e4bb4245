"""The Approvals page: what waits is answered there, and what was decided is found again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.dialogs.rule_dialog import RuleDialog
from gui.pages.approvals import ApprovalsPage
from gui.pages.page import Room
from gui.permission_desk import ApprovalAnswerDraft
from proxy.events import ToolDecided
from tests.gui.acting import active, click_cell, dialog_of, heard, key, press, type_into
from tests.gui.fake_desk import FakeDesk
from tests.gui.permission_scenes import FETCH, PUSH, WRITE, repeated_answer
from tests.gui.scenes import START


@pytest.fixture
def page(qtbot: QtBot, room: Room) -> ApprovalsPage:
    return active(qtbot, ApprovalsPage(room, clock=lambda: START + 30), 940, 700)


def _ask(qtbot: QtBot, page: ApprovalsPage, desk: FakeDesk) -> None:
    with qtbot.waitSignal(page.room.bridge.approvals_changed):
        desk.ask(*(replace(each, asked_at=START, expires_at=START + 120) for each in (PUSH, WRITE, FETCH)))
    qtbot.waitUntil(lambda: not page.waiting.panel.guard.isActive())


def test_while_nothing_waits_a_sentence_says_what_would(page: ApprovalsPage):
    assert page.waiting.empty.isVisible()
    assert page.tabs.tabText(0) == "Waiting"


def test_what_waits_is_listed_with_its_age_and_its_end(qtbot: QtBot, page: ApprovalsPage, desk: FakeDesk):
    _ask(qtbot, page, desk)
    assert page.tabs.tabText(0) == "Waiting (3)"
    assert page.waiting.table.row_text(0).split("\t") == [
        "Bash",
        "claude-cli",
        "website",
        "ask rule Bash(git push *) matches 'git push origin main'",
        "30 s",
        "1 min 30 s",
    ]
    assert page.waiting.panel.call.toPlainText() == PUSH.shown


def test_the_chosen_call_is_answered_and_the_next_one_shown(
    qtbot: QtBot, page: ApprovalsPage, desk: FakeDesk
):
    _ask(qtbot, page, desk)
    click_cell(page.waiting.table, 1)
    assert page.waiting.panel.call.toPlainText() == WRITE.shown
    qtbot.waitUntil(lambda: not page.waiting.panel.guard.isActive())
    with qtbot.waitSignal(page.room.bridge.approvals_changed):
        press(page.waiting.panel.once)
    assert desk.answers == [ApprovalAnswerDraft("apr_2", "d2", "allow")]
    assert page.waiting.panel.shown is not None
    assert page.waiting.panel.guard.isActive()


def test_the_letters_answer_from_the_table_too(qtbot: QtBot, page: ApprovalsPage, desk: FakeDesk):
    _ask(qtbot, page, desk)
    page.waiting.table.setFocus()
    key(page.waiting.table, Qt.Key.Key_D)
    assert [(each.approval_id, each.decision) for each in desk.answers] == [("apr_1", "deny")]


def test_opening_the_page_puts_the_focus_on_deny_and_guards(
    qtbot: QtBot, page: ApprovalsPage, desk: FakeDesk
):
    _ask(qtbot, page, desk)
    page.tabs.setCurrentIndex(1)
    page.begin()
    assert page.tabs.currentIndex() == 0
    assert QApplication.focusWidget() is page.waiting.panel.deny
    assert page.waiting.panel.guard.isActive()


def test_a_low_window_steps_through_the_calls_without_the_table(
    qtbot: QtBot, page: ApprovalsPage, desk: FakeDesk
):
    _ask(qtbot, page, desk)
    page.resize(640, 440)
    qtbot.waitUntil(lambda: not page.waiting.table.isVisible())
    assert page.waiting.position.text() == "1 of 3"
    press(page.waiting.after)
    assert page.waiting.panel.shown is not None
    assert page.waiting.panel.shown.approval_id == "apr_2"
    assert page.waiting.panel.deny.isVisible()


def _open_history(qtbot: QtBot, page: ApprovalsPage) -> None:
    with qtbot.waitSignal(page.room.bridge.history_read):
        page.tabs.setCurrentIndex(1)


def test_history_lists_who_decided_what_ran_and_how_it_ended(qtbot: QtBot, page: ApprovalsPage):
    _open_history(qtbot, page)
    rows = [page.history.table.row_text(row).split("\t") for row in range(8)]
    assert [row[2] for row in rows[:3]] == ["npm test", "git push origin main", "rm -rf build"]
    assert rows[1][3:8] == ["Allowed", "user (window)", "Signalbox", "exit 0", "2.5 kB"]
    assert rows[2][3:8] == ["Denied", "rule", "–", "not run", ""]
    assert rows[5][2].startswith("/home/you/website/a.py ⏎ print")
    assert rows[6][5] == "MCP github"
    assert rows[7][6] == "to the client"


def test_history_is_filtered_by_words(qtbot: QtBot, page: ApprovalsPage, desk: FakeDesk):
    _open_history(qtbot, page)
    with qtbot.waitSignal(page.room.bridge.history_read):
        type_into(page.history.filter, "push")
    assert page.history.model.rowCount() == 1
    with qtbot.waitSignal(page.room.bridge.history_read):
        type_into(page.history.filter, "zzz")
    assert page.history.model.rowCount() == 0
    assert page.history.table.isVisible()


def test_a_past_call_is_shown_whole_and_leads_to_its_request(qtbot: QtBot, page: ApprovalsPage):
    _open_history(qtbot, page)
    click_cell(page.history.table, 5)
    assert page.history.call.toPlainText() == "/home/you/website/a.py\nprint('lamp')\n"
    told = heard(page.request_asked)
    press(page.history.to_request)
    click_cell(page.history.table, 0, 8)
    assert told == [("req_0009",), ("req_0004",)]


def test_a_rule_is_made_from_a_past_call(qtbot: QtBot, page: ApprovalsPage, desk: FakeDesk):
    _open_history(qtbot, page)
    click_cell(page.history.table, 2)
    press(page.history.make_rule)
    dialog = dialog_of(RuleDialog)
    assert (dialog.effect, dialog.rule.text) == ("deny", "Bash(rm -rf build)")
    press(dialog.save_button)
    assert "save_rule deny Bash(rm -rf build) replaces None" in desk.calls


def test_an_open_history_follows_what_is_decided(qtbot: QtBot, page: ApprovalsPage, desk: FakeDesk):
    _open_history(qtbot, page)
    desk.past.insert(0, replace(desk.past[0], shown="make lamp", call_id="toolu_new"))
    with qtbot.waitSignal(page.room.bridge.history_read):
        desk.announce(
            ToolDecided(
                "req_1", START, "toolu_new", "Bash", "{}", "signalbox", "allow", "", None, None, "rule"
            )
        )
    assert page.history.model.index(0, 2).data() == "make lamp"


def test_without_decisions_there_is_a_sentence(qtbot: QtBot, page: ApprovalsPage, desk: FakeDesk):
    desk.past.clear()
    _open_history(qtbot, page)
    assert page.history.empty.isVisible()
    assert not page.history.filter.isVisible()


def test_an_answer_about_a_repeated_request_stands_among_the_others_and_makes_no_rule(
    qtbot: QtBot, page: ApprovalsPage, desk: FakeDesk
):
    desk.past.insert(0, repeated_answer(START))
    _open_history(qtbot, page)
    click_cell(page.history.table, 0)
    row = page.history.table.row_text(0).split("\t")
    assert row[1:7] == [
        "none",
        "6 times within 60 seconds ⏎ token: ci ⏎ alias: big (asked for claude-opus-5-5) ⏎ cost so far: $1.86",
        "Allowed",
        "user (window)",
        "–",
        "passed on",
    ]
    assert page.history.call.toPlainText() == desk.past[0].shown
    assert page.history.reason.text().endswith("; allowed for 10 minutes")
    assert not page.history.make_rule.isEnabled()
    key(page.history.table, Qt.Key.Key_Return)
    assert not page.findChildren(RuleDialog)
    told = heard(page.request_asked)
    press(page.history.to_request)
    assert told == [("req_0009",)]
