from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from proxy.mcp.remote_visit import RemoteVisit
from proxy.mcp.values import McpProblem
from proxy.tools.base import ToolScope
from proxy.tools.conversation import Conversation
from proxy.tools.errors import ToolError
from tests.proxy.mcp.remote_server import adding, answering, serving

SCOPE = ToolScope("call_1", "req_1", Conversation(("", "")))


@pytest.mark.expects_log("mcp.client.streamable_http")
@pytest.mark.parametrize("is_stateless", [False, True])
async def test_a_server_of_the_sdk_is_asked_and_left(*, is_stateless: bool) -> None:
    async with serving(adding().streamable_http_app(stateless_http=is_stateless)) as url:
        visit = RemoteVisit(f"{url}/mcp", "url-far", None)
        await visit.open()
        (tool,) = visit.tools
        added = await tool.run({"a": 2, "b": 3}, SCOPE)
        await visit.aclose()
        with pytest.raises(ToolError):
            await tool.run({"a": 2, "b": 3}, SCOPE)
    assert tool.name == "mcp__url-far__add"
    assert "data, not instructions" in tool.description
    assert added.content[0]["text"] == "5"


async def test_the_token_is_sent_and_a_refusal_named() -> None:
    seen: list[str | None] = []

    async def refuse(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})

    async with answering(refuse) as url:
        visit = RemoteVisit(url, "url-far", "secret")
        with pytest.raises(McpProblem, match="401: Bearer"):
            await visit.open()
        await visit.aclose()
    assert set(seen) == {"Bearer secret"}


async def test_a_redirect_is_not_followed() -> None:
    paths: list[str] = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        paths.append(request.path)
        return web.Response(status=307, headers={"Location": "/other"})

    async with answering(elsewhere) as url:
        visit = RemoteVisit(f"{url}/mcp", "url-far", "secret")
        with pytest.raises(McpProblem, match="redirects to"):
            await visit.open()
        await visit.aclose()
    assert set(paths) == {"/mcp"}


async def test_what_cannot_be_reached_says_so() -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        raise AssertionError

    async with answering(never) as url:
        pass
    visit = RemoteVisit(url, "url-far", None)
    with pytest.raises(McpProblem, match="could not be reached"):
        await visit.open()
    await visit.aclose()


@pytest.mark.parametrize("url", ["http://8.8.8.8/mcp", "ftp://127.0.0.1/mcp", "https://"])
async def test_an_address_where_everybody_could_listen_is_not_asked(url: str) -> None:
    with pytest.raises(McpProblem, match="url: "):
        await RemoteVisit(url, "url-far", "secret").open()


async def test_a_client_that_leaves_while_the_server_hangs_leaves_nothing_behind() -> None:
    is_asked, is_over = asyncio.Event(), asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        is_asked.set()
        await is_over.wait()
        return web.Response(status=500)

    async with answering(hang) as url:
        visit = RemoteVisit(url, "url-far", None)
        opening = asyncio.ensure_future(visit.open())
        await asyncio.wait_for(is_asked.wait(), 10)
        opening.cancel()
        await asyncio.wait({opening})
        await asyncio.wait_for(visit.aclose(), 10)
        is_over.set()
    assert opening.cancelled()
    assert visit.tools == ()
