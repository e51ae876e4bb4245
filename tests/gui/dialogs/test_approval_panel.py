"""The approval panel shows the exact call, is answered by mouse and keyboard, and never by accident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gui.dialogs.approval_panel import GUARD_MS, ApprovalPanel
from gui.permission_desk import ApprovalAnswerDraft, ApprovalView
from gui.theme import Theme
from tests.gui.acting import active, heard, key, press, press_named, type_into, write
from tests.gui.fake_desk import FakeDesk
from tests.gui.permission_scenes import FETCH, PUSH, REPEATED, WRITE
from tests.gui.scenes import START

ASKED = replace(PUSH, asked_at=START, expires_at=START + 120)


class Clock:
    """A clock that a test sets."""

    now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def panel(qtbot: QtBot, theme: Theme, desk: FakeDesk, clock: Clock) -> ApprovalPanel:
    """A panel in a window that has the keyboard."""
    desk.waiting = [ASKED, replace(WRITE, expires_at=START + 60), replace(FETCH, expires_at=START + 60)]
    made = ApprovalPanel(theme, desk, clock=clock)
    made.add_keys(made)
    return active(qtbot, made, 640, 420)


@pytest.fixture
def show(qtbot: QtBot, panel: ApprovalPanel) -> Callable[[ApprovalView], None]:
    """Shows a call and lets the guard pass."""

    def show_and_wait(approval: ApprovalView) -> None:
        panel.show_approval(approval, takes_focus=True)
        qtbot.waitUntil(lambda: not panel.guard.isActive())

    return show_and_wait


Show = Callable[[ApprovalView], None]


def test_the_call_is_shown_whole_with_why_and_risks(panel: ApprovalPanel, show: Show):
    show(replace(ASKED, shown="x" * 5_000))
    assert panel.call.toPlainText() == "x" * 5_000
    assert panel.call.horizontalScrollBar().maximum() == 0
    assert panel.call.verticalScrollBar().maximum() > 0
    assert panel.title.text() == "Bash wants to run a command"
    assert panel.why.text() == "Why asked: ask rule Bash(git push *) matches 'git push origin main'"
    assert panel.hints.text() == "uses the network  ·  npm publish cannot be taken back"
    assert panel.origin.text() == "claude-cli/2.1.330  ·  workspace website  ·  conversation conv_3"


def test_invisible_characters_are_spelt_out(panel: ApprovalPanel, show: Show):
    show(FETCH)
    assert panel.call.toPlainText() == r"https://example.org/a?q=\u{202e}gnp.exe\u{200b}"


@pytest.mark.parametrize(("shown", "lines"), [(WRITE.shown, "38 lines"), ("x" * 5_000, "1 line")])
def test_a_call_that_is_not_all_in_view_says_so(panel: ApprovalPanel, show: Show, shown: str, lines: str):
    show(replace(ASKED, shown=shown))
    assert panel.length.isVisible()
    assert panel.length.text() == (
        f"Not all of the call is in view: it has {lines}. Scroll to read the rest."
    )
    show(ASKED)
    assert not panel.length.isVisible()


def test_the_focus_begins_on_deny(panel: ApprovalPanel, show: Show):
    show(ASKED)
    assert QApplication.focusWidget() is panel.deny
    assert panel.deny.property("ring") == "true"


@pytest.mark.parametrize(
    ("button", "answer"),
    [
        ("Deny", ApprovalAnswerDraft("apr_1", "d1", "deny")),
        ("Allow once", ApprovalAnswerDraft("apr_1", "d1", "allow")),
        ("Allow for this conversation", ApprovalAnswerDraft("apr_1", "d1", "allow", "conversation")),
    ],
)
def test_each_button_gives_its_answer_bound_to_the_call(
    qtbot: QtBot, panel: ApprovalPanel, show: Show, desk: FakeDesk, button: str, answer: ApprovalAnswerDraft
):
    show(ASKED)
    press_named(qtbot, panel, button)
    assert desk.answers == [answer]


@pytest.mark.parametrize(("which", "decision"), [(Qt.Key.Key_A, "allow"), (Qt.Key.Key_D, "deny")])
def test_the_letters_answer(panel: ApprovalPanel, show: Show, desk: FakeDesk, which: Qt.Key, decision: str):
    show(ASKED)
    key(panel.deny, which)
    assert [(each.decision, each.scope) for each in desk.answers] == [(decision, "once")]


def test_enter_presses_the_focused_button_only(panel: ApprovalPanel, show: Show, desk: FakeDesk):
    show(ASKED)
    panel.reason.setFocus()
    key(panel.reason, Qt.Key.Key_Return)
    key(panel.call, Qt.Key.Key_Return)
    assert desk.answers == []
    panel.conversation.setFocus()
    key(panel.conversation, Qt.Key.Key_Return)
    assert [each.scope for each in desk.answers] == ["conversation"]


def test_letters_typed_into_the_reason_are_text_and_go_to_the_model(
    panel: ApprovalPanel, show: Show, desk: FakeDesk
):
    show(ASKED)
    panel.reason.setFocus()
    type_into(panel.reason, "add a dad")
    assert desk.answers == []
    press(panel.deny)
    assert desk.answers == [ApprovalAnswerDraft("apr_1", "d1", "deny", message="add a dad")]


def test_nothing_counts_for_half_a_second_after_a_call_appears(
    qtbot: QtBot, panel: ApprovalPanel, desk: FakeDesk
):
    panel.show_approval(ASKED, takes_focus=True)
    assert panel.guard.interval() == GUARD_MS == 500
    for which in (Qt.Key.Key_A, Qt.Key.Key_D, Qt.Key.Key_Return, Qt.Key.Key_Space):
        key(panel.deny, which)
    for button in (panel.deny, panel.once, panel.conversation, panel.always):
        press(button)
    assert desk.answers == []
    assert panel.buttons.isVisible()
    qtbot.waitUntil(lambda: not panel.guard.isActive())
    press(panel.once)
    assert len(desk.answers) == 1


def test_nothing_counts_for_half_a_second_after_the_call_changes(
    panel: ApprovalPanel, show: Show, desk: FakeDesk
):
    show(ASKED)
    panel.show_approval(replace(ASKED, digest="d9", shown="rm -rf ~"))
    key(panel.deny, Qt.Key.Key_A)
    assert desk.answers == []


def test_a_press_that_began_on_another_call_does_not_answer_this_one(
    qtbot: QtBot, panel: ApprovalPanel, show: Show, desk: FakeDesk
):
    show(ASKED)
    QTest.mousePress(panel.once, Qt.MouseButton.LeftButton)
    show(desk.waiting[2])
    QTest.mouseRelease(panel.once, Qt.MouseButton.LeftButton)
    assert desk.answers == []


def test_the_same_call_shown_again_keeps_guard_and_reason_as_they_are(panel: ApprovalPanel, show: Show):
    show(ASKED)
    type_into(panel.reason, "why")
    panel.show_approval(ASKED)
    assert not panel.guard.isActive()
    assert panel.reason.text() == "why"


def test_coming_to_the_front_starts_the_guard_again(
    qtbot: QtBot, panel: ApprovalPanel, show: Show, desk: FakeDesk
):
    show(ASKED)
    other = QWidget()
    qtbot.addWidget(other)
    with qtbot.waitActive(other):
        other.show()
        other.activateWindow()
    with qtbot.waitActive(panel):
        panel.activateWindow()
    key(panel.deny, Qt.Key.Key_D)
    assert desk.answers == []


def test_always_shows_the_rule_to_be_stored_and_its_meaning(
    qtbot: QtBot, panel: ApprovalPanel, show: Show, desk: FakeDesk
):
    show(ASKED)
    press(panel.always)
    assert panel.rule.line.text() == "Bash(git push origin main)"
    write(panel.rule.line, "Bash(git push *)")
    assert panel.rule.meaning.text() == "Allows every call that Bash(git push *) names."
    press(panel.store)
    assert desk.answers == [ApprovalAnswerDraft("apr_1", "d1", "allow", "always", "Bash(git push *)")]


def test_back_returns_to_the_answers(panel: ApprovalPanel, show: Show, desk: FakeDesk):
    show(ASKED)
    press(panel.always)
    press(panel.back)
    assert panel.deny.isVisible()
    assert QApplication.focusWidget() is panel.always
    assert desk.answers == []


@pytest.mark.parametrize("suggestion", [None, "Bash(a\u202eb)", "Bash(a\nb)"])
def test_always_is_not_offered_where_no_rule_is_safe_or_can_be_shown(
    panel: ApprovalPanel, show: Show, suggestion: str | None
):
    show(replace(WRITE, suggestion=suggestion))
    assert not panel.always.isEnabled()
    assert panel.always.accessibleDescription() == "No rule is narrow enough to be kept for this call."


def test_a_call_outside_a_conversation_cannot_be_allowed_for_it(panel: ApprovalPanel, show: Show):
    show(FETCH)
    assert not panel.conversation.isEnabled()


def test_an_answer_that_comes_too_late_says_so(panel: ApprovalPanel, show: Show, desk: FakeDesk):
    show(ASKED)
    told = heard(panel.answered)
    desk.waiting.clear()
    press(panel.once)
    assert panel.refused.isVisible()
    assert told == []


def test_the_time_left_runs_down(qtbot: QtBot, panel: ApprovalPanel, show: Show, clock: Clock):
    show(ASKED)
    assert panel.clock_chip.text == "denied in 2 min 00 s"
    clock.now = START + 105
    panel.show_approval(ASKED)
    assert panel.clock_chip.text == "denied in 15 s"
    assert panel.clock_chip.property("tone") == "warn"
    clock.now = START + 121
    panel.show_approval(ASKED)
    assert panel.clock_chip.text == "time is up"


def test_the_request_can_be_looked_at(panel: ApprovalPanel, show: Show):
    show(ASKED)
    told = heard(panel.request_asked)
    press(panel.to_request)
    assert told == [("req_0004",)]


def test_a_repeated_request_is_asked_about_in_words_of_its_own(panel: ApprovalPanel, show: Show):
    show(ASKED)
    show(REPEATED)
    assert panel.title.text() == "A client repeats the same request"
    assert panel.origin.text() == "claude-cli/2.1.330  ·  conversation conv_3"
    assert panel.call.toPlainText() == REPEATED.shown
    offered = [each.text() for each in panel.answer_buttons() if each.isVisible()]
    assert offered == ["Deny", "Allow once", "Allow for 10 minutes"]
    assert panel.reason.accessibleName() == "Reason for denying, for the client"
    show(ASKED)
    offered = [each.text() for each in panel.answer_buttons() if each.isVisible()]
    assert offered == ["Deny", "Allow once", "Allow for this conversation", "Always…"]
    assert panel.reason.accessibleName() == "Reason for denying, for the model"


@pytest.mark.parametrize(
    ("button", "answer"),
    [
        ("Deny", ApprovalAnswerDraft("apr_4", "d4", "deny")),
        ("Allow once", ApprovalAnswerDraft("apr_4", "d4", "allow")),
        ("Allow for 10 minutes", ApprovalAnswerDraft("apr_4", "d4", "allow", "10 minutes")),
    ],
)
def test_each_button_gives_its_answer_to_a_repeated_request(
    qtbot: QtBot, panel: ApprovalPanel, show: Show, desk: FakeDesk, button: str, answer: ApprovalAnswerDraft
):
    desk.waiting = [REPEATED]
    show(REPEATED)
    press_named(qtbot, panel, button)
    assert desk.answers == [answer]
