"""What the loop guard counts, and whom it never asks about."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import anthropic
import pytest

from proxy.config import ListPrice, RetryPolicy
from proxy.events import RequestFinished, RequestRouted
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.service.storage import StorageConfig
from tests.proxy.scripted import BODY, HELLO, TOKEN, Reply, ScriptedUpstream, delta, running
from tests.proxy.service.test_full_providers import in_line
from tests.proxy.service.test_loop_guard import ALLOW, STREAMED, answer, asked, guarded, seen, waiting

BROKEN = UpstreamError(ErrorType.OVERLOADED, "too busy")


async def test_a_request_whose_client_left_in_the_middle_of_its_answer_counts() -> None:
    held = Reply((delta(role="assistant", content="Hel"), asyncio.Event()))
    upstream = ScriptedUpstream([held, held, Reply()])
    async with running({"one": upstream}, guarded()) as proxy:
        for _ in range(2):
            async with proxy.post(STREAMED) as response:
                await response.content.readline()
            await seen(proxy, RequestFinished)
        third = asyncio.ensure_future(asked(proxy, STREAMED))
        answer(proxy, await waiting(proxy), ALLOW)
        assert (await third)[0] == 200


@pytest.mark.expects_log("candidate_failed")
@pytest.mark.parametrize("body", [BODY, STREAMED])
@pytest.mark.parametrize("place", ["in line", "before a silent upstream", "before another try"])
async def test_a_request_whose_client_left_before_an_answer_began_does_not_count(
    place: str, body: Any
) -> None:
    gate = asyncio.Event()
    silent = Reply((gate, *HELLO))
    upstream = ScriptedUpstream([BROKEN if place == "before another try" else silent])
    config = guarded(waits=False)
    config = replace(config, providers={"one": replace(config.providers["one"], max_concurrent=1)})
    patient = RetryPolicy(first_wait_s=5.0)
    async with running({"one": upstream}, config, retry=patient) as proxy:
        others: list[asyncio.Future[tuple[int, str]]] = []
        if place == "in line":
            others.append(asyncio.ensure_future(asked(proxy, {**BODY, "max_tokens": 65})))
            await upstream.is_asked.wait()
        for _ in range(2):
            upstream.is_asked.clear()
            leaving = asyncio.ensure_future(asked(proxy, body))
            await (in_line(proxy, 1) if place == "in line" else upstream.is_asked.wait())
            leaving.cancel()
            await seen(proxy, RequestFinished)
        gate.set()
        upstream.replies = [Reply()]
        await asyncio.gather(*others)
        assert (await asked(proxy, body))[0] == 200


@pytest.mark.parametrize(
    ("reply", "body", "status"),
    [
        (BROKEN, BODY, 529),
        (UpstreamError(ErrorType.RATE_LIMIT, "slowly"), STREAMED, 429),
        (
            Reply((delta(role="assistant", content="Hel"), UpstreamError(ErrorType.API, "gone"))),
            STREAMED,
            200,
        ),
        (Reply((delta(role="assistant", content="Hel"), UpstreamError(ErrorType.API, "gone"))), BODY, 500),
    ],
)
async def test_what_failed_may_be_tried_again_as_often_as_a_client_likes(
    reply: Reply | UpstreamError, body: Any, status: int
) -> None:
    config = guarded(waits=False)
    async with running({"one": ScriptedUpstream([reply])}, config) as proxy:
        for _ in range(4):  # the breaker opens after five
            assert (await asked(proxy, body))[0] == status


async def test_several_at_once_are_no_loop() -> None:
    gate = asyncio.Event()
    upstream = ScriptedUpstream([Reply((gate, *HELLO))])
    async with running({"one": upstream}, guarded(waits=False)) as proxy:
        together = [asyncio.ensure_future(asked(proxy)) for _ in range(8)]
        for _ in together:
            await seen(proxy, RequestRouted)
        gate.set()
        assert {(await each)[0] for each in together} == {200}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({**BODY, "max_tokens": 1}, "/v1/messages"),
        (BODY, "/v1/messages/count_tokens"),
    ],
)
async def test_probes_and_counts_never_ask(body: Any, path: str) -> None:
    async with running(config=guarded(waits=False)) as proxy:
        assert {(await asked(proxy, body, path))[0] for _ in range(6)} == {200}


async def test_requests_that_differ_never_ask() -> None:
    async with running(config=guarded(waits=False)) as proxy:
        bodies = [{**BODY, "messages": [{"role": "user", "content": str(each)}]} for each in range(8)]
        assert {(await asked(proxy, body))[0] for body in bodies} == {200}


async def test_what_costs_nothing_never_asks() -> None:
    config = guarded(waits=False)
    free = {name: replace(each, price=ListPrice(0, 0)) for name, each in config.providers.items()}
    async with running(config=replace(config, providers=MappingProxyType(free))) as proxy:
        assert {(await asked(proxy))[0] for _ in range(6)} == {200}


async def test_switched_off_nothing_asks() -> None:
    async with running(config=replace(guarded(waits=False), loop_guard=None)) as proxy:
        assert {(await asked(proxy))[0] for _ in range(6)} == {200}


async def test_a_batchs_own_requests_never_ask(home: Path) -> None:
    config, storage = guarded(waits=False), StorageConfig(home / "store")
    async with (
        running(config=config, storage=storage) as proxy,
        anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN, max_retries=0) as client,
    ):
        for _ in range(3):
            made = await client.messages.batches.create(
                requests=[{"custom_id": name, "params": BODY} for name in "ab"]  # pyright: ignore[reportArgumentType] - as JSON
            )
            while (batch := await client.messages.batches.retrieve(made.id)).processing_status != "ended":
                pass
            assert batch.request_counts.succeeded == 2
