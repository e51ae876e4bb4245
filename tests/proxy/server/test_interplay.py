"""Where two things meet: places and bad requests, budgets and keys, pings and failures, bugs and streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast
from unittest.mock import AsyncMock, Mock

import pytest
from aiohttp.test_utils import make_mocked_request
from pydantic import SecretStr
from structlog.typing import EventDict

from proxy.config import Budgets, ListPrice, ProxyConfig, RetryPolicy
from proxy.messages import events
from proxy.messages.errors import ApiError, ErrorType, UpstreamError
from proxy.messages.events import StreamEvent
from proxy.messages.sse import encode_event
from proxy.server.limits import Limits
from proxy.server.sse_response import SseResponse
from tests.proxy.scripted import (
    BODY,
    HELLO,
    ONE_TRY,
    TOKEN,
    Reply,
    ScriptedUpstream,
    delta,
    provider,
    proxy_config,
    record,
    running,
)

NO_SCHEMA = {"format": {"type": "json_schema", "schema": {"type": "nonsense", "additionalProperties": False}}}


def _config(**more: Any) -> ProxyConfig:
    return replace(proxy_config("one"), providers=MappingProxyType({"one": provider("one", **more)}))


async def test_a_request_with_a_schema_that_is_none_gives_its_place_back() -> None:
    async with running({"one": ScriptedUpstream()}, _config(max_concurrent=1)) as proxy:
        for _ in range(2):
            async with proxy.post({**BODY, "output_config": NO_SCHEMA}) as response:
                assert response.status == 400
        async with proxy.post() as response:
            assert response.status == 200


@pytest.mark.expects_log("candidate_failed", "budget_reached")
async def test_a_budget_s_refusal_is_no_word_on_a_key_and_is_not_asked_for_again_and_again(
    log_events: list[EventDict],
) -> None:
    keys = {"key": SecretStr("k1"), "further_keys": (SecretStr("k2"),)}
    config = replace(_config(price=ListPrice(1000.0, 1.0), **keys), budgets=Budgets(day_micro_usd=5000))
    broken = Reply((delta(role="assistant", content=""), UpstreamError(ErrorType.API, "gone")))
    retry = RetryPolicy(tries=3, first_wait_s=0.01, total_s=3.0)
    async with (
        running({"one": ScriptedUpstream([broken, Reply()])}, config, retry=retry) as proxy,
        proxy.post() as response,
    ):
        await response.read()
    assert sum(each["event"] == "candidate_failed" for each in log_events) <= 3


class _Bug(asyncio.Event):
    async def wait(self) -> Any:
        raise RuntimeError("a bug in the middle of a stream")


@pytest.mark.expects_log("request_failed")
async def test_a_bug_in_mid_stream_ends_the_stream_with_an_error_and_begins_no_second_answer() -> None:
    async with running({"one": ScriptedUpstream([Reply((HELLO[0], _Bug()))])}) as proxy:
        body = json.dumps({**BODY, "stream": True}).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        head = (
            f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1:{proxy.port}\r\nx-api-key: {TOKEN}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        told = await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 5)
        writer.close()
    assert told.count(b"HTTP/1.1") == 1
    assert b"event: error" in told


async def test_more_places_let_those_go_on_who_wait() -> None:
    going = asyncio.Event()
    upstream = ScriptedUpstream([Reply((going, *HELLO)), Reply()])
    async with running({"one": upstream}, _config(max_concurrent=1)) as proxy:

        async def ask() -> int:
            async with proxy.post() as response:
                return response.status

        first = asyncio.ensure_future(ask())
        await upstream.is_asked.wait()
        second = asyncio.ensure_future(ask())
        for _ in range(200):  # it comes and stands in line
            await asyncio.sleep(0)
        assert proxy.server.active_requests == 2
        proxy.server.apply(replace(_config(max_concurrent=2), retry=ONE_TRY))
        assert await asyncio.wait_for(second, 5) == 200
        going.set()
        assert await first == 200


async def test_no_ping_follows_an_answer_that_failed_in_the_same_turn_of_the_loop() -> None:
    async def failing() -> AsyncGenerator[list[StreamEvent] | None, None]:
        yield []
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # by now the ping's task is made, and has not run
        raise ApiError(ErrorType.API, "gone")

    response = SseResponse(cast("Any", None), record(), Limits(first_ping_s=0.0))
    with pytest.raises(ApiError):
        await response.relay(failing())
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    assert not response.has_begun


async def test_no_ping_follows_the_end_of_an_answer_that_a_client_is_slow_to_take() -> None:
    sent: list[bytes] = []
    is_sending, takes_it = asyncio.Event(), asyncio.Event()

    async def write(data: bytes, **_more: Any) -> None:
        sent.append(bytes(data))
        is_sending.set()
        await takes_it.wait()

    async def answer() -> AsyncGenerator[list[StreamEvent] | None, None]:
        yield []
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # by now the ping's task is made, and has not run
        yield [events.message_stop()]

    writer = Mock(write=write, write_headers=AsyncMock(), write_eof=AsyncMock())
    request = make_mocked_request("POST", "/v1/messages", writer=writer)
    relaying = asyncio.ensure_future(SseResponse(request, record(), Limits(first_ping_s=0.0)).relay(answer()))
    await is_sending.wait()
    for _ in range(3):
        await asyncio.sleep(0)
    takes_it.set()
    await relaying
    assert [data for data in sent if b"event:" in data] == [encode_event(events.message_stop())]
