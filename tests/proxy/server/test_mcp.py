"""`/mcp` over a running proxy: the official client in both eras, what clients see, and who may come in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from proxy.config import ToolConfig
from proxy.events import ApprovalAsked, ToolDecided
from proxy.permissions.approval import ApprovalAnswer
from proxy.server.limits import Limits
from proxy.tools.base import ToolOutput
from tests.proxy.mcp_clients import ERAS, ScriptedServers, mcp_client, text_of
from tests.proxy.scripted import HOST, TOKEN, ScriptedUpstream, proxy_config
from tests.proxy.tooling import FakeTool, rules, running_tools, tool_call

# The client's own word, where a message comes while it leaves.
pytestmark = pytest.mark.expects_log("mcp.client.streamable_http")

ALL = rules(allow=["TodoWrite", "mcp__box", "mcp__line"])
QUICK = Limits(first_ping_s=0.05, next_ping_s=0.05)
both_eras = pytest.mark.parametrize("mode", ERAS)


@both_eras
async def test_the_official_client_lists_and_calls_built_in_tools_and_those_of_servers(mode: str) -> None:
    servers, built_in = ScriptedServers(), FakeTool()
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[built_in]) as proxy:
        servers.offer(proxy)
        async with mcp_client(proxy, mode) as client:
            version = client.protocol_version
            tools = (await client.list_tools()).tools
            todo = await client.call_tool("TodoWrite", {"todos": [1]})
            lever = await client.call_tool("mcp__box__lever", {"pull": "up"})
    assert version == ("2025-11-25" if mode == "legacy" else mode)
    assert [each.name for each in tools] == ["TodoWrite", "mcp__box__lever", "mcp__line__lamp"]
    assert tools[0].description == "Says what it was called with."
    assert (text_of(todo), todo.is_error) == ("TodoWrite was given [('todos', [1])]", False)
    assert text_of(lever) == "lever of {'pull': 'up'}"
    assert servers.called == [("box", "lever", {"pull": "up"})]
    decided = proxy.of(ToolDecided)
    assert [(each.tool, each.runner, each.decision, each.client) for each in decided] == [
        ("TodoWrite", "signalbox", "allow", "the-tester/1"),
        ("mcp__box__lever", "mcp:box", "allow", "the-tester/1"),
    ]


@both_eras
async def test_a_tool_switched_off_is_gone_from_the_next_list_and_cannot_be_called(mode: str) -> None:
    config = proxy_config("one")
    off = replace(config, permissions=ALL, tools=ToolConfig(switched_off=("mcp__box__lever",)))
    servers = ScriptedServers()
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        servers.offer(proxy)
        async with mcp_client(proxy, mode) as client:
            before = [each.name for each in (await client.list_tools()).tools]
            proxy.server.apply(off)
            after = [each.name for each in (await client.list_tools()).tools]
            with pytest.raises(MCPError, match="Unknown tool: mcp__box__lever"):
                await client.call_tool("mcp__box__lever", {})
    assert set(before) - set(after) == {"mcp__box__lever"}
    assert not servers.called


async def test_a_denied_tool_is_not_offered_and_one_that_needs_a_models_conversation_neither() -> None:
    denied = rules(allow=["TodoWrite"], deny=["mcp__box"])
    tools = [FakeTool(), FakeTool("Task")]
    async with running_tools(ScriptedUpstream(), permissions=denied, tools=tools) as proxy:
        ScriptedServers().offer(proxy)
        async with mcp_client(proxy) as client:
            names = [each.name for each in (await client.list_tools()).tools]
    assert names == ["TodoWrite", "mcp__line__lamp"]


async def test_a_client_with_a_handshake_is_told_when_a_tool_comes_or_goes() -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    is_listening = asyncio.Event()

    async def take(message: Any) -> None:
        await told.put(getattr(message, "method", str(message)))

    async with (
        running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy,
        mcp_client(proxy, is_listening=is_listening, message_handler=take),
    ):
        await asyncio.wait_for(is_listening.wait(), 5)
        ScriptedServers().offer(proxy)
        kinds = {await asyncio.wait_for(told.get(), 5) for _ in range(3)}
    assert kinds == {f"notifications/{each}/list_changed" for each in ("tools", "resources", "prompts")}


async def test_a_client_without_a_handshake_is_told_what_it_subscribed_to() -> None:
    async with (
        running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy,
        mcp_client(proxy, ERAS[1]) as client,
        client.listen(tools_list_changed=True) as stream,
    ):
        ScriptedServers().offer(proxy)
        event = await asyncio.wait_for(anext(aiter(stream)), 5)
        honored = stream.honored
    assert type(event).__name__ == "ToolsListChanged"
    assert (honored.tools_list_changed, honored.prompts_list_changed) == (True, None)


@both_eras
async def test_resources_templates_and_prompts_of_servers_pass_through_under_their_servers_names(
    mode: str,
) -> None:
    servers = ScriptedServers(broken=frozenset({"line"}))
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        servers.offer(proxy)
        async with mcp_client(proxy, mode) as client:
            resources = (await client.list_resources()).resources
            templates = (await client.list_resource_templates()).resource_templates
            read = await client.read_resource(resources[0].uri)
            prompts = (await client.list_prompts()).prompts
            prompt = await client.get_prompt(prompts[0].name, {"what": "points"})
            with pytest.raises(MCPError, match="not found"):
                await client.read_resource("signalbox://down/file:///x")
            with pytest.raises(MCPError, match="line does not answer"):
                await client.read_resource("signalbox://line/file:///x")
            with pytest.raises(MCPError, match="Unknown prompt"):
                await client.get_prompt("review", {"what": "points"})
    assert [each.uri for each in resources] == ["signalbox://box/file:///box.txt"]
    assert [each.uri_template for each in templates] == ["signalbox://box/file:///{path}"]
    contents: Any = read.contents[0]
    assert (contents.uri, contents.text) == ("signalbox://box/file:///box.txt", "box has file:///box.txt")
    assert [each.name for each in prompts] == ["mcp__box__review"]
    first, second = (each.content for each in prompt.messages)
    assert first.model_dump()["text"] == "review points in box"
    assert second.model_dump()["resource"]["uri"] == "signalbox://box/file:///x"


@both_eras
async def test_a_call_waits_for_the_users_approval_and_says_so_meanwhile(mode: str) -> None:
    asking = replace(rules(), approvals="wait")
    heard: list[tuple[float, str | None]] = []
    is_told = asyncio.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message))
        if message == "Waiting for the user's approval in Signalbox":
            is_told.set()

    async with running_tools(
        ScriptedUpstream(), permissions=asking, tools=[FakeTool()], limits=QUICK
    ) as proxy:
        ScriptedServers().offer(proxy)
        async with mcp_client(proxy, mode) as client:
            call = asyncio.ensure_future(client.call_tool("mcp__box__lever", {}, progress_callback=note))
            await proxy.events.until(ApprovalAsked)
            await asyncio.wait_for(is_told.wait(), 5)
            (waiting,) = proxy.server.approvals()
            proxy.server.answer_approval(
                waiting.approval_id, waiting.digest, ApprovalAnswer("allow", "window")
            )
            result = await asyncio.wait_for(call, 5)
    assert (waiting.client, tool_call(waiting).tool) == ("the-tester/1", "mcp__box__lever")
    assert [progress for progress, _ in heard] == [*range(1, len(heard) + 1)]
    assert text_of(result) == "lever of {}"


async def test_a_client_that_cancels_its_call_without_a_handshake_ends_it() -> None:
    async def for_ever(arguments: Mapping[str, Any]) -> ToolOutput:
        await asyncio.Event().wait()
        raise AssertionError

    tool = FakeTool(answer=for_ever)
    async with (
        running_tools(ScriptedUpstream(), permissions=ALL, tools=[tool], limits=QUICK) as proxy,
        mcp_client(proxy, ERAS[1]) as client,
    ):
        call = asyncio.ensure_future(client.call_tool("TodoWrite", {}))
        await asyncio.wait_for(tool.is_called.wait(), 5)
        call.cancel()
        await asyncio.wait({call})
        await proxy.events.until(ToolDecided)
    assert tool.is_cancelled


async def test_each_session_is_a_conversation_of_its_own() -> None:
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        for _ in range(2):
            async with mcp_client(proxy) as client:
                await client.call_tool("TodoWrite", {})
    first, second = (each.conversation_id for each in proxy.of(ToolDecided))
    assert first != second


async def test_without_sessions_the_requests_of_a_client_are_one_conversation() -> None:
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        for _ in range(2):
            async with mcp_client(proxy, ERAS[1]) as client:
                await client.call_tool("TodoWrite", {})
    assert {each.conversation_id for each in proxy.of(ToolDecided)} == {"mcp:the-tester/1"}


async def test_a_workspace_that_does_not_exist_is_named_in_the_refusal() -> None:
    nowhere = {"X-Signalbox-Workspace": "nowhere"}
    async with (
        running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy,
        mcp_client(proxy, headers=nowhere) as client,
    ):
        with pytest.raises(MCPError, match="nowhere"):
            await client.list_tools()


async def test_one_definition_that_the_protocol_cannot_tell_hides_no_other() -> None:
    servers = ScriptedServers()
    servers.definitions["box"].append(
        {"name": "odd", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": "perhaps"}}
    )
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        servers.offer(proxy)
        async with mcp_client(proxy) as client:
            names = [each.name for each in (await client.list_tools()).tools]
    assert names == ["TodoWrite", "mcp__box__lever", "mcp__line__lamp"]


async def test_the_servers_status_says_the_last_words_of_a_server_without_secrets() -> None:
    def redact(text: str) -> str:
        return text.replace("such", "[redacted]")

    host = replace(HOST, redact=redact)
    async with running_tools(ScriptedUpstream(), tools=[FakeTool()], host=host) as proxy:
        ScriptedServers().offer(proxy)
        async with proxy.http.get(f"{proxy.url}/mcp-servers", headers={"x-api-key": TOKEN}) as response:
            told = await response.json()
    assert told["servers"][-1]["reason"] == "exit 1: no [redacted] file"


async def test_the_servers_status_says_names_states_reasons_and_numbers_only() -> None:
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        async with proxy.http.get(f"{proxy.url}/mcp-servers", headers={"x-api-key": TOKEN}) as response:
            before = await response.json()
        ScriptedServers().offer(proxy)
        async with proxy.http.get(f"{proxy.url}/mcp-servers", headers={"x-api-key": TOKEN}) as response:
            after = await response.json()
        async with proxy.http.get(f"{proxy.url}/mcp-servers") as response:
            stranger = response.status
        async with proxy.post({}, "/mcp-servers") as response:
            changing = response.status
    assert before == {"servers": []}
    assert after["servers"] == [
        {"name": "box", "state": "connected", "reason": "", "tools": 1},
        {"name": "line", "state": "connected", "reason": "", "tools": 1},
        {"name": "down", "state": "failed", "reason": "exit 1: no such file", "tools": 0},
    ]
    assert (stranger, changing) == (401, 405)
