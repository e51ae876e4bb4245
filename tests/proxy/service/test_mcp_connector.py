"""The MCP connector over a running proxy with the real SDK: whom it asks, and what clients see of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anthropic
import pytest

from proxy.config import PermissionConfig, ProxyConfig
from proxy.events import ToolDecided
from proxy.messages.message import JsonObject
from tests.proxy.mcp_clients import ScriptedServers
from tests.proxy.scripted import BODY, HELLO, TOKEN, Reply, Running, ScriptedUpstream, proxy_config
from tests.proxy.tooling import (
    FakeTool,
    call,
    calling,
    declared,
    rules,
    running_tools,
    spoken,
    through,
    use,
)

ALLOWED = rules(allow=["mcp__box", "mcp__line", "TodoWrite"])
BOX = {"type": "url", "url": "signalbox:box", "name": "levers"}
TOOLSET = {"type": "mcp_toolset", "mcp_server_name": "levers"}
LEVER = Reply(calling(call("mcp__box__lever", '{"pull": "up"}')))


@asynccontextmanager
async def asked(
    *replies: Reply,
    config: ProxyConfig | None = None,
    permissions: PermissionConfig = ALLOWED,
    servers: ScriptedServers | None = None,
) -> AsyncGenerator[tuple[Running, ScriptedUpstream, anthropic.AsyncAnthropic]]:
    """A proxy with the scripted servers, and the SDK before it."""
    upstream = ScriptedUpstream(list(replies))
    async with (
        running_tools(upstream, config, permissions=permissions, tools=[FakeTool()]) as proxy,
        anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN, max_retries=0) as sdk,
    ):
        (servers or ScriptedServers()).offer(proxy)
        yield proxy, upstream, sdk


async def create(sdk: anthropic.AsyncAnthropic, **more: Any) -> Any:
    make: Any = sdk.beta.messages.create
    given = {"mcp_servers": [BOX], "tools": [TOOLSET], "betas": ["mcp-client-2025-11-20"], **more}
    return await make(**{**BODY, **given})


def offered(upstream: ScriptedUpstream, at: int = 0) -> list[str]:
    return [each["function"]["name"] for each in upstream.asked[at].get("tools", [])]


@pytest.mark.conformance("fields.mcp-servers", "server-tools.mcp-toolset")
async def test_a_server_of_ours_serves_any_model_and_the_client_sees_its_own_names() -> None:
    servers = ScriptedServers()
    async with asked(LEVER, Reply(HELLO), servers=servers) as (proxy, upstream, sdk):
        message = await create(sdk)
        decided = proxy.of(ToolDecided)
    used, result, text = message.content
    assert (used.type, used.name, used.server_name, used.input) == (
        "mcp_tool_use",
        "lever",
        "levers",
        {"pull": "up"},
    )
    assert (result.type, result.tool_use_id, result.is_error) == ("mcp_tool_result", used.id, False)
    assert result.content[0].text == "lever of {'pull': 'up'}"
    assert (text.text, message.stop_reason) == ("Hello", "end_turn")
    assert servers.called == [("box", "lever", {"pull": "up"})]
    assert offered(upstream) == ["mcp__box__lever"]
    assert "mcp_servers" not in upstream.asked[0]
    assert upstream.asked[1]["messages"][-1]["content"] == "lever of {'pull': 'up'}"
    assert [(each.tool, each.decision) for each in decided] == [("mcp__box__lever", "allow")]


@pytest.mark.conformance("fields.mcp-servers", "server-tools.mcp-toolset")
async def test_the_stream_of_the_sdk_comes_to_the_same_message() -> None:
    async with asked(LEVER, Reply(HELLO)) as (_, _, sdk):
        stream_of: Any = sdk.beta.messages.stream
        async with stream_of(**{**BODY, "mcp_servers": [BOX], "tools": [TOOLSET]}) as stream:
            message = await stream.get_final_message()
    assert [each.type for each in message.content] == ["mcp_tool_use", "mcp_tool_result", "text"]


async def test_an_earlier_call_is_told_under_the_name_it_is_declared_by_now() -> None:
    async with asked(LEVER, Reply(HELLO)) as (_, upstream, sdk):
        first = await create(sdk)
        history = [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [each.model_dump(mode="json") for each in first.content]},
            {"role": "user", "content": "again"},
        ]
        await create(sdk, messages=history)
    told = upstream.asked[-1]["messages"]
    assert told[1]["tool_calls"][0]["function"]["name"] == "mcp__box__lever"
    assert (told[2]["role"], told[2]["content"]) == ("tool", "lever of {'pull': 'up'}")


async def test_what_rules_do_not_allow_asks_and_where_nobody_is_asked_is_refused() -> None:
    servers = ScriptedServers()
    async with asked(LEVER, Reply(HELLO), permissions=rules(), servers=servers) as (_, _, sdk):
        message = await create(sdk)
    assert message.content[1].is_error
    assert "Permission to use mcp__box__lever has been denied" in message.content[1].content[0].text
    assert not servers.called


async def test_a_denied_tool_is_not_even_offered() -> None:
    denied = rules(deny=["mcp__box"])
    async with asked(Reply(HELLO), permissions=denied) as (_, upstream, sdk):
        await create(sdk)
    assert offered(upstream) == []


MORE = [
    {"name": "lever", "inputSchema": {"type": "object"}},
    {"name": "lamp", "inputSchema": {"type": "object"}},
    {"name": "bell", "inputSchema": {"type": "object"}},
]


@pytest.mark.conformance("server-tools.mcp-toolset")
@pytest.mark.parametrize(
    ("server", "toolset", "names"),
    [
        ({}, {}, ["lever", "lamp", "bell"]),
        ({}, {"configs": {"bell": {"enabled": False}, "other": {"enabled": True}}}, ["lever", "lamp"]),
        ({}, {"default_config": {"enabled": False}, "configs": {"bell": {"enabled": True}}}, ["bell"]),
        ({}, {"default_config": {"enabled": False}}, []),
        ({}, {"tools": [{"name": "lamp"}, {"name": "gone"}]}, ["lamp"]),
        ({"tool_configuration": {"allowed_tools": ["bell", "lamp"]}}, {}, ["lamp", "bell"]),
        ({"tool_configuration": {"enabled": False}}, {}, []),
    ],
)
async def test_only_the_tools_that_the_request_wants_are_offered(
    server: JsonObject, toolset: JsonObject, names: Sequence[str]
) -> None:
    servers = ScriptedServers(definitions={"box": MORE})
    async with asked(Reply(HELLO), servers=servers) as (_, upstream, sdk):
        await create(sdk, mcp_servers=[{**BOX, **server}], tools=[{**TOOLSET, **toolset}])
    assert offered(upstream) == [f"mcp__box__{each}" for each in names]


async def test_a_server_without_a_toolset_offers_what_its_own_configuration_says() -> None:
    servers = ScriptedServers(definitions={"box": MORE})
    limited = {**BOX, "tool_configuration": {"allowed_tools": ["bell"]}}
    async with asked(Reply(HELLO), servers=servers) as (_, upstream, sdk):
        await create(sdk, mcp_servers=[limited], tools=declared("Other"))
    assert offered(upstream) == ["Other", "mcp__box__bell"]


@pytest.mark.conformance("fields.mcp-servers")
@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"mcp_servers": [{**BOX, "url": "signalbox:nothing"}]}, "no MCP server called 'nothing'"),
        ({"mcp_servers": [{**BOX, "url": "signalbox:down"}]}, "'down' is failed: exit 1: no such file"),
        ({"mcp_servers": [{**BOX, "type": "stdio"}]}, "mcp_servers.0.type: Input should be 'url'"),
        ({"mcp_servers": [BOX, {"type": "url", "name": "x"}]}, "mcp_servers.1.url: Field required"),
        ({"mcp_servers": [BOX, BOX]}, "Server names must be unique"),
        ({"mcp_servers": [BOX, {**BOX, "name": "b"}]}, "a tool of 'b' is declared twice"),
        ({"mcp_servers": [{**BOX, "name": f"n{each}"} for each in range(21)]}, "At most 20 servers"),
        ({"tools": [{**TOOLSET, "mcp_server_name": "other"}]}, "mcp_server_name 'other' is not the name"),
        ({"tools": [TOOLSET, TOOLSET]}, "more than one mcp_toolset for the server 'levers'"),
        ({"tools": [*declared("mcp__box__lever"), TOOLSET]}, "is declared twice"),
        ({"mcp_servers": [{**BOX, "authorization_token": "a\nb"}]}, "authorization_token"),
    ],
)
async def test_what_is_not_as_the_api_has_it_is_refused_before_anybody_is_asked(
    more: JsonObject, told: str
) -> None:
    async with asked(Reply(HELLO)) as (_, upstream, sdk):
        with pytest.raises(anthropic.BadRequestError, match=told.replace("(", r"\(")):
            await create(sdk, **more)
    assert not upstream.asked


async def test_an_upstream_with_a_connector_of_its_own_gets_remote_servers_as_they_came() -> None:
    remote = {"type": "url", "url": "https://mcp.example/x", "name": "far", "authorization_token": "t"}
    far = {"type": "mcp_toolset", "mcp_server_name": "far"}
    replies = (Reply(spoken(use("mcp__box__lever", {}))), Reply(spoken({"type": "text", "text": "ok"})))
    config = replace(through("anthropic-messages"), mcp_allowed_hosts=("mcp.example",))
    async with asked(*replies, config=config) as (_, upstream, sdk):
        message = await create(sdk, mcp_servers=[remote, BOX], tools=[far, TOOLSET])
    assert [each.type for each in message.content] == ["mcp_tool_use", "mcp_tool_result", "text"]
    for request in upstream.asked:
        assert request["mcp_servers"] == [remote]
        assert [each.get("name") or each["mcp_server_name"] for each in request["tools"]] == [
            "far",
            "mcp__box__lever",
        ]


@pytest.mark.conformance("fields.mcp-servers")
async def test_a_remote_server_whose_host_is_not_allowed_is_refused_with_advice() -> None:
    remote = {"type": "url", "url": "https://mcp.example/x", "name": "levers"}
    async with asked(Reply(HELLO)) as (_, upstream, sdk):
        with pytest.raises(anthropic.BadRequestError, match="mcp_allowed_hosts"):
            await create(sdk, mcp_servers=[remote])
    assert not upstream.asked


# Remote servers ---------------------------------------------------------------------------------


@asynccontextmanager
async def remote_server() -> AsyncGenerator[tuple[Running, ScriptedServers]]:
    """A second proxy, whose `/mcp` is the remote server."""
    servers = ScriptedServers()
    allowed = rules(allow=["mcp__box", "mcp__line"])
    async with running_tools(ScriptedUpstream(), permissions=allowed, tools=[]) as proxy:
        servers.offer(proxy)
        yield proxy, servers


@pytest.mark.conformance("fields.mcp-servers")
async def test_a_remote_server_whose_host_is_allowed_is_asked_with_its_token_under_its_hosts_name() -> None:
    async with remote_server() as (far, servers):
        name = f"mcp__url-127-0-0-1-{far.port}__mcp__box__lever"
        config = replace(proxy_config("one"), mcp_allowed_hosts=(f"127.0.0.1:{far.port}",))
        entry = {"type": "url", "url": f"{far.url}/mcp", "name": "levers", "authorization_token": TOKEN}
        replies = (Reply(calling(call(name, "{}"))), Reply(HELLO))
        allowed = rules(allow=[f"mcp__url-127-0-0-1-{far.port}"])
        async with asked(*replies, config=config, permissions=allowed) as (near, up, sdk):
            message = await create(sdk, mcp_servers=[entry])
            decided = near.of(ToolDecided)
    assert offered(up) == [name, name.replace("box__lever", "line__lamp")]
    assert (message.content[0].name, message.content[0].server_name) == ("mcp__box__lever", "levers")
    assert message.content[1].content[0].text == "lever of {}"
    assert servers.called == [("box", "lever", {})]
    assert [(each.tool, each.decision) for each in decided] == [(name, "allow")]


async def test_a_remote_server_that_wants_another_token_is_named_in_the_refusal() -> None:
    async with remote_server() as (far, _):
        config = replace(proxy_config("one"), mcp_allowed_hosts=(f"127.0.0.1:{far.port}",))
        entry = {"type": "url", "url": f"{far.url}/mcp", "name": "levers"}
        async with asked(Reply(HELLO), config=config) as (_, upstream, sdk):
            with pytest.raises(anthropic.BadRequestError, match=r"'levers' cannot be used.*401"):
                await create(sdk, mcp_servers=[entry])
    assert not upstream.asked
