from __future__ import annotations

import gzip
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from proxy.mcp.remote import MAX_ANSWER_BYTES, check_address, probe_url
from proxy.mcp.values import McpProblem, McpServerConfig, ServerPhase
from tests.proxy.mcp.remote_server import Handler, adding, answering, serving
from tests.proxy.mcp.server_room import room


def _entry(url: str, **other: Any) -> McpServerConfig:
    return McpServerConfig("box", "http", url=url, restart=False, **other)


async def test_a_server_over_streamable_http_is_used(tmp_path: Path) -> None:
    async with serving(adding().streamable_http_app()) as url, room(tmp_path) as made:
        status = await made.connected(_entry(f"{url}/mcp"))
        assert status.protocol == "2026-07-28"
        assert status.server_info == "remote 3.0"
        assert (await made.supervisor.call("box", "add", {"a": 2, "b": 3})).structured == {"result": 5}
        assert made.children.living == 0


async def test_an_old_server_over_sse_is_used(tmp_path: Path) -> None:
    async with serving(adding().sse_app()) as url, room(tmp_path) as made:
        status = await made.connected(McpServerConfig("box", "sse", url=f"{url}/sse", restart=False))
        assert status.phase is ServerPhase.CONNECTED
        assert (await made.supervisor.call("box", "add", {"a": 2, "b": 3})).structured == {"result": 5}


@pytest.mark.parametrize("status", [401, 403])
async def test_who_must_sign_in_is_told_so(status: int, tmp_path: Path) -> None:
    seen: list[str | None] = []

    async def refuse(request: web.Request) -> web.Response:
        seen.append(request.headers.get("X-Key"))
        return web.Response(status=status, headers={"WWW-Authenticate": 'Bearer realm="box"'})

    async with answering(refuse) as url, room(tmp_path) as made:
        made.variables["keyring:box"] = "the key"
        made.supervisor.apply([_entry(f"{url}/mcp", headers={"X-Key": "${keyring:box}"})])
        await made.approved("box")
        standing = await made.stands(ServerPhase.NEEDS_AUTHENTICATION, name="box")
        assert standing.reason == f'the server answered {status}: Bearer realm="box"'
        assert set(seen) == {"the key"}
        assert "the key" not in repr(standing)


async def test_no_redirect_leads_anywhere(tmp_path: Path) -> None:
    asked: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with answering(redirect) as url, room(tmp_path) as made:
        made.supervisor.apply([_entry(f"{url}/mcp")])
        await made.approved("box")
        standing = await made.stands(ServerPhase.FAILED, name="box")
        assert "redirects to /elsewhere, which is not followed" in standing.reason
        assert set(asked) == {"/mcp"}


def _flooding(kind: str, sent: list[int]) -> Handler:
    async def flood(_request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(_request)
        await response.write(b'data: "' if kind == "text/event-stream" else b'"')
        with suppress(ConnectionError):  # the client has heard enough
            for _ in range(8 * MAX_ANSWER_BYTES // 2**20):
                await response.write(b"x" * 2**20)
                sent.append(2**20)
        return response

    return flood


@pytest.mark.expects_log("mcp.client.streamable_http")
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("application/json", "the server's answer is larger than 16 MiB"),
        ("text/event-stream", f"exceeded the {MAX_ANSWER_BYTES} byte limit"),
    ],
)
async def test_a_server_that_floods_is_not_read_to_its_end(kind: str, said: str, tmp_path: Path) -> None:
    sent: list[int] = []
    async with answering(_flooding(kind, sent)) as url, room(tmp_path) as made:
        made.supervisor.apply([_entry(f"{url}/mcp")])
        await made.approved("box")
        standing = await made.stands(ServerPhase.FAILED, name="box")
        assert said in standing.reason
        assert sum(sent) < 3 * MAX_ANSWER_BYTES


@pytest.mark.expects_log("mcp.client.streamable_http")
async def test_a_compressed_answer_is_not_unpacked(tmp_path: Path) -> None:
    asked: list[str | None] = []

    async def packed(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Accept-Encoding"))
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        return web.Response(body=gzip.compress(b"{}"), headers=headers)

    async with answering(packed) as url, room(tmp_path) as made:
        made.supervisor.apply([_entry(f"{url}/mcp", headers={"Accept-Encoding": "gzip"})])
        await made.approved("box")
        standing = await made.stands(ServerPhase.FAILED, name="box")
        assert standing.reason == "the server answered in gzip, which was not asked for"
        assert set(asked) == {"identity"}


async def test_nobody_there_is_said(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        made.supervisor.apply([_entry("http://127.0.0.1:9/mcp")])
        await made.approved("box")
        standing = await made.stands(ServerPhase.FAILED, name="box")
        assert standing.reason.startswith("it could not be reached")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://8.8.8.8/mcp", "reached over the internet"),
        ("ftp://127.0.0.1/", "no address of a server"),
        ("https:///mcp", "no address of a server"),
    ],
)
async def test_what_may_not_be_used_is_refused(url: str, problem: str) -> None:
    with pytest.raises(McpProblem, match=problem):
        await check_address(url)


@pytest.mark.parametrize(
    "url", ["https://box.example/mcp", "http://127.0.0.1:1/", "http://[::1]:1/", "http://10.1.2.3/"]
)
async def test_https_and_what_is_near_may_be_used(url: str) -> None:
    await check_address(url)


async def test_a_health_check_wants_2xx() -> None:
    async def health(request: web.Request) -> web.Response:
        return web.Response(status=204 if request.path == "/well" else 503)

    async with answering(health) as url:
        assert await probe_url(f"{url}/well", 5) is None
        assert await probe_url(f"{url}/ill", 5) == f"{url}/ill answered 503"
    assert "did not answer" in (await probe_url("http://127.0.0.1:9/", 5) or "")
    assert "internet" in (await probe_url("http://8.8.8.8/", 5) or "")


async def test_a_server_that_goes_away_is_noticed_and_tried_again(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        async with serving(adding().streamable_http_app()) as url:
            await made.connected(replace(_entry(f"{url}/mcp"), restart=True))
        made.time.pass_by(5.0)  # the stream of changes is opened anew, and fails

        standing = await made.stands(ServerPhase.RESTARTING, name="box")

        assert "could not be reached" in standing.reason
        assert standing.attempt == 1
        with pytest.raises(McpProblem, match="box is not connected"):
            await made.supervisor.call("box", "add", {"a": 2, "b": 3})


async def test_an_old_server_that_goes_away_is_noticed_by_the_next_call(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        async with answering(_old_server) as url:
            await made.connected(_entry(f"{url}/mcp"))
            assert made.status("box").protocol == "2025-11-25"
        with pytest.raises(McpProblem, match="box"):
            await made.supervisor.call("box", "add", {"a": 2, "b": 3})
        standing = await made.stands(ServerPhase.FAILED, name="box")
        assert "could not be reached" in standing.reason


async def _old_server(request: web.Request) -> web.Response:
    """A server of the older era without sessions."""
    if request.method != "POST":
        return web.Response(status=405)
    message = await request.json()
    results: dict[str, Any] = {
        "initialize": {
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "old", "version": "1"},
        },
        "tools/list": {"tools": [{"name": "add", "inputSchema": {"type": "object"}}]},
    }
    if "id" not in message:
        return web.Response(status=202)
    answer = {"jsonrpc": "2.0", "id": message["id"]}
    if message["method"] not in results:
        return web.json_response({**answer, "error": {"code": -32601, "message": "no such method"}})
    return web.json_response({**answer, "result": results[message["method"]]})
