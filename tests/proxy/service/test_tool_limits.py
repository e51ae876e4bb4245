"""What ends the message loop early: a budget, the time, a user's answer, a client that leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from proxy.config import Budgets, ListPrice, PermissionConfig, RuleSource, ToolConfig
from proxy.events import ApprovalAsked, ApprovalEnded, ToolDecided
from proxy.messages.message import JsonObject
from proxy.permissions.approval import ApprovalAnswer
from proxy.tasks import spawn
from proxy.tools.base import ToolOutput
from tests.proxy.scripted import BODY, Reply, Running, ScriptedUpstream, provider, proxy_config
from tests.proxy.tooling import BUILTIN, FakeTool, call, calling, read_stream, rules, running_tools, tool_call

ALLOWED = rules(allow=["TodoWrite", "Bash"])
ASKING = PermissionConfig(sources=(RuleSource(ask=("Bash",)),), approvals="wait", approval_timeout_s=60)
RUN = calling(call("Bash", '{"command":"make"}'))


async def ask(proxy: Running) -> JsonObject:
    async with proxy.post() as response:
        assert response.status == 200, await response.text()
        return json.loads(await response.text())


@pytest.mark.expects_log("budget_reached")
async def test_a_budget_that_is_used_up_between_two_rounds_ends_the_stream_with_an_error() -> None:
    made = proxy_config("one")
    config = replace(
        made,
        providers={"one": provider("one", price=ListPrice(1.0, 1.0))},
        budgets=Budgets(day_micro_usd=1),
    )
    upstream = ScriptedUpstream([Reply(calling(call("TodoWrite", "{}"))), Reply()])
    async with (
        running_tools(upstream, config, tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN) as proxy,
        proxy.post({**BODY, "stream": True}) as response,
    ):
        events = read_stream(await response.text())
        spending = proxy.server.spending()
    assert events[-1]["error"]["type"] == "rate_limit_error"
    assert len(upstream.asked) == 1
    assert spending.budgets[0].reserved_micro_usd == 0


@pytest.mark.expects_log("budget_reached")
async def test_rounds_that_a_budget_can_pay_for_are_not_refused_for_what_they_reserved() -> None:
    config = replace(
        proxy_config("one"),
        providers={"one": provider("one", price=ListPrice(0.0, 15_625.0))},  # a round reserves a dollar
        budgets=Budgets(day_micro_usd=1_100_000),  # and costs a quarter of one
    )
    rounds = [Reply(calling(call("TodoWrite", "{}")))] * 3
    upstream = ScriptedUpstream([*rounds, Reply()])
    async with running_tools(
        upstream, config, tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN
    ) as proxy:
        assert (await ask(proxy))["stop_reason"] == "end_turn"
    assert len(upstream.asked) == 4


@pytest.mark.expects_log("tool_loop_paused")
async def test_a_tool_that_takes_longer_than_all_rounds_may_is_given_up_and_the_turn_pauses() -> None:
    async def answer(arguments: Mapping[str, Any]) -> ToolOutput:
        await asyncio.Event().wait()
        raise AssertionError

    tool = FakeTool(answer=answer)
    config = replace(proxy_config("one"), tools=ToolConfig(max_total_s=0.05))
    upstream = ScriptedUpstream([Reply(calling(call("TodoWrite", "{}"))), Reply()])
    async with running_tools(upstream, config, tools=[tool], permissions=ALLOWED, toolsets=BUILTIN) as proxy:
        message = await ask(proxy)
    assert tool.is_cancelled
    assert message["stop_reason"] == "pause_turn"
    assert message["content"][1]["is_error"] is True
    assert len(upstream.asked) == 1


@pytest.mark.parametrize(("decision", "calls"), [("allow", 1), ("deny", 0)])
async def test_a_call_waits_for_the_user_and_goes_on_as_they_say(decision: Any, calls: int) -> None:
    bash = FakeTool("Bash", "Run")
    upstream = ScriptedUpstream([Reply(RUN), Reply()])
    async with running_tools(upstream, tools=[bash], permissions=ASKING, toolsets=BUILTIN) as proxy:
        asking = spawn(ask(proxy), name="ask")
        await proxy.events.until(ApprovalAsked)
        (waiting,) = proxy.server.approvals()
        call = tool_call(waiting)
        assert (call.tool, dict(call.input)) == ("Bash", {"command": "make"})
        answer = ApprovalAnswer(decision, "window", message="not now")
        proxy.server.answer_approval(waiting.approval_id, waiting.digest, answer)
        message = await asking
    assert len(bash.called) == calls
    result = message["content"][1]
    assert result["is_error"] is (decision == "deny")
    assert ("not now" in result["content"][0]["text"]) is (decision == "deny")


async def test_a_client_that_leaves_withdraws_its_question() -> None:
    bash = FakeTool("Bash", "Run")
    upstream = ScriptedUpstream([Reply(RUN), Reply()])
    async with running_tools(upstream, tools=[bash], permissions=ASKING, toolsets=BUILTIN) as proxy:
        asking = spawn(ask(proxy), name="ask")
        await proxy.events.until(ApprovalAsked)
        asking.cancel()
        ended = await proxy.events.until(ApprovalEnded)
        decided = await proxy.events.until(ToolDecided)
        assert proxy.server.approvals() == ()
    assert (ended.decision, ended.by) == ("deny", "client left")
    assert (decided.decision, decided.ran) == ("deny", False)
    assert bash.called == []
