"""The calls of one answer: side by side or one after the other, within their time, ended with the request."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from proxy.messages.message import JsonObject
from proxy.service.own_tools import ModelCall
from proxy.service.tool_run import run_calls
from proxy.tasks import spawn


@dataclass
class Tool:
    may_run_beside_others: bool = True
    is_server_tool: bool = False
    gate: asyncio.Event | None = None
    wanted: int = 1
    have_begun: asyncio.Event = field(default_factory=asyncio.Event)
    began: list[str] = field(default_factory=list[str])
    ended: list[str] = field(default_factory=list[str])

    def shown(self, call: JsonObject) -> JsonObject:
        raise NotImplementedError

    async def run(self, call: ModelCall) -> JsonObject:
        self.began.append(call.id)
        if len(self.began) == self.wanted:
            self.have_begun.set()
        try:
            if self.gate is not None:
                await self.gate.wait()
            return {"result": call.id}
        finally:
            self.ended.append(call.id)

    def refused(self, call: ModelCall, why: str) -> JsonObject:
        return {"refused": call.id, "why": why}


def calls(*names: str) -> list[ModelCall]:
    return [ModelCall(f"c{i}", name, {}) for i, name in enumerate(names)]


async def run(wanted: list[ModelCall], tools: dict[str, Tool], patience_s: float = 5.0) -> list[JsonObject]:
    async with aclosing(run_calls(wanted, tools, patience_s)) as done:
        return [block async for _, block in done]


async def test_results_come_in_the_order_of_the_calls() -> None:
    free, own = Tool(), Tool(may_run_beside_others=False)
    made = await run(calls("free", "own", "free"), {"free": free, "own": own})
    assert made == [{"result": "c0"}, {"result": "c1"}, {"result": "c2"}]


async def test_only_neighbours_that_change_nothing_run_together() -> None:
    free, own = Tool(gate=asyncio.Event(), wanted=2), Tool(may_run_beside_others=False)
    running = spawn(run(calls("free", "free", "own"), {"free": free, "own": own}), name="run")
    await asyncio.wait_for(free.have_begun.wait(), 5)
    assert own.began == []
    assert free.gate is not None
    free.gate.set()
    await running
    assert own.began == ["c2"]


async def test_what_takes_too_long_is_given_up_and_what_follows_is_not_begun() -> None:
    slow, later = Tool(gate=asyncio.Event()), Tool(may_run_beside_others=False)
    made = await run(calls("slow", "later"), {"slow": slow, "later": later}, 0.01)
    assert [each["refused"] for each in made] == ["c0", "c1"]
    assert slow.ended == ["c0"]
    assert later.began == []


@pytest.mark.parametrize("count", [1, 3])
async def test_a_cancelled_run_leaves_nothing_behind(count: int) -> None:
    slow = Tool(gate=asyncio.Event(), wanted=count)
    running = spawn(run(calls(*["slow"] * count), {"slow": slow}), name="run")
    await asyncio.wait_for(slow.have_begun.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sorted(slow.ended) == sorted(slow.began)
