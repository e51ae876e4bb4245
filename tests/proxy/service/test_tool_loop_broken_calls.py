"""Calls whose arguments are no JSON go back to the model; none is run, or passed on as if it were whole."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.messages.message import JsonObject
from tests.proxy.scripted import Reply, ScriptedUpstream
from tests.proxy.tooling import (
    ALLOWED,
    BUILTIN,
    FakeTool,
    ask,
    ask_streamed,
    call,
    calling,
    declared,
    kinds,
    rules,
    running_tools,
    spoken,
    through,
    use,
)


async def test_a_call_that_is_no_json_is_told_to_the_model_and_not_run() -> None:
    todo = FakeTool()
    broken = tuple(
        piece.replace(b'"{}"', b'"{\\"a\\":1,\\"a\\":2}"') for piece in spoken(use("TodoWrite", {}))
    )
    said: JsonObject = {"type": "text", "text": "ok"}
    upstream = ScriptedUpstream([Reply(broken), Reply(spoken(said, stop_reason="end_turn"))])
    async with running_tools(
        upstream, through("anthropic-messages"), tools=[todo], permissions=ALLOWED, toolsets=BUILTIN
    ) as proxy:
        message = await ask(proxy)
    assert todo.called == []
    assert message["content"][1]["is_error"] is True


BROKEN = ["{n: 1}", '{"n": 1', '{"n": 1}}', '{"n": "a"b"}', "[1]"]


@pytest.mark.parametrize("written", BROKEN)
async def test_a_broken_call_of_ours_goes_back_to_the_model_which_repairs_it(written: str) -> None:
    todo = FakeTool()
    upstream = ScriptedUpstream(
        [
            Reply(calling(call("TodoWrite", written, "call_1"))),
            Reply(calling(call("TodoWrite", '{"n":1}', "call_2"))),
            Reply(),
        ]
    )
    async with running_tools(upstream, tools=[todo], permissions=ALLOWED, toolsets=BUILTIN) as proxy:
        message = await ask_streamed(proxy)
    assert todo.called == [{"n": 1}]
    assert kinds(message) == [*("mcp_tool_use", "mcp_tool_result") * 2, "text"]
    assert message["content"][1]["is_error"] is True
    assert message["stop_reason"] == "end_turn"
    told = upstream.asked[1]["messages"][-1]
    assert (told["role"], told["tool_call_id"]) == ("tool", "call_1")
    assert "not valid JSON" in told["content"]
    assert f"It began: {written}" in told["content"]


@pytest.mark.parametrize("dialect", ["openai-chat", "anthropic-messages"])
async def test_a_model_that_never_writes_json_is_told_three_times(dialect: Any) -> None:
    chat = Reply(calling(call("TodoWrite", "{n: 1}")))
    native = Reply(tuple(each.replace(b'"{}"', b'"{n: 1}"') for each in spoken(use("TodoWrite", {}))))
    upstream = ScriptedUpstream([chat if dialect == "openai-chat" else native] * 4)
    async with running_tools(
        upstream, through(dialect), tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN
    ) as proxy:
        message = await ask(proxy)
    assert len(upstream.asked) == 4
    assert message["stop_reason"] == "max_tokens"


async def test_a_call_of_ours_that_the_requests_limit_broke_ends_the_answer() -> None:
    upstream = ScriptedUpstream([Reply(calling(call("TodoWrite", '{"n": 1')))])
    async with running_tools(upstream, tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN) as proxy:
        message = await ask(proxy, max_tokens=7)  # as many as the answer has
    assert (len(upstream.asked), message["stop_reason"]) == (1, "max_tokens")


async def test_a_broken_call_of_ours_keeps_the_client_from_none_of_its_own() -> None:
    calls = calling(call("TodoWrite", "{n", "call_1", 0), call("Mine", '{"x":1}', "call_2", 1))
    async with running_tools(
        ScriptedUpstream([Reply(calls)]), tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN
    ) as proxy:
        message = await ask_streamed(proxy, tools=declared("Mine"))
    assert kinds(message) == ["mcp_tool_use", "tool_use", "mcp_tool_result"]
    assert (message["stop_reason"], message["content"][2]["is_error"]) == ("tool_use", True)


async def test_a_broken_call_of_the_clients_is_left_to_it_and_never_said_to_be_whole() -> None:
    calls = calling(call("TodoWrite", "{n", "call_1", 0), call("Mine", "{x", "call_2", 1))
    async with running_tools(
        ScriptedUpstream([Reply(calls)]), tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN
    ) as proxy:
        message = await ask(proxy, tools=declared("Mine"))
    assert message["stop_reason"] == "max_tokens"
    assert "tool_use" in kinds(message)


async def test_a_broken_call_that_must_be_judged_goes_back_to_the_model() -> None:
    upstream = ScriptedUpstream(
        [Reply(calling(call("Bash", "{command: rm}"))), Reply(calling(call("Bash", '{"command":"ls"}')))]
    )
    scoped = rules(deny=["Bash(rm *)"])
    async with running_tools(upstream, tools=[FakeTool()], permissions=scoped) as proxy:
        message = await ask_streamed(proxy, tools=declared("Bash"))
    assert [block["input"] for block in message["content"]] == [{"command": "ls"}]
    assert message["stop_reason"] == "tool_use"
    assert "It began: {command: rm}" in upstream.asked[1]["messages"][-1]["content"]
