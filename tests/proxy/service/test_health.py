"""How candidates stand for all requests together: breakers, pauses, keys and lines, end to end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from proxy.config import (
    Alias,
    BreakerPolicy,
    Candidate,
    Conditions,
    ProviderConfig,
    ProxyConfig,
    RetryPolicy,
    RouteRule,
    ServerConfig,
)
from proxy.events import BreakerChanged, RequestRouted
from proxy.messages.errors import ApiError, ClientError, ErrorType, UpstreamError
from proxy.messages.message import JsonObject
from proxy.server.limits import Limits
from proxy.service.health import MAX_KNOWN, Health, Rests
from tests.proxy.scripted import (
    BODY,
    HELLO,
    TOKEN,
    Announced,
    Reply,
    Running,
    ScriptedUpstream,
    provider,
    proxy_config,
    running,
)

DOWN = UpstreamError(ErrorType.API, "Nothing listens.", status=502)
LIMITED = UpstreamError(ErrorType.RATE_LIMIT, "slow down", retry_after_s=0.05)
POLICY = BreakerPolicy(failures=2, rest_s=60)
ONE = Candidate("one", "m")


class Clock:
    """A clock that goes when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def status_of(proxy: Running, **body: Any) -> int:
    async with proxy.post({**BODY, **body}) as response:
        await response.read()
        return int(response.status)


def made() -> tuple[Health, Clock, Announced]:
    clock, announced = Clock(), Announced()
    return Health(announced.take, clock, lambda: 0.0), clock, announced


async def fail(health: Health, error: ApiError = DOWN, of: ProviderConfig | None = None) -> None:
    with pytest.raises(ApiError), health.trying(ONE, of or provider("one"), POLICY):
        raise error


@pytest.mark.expects_log("candidate_failed")
async def test_a_candidate_that_keeps_failing_is_skipped_and_the_reason_says_so() -> None:
    config = replace(proxy_config("one", "two"), breaker=POLICY)
    upstreams = {"one": ScriptedUpstream([DOWN]), "two": ScriptedUpstream()}
    async with running(upstreams, config) as proxy:
        for _ in range(3):
            assert await status_of(proxy) == 200
        last = proxy.of(RequestRouted)[-1]
        assert len(upstreams["one"].asked) == 2
        assert (last.provider, last.reason) == (
            "two",
            "'big' is the alias big → two/model-of-two: candidate 2 of 2; skipped one: breaker open 60 s",
        )
        (announced,) = proxy.of(BreakerChanged)
        assert (announced.state, announced.reason) == ("open", "2 failures in a row")
        assert [each.provider for each in proxy.server.breakers()] == ["one"]
        resets = [("nobody", None), ("one", "x"), ("one", "model-of-one"), ("one", None)]
        assert [proxy.server.reset_breakers(*each) for each in resets] == [0, 0, 1, 0]
        assert proxy.server.breakers() == ()
        assert await status_of(proxy) == 200
    assert len(upstreams["one"].asked) == 3


async def test_a_pause_that_the_upstream_asked_for_is_kept_and_told_to_all() -> None:
    upstream = ScriptedUpstream([UpstreamError(ErrorType.RATE_LIMIT, "slow down", retry_after_s=60)])
    async with running({"one": upstream}) as proxy:
        assert await status_of(proxy) == 429
        async with proxy.post() as response:
            error = (await response.json())["error"]
    assert (response.status, response.headers["retry-after"], len(upstream.asked)) == (429, "60", 1)
    assert error["message"].startswith("one is left alone for ")
    assert error["message"].endswith(" more seconds (breaker open). It failed with: slow down")


async def test_an_only_candidate_that_rests_after_failures_is_probed_by_the_next_request() -> None:
    config = replace(proxy_config("one"), breaker=POLICY)
    upstream = ScriptedUpstream([DOWN])
    async with running({"one": upstream}, config) as proxy:
        assert [await status_of(proxy) for _ in range(3)] == [502, 502, 502]
    assert len(upstream.asked) == 3


@pytest.mark.expects_log("candidate_failed")
async def test_a_storm_of_limits_is_absorbed_by_one_pause_for_all() -> None:
    """The first answers limit the candidate; the others wait for it instead of hammering it."""
    upstream = ScriptedUpstream([LIMITED, Reply()])
    config = replace(
        proxy_config("one"), providers={"one": provider("one", max_concurrent=1)}, breaker=BreakerPolicy()
    )
    retry = RetryPolicy(tries=2, first_wait_s=0.01, longest_wait_s=2)
    async with running({"one": upstream}, config, retry=retry) as proxy:
        statuses = await asyncio.gather(*(status_of(proxy) for _ in range(20)))
        states = [each.state for each in proxy.of(BreakerChanged)]
    assert statuses == [200] * 20
    assert len(upstream.asked) == 21
    assert states == ["open", "half_open", "closed"]


class Crowded(ScriptedUpstream):
    """Lets four in at a time and refuses the others."""

    inside = 0

    async def open(self, path: str, payload: JsonObject, headers: Mapping[str, str]) -> Reply:
        if self.inside == 4:
            self.asked.append(payload)
            raise LIMITED
        self.inside += 1
        try:
            await asyncio.sleep(0.01)
            return await super().open(path, payload, headers)
        finally:
            self.inside -= 1


@pytest.mark.expects_log("candidate_failed")
async def test_a_storm_at_an_upstream_that_lets_some_in_is_let_back_in_steps_and_answered_whole() -> None:
    upstream = Crowded()
    retry = RetryPolicy(tries=2, first_wait_s=0.01, longest_wait_s=2)
    async with running({"one": upstream}, retry=retry) as proxy:
        statuses = await asyncio.gather(*(status_of(proxy) for _ in range(30)))
    assert statuses == [200] * 30
    assert len(upstream.asked) < 30 + 26 + 10  # those of the first rush, and a few when too many were let in


@pytest.mark.expects_log("breaker_changed")
async def test_a_slow_probe_keeps_nobody_waiting_once_the_upstream_has_answered_with_a_status() -> None:
    going_on = asyncio.Event()
    upstream = ScriptedUpstream([DOWN, DOWN, Reply((going_on, *HELLO)), Reply()])
    async with running({"one": upstream}, replace(proxy_config("one"), breaker=POLICY)) as proxy:
        assert [await status_of(proxy) for _ in range(2)] == [502, 502]
        probe = asyncio.ensure_future(status_of(proxy))
        while proxy.server.breakers():  # noqa: ASYNC110 - the closing is announced to listeners, not to tests
            await asyncio.sleep(0)
        assert await status_of(proxy) == 200
        assert not probe.done()
        going_on.set()
        assert await probe == 200


@pytest.mark.expects_log("candidate_failed", "key_rests")
async def test_the_next_key_is_taken_while_the_first_one_rests_and_costs_no_try() -> None:
    keyed = provider("one", key=SecretStr("first-key"), further_keys=(SecretStr("second-key"),))
    refused = UpstreamError(ErrorType.AUTHENTICATION, "first-key is wrong", should_retry=False)
    upstreams = {"first-key": ScriptedUpstream([refused]), "second-key": ScriptedUpstream()}
    config = ProxyConfig(
        ServerConfig(SecretStr(TOKEN), port=0), {"one": keyed}, (Alias("big", (), (Candidate("one", "m"),)),)
    )

    def make(called: ProviderConfig) -> ScriptedUpstream:
        assert called.key is not None
        return upstreams[called.key.get_secret_value()]

    async with running({}, config, make_upstream=make) as proxy:
        assert [await status_of(proxy) for _ in range(2)] == [200, 200]
        reasons = [event.reason for event in proxy.of(RequestRouted)]
        proxy.server.apply(replace(config, providers={"one": keyed}))
        assert await status_of(proxy) == 200
    assert (len(upstreams["first-key"].asked), len(upstreams["second-key"].asked)) == (1, 3)
    assert reasons[1].endswith("the only candidate (before: 401 authentication_error)")


@pytest.mark.expects_log("key_rests")
async def test_where_all_keys_are_limited_the_candidate_rests_until_the_first_is_back() -> None:
    health, clock, _ = made()
    keyed = provider("one", key=SecretStr("a"), further_keys=(SecretStr("b"),))
    assert not health.has_other_key(ONE, keyed)
    for seconds, has_other in ((30.0, True), (20.0, False)):
        await fail(health, UpstreamError(ErrorType.RATE_LIMIT, "x", retry_after_s=seconds), keyed)
        assert health.has_other_key(ONE, keyed) is has_other
    standing = health.standing(ONE, keyed)
    assert (standing.rest_s, standing.why) == (20.0, "all keys limited")
    with pytest.raises(Rests), health.trying(ONE, keyed, POLICY):
        pass
    clock.now = 20.0
    with health.trying(ONE, keyed, POLICY) as ticket:
        assert ticket.provider.key == SecretStr("b")


async def test_news_of_the_request_or_of_ourselves_say_nothing_of_the_candidate() -> None:
    health, clock, announced = made()
    for _ in range(2):
        await fail(health)
    clock.now = 60.0
    await fail(health, ClientError(ErrorType.INVALID_REQUEST, "this dialect cannot"))
    assert health.standing(ONE, provider("one")).rest_s == 0
    await fail(health, UpstreamError(ErrorType.INVALID_REQUEST, "bad tools"))
    assert [each.state for each in announced if isinstance(each, BreakerChanged)] == [
        "open", "half_open", "open", "half_open", "closed",
    ]  # fmt: skip


async def test_a_changed_provider_begins_anew() -> None:
    health, _, _ = made()
    for _ in range(2):
        await fail(health)
    assert health.standing(ONE, provider("one")).rest_s == 60
    assert health.standing(ONE, provider("one", base_url="http://127.0.0.1:10/v1")).rest_s == 0


async def test_who_waits_is_woken_when_a_standing_changes() -> None:
    health, _, _ = made()
    waiting = asyncio.ensure_future(health.wait(30))
    await asyncio.sleep(0)
    for _ in range(2):
        await fail(health)
    await asyncio.wait_for(waiting, 1)


async def test_candidates_nobody_uses_are_forgotten() -> None:
    health, _, _ = made()
    for number in range(MAX_KNOWN + 50):
        with health.trying(Candidate("one", f"m{number}"), provider("one"), POLICY) as ticket:
            ticket.answered()
            assert health.in_flight(Candidate("one", f"m{number}")) == 1
    kept: Any = health
    assert len(kept._known) == MAX_KNOWN


class SlowToOpen(ScriptedUpstream):
    """Takes ten times as long as a ping needs to say that it is there."""

    async def open(self, path: str, payload: JsonObject, headers: Mapping[str, str]) -> Reply:
        await asyncio.sleep(0.1)
        return await super().open(path, payload, headers)


@pytest.mark.expects_log("candidate_failed")
async def test_no_ping_is_sent_while_no_upstream_lives() -> None:
    dies = asyncio.Event()
    dying = ScriptedUpstream([Reply((dies, UpstreamError(ErrorType.API, "cut")))])
    limits = Limits(first_ping_s=0.01, next_ping_s=0.01)
    async with (
        running({"one": dying, "two": SlowToOpen()}, limits=limits) as proxy,
        proxy.post({**BODY, "stream": True}) as response,
    ):
        told = await response.content.readuntil(b"\n\n")
        dies.set()
        told += await response.content.read()
    assert told.startswith(b"event: ping")
    assert told.count(b"event: ping") <= 3
    assert b"Hel" in told


async def test_a_request_that_fits_a_rule_goes_to_its_alias() -> None:
    config = replace(
        proxy_config("one", "two"),
        routes=(
            RouteRule(Conditions(min_tokens=500), "small"),
            RouteRule(Conditions(request_class=("auxiliary",)), "small"),
        ),
    )
    upstreams: Mapping[str, ScriptedUpstream] = {"one": ScriptedUpstream(), "two": ScriptedUpstream()}
    async with running(upstreams, config) as proxy:
        await status_of(proxy)
        async with proxy.post(**{"x-claude-code-request-class": "auxiliary"}) as response:
            await response.read()
        await status_of(proxy, messages=[{"role": "user", "content": "many words " * 500}])
        routed = [(event.alias, event.reason.partition(" → ")[0]) for event in proxy.of(RequestRouted)]
    assert routed[0] == ("big", "'big' is the alias big")
    assert routed[1] == ("small", "rule 2 sends 'big' to small: the request class is auxiliary")
    assert routed[2][0] == "small"
    assert "tokens are at least 500" in routed[2][1]
