"""The list of calls that wait: each is answered once, by its own digest, in time, or denied."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from structlog.typing import EventDict

from proxy.events import ApprovalAsked, ApprovalEnded, ProxyEvent
from proxy.permissions.approval import ApprovalAnswer, ApprovalRequest, RepeatedRequest, digest_of
from proxy.permissions.values import ToolCall, Verdict
from proxy.tools.approvals import MAX_WAITING, AnswerRefused, ApprovalList, NobodyAsks
from tests.proxy.tools.run_room import NOW, ManualTimer

YES = ApprovalAnswer("allow", "window")
CALL = ToolCall("Bash", {"command": "make"}, "/w")


def question(number: int = 1, call: ToolCall = CALL) -> ApprovalRequest:
    return ApprovalRequest(
        approval_id=f"apr_{number}",
        call=call,
        digest=digest_of(call),
        verdict=Verdict("ask", "no rule"),
        suggestion="Bash(make)",
        request_id="req_1",
        client="tests/1",
        conversation_id=None,
        workspace=None,
        asked_at=NOW,
        expires_at=NOW + 120,
    )


class Waiting:
    """A list, its clock and its events."""

    def __init__(self) -> None:
        self.timer = ManualTimer()
        self.events: list[ProxyEvent] = []
        self.list = ApprovalList(self.events.append, self.timer.clock, self.timer.call_later)

    async def asked(self, request: ApprovalRequest) -> asyncio.Task[ApprovalAnswer]:
        task = asyncio.get_running_loop().create_task(self.list.ask(request))
        await asyncio.sleep(0)
        return task

    def is_empty(self) -> bool:
        return self.list.pending() == () and self.timer.waiting == 0


async def test_an_answer_reaches_the_call_that_waits_and_is_announced() -> None:
    waiting = Waiting()
    task = await waiting.asked(question())
    assert waiting.list.pending() == (question(),)
    assert waiting.list.answer("apr_1", digest_of(CALL), YES) == question()
    assert waiting.list.pending() == ()
    assert await task == YES
    assert waiting.events == [
        ApprovalAsked("apr_1", "req_1", "Bash"),
        ApprovalEnded("apr_1", "req_1", "Bash", "allow", "window"),
    ]
    assert waiting.is_empty()


async def test_an_answer_to_another_call_decides_nothing() -> None:
    waiting = Waiting()
    task = await waiting.asked(question())
    other = digest_of(replace(CALL, input={"command": "make install"}))
    with pytest.raises(AnswerRefused, match="for another call"):
        waiting.list.answer("apr_1", other, YES)
    assert not task.done()
    assert len(waiting.list.pending()) == 1
    task.cancel()


async def test_a_second_answer_is_refused() -> None:
    waiting = Waiting()
    task = await waiting.asked(question())
    waiting.list.answer("apr_1", digest_of(CALL), ApprovalAnswer("deny", "window"))
    with pytest.raises(AnswerRefused, match="waits no more"):
        waiting.list.answer("apr_1", digest_of(CALL), YES)
    assert (await task).decision == "deny"
    with pytest.raises(AnswerRefused, match="waits no more"):
        waiting.list.answer("apr_1", digest_of(CALL), YES)


async def test_an_unknown_call_cannot_be_answered() -> None:
    with pytest.raises(AnswerRefused) as caught:
        Waiting().list.answer("apr_9", digest_of(CALL), YES)
    assert str(caught.value).startswith("This call waits no more")


async def test_without_an_answer_a_call_is_denied_when_its_time_is_up() -> None:
    waiting = Waiting()
    task = await waiting.asked(question())
    waiting.timer.advance(119.9)
    assert len(waiting.list.pending()) == 1
    waiting.timer.advance(0.2)
    answer = await task
    assert (answer.decision, answer.by, answer.message) == ("deny", "expiry", "nobody answered in time")
    assert waiting.events[-1] == ApprovalEnded("apr_1", "req_1", "Bash", "deny", "expiry")
    assert waiting.is_empty()


async def test_an_answer_after_the_time_is_up_is_refused_though_the_timer_is_late() -> None:
    waiting = Waiting()
    task = await waiting.asked(question())
    waiting.timer.now += 120
    with pytest.raises(AnswerRefused, match="time to answer this call is over"):
        waiting.list.answer("apr_1", digest_of(CALL), YES)
    waiting.timer.advance(0)
    assert (await task).by == "expiry"


async def test_a_client_that_leaves_leaves_nothing_behind() -> None:
    waiting = Waiting()
    task = await waiting.asked(question())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert waiting.is_empty()
    assert waiting.events[-1] == ApprovalEnded("apr_1", "req_1", "Bash", "deny", "client left")


@pytest.mark.expects_log("too_many_approvals")
async def test_no_more_calls_wait_than_anybody_could_look_at() -> None:
    waiting = Waiting()
    tasks = [await waiting.asked(question(number)) for number in range(MAX_WAITING)]
    answer = await waiting.list.ask(question(MAX_WAITING))
    assert (answer.decision, answer.message) == ("deny", "50 calls wait for the user already")
    assert len(waiting.list.pending()) == MAX_WAITING
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert waiting.is_empty()


async def test_calls_that_wait_are_listed_oldest_first() -> None:
    waiting = Waiting()
    tasks = [await waiting.asked(question(number)) for number in (3, 1, 2)]
    assert [each.approval_id for each in waiting.list.pending()] == ["apr_3", "apr_1", "apr_2"]
    waiting.list.answer("apr_1", digest_of(CALL), YES)
    assert [each.approval_id for each in waiting.list.pending()] == ["apr_3", "apr_2"]
    for task in tasks:
        task.cancel()


async def test_the_loops_own_timer_ends_the_wait_too() -> None:
    events: list[ProxyEvent] = []
    approvals = ApprovalList(events.append, lambda: NOW)
    answer = await approvals.ask(replace(question(), expires_at=NOW + 0.01))
    assert answer.by == "expiry"


async def test_where_nobody_is_there_the_call_is_denied_and_the_rule_it_needs_is_told(
    log_events: list[EventDict],
) -> None:
    answer = await NobodyAsks().ask(question())
    assert (answer.decision, answer.by) == ("deny", "headless")
    assert answer.message == (
        "it needs the user's consent and nobody is there to give it; the rule Bash(make) would allow it"
    )
    (told,) = [each for each in log_events if each["event"] == "approval_denied_headless"]
    assert told["needed_rule"] == "Bash(make)"


async def test_where_no_rule_would_be_safe_none_is_named() -> None:
    answer = await NobodyAsks().ask(replace(question(), suggestion=None))
    assert answer.message.endswith("no rule is safe enough to allow it")


async def test_of_a_repeated_request_no_rule_is_told_for_there_is_none() -> None:
    repeated = RepeatedRequest("local", "big", "big", 6, 60.0, 0, "")
    answer = await NobodyAsks().ask(replace(question(), call=repeated, suggestion=None))
    assert (answer.decision, answer.by) == ("deny", "headless")
    assert answer.message == "it needs the user's consent and nobody is there to give it"
