"""Every way an upstream can fail, streamed and not, with and without another candidate to fall back on.

Each request ends in the right answer or the right error within its deadline, and leaves nothing behind: no
task, no connection, no place in a line, no breaker that waits for news, no reservation of a budget.
"""

from __future__ import annotations

import asyncio
import socket

import pytest

from proxy.events import RequestRouted
from tests.proxy.scripted import DONE, delta, line
from tests.proxy.service.faults import LIKE_THE_DEFAULTS, Fault, ask, before, both, faults_of, left
from tests.proxy.service.hostile import (
    CONTENT,
    ERROR,
    WELL,
    hanging,
    misbehaving,
    refusing,
    resetting,
    saying,
)

pytestmark = pytest.mark.expects_log("candidate_failed", "request_failed")

START = line({"id": "c1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
FAULTS = (
    *faults_of(START, CONTENT, delta(content="l"), ERROR, DONE),
    Fault("no choices", saying(line({"id": "c1", "choices": []}), DONE), 529, "overloaded_error"),
)

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=str)


@every_fault
@both
async def test_without_another_candidate_the_client_is_told_the_right_error(
    fault: Fault, stream: bool
) -> None:
    async with misbehaving(fault.behave) as hostile:
        async with before(hostile.url) as proxy:
            told = await ask(proxy, stream)
            await left(hostile)
        assert hostile.asked == fault.tries
    assert told.error is not None
    assert told.error["type"] == fault.type
    if fault.has_begun and stream:
        assert told.status == 200
        assert told.text.startswith("Hel")
    else:
        assert (told.status, told.retry_after) == (fault.status, fault.retry_after)


@every_fault
@both
async def test_another_candidate_answers_unless_content_came_or_the_request_is_wrong(
    fault: Fault, stream: bool
) -> None:
    async with misbehaving(fault.behave) as hostile, misbehaving(WELL) as good:
        async with before(hostile.url, good.url) as proxy:
            told = await ask(proxy, stream)
            await left(hostile)
            routed = [event.provider for event in proxy.of(RequestRouted)]
        assert hostile.asked == 1
        if fault.has_begun or fault.is_final:
            assert (told.error["type"], good.asked, routed) == (fault.type, 0, ["p0"])
        else:
            assert (told.status, told.text, good.asked, routed) == (200, "Hello", 1, ["p0", "p1"])


@pytest.mark.parametrize("fault", [each for each in FAULTS if each.takes_time], ids=str)
@both
async def test_another_candidate_answers_also_where_the_first_took_longer_than_all_tries_may(
    fault: Fault, stream: bool
) -> None:
    async with misbehaving(fault.behave) as hostile, misbehaving(WELL) as good:
        async with before(hostile.url, good.url, retry=LIKE_THE_DEFAULTS) as proxy:
            told = await ask(proxy, stream)
            await left(hostile)
        assert (told.status, told.text, hostile.asked, good.asked) == (200, "Hello", 1, 1)


def refused_url() -> str:
    """An address where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


@both
async def test_a_connection_that_is_refused_is_tried_again_and_told(stream: bool) -> None:
    async with before(refused_url()) as proxy:
        told = await ask(proxy, stream)
        assert len(proxy.of(RequestRouted)) == 2
    assert (told.status, told.error["type"]) == (502, "api_error")
    assert "Nothing listens" in told.error["message"]


@both
async def test_a_connection_that_is_refused_falls_back(stream: bool) -> None:
    async with misbehaving(WELL) as good, before(refused_url(), good.url) as proxy:
        told = await ask(proxy, stream)
    assert (told.status, told.text) == (200, "Hello")


@both
async def test_a_tls_handshake_that_hangs_is_told_and_falls_back(stream: bool) -> None:
    async with misbehaving(WELL) as good, misbehaving(hanging()) as silent:
        url = silent.url.replace("http:", "https:")
        async with before(url) as proxy:
            told = await ask(proxy, stream)
        assert (told.status, told.error["type"]) == (504, "timeout_error")
        async with before(url, good.url) as proxy:
            told = await ask(proxy, stream)
        assert (told.status, told.text) == (200, "Hello")


@both
async def test_an_upstream_that_recovers_answers_the_second_try(stream: bool) -> None:
    failures = [resetting(), refusing(503, "0")]

    async def recovering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (failures.pop() if len(failures) > 1 else WELL)(reader, writer)

    async with misbehaving(recovering) as hostile, before(hostile.url) as proxy:
        told = await ask(proxy, stream)
    assert (told.status, told.text, hostile.asked) == (200, "Hello", 2)
