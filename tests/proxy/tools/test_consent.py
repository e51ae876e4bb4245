"""Whatever is asked, answered, changed and cancelled in whatever order: only what was answered runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.events import ApprovalAsked, ApprovalEnded
from proxy.permissions.approval import ApprovalAnswer, ApprovalRequest
from proxy.tools.approvals import AnswerRefused
from proxy.tools.base import ToolOutput, ToolScope
from tests.proxy.tooling import tool_call
from tests.proxy.tools.run_room import RunRoom, ScriptedTool, rules

QUERIES = ("x", "y", "z")

SMALL = st.integers(0, 3)
STEP = st.one_of(
    st.tuples(st.just("call"), st.sampled_from(QUERIES)),
    st.tuples(st.just("call"), st.sampled_from(QUERIES)),
    st.tuples(st.just("allow"), SMALL),
    st.tuples(st.just("deny"), SMALL),
    st.tuples(st.sampled_from(("wrong", "late", "cancel")), SMALL),
    st.tuples(st.just("wait"), st.sampled_from((1.0, 61.0, 121.0))),
    st.tuples(st.just("forbid"), st.none()),
)
STEPS = st.lists(STEP, min_size=3, max_size=20)


class Play:
    """One play: what was allowed, and what ran."""

    def __init__(self) -> None:
        self.allowed: list[str] = []
        self.is_forbidden = False
        self.broken: list[str] = []
        self.tool = ScriptedTool("WebSearch", behave=self._ran)
        self.room = RunRoom(self.tool)
        self.tasks: list[asyncio.Task[ToolOutput]] = []
        self.seen: dict[str, ApprovalRequest] = {}

    async def _ran(self, arguments: Mapping[str, Any], _scope: ToolScope) -> ToolOutput:
        if arguments["query"] not in self.allowed:
            self.broken.append(f"{arguments['query']} ran, and nobody allowed it")
        if self.is_forbidden:
            self.broken.append(f"{arguments['query']} ran after it was forbidden")
        return ToolOutput.text("done")

    async def settle(self) -> None:
        """Lets everything go on that can."""
        for _ in range(20):
            await asyncio.sleep(0)
        self.seen.update({each.approval_id: each for each in self.room.list.pending()})

    async def step(self, kind: str, value: Any) -> None:
        if kind == "call":
            await self.call(value)
        elif kind in {"allow", "deny"}:
            self.answer_one(kind, value)
        elif kind in {"wrong", "late"}:
            self.answer_badly(kind, value)
        elif kind == "cancel" and value < len(self.tasks):
            self.tasks[int(value)].cancel()
        elif kind == "wait":
            self.room.timer.advance(value)
        elif kind == "forbid":
            self.is_forbidden = True
            self.room.judge.apply(rules(deny=["WebSearch"]))
        await self.settle()

    async def call(self, query: str) -> None:
        """Makes a call, and waits until it has ended or is asked about."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(self.room.run("WebSearch", query=query))
        asked = loop.create_task(self.room.until_asked(self.room.questions + 1))
        self.tasks.append(task)
        await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()

    def answer_one(self, decision: str, number: int) -> None:
        pending = self.room.list.pending()
        if number < len(pending):
            request = pending[number]
            if decision == "allow":
                self.allowed.append(tool_call(request).input["query"])
            self.answer(request.approval_id, request.digest, decision)

    def answer_badly(self, kind: str, number: int) -> None:
        """Answers with another call's digest, or a call that waits no more."""
        pending = self.room.list.pending()
        if kind == "wrong" and len(pending) > 1:
            request, other = pending[number % len(pending)], pending[(number + 1) % len(pending)]
            if request.digest != other.digest:
                assert not self.answer(request.approval_id, other.digest, "allow")
        ended = [each for each in self.seen.values() if each not in pending]
        if kind == "late" and number < len(ended):
            assert not self.answer(ended[number].approval_id, ended[number].digest, "allow")

    def answer(self, approval_id: str, digest: str, decision: Any) -> bool:
        try:
            self.room.list.answer(approval_id, digest, ApprovalAnswer(decision, "window"))
        except AnswerRefused:
            return False
        return True

    async def end(self) -> None:
        self.room.timer.advance(1000)
        await self.settle()
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks)
        await self.settle()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
async def test_only_what_was_answered_runs_and_nothing_is_left_waiting(steps: list[tuple[str, Any]]) -> None:
    play = Play()
    for kind, value in steps:
        await play.step(kind, value)
    await play.end()
    room = play.room
    assert play.broken == []
    assert room.list.pending() == ()
    assert room.timer.waiting == 0
    assert len(room.decided) == len(play.tasks)
    assert sum(each.ran for each in room.decided) == len(play.tool.ran)
    asked = [each.approval_id for each in room.events if isinstance(each, ApprovalAsked)]
    ended = [each.approval_id for each in room.events if isinstance(each, ApprovalEnded)]
    assert sorted(asked) == sorted(ended)
