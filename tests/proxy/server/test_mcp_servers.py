"""Real MCP servers of both eras behind both doors: `/mcp` for MCP clients, the connector for any model."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import pytest

from proxy.mcp.results import MAX_RESULT_BYTES
from proxy.mcp.values import ServerPhase
from tests.proxy.mcp.server_room import Room, modern, raw, room
from tests.proxy.mcp_clients import ERAS, mcp_client, text_of
from tests.proxy.scripted import BODY, HELLO, TOKEN, Reply, Running, ScriptedUpstream
from tests.proxy.tooling import FakeTool, call, calling, rules, running_tools

# The client's own word, where a message comes while it leaves.
pytestmark = pytest.mark.expects_log("mcp.client.streamable_http")

ALLOWED = rules(allow=["mcp__raw", "mcp__modern"])
both_eras = pytest.mark.parametrize("mode", ERAS)


@asynccontextmanager
async def behind(
    tmp_path: Path, upstream: ScriptedUpstream | None = None
) -> AsyncGenerator[tuple[Running, Room]]:
    """A proxy in front of a server of each era; both are connected."""
    async with (
        room(tmp_path) as made,
        running_tools(upstream or ScriptedUpstream(), permissions=ALLOWED, tools=[FakeTool()]) as proxy,
    ):
        await made.connected(raw(), modern())
        await made.until(lambda: all(each.resources == 1 for each in made.supervisor.statuses()))
        proxy.server.use_mcp(made.supervisor)
        yield proxy, made


@both_eras
async def test_tools_resources_and_prompts_of_real_servers_are_found_and_used(
    mode: str, tmp_path: Path
) -> None:
    async with behind(tmp_path) as (proxy, _), mcp_client(proxy, mode) as client:
        tools = {each.name: each for each in (await client.list_tools()).tools}
        echo = await client.call_tool("mcp__raw__echo", {"text": "hello"})
        added = await client.call_tool("mcp__modern__add", {"a": 2, "b": 3})
        image = await client.call_tool("mcp__raw__image", {})
        failed = await client.call_tool("mcp__raw__fail", {})
        big = await client.call_tool("mcp__raw__big", {})
        uris = {each.uri for each in (await client.list_resources()).resources}
        memo: Any = (await client.read_resource("signalbox://modern/memo://one")).contents[0]
        prompts = {each.name for each in (await client.list_prompts()).prompts}
        greeting = await client.get_prompt("mcp__modern__greet", {"name": "you"})
    assert {"TodoWrite", "mcp__raw__echo", "mcp__modern__add"} <= tools.keys()
    assert tools["mcp__modern__add"].input_schema["required"] == ["a", "b"]
    assert (text_of(echo), text_of(added)) == ("hello", "5")
    assert image.content[0].model_dump(include={"type", "data", "mime_type"}) == {
        "type": "image",
        "data": "aGk=",
        "mime_type": "image/png",
    }
    assert (text_of(failed), failed.is_error) == ("it went wrong", True)
    assert len(text_of(big)) < MAX_RESULT_BYTES + 1000
    assert uris == {"signalbox://raw/memo://one", "signalbox://modern/memo://one"}
    assert memo.text == "the memo"
    assert prompts == {"mcp__raw__greet", "mcp__modern__greet"}
    assert greeting.messages[0].content.model_dump()["text"] == "Hello you"


async def test_a_server_that_dies_in_mid_call_is_an_error_of_that_call_and_hurts_no_other(
    tmp_path: Path,
) -> None:
    async with behind(tmp_path) as (proxy, made), mcp_client(proxy) as client:
        died = await client.call_tool("mcp__raw__die", {})
        added = await client.call_tool("mcp__modern__add", {"a": 1, "b": 1})
        await made.stands(ServerPhase.RESTARTING)
        proxy.server.use_mcp(made.supervisor)
        names = {each.name for each in (await client.list_tools()).tools}
    assert died.is_error
    assert "I was told to die" in text_of(died)
    assert text_of(added) == "2"
    assert "mcp__modern__add" in names
    assert "mcp__raw__echo" not in names


async def test_a_tool_that_came_since_the_approval_is_not_offered(tmp_path: Path) -> None:
    async with behind(tmp_path) as (proxy, made), mcp_client(proxy) as client:
        await client.call_tool("mcp__modern__grow", {})
        await made.until(lambda: any(each.quarantine for each in made.status("modern").tools))
        proxy.server.use_mcp(made.supervisor)
        names = {each.name for each in (await client.list_tools()).tools}
        async with proxy.http.get(f"{proxy.url}/mcp-servers", headers={"x-api-key": TOKEN}) as response:
            told = {each["name"]: each["tools"] for each in (await response.json())["servers"]}
    assert "mcp__modern__grow" in names
    assert "mcp__modern__grown" not in names
    assert told["modern"] == 2


@pytest.mark.conformance("fields.mcp-servers")
async def test_the_connector_asks_a_real_server_for_a_model_that_knows_no_mcp(tmp_path: Path) -> None:
    upstream = ScriptedUpstream(
        [Reply(calling(call("mcp__modern__add", '{"a": 20, "b": 22}'))), Reply(HELLO)]
    )
    async with (
        behind(tmp_path, upstream) as (proxy, _),
        anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN, max_retries=0) as sdk,
    ):
        make: Any = sdk.beta.messages.create
        message = await make(
            **BODY,
            mcp_servers=[{"type": "url", "url": "signalbox:modern", "name": "sums"}],
            tools=[{"type": "mcp_toolset", "mcp_server_name": "sums"}],
            betas=["mcp-client-2025-11-20"],
        )
    assert (message.content[0].name, message.content[0].server_name) == ("add", "sums")
    assert message.content[1].content[0].text == "42"
    assert message.content[2].text == "Hello"
