"""`/mcp` over plain HTTP: who may come in, what a message must be like, sessions, streams and their ends."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from proxy.config import ClientToken
from proxy.events import ToolDecided
from proxy.tools.base import ToolOutput
from tests.proxy.mcp_clients import ERAS, ScriptedServers, mcp_client
from tests.proxy.scripted import TOKEN, Running, ScriptedUpstream, proxy_config, running
from tests.proxy.tooling import FakeTool, rules, running_tools

# The client's own word, where a message comes while it leaves.
pytestmark = pytest.mark.expects_log("mcp.client.streamable_http")

ALL = rules(allow=["TodoWrite", "mcp__box", "mcp__line"])

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
            assert proxy.server.active_requests == 0
            await asyncio.wait_for(proxy.server.stop(drain_s=60), 10)
            assert (await stream.content.read()).strip() == b""


async def test_a_message_larger_than_four_megabytes_is_refused() -> None:
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        headers = {"x-api-key": TOKEN, "content-type": "application/json"}
        body = io.BytesIO(b'{"jsonrpc": "2.0", "id": 1, "method": "' + b"x" * 2**22 + b'"}')
        async with proxy.http.post(f"{proxy.url}/mcp", data=body, headers=headers) as response:
            assert response.status == 413


ODD: list[Any] = [None, True, 0, -1.5, "", "x", [], [1], {}, {"a": {"b": []}}, "\u202e", "\ud800", "x" * 5000]


async def test_no_odd_value_anywhere_breaks_anything() -> None:
    kinds = (
        "initialize",
        "tools/list",
        "tools/call",
        "resources/read",
        "prompts/get",
        "subscriptions/listen",
    )
    async with running_tools(ScriptedUpstream(), permissions=ALL, tools=[FakeTool()]) as proxy:
        ScriptedServers().offer(proxy)
        session = (await rpc(proxy, message("initialize", HELLO)))[2]["Mcp-Session-Id"]
        for odd in ODD:
            bodies: list[Any] = [
                odd,
                message("ping", odd),
                message("ping", request_id=odd),
                {**HELLO, "a": odd},
            ]
            bodies += [
                message(kind, {"name": odd, "uri": odd, "arguments": odd, "_meta": odd}) for kind in kinds
            ]
            bodies += [message(kind, {"_meta": {**MODERN, "progressToken": odd, "a": odd}}) for kind in kinds]
            bodies += [message("tools/call", {"name": "TodoWrite", "_meta": {"progressToken": odd}})]
            bodies += [message("initialize", {**HELLO, "clientInfo": odd, "protocolVersion": odd})]
            bodies += [{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": odd}}]
            for body in bodies:
                for headers in ({}, {"Mcp-Session-Id": session}, {"MCP-Protocol-Version": "2026-07-28"}):
                    status, _, _ = await rpc(proxy, body, Accept="application/json", **headers)
                    assert status in {200, 202, 400, 404, 406}, (status, body, headers)
        assert (await rpc(proxy, message("ping"), **{"Mcp-Session-Id": session}))[0] == 200
