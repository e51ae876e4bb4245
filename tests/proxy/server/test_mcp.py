"""`/mcp` over a running proxy: the official client in both eras, what clients see, and who may come in."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from proxy.config import ClientToken, ToolConfig
from proxy.events import ApprovalAsked, ToolDecided
from proxy.permissions.approval import ApprovalAnswer
from proxy.server.limits import Limits
from proxy.tools.base import ToolOutput
from tests.proxy.mcp_clients import ERAS, ScriptedServers, mcp_client, text_of
from tests.proxy.scripted import TOKEN, Running, ScriptedUpstream, proxy_config, running
from tests.proxy.tooling import FakeTool, rules, running_tools

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
    assert (waiting.client, waiting.call.tool) == ("the-tester/1", "mcp__box__lever")
    assert heard[0] == (1, "Waiting for the user's approval in Signalbox")
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


# Over plain HTTP --------------------------------------------------------------------------------

HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "plain", "version": "1"},
}


def message(method: str, params: Any = None, request_id: Any = 1, **more: Any) -> dict[str, Any]:
    made = {"jsonrpc": "2.0", "id": request_id, "method": method, **more}
    return made if params is None else {**made, "params": params}


async def rpc(proxy: Running, body: Any, **headers: str) -> tuple[int, Any, Mapping[str, str]]:
    async with proxy.post(body, "/mcp", **headers) as response:
        text = await response.text()
        is_json = response.content_type == "application/json"
        return response.status, (await response.json() if is_json else text), response.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-api-key": "wrong"}, 401),
        ({"Host": "evil.example"}, 403),
        ({"Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"Accept": "text/html"}, 406),
    ],
)
async def test_strangers_pages_and_odd_requests_stay_out(headers: dict[str, str], status: int) -> None:
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        assert (await rpc(proxy, message("initialize", HELLO), **headers))[0] == status


async def test_a_session_belongs_to_its_token_and_an_unknown_one_is_gone() -> None:
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        status, body, headers = await rpc(proxy, message("initialize", HELLO))
        assert (status, body["result"]["protocolVersion"]) == (200, "2025-06-18")
        known = {"Mcp-Session-Id": headers["Mcp-Session-Id"]}
        assert (await rpc(proxy, message("ping"), **known))[1]["result"] == {}
        assert (await rpc(proxy, message("ping"), **{"Mcp-Session-Id": "mcp_other"}))[0] == 404
        async with proxy.http.delete(f"{proxy.url}/mcp", headers={"x-api-key": TOKEN, **known}) as response:
            assert response.status == 204
        assert (await rpc(proxy, message("ping"), **known))[0] == 404
        async with proxy.http.get(f"{proxy.url}/mcp", headers={"x-api-key": TOKEN, **known}) as response:
            assert response.status == 404


async def test_a_session_is_no_use_with_another_token_and_each_token_has_its_workspace() -> None:
    other = "client-" + "token-of-another"
    token = ClientToken("other", sha256(other.encode()).hexdigest(), workspace="nowhere")
    made = proxy_config("one")
    config = replace(made, server=replace(made.server, client_tokens=(token,)))
    async with running_tools(ScriptedUpstream(), config, permissions=ALL, tools=[FakeTool()]) as proxy:
        session = (await rpc(proxy, message("initialize", HELLO)))[2]["Mcp-Session-Id"]
        theirs = {"x-api-key": other}
        stolen = await rpc(proxy, message("ping"), **theirs, **{"Mcp-Session-Id": session})
        elsewhere = await rpc(proxy, message("tools/list"), **theirs)
        here = await rpc(proxy, message("tools/list"), **{"Mcp-Session-Id": session})
    assert stolen[0] == 404
    assert "nowhere" in elsewhere[1]["error"]["message"]
    assert [each["name"] for each in here[1]["result"]["tools"]] == ["TodoWrite"]


async def test_a_client_that_comes_before_the_tools_are_made_waits_for_them() -> None:
    async with running() as proxy:
        _, told, _ = await rpc(proxy, message("tools/list"))
    assert len(told["result"]["tools"]) > 10


async def test_a_client_that_asks_what_we_speak_gets_the_newer_era() -> None:
    async with (
        running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy,
        mcp_client(proxy, "auto") as client,
    ):
        assert client.protocol_version == ERAS[1]
        assert client.server_info is not None
        assert client.server_info.name == "signalbox"
        assert client.instructions is not None
        assert "permission rules" in client.instructions


async def test_a_request_without_a_session_is_answered_too() -> None:
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        status, body, _ = await rpc(proxy, message("tools/call", {"name": "TodoWrite"}))
    assert (status, body["result"]["isError"]) == (200, False)
    assert proxy.of(ToolDecided)[0].conversation_id == f"mcp:{proxy.of(ToolDecided)[0].client}"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ([message("ping")], 400, -32600),
        ({"id": 1, "method": "ping"}, 400, -32600),
        (message("ping", [1]), 400, -32600),
        (message("ping", request_id=1.5), 400, -32600),
        (message("ping", request_id=None), 400, -32600),
        (message("resources/subscribe", {"uri": "x:y"}), 200, -32601),
        (message("made/up"), 200, -32601),
        (message("tools/call", {"name": 1}), 200, -32602),
        (message("tools/call", {"name": "Nothing"}), 200, -32602),
    ],
)
async def test_what_is_no_lawful_request_is_told_so(body: Any, status: int, code: int) -> None:
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        told, answer, _ = await rpc(proxy, body)
    assert (told, answer["error"]["code"]) == (status, code)


MODERN: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.mark.parametrize(
    ("params", "headers", "status", "code"),
    [
        ({"_meta": MODERN}, {}, 200, None),
        ({"_meta": MODERN}, {"Mcp-Method": "tools/call"}, 400, -32020),
        ({"_meta": MODERN}, {"MCP-Protocol-Version": "2030-01-01"}, 400, -32020),
        ({}, {}, 400, -32602),
        ({"_meta": MODERN, "cursor": 1}, {}, 400, -32602),
    ],
)
async def test_a_request_of_the_era_without_a_handshake_must_agree_with_its_headers(
    params: dict[str, Any], headers: dict[str, str], status: int, code: int | None
) -> None:
    given = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list", **headers}
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        told, answer, _ = await rpc(proxy, message("tools/list", params), **given)
    assert (told, answer.get("error", {}).get("code")) == (status, code)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_a_client_that_leaves_cancels_its_call(accept: str) -> None:
    async def for_ever(arguments: Mapping[str, Any]) -> ToolOutput:
        await asyncio.Event().wait()
        raise AssertionError

    tool = FakeTool(answer=for_ever)
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[tool]) as proxy:
        call = asyncio.ensure_future(rpc(proxy, message("tools/call", {"name": "TodoWrite"}), Accept=accept))
        await asyncio.wait_for(tool.is_called.wait(), 5)
        call.cancel()
        await proxy.events.until(ToolDecided)
    assert tool.is_cancelled


async def test_a_notification_cancels_the_call_it_names_and_no_other_sessions() -> None:
    async def for_ever(arguments: Mapping[str, Any]) -> ToolOutput:
        await asyncio.Event().wait()
        raise AssertionError

    tool = FakeTool(answer=for_ever)
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[tool]) as proxy:
        mine, other = [
            {"Mcp-Session-Id": (await rpc(proxy, message("initialize", HELLO)))[2]["Mcp-Session-Id"]}
            for _ in range(2)
        ]
        call = asyncio.ensure_future(rpc(proxy, message("tools/call", {"name": "TodoWrite"}, 7), **mine))
        await asyncio.wait_for(tool.is_called.wait(), 5)
        assert (await rpc(proxy, cancel, **other))[0] == 202
        assert (await rpc(proxy, message("ping", request_id=7), **mine))[0] == 400
        assert not call.done()
        assert (await rpc(proxy, cancel, **mine))[0] == 202
        _, answer, _ = await asyncio.wait_for(call, 5)
    assert answer["error"]["message"] == "The request was cancelled"
    assert tool.is_cancelled


async def test_a_server_that_stops_ends_open_streams_and_does_not_wait_for_them() -> None:
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        session = (await rpc(proxy, message("initialize", HELLO)))[2]["Mcp-Session-Id"]
        headers = {"x-api-key": TOKEN, "Mcp-Session-Id": session, "Accept": "text/event-stream"}
        async with proxy.http.get(f"{proxy.url}/mcp", headers=headers) as stream:
            assert await stream.content.readline() == b": ping\n"
            await asyncio.wait_for(proxy.server.stop(drain_s=60), 10)
            assert (await stream.content.read()).strip() == b""


async def test_a_message_larger_than_four_megabytes_is_refused() -> None:
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        headers = {"x-api-key": TOKEN, "content-type": "application/json"}
        body = io.BytesIO(b'{"jsonrpc": "2.0", "id": 1, "method": "' + b"x" * 2**22 + b'"}')
        async with proxy.http.post(f"{proxy.url}/mcp", data=body, headers=headers) as response:
            assert response.status == 413
