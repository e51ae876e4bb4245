"""The message loop through the whole proxy: who runs which call, and what client and upstream see of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anthropic
import pytest
from structlog.typing import EventDict

from proxy.config import ToolConfig, WorkspaceConfig
from proxy.events import RequestFinished, RequestRouted, ToolDecided
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.messages.message import JsonObject
from proxy.server.limits import Limits
from proxy.tasks import spawn
from proxy.tools.base import ToolOutput
from tests.proxy.scripted import BODY, HELLO, TOKEN, Reply, ScriptedUpstream, proxy_config
from tests.proxy.tooling import (
    ALLOWED,
    BUILTIN,
    FIRST,
    THINKING,
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
    turn,
    use,
)

GO_ON: JsonObject = {"role": "user", "content": "go on"}


@pytest.mark.parametrize("way", [ask, ask_streamed])
async def test_a_call_of_a_toolset_is_run_and_the_model_asked_again(way: Any) -> None:
    todo = FakeTool()
    upstream = ScriptedUpstream([Reply(calling(call("TodoWrite", '{"a":1}'), text="Let me see.")), Reply()])
    async with running_tools(upstream, tools=[todo], permissions=ALLOWED, toolsets=BUILTIN) as proxy:
        message = await way(proxy)
        finished = await proxy.events.until(RequestFinished)
        routed: list[RequestRouted] = proxy.of(RequestRouted)
    assert [each.round for each in routed] == [1, 2]
    assert todo.called == [{"a": 1}]
    assert kinds(message) == ["text", "mcp_tool_use", "mcp_tool_result", "text"]
    assert message["content"][1]["input"] == {"a": 1}
    assert message["stop_reason"] == "end_turn"
    assert (message["usage"]["input_tokens"], message["usage"]["output_tokens"]) == (22, 14)
    assert [each["output_tokens"] for each in message["usage"]["iterations"]] == [7, 7]
    assert (finished.input_tokens, finished.output_tokens, finished.cost_usd) == (22, 14, 0.5)
    first, second = upstream.asked
    assert [tool["function"]["name"] for tool in first["tools"]] == ["TodoWrite"]
    assert second["messages"][-2]["tool_calls"][0]["id"] == "call_1"
    assert second["messages"][-1] == {
        "role": "tool",
        "tool_call_id": "call_1",
        "content": "TodoWrite was given [('a', 1)]",
    }


async def test_the_next_turn_tells_the_upstream_the_same_beginning() -> None:
    upstream = ScriptedUpstream([Reply(calling(call("TodoWrite", '{"a":1}'), text="Hm.")), Reply()])
    async with running_tools(upstream, tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN) as proxy:
        message = await ask_streamed(proxy)
        await ask(proxy, messages=[FIRST, turn(message), GO_ON])
    _, second, third = upstream.asked
    assert third["messages"][: len(second["messages"])] == second["messages"]
    assert [each["role"] for each in third["messages"]] == ["user", "assistant", "tool", "assistant", "user"]


async def test_beside_a_call_of_the_clients_ours_is_run_and_the_client_gets_its_own() -> None:
    todo = FakeTool()
    calls = calling(call("TodoWrite", "{}", "call_1", 0), call("Mine", '{"x":1}', "call_2", 1))
    upstream = ScriptedUpstream([Reply(calls), Reply()])
    async with running_tools(upstream, tools=[todo], permissions=ALLOWED, toolsets=BUILTIN) as proxy:
        message = await ask_streamed(proxy, tools=declared("Mine"))
        result = {"type": "tool_result", "tool_use_id": "call_2", "content": "done"}
        messages = [FIRST, turn(message), {"role": "user", "content": [result]}]
        await ask(proxy, messages=messages, tools=declared("Mine"))
    assert kinds(message) == ["mcp_tool_use", "tool_use", "mcp_tool_result"]
    assert message["stop_reason"] == "tool_use"
    roles = [(each["role"], each.get("tool_call_id")) for each in upstream.asked[1]["messages"]]
    assert roles == [("user", None), ("assistant", None), ("tool", "call_1"), ("tool", "call_2")]


async def test_as_root_the_clients_own_commands_are_still_the_clients() -> None:
    upstream = ScriptedUpstream([Reply(calling(call("Bash", '{"command":"ls"}')))])
    config = replace(proxy_config("one"), tools=ToolConfig(may_run_programs=False))
    scoped = rules(deny=["Bash(rm *)"])
    async with running_tools(upstream, config, tools=[FakeTool()], permissions=scoped) as proxy:
        message = await ask(proxy, tools=declared("Bash"))
    assert (kinds(message), message["stop_reason"]) == (["tool_use"], "tool_use")


async def test_the_rules_stop_a_call_of_ours_and_the_model_is_told() -> None:
    todo = FakeTool("Bash", "Run")
    upstream = ScriptedUpstream([Reply(calling(call("Bash", '{"command":"rm -rf x"}'))), Reply()])
    denying = rules(deny=["Bash(rm:*)"])
    async with running_tools(upstream, tools=[todo], permissions=denying, toolsets=BUILTIN) as proxy:
        message = await ask(proxy)
        decided = await proxy.events.until(ToolDecided)
    assert todo.called == []
    assert (decided.runner, decided.decision) == ("signalbox", "deny")
    assert message["content"][1]["is_error"] is True
    assert "has been denied" in upstream.asked[1]["messages"][-1]["content"]


async def test_thinking_goes_back_verbatim_to_an_upstream_that_speaks_the_protocol() -> None:
    upstream = ScriptedUpstream(
        [
            Reply(spoken(THINKING, use("TodoWrite", {"a": 1}))),
            Reply(spoken({"type": "text", "text": "done"}, stop_reason="end_turn")),
        ]
    )
    config = through("anthropic-messages")
    async with running_tools(
        upstream, config, tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN
    ) as proxy:
        message = await ask_streamed(proxy)
        await ask(proxy, messages=[FIRST, turn(message), GO_ON])
    assert kinds(message) == ["thinking", "mcp_tool_use", "mcp_tool_result", "text"]
    _, second, third = upstream.asked
    assert second["messages"][1]["content"] == [THINKING, use("TodoWrite", {"a": 1})]
    assert second["messages"][2]["content"][0]["tool_use_id"] == "toolu_1"
    assert third["messages"][:3] == second["messages"]


async def test_calls_that_change_nothing_run_side_by_side() -> None:
    meet = asyncio.Event()
    waiting: list[str] = []

    async def answer(arguments: Mapping[str, Any]) -> ToolOutput:
        waiting.append(arguments["n"])
        if len(waiting) == 2:
            meet.set()
        await asyncio.wait_for(meet.wait(), 5)
        return ToolOutput.text(f"result {arguments['n']}")

    calls = calling(call("TodoWrite", '{"n":"1"}', "call_1", 0), call("TodoWrite", '{"n":"2"}', "call_2", 1))
    upstream = ScriptedUpstream([Reply(calls), Reply()])
    async with running_tools(
        upstream, tools=[FakeTool(answer=answer)], permissions=ALLOWED, toolsets=BUILTIN
    ) as proxy:
        message = await ask(proxy)
    assert kinds(message) == ["mcp_tool_use"] * 2 + ["mcp_tool_result"] * 2 + ["text"]
    told = [each["content"] for each in upstream.asked[1]["messages"][-2:]]
    assert told == ["result 1", "result 2"]


async def test_calls_that_change_something_run_in_their_order() -> None:
    running: list[str] = []

    async def answer(arguments: Mapping[str, Any]) -> ToolOutput:
        assert not running
        running.append(arguments["n"])
        await asyncio.sleep(0)
        running.clear()
        return ToolOutput.text(arguments["n"])

    tool = FakeTool(may_run_beside_others=False, answer=answer)
    calls = calling(call("TodoWrite", '{"n":"1"}', "call_1", 0), call("TodoWrite", '{"n":"2"}', "call_2", 1))
    upstream = ScriptedUpstream([Reply(calls), Reply()])
    async with running_tools(upstream, tools=[tool], permissions=ALLOWED, toolsets=BUILTIN) as proxy:
        await ask(proxy)
    assert [each["n"] for each in tool.called] == ["1", "2"]


async def test_a_client_that_leaves_takes_its_tools_along() -> None:
    async def answer(arguments: Mapping[str, Any]) -> ToolOutput:
        await asyncio.Event().wait()
        raise AssertionError

    tool = FakeTool(answer=answer)
    upstream = ScriptedUpstream([Reply(calling(call("TodoWrite", "{}")))])
    async with running_tools(upstream, tools=[tool], permissions=ALLOWED, toolsets=BUILTIN) as proxy:
        asking = spawn(ask(proxy, stream=True), name="ask")
        await asyncio.wait_for(tool.is_called.wait(), 5)
        asking.cancel()
        finished = await proxy.events.until(RequestFinished)
    assert tool.is_cancelled
    assert finished.outcome == "cancelled"


async def test_a_failure_before_anything_left_keeps_its_status() -> None:
    upstream = ScriptedUpstream([UpstreamError(ErrorType.OVERLOADED, "busy")])
    async with (
        running_tools(upstream, tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN) as proxy,
        proxy.post() as response,
    ):
        assert response.status == 529


async def test_a_failure_in_a_later_round_ends_the_stream_with_an_error() -> None:
    upstream = ScriptedUpstream(
        [Reply(calling(call("TodoWrite", "{}"))), UpstreamError(ErrorType.OVERLOADED, "busy")]
    )
    async with running_tools(upstream, tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN) as proxy:
        async with proxy.post({**BODY, "stream": True}) as response:
            text = await response.text()
        finished = await proxy.events.until(RequestFinished)
    assert text.count("event: message_start") == 1
    assert text.rstrip().splitlines()[-2] == "event: error"
    assert "message_stop" not in text
    assert (finished.outcome, finished.output_tokens) == ("error", 7)


@pytest.mark.expects_log("tool_loop_paused")
async def test_the_loop_pauses_at_its_limit_and_goes_on_when_the_client_sends_it_again() -> None:
    upstream = ScriptedUpstream(
        [
            Reply(calling(call("TodoWrite", '{"n":1}', "call_1"))),
            Reply(calling(call("TodoWrite", '{"n":2}', "call_2"))),
            Reply(),
        ]
    )
    config = replace(proxy_config("one"), tools=ToolConfig(max_rounds=2))
    async with running_tools(
        upstream, config, tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN
    ) as proxy:
        paused = await ask_streamed(proxy)
        message = await ask(proxy, messages=[FIRST, turn(paused)])
    assert paused["stop_reason"] == "pause_turn"
    assert kinds(paused) == ["mcp_tool_use", "mcp_tool_result"] * 2
    assert kinds(message) == ["text"]
    assert [each["role"] for each in upstream.asked[2]["messages"]] == [
        "user",
        *("assistant", "tool"),
        *("assistant", "tool"),
    ]


async def test_a_call_cut_off_by_the_limit_of_tokens_is_not_run() -> None:
    todo = FakeTool()
    upstream = ScriptedUpstream([Reply(spoken(use("TodoWrite", {"a": 1}), stop_reason="max_tokens"))])
    config = through("anthropic-messages")
    async with running_tools(upstream, config, tools=[todo], permissions=ALLOWED, toolsets=BUILTIN) as proxy:
        message = await ask(proxy)
    assert todo.called == []
    assert message["stop_reason"] == "max_tokens"


async def test_a_demanded_call_is_demanded_once() -> None:
    upstream = ScriptedUpstream([Reply(calling(call("TodoWrite", "{}"))), Reply()])
    async with running_tools(upstream, tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN) as proxy:
        await ask(proxy, tool_choice={"type": "any"})
    assert [asked["tool_choice"] for asked in upstream.asked] == ["required", "auto"]


async def test_every_step_names_its_chain_in_the_log(log_events: list[EventDict]) -> None:
    upstream = ScriptedUpstream([Reply(calling(call("TodoWrite", "{}"))), Reply()])
    async with running_tools(upstream, tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN) as proxy:
        await ask(proxy)
        finished = await proxy.events.until(RequestFinished)
    steps = [each for each in log_events if each["event"] in ("tool_ran", "tool_round")]
    assert [each["tool_chain"] for each in steps] == [finished.request_id] * len(steps)
    assert [each["tool_round"] for each in steps] == [1, 2]


async def test_without_tools_rules_and_server_tools_the_loop_is_not_entered() -> None:
    async with running_tools(ScriptedUpstream([Reply(HELLO)]), tools=[FakeTool()]) as proxy:
        message = await ask(proxy, tools=declared("Read"))
    assert kinds(message) == ["text"]
    assert "iterations" not in message["usage"]


async def test_the_client_is_kept_alive_while_a_tool_runs() -> None:
    gate = asyncio.Event()

    async def answer(arguments: Mapping[str, Any]) -> ToolOutput:
        await gate.wait()
        return ToolOutput.text("at last")

    upstream = ScriptedUpstream([Reply(calling(call("TodoWrite", "{}"))), Reply()])
    async with (
        running_tools(
            upstream,
            tools=[FakeTool(answer=answer)],
            permissions=ALLOWED,
            toolsets=BUILTIN,
            limits=Limits(first_ping_s=0.01, next_ping_s=0.01),
        ) as proxy,
        proxy.post({**BODY, "stream": True}) as response,
    ):
        seen = b""
        while seen.count(b"event: ping") < 4:
            seen += await asyncio.wait_for(response.content.readany(), 5)
        gate.set()
        rest = await response.text()
    assert b"mcp_tool_use" in seen
    assert b"mcp_tool_result" not in seen
    assert "at last" in rest


async def test_a_request_works_in_the_workspace_that_its_header_names(home: Path) -> None:
    (home / "site").mkdir()
    workspaces = {"site": WorkspaceConfig("site", str(home / "site"))}
    config = replace(proxy_config("one"), workspaces=workspaces)
    upstream = ScriptedUpstream([Reply(calling(call("TodoWrite", "{}"))), Reply()])
    async with running_tools(
        upstream, config, tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN
    ) as proxy:
        async with proxy.post(**{"X-Signalbox-Workspace": "site"}) as response:
            assert response.status == 200
            await response.read()
        async with proxy.post(**{"X-Signalbox-Workspace": "other"}) as response:
            assert response.status == 403
            assert 'there is no workspace called \\"other\\"' in await response.text()
        decided = await proxy.events.until(ToolDecided)
    assert decided.workspace == "site"


@pytest.mark.filterwarnings(
    "ignore:Pydantic serializer warnings"
)  # the plain SDK has no class for MCP blocks
@pytest.mark.parametrize("is_beta", [True, False])
@pytest.mark.parametrize("is_streamed", [True, False])
async def test_the_sdk_keeps_what_was_run_here_and_sends_it_back(*, is_beta: bool, is_streamed: bool) -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}

    async def answer(arguments: Mapping[str, Any]) -> ToolOutput:
        return ToolOutput(({"type": "text", "text": "seen"}, picture))

    upstream = ScriptedUpstream([Reply(calling(call("TodoWrite", '{"a":1}'), text="Look.")), Reply()])
    async with (
        running_tools(
            upstream, tools=[FakeTool(answer=answer)], permissions=ALLOWED, toolsets=BUILTIN
        ) as proxy,
        anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN, max_retries=0) as client,
    ):
        messages: Any = client.beta.messages if is_beta else client.messages
        if is_streamed:
            async with messages.stream(**BODY) as stream:
                message = await stream.get_final_message()
        else:
            message = await messages.create(**BODY)
        turns = [FIRST, {"role": "assistant", "content": message.content}, GO_ON]
        await messages.create(**{**BODY, "messages": turns})
    assert [block.type for block in message.content] == ["text", "mcp_tool_use", "mcp_tool_result", "text"]
    assert message.content[1].input == {"a": 1}
    _, second, third = upstream.asked
    assert third["messages"][:4] == second["messages"]
    assert any(part["type"] == "image_url" for part in second["messages"][-1]["content"])
