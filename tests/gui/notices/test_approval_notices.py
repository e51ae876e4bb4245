"""Notifications follow what waits; their buttons answer only a call that they show whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from pytestqt.qtbot import QtBot

from gui.notices.approval_notices import ApprovalNotices, notice_of
from gui.notices.notice import Notice
from gui.pages.page import Room
from gui.permission_desk import ApprovalAnswerDraft, ApprovalView
from proxy.events import ApprovalEnded
from tests.gui.acting import heard
from tests.gui.fake_desk import FakeDesk
from tests.gui.permission_scenes import FETCH, PUSH, REPEATED, WRITE


class Wall:
    """Shows notifications in a mapping."""

    def __init__(self) -> None:
        self.shown: dict[str, Notice] = {}
        self.is_seen = False

    def show(self, key: str, notice: Notice) -> None:
        self.shown[key] = notice

    def withdraw(self, key: str) -> None:
        del self.shown[key]


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def notices(room: Room, desk: FakeDesk, wall: Wall) -> ApprovalNotices:
    return ApprovalNotices(desk, room.bridge, wall, lambda: wall.is_seen)


Ask = Callable[..., None]


def test_a_call_that_fits_is_shown_whole_with_its_answers():
    notice = notice_of(PUSH)
    assert notice.title == "Bash wants to run a command"
    assert notice.body == "git push origin main && npm publish\nworkspace website"
    assert [words for _key, words in notice.actions] == ["Open", "Allow once", "Deny"]
    assert notice.is_sticky


def test_a_repeated_request_is_told_with_its_client_and_its_answers():
    notice = notice_of(REPEATED)
    assert notice.title == "A client repeats the same request"
    assert notice.body == f"{REPEATED.shown}\nsent by claude-cli/2.1.330"
    assert [words for _key, words in notice.actions] == ["Open", "Allow once", "Deny"]


@pytest.mark.parametrize("approval", [WRITE, FETCH])
def test_a_call_that_does_not_fit_offers_only_to_review_it(approval: ApprovalView):
    notice = notice_of(approval)
    assert [words for _key, words in notice.actions] == ["Open", "Review…"]
    assert "not all of it is shown" in notice.body
    assert len(notice.body) < 160
    assert "\u202e" not in notice.body


@pytest.mark.parametrize(("action", "decision"), [("allow", "allow"), ("deny", "deny")])
def test_a_button_answers_the_call_that_was_shown(
    ask: Ask, notices: ApprovalNotices, desk: FakeDesk, action: str, decision: Literal["allow", "deny"]
):
    ask(PUSH)
    notices.press("apr_1", action)
    assert desk.answers == [ApprovalAnswerDraft("apr_1", "d1", decision, by="notification")]


def test_an_answer_to_a_call_that_was_not_shown_whole_opens_it_instead(
    ask: Ask, notices: ApprovalNotices, desk: FakeDesk
):
    ask(WRITE)
    told = heard(notices.open_asked)
    for action in ("allow", "deny", "review", "default"):
        notices.press("apr_2", action)
    assert desk.answers == []
    assert len(told) == 4


def test_three_calls_are_one_notification_that_only_opens(
    ask: Ask, wall: Wall, notices: ApprovalNotices, desk: FakeDesk
):
    ask(PUSH)
    ask(WRITE, FETCH)
    assert [notice.title for notice in wall.shown.values()] == ["3 tools waiting for approval"]
    told = heard(notices.open_asked)
    notices.press("waiting", "allow")
    assert desk.answers == []
    assert told == [()]


def test_what_is_left_of_a_group_is_told_one_by_one(
    qtbot: QtBot, ask: Ask, wall: Wall, notices: ApprovalNotices, room: Room, desk: FakeDesk
):
    ask(PUSH, WRITE, FETCH)
    with qtbot.waitSignal(room.bridge.approvals_changed):
        desk.end("apr_1")
    assert set(wall.shown) == {"apr_2", "apr_3"}


def test_an_answered_call_takes_its_notification_along(
    qtbot: QtBot, ask: Ask, wall: Wall, notices: ApprovalNotices, room: Room, desk: FakeDesk
):
    ask(PUSH, WRITE)
    assert set(wall.shown) == {"apr_1", "apr_2"}
    with qtbot.waitSignal(room.bridge.approvals_changed):
        desk.end("apr_1")
    assert set(wall.shown) == {"apr_2"}


def test_nothing_is_shown_while_the_calls_are_looked_at(ask: Ask, wall: Wall, notices: ApprovalNotices):
    wall.is_seen = True
    ask(PUSH)
    assert wall.shown == {}
    wall.is_seen = False
    notices.refresh()
    assert wall.shown == {}


def test_looking_at_the_calls_takes_the_notifications_back(ask: Ask, wall: Wall, notices: ApprovalNotices):
    ask(PUSH)
    wall.is_seen = True
    notices.refresh()
    assert wall.shown == {}


def test_an_answer_that_is_refused_is_told_and_the_call_opened(
    ask: Ask, notices: ApprovalNotices, desk: FakeDesk
):
    ask(PUSH)
    desk.waiting.clear()
    refused, opened = heard(notices.refused), heard(notices.open_asked)
    notices.press("apr_1", "allow")
    assert refused == [("This call waits no more.",)]
    assert opened == [()]


def test_an_expired_call_is_told_but_one_answered_elsewhere_is_not(
    qtbot: QtBot, wall: Wall, room: Room, desk: FakeDesk, notices: ApprovalNotices
):
    with qtbot.waitSignal(room.bridge.approval_ended):
        desk.announce(
            ApprovalEnded("apr_1", "req_1", "Bash", "deny", "expiry"),
            ApprovalEnded("apr_2", "req_1", "Write", "deny", "command line"),
        )
    assert [notice.title for notice in wall.shown.values()] == ["Bash was denied"]


def test_closing_takes_all_back(ask: Ask, wall: Wall, notices: ApprovalNotices):
    ask(PUSH, WRITE)
    notices.close()
    assert wall.shown == {}


def test_an_expired_question_about_a_request_says_that_its_client_was_told(
    qtbot: QtBot, wall: Wall, room: Room, desk: FakeDesk, notices: ApprovalNotices
):
    with qtbot.waitSignal(room.bridge.approval_ended):
        desk.announce(ApprovalEnded("apr_4", "req_1", REPEATED.tool, "deny", "expiry"))
    (notice,) = wall.shown.values()
    assert notice.title == "Repeated request was denied"
    assert notice.body == "Nobody answered in time, so it was not sent to a provider. The client was told."
