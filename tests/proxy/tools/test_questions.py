"""One question for identical calls that wait together, withdrawn when the last of them leaves."""

from __future__ import annotations

import asyncio

import pytest

from proxy.permissions.approval import ApprovalAnswer, ApprovalRequest
from proxy.tools.questions import Questions
from tests.proxy.tools.test_approvals import question

YES = ApprovalAnswer("allow", "window")


class Slow:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[ApprovalRequest] = []
        self.may_answer = asyncio.Event()
        self.withdrawn = 0

    async def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        self.asked.append(request)
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.withdrawn += 1
            raise
        return YES


def start(questions: Questions, approver: Slow, key: str) -> asyncio.Task[ApprovalAnswer]:
    return asyncio.get_running_loop().create_task(questions.ask(key, approver, question))


async def test_equal_keys_share_a_question_and_others_do_not() -> None:
    questions, approver = Questions(), Slow()
    tasks = [start(questions, approver, key) for key in ("a", "a", "b")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(approver.asked) == 2
    approver.may_answer.set()
    assert await asyncio.gather(*tasks) == [YES] * 3


async def test_an_answer_holds_for_those_who_waited_and_not_for_who_comes_later() -> None:
    questions, approver = Questions(), Slow()
    approver.may_answer.set()
    await questions.ask("a", approver, question)
    await questions.ask("a", approver, question)
    assert len(approver.asked) == 2


async def test_the_question_is_withdrawn_with_the_last_one_that_waits() -> None:
    questions, approver = Questions(), Slow()
    tasks = [start(questions, approver, "a") for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for number, task in enumerate(tasks):
        assert approver.withdrawn == 0
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert approver.withdrawn == number
    approver.may_answer.set()
    assert await questions.ask("a", approver, question) == YES
    assert len(approver.asked) == 2


@pytest.mark.expects_log("task_failed")
async def test_what_the_approver_could_not_do_reaches_everyone_who_waits() -> None:
    class Broken:
        async def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
            await asyncio.sleep(0)
            raise ZeroDivisionError

    questions = Questions()
    asked = [questions.ask("a", Broken(), question) for _ in range(2)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in found] == [ZeroDivisionError] * 2
