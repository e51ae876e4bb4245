"""The server as a whole: start, stop, changed settings, endpoints, pings, its own bugs."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

import anthropic
import pytest
from pydantic import SecretStr

from proxy.config import ProxyConfig, ServerConfig
from proxy.events import RequestFinished, RequestRefused, RequestStarted
from proxy.ids import new_id
from proxy.messages.message import JsonObject
from proxy.server.app import ProxyServer
from proxy.server.limits import Limits
from proxy.server.responses import SAFE_HEADERS
from tests.proxy.scripted import (
    BODY,
    DONE,
    HOST,
    TOKEN,
    Reply,
    ScriptedUpstream,
    delta,
    proxy_config,
    running,
)


def is_listening(port: int, family: socket.AddressFamily = socket.AF_INET) -> bool:
    with socket.socket(family) as probe:
        return probe.connect_ex(("127.0.0.1" if family == socket.AF_INET else "::1", port)) == 0


@pytest.mark.may_block
async def test_stop_closes_the_port_and_may_be_called_again() -> None:
    async with running() as proxy:
        assert is_listening(proxy.port)
        await proxy.server.stop()
        assert not is_listening(proxy.port)
        await proxy.server.stop()


@pytest.mark.may_block
async def test_it_listens_on_the_loopback_of_ipv6_too_where_there_is_one() -> None:
    async with running() as proxy:
        assert is_listening(proxy.port, socket.AF_INET6) == socket.has_dualstack_ipv6()


async def test_it_can_be_started_again_after_stop() -> None:
    async with running() as proxy:
        await proxy.server.stop()
        url = await proxy.server.start()
        async with proxy.http.get(url + "/health") as response:
            assert response.status == 200


async def test_a_port_in_use_is_the_systems_own_error() -> None:
    async with running() as proxy:
        other = ProxyServer(
            ProxyConfig(ServerConfig(SecretStr(TOKEN), port=proxy.port)),
            lambda _: None,
            host=HOST,
            limits=Limits(),
        )
        with pytest.raises(OSError, match=str(proxy.port)) as caught:
            await other.start()
        assert caught.value.errno == errno.EADDRINUSE
        await other.stop()


async def test_stop_lets_a_running_request_finish() -> None:
    gate = asyncio.Event()
    upstream = ScriptedUpstream([Reply((delta(content="Hel"), gate, delta("stop"), DONE))])
    async with running({"one": upstream}) as proxy:
        response = await proxy.post({**BODY, "stream": True})
        await response.content.readline()
        assert proxy.server.active_requests == 1
        stopping = asyncio.ensure_future(proxy.server.stop(drain_s=10))
        await asyncio.sleep(0)
        gate.set()
        assert b"message_stop" in await response.read()
        await stopping
        assert proxy.server.active_requests == 0
        assert upstream.is_closed


async def test_stop_ends_what_does_not_finish_in_time_and_its_client_is_told_to_ask_again() -> None:
    reply = Reply((delta(content="Hel"), asyncio.Event()))
    async with running({"one": ScriptedUpstream([reply])}) as proxy:
        response = await proxy.post({**BODY, "stream": True})
        await response.content.readline()
        await proxy.server.stop(drain_s=0)
        assert reply.is_closed.is_set()
        last = json.loads((await response.text()).rpartition("data: ")[2])
        assert (last["type"], last["error"]["type"]) == ("error", "overloaded_error")
        assert "stopped" in last["error"]["message"]
        (finished,) = proxy.of(RequestFinished)
        assert (finished.outcome, finished.status, finished.error_type) == ("error", 200, "overloaded_error")


async def test_stop_tells_whoever_has_no_byte_of_an_answer_with_a_status() -> None:
    for stream in (True, False):
        upstream = ScriptedUpstream([Reply((asyncio.Event(),))])
        async with running({"one": upstream}) as proxy:
            asking = asyncio.ensure_future(proxy.post({**BODY, "stream": stream}))
            await upstream.is_asked.wait()
            await proxy.server.stop(drain_s=0)
            async with await asking as response:
                assert (response.status, response.headers["x-should-retry"]) == (529, "true")
            (finished,) = proxy.of(RequestFinished)
            assert (finished.outcome, finished.status) == ("error", 529)


async def test_a_client_that_left_before_the_stop_ended_its_request_is_no_error() -> None:
    reply = Reply((delta(content="Hel"), asyncio.Event()))
    async with running({"one": ScriptedUpstream([reply])}) as proxy:
        response = await proxy.post({**BODY, "stream": True})
        await response.content.readline()
        response.close()
        await proxy.server.stop(drain_s=3600)
        assert [(each.outcome, each.status) for each in proxy.of(RequestFinished)] == [("cancelled", 499)]


async def test_a_stop_that_waits_is_cut_short_by_a_second_one_and_still_closes_everything() -> None:
    reply = Reply((delta(content="Hel"), asyncio.Event()))
    upstream = ScriptedUpstream([reply])
    async with running({"one": upstream}) as proxy:
        response = await proxy.post({**BODY, "stream": True})
        await response.content.readline()
        stopping = asyncio.ensure_future(proxy.server.stop(drain_s=3600))
        await asyncio.sleep(0)
        await proxy.server.stop(drain_s=0)
        await stopping
        assert reply.is_closed.is_set()
        assert b"overloaded_error" in await response.read()
        assert upstream.is_closed


async def test_a_changed_token_counts_from_the_next_request_on() -> None:
    config = proxy_config("one")
    async with running(config=config) as proxy:
        proxy.server.apply(replace(config, server=replace(config.server, token=SecretStr("n" * 32))))
        async with proxy.post() as response:
            assert response.status == 401
        async with proxy.post(**{"x-api-key": "n" * 32}) as response:
            assert response.status == 200


async def test_a_removed_provider_is_closed_when_its_last_request_ended() -> None:
    gate = asyncio.Event()
    old = ScriptedUpstream([Reply((delta(content="Hel"), gate, delta("stop"), DONE))])
    upstreams = {"one": old, "two": ScriptedUpstream()}
    async with running(upstreams, proxy_config("one")) as proxy:
        response = await proxy.post({**BODY, "stream": True})
        await response.content.readline()
        proxy.server.apply(proxy_config("two"))
        async with proxy.post() as second:
            assert second.status == 200
        assert upstreams["two"].asked
        assert not old.is_closed
        gate.set()
        await response.read()
    assert old.is_closed


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("HEAD", "/", 200),
        ("HEAD", "/api/hello", 200),
        ("GET", "/", 401),
        ("GET", "/x", 401),
    ],
)
async def test_only_the_health_checks_are_answered_without_the_token(
    method: str, path: str, status: int
) -> None:
    async with running() as proxy, proxy.http.request(method, proxy.url + path) as response:
        assert response.status == status
        text = await response.text()
        assert TOKEN not in text
        assert [event.status for event in proxy.of(RequestRefused)] == ([] if status == 200 else [status])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", BODY),
        ("/v1/messages", {**BODY, "stream": True}),
        ("/v1/messages", {}),
        ("/v1/nowhere", BODY),
    ],
)
async def test_every_answer_carries_the_safe_headers_and_a_request_id(path: str, body: JsonObject) -> None:
    async with running() as proxy, proxy.post(body, path) as response:
        await response.read()
        assert SAFE_HEADERS.items() <= dict(response.headers).items()
        assert response.headers["request-id"].startswith("req_")
        assert "Server" not in response.headers


async def test_a_request_that_is_not_understood_is_announced_as_refused() -> None:
    async with running() as proxy, proxy.post({**BODY, "max_tokens": "many"}) as response:
        told = await response.json()
        refused = proxy.of(RequestRefused)[0]
        assert (refused.status, refused.reason) == (400, told["error"]["message"])
        assert refused.request_id == told["request_id"]
        assert not proxy.of(RequestStarted)


@pytest.mark.expects_log("request_failed")
async def test_our_own_bug_is_a_500_that_tells_nothing() -> None:
    async with running({"other": ScriptedUpstream()}, proxy_config("one")) as proxy, proxy.post() as response:
        told = await response.json()
        assert response.status == 500
        assert told["error"]["type"] == "api_error"
        assert "KeyError" not in told["error"]["message"]
        assert proxy.of(RequestFinished)[0].outcome == "error"


async def test_silence_of_a_living_upstream_is_bridged_by_pings() -> None:
    gates = [asyncio.Event(), asyncio.Event()]
    comment = b": PROCESSING\n\n"
    reply = Reply((comment, gates[0], comment, gates[1], delta(content="Hello"), delta("stop"), DONE))
    limits = Limits(first_ping_s=0.02, next_ping_s=0.02)
    async with (
        running({"one": ScriptedUpstream([reply])}, limits=limits) as proxy,
        proxy.post({**BODY, "stream": True}) as response,
    ):
        assert response.status == 200
        for gate in gates:
            assert await response.content.readline() == b"event: ping\n"
            await response.content.readuntil(b"\n\n")
            gate.set()
        rest = await response.text()
    assert rest.count("event: message_start") == 1
    assert rest.endswith('event: message_stop\ndata: {"type":"message_stop"}\n\n')


async def test_after_a_ping_an_early_failure_is_told_inside_the_stream() -> None:
    gate = asyncio.Event()
    error = b'data: {"error": {"code": 429, "message": "slow down"}}\n\n'
    limits = Limits(first_ping_s=0.01, next_ping_s=1)
    async with (
        running({"one": ScriptedUpstream([Reply((gate, error))])}, limits=limits) as proxy,
        proxy.post({**BODY, "stream": True}) as response,
    ):
        await response.content.readuntil(b"\n\n")
        gate.set()
        rest = await response.text()
    assert rest.startswith("event: error\n")
    assert "message_start" not in rest
    assert proxy.of(RequestFinished)[0].error_message is not None


async def test_counting_tokens_takes_many_at_once_and_grows_with_the_text() -> None:
    async with running() as proxy, anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN) as client:

        async def count(text: str, **more: Any) -> int:
            turns: Any = [{"role": "user", "content": text}]
            return (await client.messages.count_tokens(model="big", messages=turns, **more)).input_tokens

        short, long, *many = await asyncio.gather(
            count("short"), count("long " * 400), *(count("x", tools=[]) for _ in range(24))
        )
    assert 0 < short < 20
    assert long > short + 300
    assert set(many) == {many[0]}


async def test_the_model_list_can_be_paged_and_each_row_retrieved() -> None:
    async with running() as proxy, anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN) as client:
        listed = [row.id async for row in client.models.list(limit=1)]
        assert listed == ["big", "claude-big", "small", "claude-small"]
        for name in (*listed, "claude-sonnet-4-6"):
            assert (await client.models.retrieve(name)).id == name
        with pytest.raises(anthropic.NotFoundError):
            await client.models.retrieve("nonexistent/model")


async def test_without_a_provider_the_demo_answers_and_says_so() -> None:
    config = ProxyConfig(ServerConfig(SecretStr(TOKEN), port=0))
    server = ProxyServer(config, lambda _: None, host=HOST, new_id=new_id)
    url = await server.start()
    async with anthropic.AsyncAnthropic(base_url=url, api_key=TOKEN) as client:
        create: Any = client.messages.create
        answer = await create(**BODY)
    await server.stop()
    assert "demo" in "".join(block.text for block in answer.content if block.type == "text")


class Endless:
    """A reply without an end, and how many bytes of it were taken."""

    status = 200
    headers: Mapping[str, str] = MappingProxyType({"content-type": "text/event-stream"})

    def __init__(self) -> None:
        self.taken = 0
        self._pulled = asyncio.Event()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        piece = delta(content="x" * 60_000)
        while True:
            self.taken += len(piece)
            self._pulled.set()
            yield piece

    async def aclose(self, *, is_whole: bool = False) -> None:
        pass

    async def until_held_back(self) -> None:
        """Returns when nothing was taken for a while: all buffers on the way are full."""
        while True:
            self._pulled.clear()
            try:
                await asyncio.wait_for(self._pulled.wait(), 0.5)
            except asyncio.TimeoutError:
                return


async def test_a_client_that_does_not_read_holds_the_upstream_back() -> None:
    reply = Endless()
    upstream = ScriptedUpstream([cast("Reply", reply)])
    async with running({"one": upstream}) as proxy:
        response = await proxy.post({**BODY, "stream": True})
        await asyncio.wait_for(reply.until_held_back(), 20)
        assert reply.taken < 32 * 2**20  # the system's own buffers on loopback take up to 10 MiB
        response.close()


async def test_a_flood_of_silent_connections_does_not_keep_a_client_out() -> None:
    limits = Limits(max_connections=50, stranger_grace_s=0)
    async with running(limits=limits) as proxy:
        flood = [await asyncio.open_connection("127.0.0.1", proxy.port) for _ in range(120)]
        async with proxy.post() as response:
            assert response.status == 200
        for _, writer in flood:
            writer.transport.abort()


async def stream_and_stop() -> bool:
    """Holds one streamed conversation and stops; returns whether both worked."""
    async with running() as proxy, proxy.post({**BODY, "stream": True}) as response:
        text = await response.text()
        await proxy.server.stop()
        return "message_stop" in text and proxy.server.active_requests == 0


@pytest.mark.qt_loop
async def test_it_runs_on_the_desktops_loop() -> None:
    assert await stream_and_stop()


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not made for Windows")
def test_it_runs_on_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")
    loop = uvloop.new_event_loop()
    try:
        assert loop.run_until_complete(stream_and_stop())
    finally:
        loop.close()


@pytest.mark.parametrize("body", [{**BODY, "max_tokens": 0}, {**BODY, "max_tokens": 0, "system": "x"}])
async def test_no_tokens_without_a_cache_to_fill_is_wrong(body: JsonObject) -> None:
    async with running() as proxy, proxy.post(body) as response:
        assert response.status == 400


async def test_no_tokens_with_a_cache_to_fill_is_answered_without_an_upstream() -> None:
    cached = [{"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}]
    upstream = ScriptedUpstream()
    async with running({"one": upstream}) as proxy:
        async with proxy.post({**BODY, "max_tokens": 0, "system": cached}) as response:
            told = await response.json()
        assert (response.status, told["content"], told["stop_reason"]) == (200, [], "max_tokens")
        async with proxy.post({**BODY, "max_tokens": 0, "system": cached, "stream": True}) as response:
            assert response.status == 400
    assert not upstream.asked
