"""What the runner does about a call that asks: one question, one answer, nothing that changes meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from proxy.permissions.approval import ApprovalAnswer
from proxy.permissions.values import ToolCall
from tests.proxy.tooling import tool_call
from tests.proxy.tools.run_room import YES, RunRoom, ScriptedApprover, ScriptedTool, rules, said


async def test_what_asks_runs_after_a_yes_and_says_who_gave_it() -> None:
    tool = ScriptedTool("WebSearch")
    approver = ScriptedApprover([YES])
    room = RunRoom(tool, approver=approver)
    await room.run("WebSearch", query="x")
    assert tool.ran == [{"query": "x"}]
    (request,) = approver.asked
    assert tool_call(request).input == {"query": "x"}
    assert (request.request_id, request.client, request.suggestion) == ("req_1", "tests/1", "WebSearch")
    assert request.expires_at - request.asked_at == 120.0
    assert room.decided[0].decided_by == "user (window)"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            ApprovalAnswer("deny", "command line", message="Use the test data."),
            "The user says: Use the test data.",
        ),
        (ApprovalAnswer("deny", "notification"), "The user denied it."),
        (ApprovalAnswer("deny", "expiry", message="nobody answered in time"), "Nobody answered in time."),
    ],
)
async def test_what_is_denied_does_not_run_and_the_model_gets_the_reason(
    answer: ApprovalAnswer, told: str
) -> None:
    tool = ScriptedTool("WebSearch")
    room = RunRoom(tool, approver=ScriptedApprover([answer]))
    output = await room.run("WebSearch", query="x")
    assert tool.ran == []
    assert said(output) == f"Permission to use WebSearch has been denied: no rule is about WebSearch. {told}"


async def test_a_consent_for_the_conversation_holds_for_the_same_call_only() -> None:
    tool = ScriptedTool("WebSearch")
    approver = ScriptedApprover([replace(YES, scope="conversation"), YES])
    room = RunRoom(tool, approver=approver)
    await room.run("WebSearch", query="x")
    await room.run("WebSearch", query="x")
    await room.run("WebSearch", query="y")
    assert [tool_call(request).input["query"] for request in approver.asked] == ["x", "y"]
    assert [each.decided_by for each in room.decided] == [
        "user (window)",
        "user (this conversation)",
        "user (window)",
    ]


async def test_a_deny_rule_that_comes_while_the_user_is_asked_wins_over_a_yes() -> None:
    tool = ScriptedTool("WebSearch")
    approver = ScriptedApprover([YES])
    room = RunRoom(tool, approver=approver)
    approver.during = lambda: room.judge.apply(rules(deny=["WebSearch"]))
    output = await room.run("WebSearch", query="x")
    assert output.is_error
    assert tool.ran == []
    assert room.decided[0].rule == "WebSearch"


async def test_a_verdict_that_changed_while_the_user_was_asked_is_asked_about_again() -> None:
    tool = ScriptedTool("WebSearch")
    approver = ScriptedApprover([YES, ApprovalAnswer("deny", "window")])
    room = RunRoom(tool, approver=approver)
    approver.during = lambda: room.judge.apply(rules(ask=["WebSearch"]))
    await room.run("WebSearch", query="x")
    assert [request.verdict.rule for request in approver.asked] == [None, "WebSearch"]
    assert tool.ran == []


async def test_a_verdict_that_never_stays_the_same_is_denied_in_the_end() -> None:
    tool = ScriptedTool("WebSearch")
    approver = ScriptedApprover([YES] * 9)
    room = RunRoom(tool, approver=approver)
    changing = iter(["WebSearch", "Web*", "WebS*", "WebSe*", "WebSea*"])
    approver.during = lambda: room.judge.apply(rules(ask=[next(changing)]))
    output = await room.run("WebSearch", query="x")
    assert "kept changing while the user was asked" in said(output)
    assert tool.ran == []
    assert len(approver.asked) == 4


async def test_arguments_changed_after_the_call_was_made_change_nothing() -> None:
    tool = ScriptedTool("WebSearch")
    arguments: dict[str, Any] = {"query": "x", "allowed_domains": ["a.example"]}

    def change() -> None:
        arguments["query"] = "y"
        arguments["allowed_domains"].append("b.example")

    room = RunRoom(tool, approver=ScriptedApprover([YES], during=change))
    await room.runner.run(ToolCall("WebSearch", arguments), "call_1", room.scope)
    assert tool.ran == [{"query": "x", "allowed_domains": ["a.example"]}]


async def test_identical_calls_that_wait_together_are_one_question() -> None:
    tool = ScriptedTool("WebSearch")
    room = RunRoom(tool)
    both = asyncio.gather(room.run("WebSearch", query="x"), room.run("WebSearch", query="x"))
    (request,) = await room.until_asked(2)
    room.list.answer(request.approval_id, request.digest, YES)
    await both
    assert len(tool.ran) == 2
    assert room.list.pending() == ()


async def test_identical_calls_of_two_conversations_are_two_questions() -> None:
    room = RunRoom(ScriptedTool("WebSearch"))
    other = replace(room.scope, conversation=replace(room.conversation, key=("local", "other")))
    both = asyncio.gather(room.run("WebSearch", query="x"), room.run("WebSearch", other, query="x"))
    for request in await room.until_asked(2):
        room.list.answer(request.approval_id, request.digest, YES)
    await both


async def test_one_of_two_that_share_a_question_may_leave_without_ending_it() -> None:
    tool = ScriptedTool("WebSearch")
    room = RunRoom(tool)
    loop = asyncio.get_running_loop()
    leaves, stays = (loop.create_task(room.run("WebSearch", query="x")) for _ in range(2))
    (request,) = await room.until_asked(2)
    leaves.cancel()
    await asyncio.wait({leaves})
    room.list.answer(request.approval_id, request.digest, YES)
    await stays
    assert len(tool.ran) == 1


async def test_a_client_that_leaves_takes_its_question_along() -> None:
    tool = ScriptedTool("WebSearch")
    room = RunRoom(tool)
    task = asyncio.get_running_loop().create_task(room.run("WebSearch", query="x"))
    await room.until_asked()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert room.list.pending() == ()
    assert room.timer.waiting == 0
    assert tool.ran == []
    assert room.decided[0].reason == "its client left before it was run"


async def test_where_nobody_is_asked_the_rule_that_would_allow_it_is_named() -> None:
    room = RunRoom(ScriptedTool("WebSearch"), permissions=rules(mode="dontAsk"))
    output = await room.run("WebSearch", query="x")
    assert said(output).endswith("The rule WebSearch would allow it.")
    room.judge.apply(rules(mode="dontAsk", deny=["WebSearch"]))
    assert "would allow" not in said(await room.run("WebSearch", query="x"))
    room.judge.apply(rules(mode="dontAsk", allow=["WebSearch"]))
    assert said(await room.run("WebSearch", query="x")) == "done"
