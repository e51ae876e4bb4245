"""Whose turn it is: no request is refused for what other requests found, as long as one may ask."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from proxy.config import BreakerPolicy, Candidate, ProviderConfig, RetryPolicy
from proxy.events import ProxyEvent
from proxy.messages.errors import ApiError, ErrorType, UpstreamError
from proxy.messages.message import JsonObject
from proxy.routing.aliases import Route
from proxy.service.health import Health
from proxy.service.turns import Turns, preferring
from tests.proxy.scripted import Playing, Reply, ScriptedUpstream, record, running

ONLY = Candidate("one", "m")
PROVIDER = ProviderConfig("one", "openai-chat", "http://127.0.0.1:1/v1")
BREAKER = BreakerPolicy(failures=2, rest_s=60.0)
DOWN = UpstreamError(ErrorType.API, "Nothing listens.")


def ignore(_: ProxyEvent) -> None: ...


def turns(health: Health) -> Turns:
    policy = RetryPolicy(tries=1, longest_wait_s=5.0)
    return Turns(Route("big", "big", (ONLY,), "because"), lambda _: PROVIDER, policy, health, record())


async def fail(health: Health, error: ApiError = DOWN) -> None:
    with pytest.raises(UpstreamError), health.trying(ONLY, PROVIDER, BREAKER):
        raise error


@pytest.mark.expects_log("breaker_changed")
async def test_the_only_candidate_is_probed_by_the_next_request_however_long_it_should_rest() -> None:
    health = Health(ignore, lambda: 0.0, lambda: 0.0)
    for _ in range(BREAKER.failures):
        await fail(health)
    assert health.standing(ONLY, PROVIDER).rest_s == 60.0

    assert (await turns(health).next()).candidate == ONLY
    with health.trying(ONLY, PROVIDER, BREAKER) as ticket:
        ticket.answered()

    assert health.standing(ONLY, PROVIDER).rest_s == 0.0


@pytest.mark.expects_log("breaker_changed")
async def test_a_pause_that_the_only_candidate_asked_for_is_passed_on_to_the_client() -> None:
    health = Health(ignore, lambda: 0.0, lambda: 0.0)
    await fail(health, UpstreamError(ErrorType.RATE_LIMIT, "Slow down.", retry_after_s=30.0))

    with pytest.raises(UpstreamError) as told:
        await turns(health).next()

    assert (told.value.status, told.value.retry_after_s) == (429, 30.0)


class Gated(ScriptedUpstream):
    """Takes requests while its gate is open."""

    def __init__(self, *replies: Reply | UpstreamError) -> None:
        super().__init__([*replies])
        self.gate = asyncio.Event()
        self.gate.set()

    async def open(self, path: str, payload: JsonObject, headers: Mapping[str, str]) -> Playing:
        reply = await super().open(path, payload, headers)
        await self.gate.wait()
        return reply


@pytest.mark.expects_log("candidate_failed")
@pytest.mark.parametrize("leaves", [False, True])
async def test_who_waits_for_a_step_after_a_pause_looks_again_when_one_of_it_asks_no_more(
    *, leaves: bool
) -> None:
    limited = UpstreamError(ErrorType.RATE_LIMIT, "Slow down.", retry_after_s=0.01)
    upstream = Gated(limited, Reply())
    patient = RetryPolicy(tries=2, first_wait_s=0.01, longest_wait_s=5.0)
    async with running({"one": upstream}, retry=patient) as proxy:
        server: Any = proxy.server

        async def ask() -> None:
            async with proxy.post() as response:
                assert response.status == 200

        await ask()
        upstream.gate.clear()
        upstream.is_asked.clear()
        asking = asyncio.ensure_future(ask())
        await upstream.is_asked.wait()
        waiting = asyncio.ensure_future(server._health.wait(60.0))
        await asyncio.sleep(0)
        assert not waiting.done()
        if leaves:
            asking.cancel()
        else:
            upstream.gate.set()
        await asyncio.wait_for(waiting, 5)
        await asyncio.wait({asking}, timeout=5)


def test_who_has_answered_so_far_goes_first_whatever_its_weight() -> None:
    one, two = Candidate("one", "m", weight=1.0), Candidate("two", "m", weight=2.0)
    route = Route("big", "big", (one, two), "because")
    assert preferring(route, None) is route
    assert preferring(route, Candidate("gone", "m")) is route
    preferred = Candidate("two", "m")
    assert preferring(route, two).candidates == (preferred, one)
    assert preferring(route, preferred).candidates == (preferred, one)
