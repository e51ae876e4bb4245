"""What is remembered of candidates, for how long, and what settings that change make of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from proxy.config import Candidate, ProviderConfig
from proxy.events import BreakerChanged
from proxy.messages.errors import ApiError, ClientError, ErrorType, UpstreamError
from proxy.service.health import MAX_KNOWN, Health
from tests.proxy.scripted import provider
from tests.proxy.service.test_health import DOWN, ONE, POLICY, fail, made

MANY = tuple(f"m{number}" for number in range(MAX_KNOWN + 50))


async def use(health: Health, *models: str) -> None:
    for model in models:
        with health.trying(Candidate("one", model), provider("one"), POLICY) as ticket:
            ticket.let_in()
            ticket.answered()


async def test_a_changed_provider_begins_anew() -> None:
    health, _, _ = made()
    for _ in range(2):
        await fail(health)
    assert health.standing(ONE, provider("one")).rest_s == 60
    assert health.standing(ONE, provider("one", base_url="http://127.0.0.1:10/v1")).rest_s == 0


@pytest.mark.parametrize(
    "providers", [{}, {"one": provider("one", key=SecretStr("new"))}], ids=["gone", "changed"]
)
async def test_settings_without_a_provider_as_it_was_close_its_breakers_at_once(
    providers: Mapping[str, ProviderConfig],
) -> None:
    health, _, announced = made()
    with health.trying(ONE, provider("one"), POLICY) as late:
        for _ in range(2):
            await fail(health)
        health.apply({"one": provider("one")})
        assert len(health.breakers()) == 1
        waiting = asyncio.ensure_future(health.wait(30))
        await asyncio.sleep(0)
        health.apply(providers)
        await asyncio.wait_for(waiting, 1)
        late.failed(UpstreamError(ErrorType.RATE_LIMIT, "x", retry_after_s=60.0))
    assert health.breakers() == ()
    assert [each.state for each in announced if isinstance(each, BreakerChanged)] == ["open", "closed"]


@pytest.mark.expects_log("key_rests")
async def test_a_refused_key_that_is_given_again_is_tried_again() -> None:
    health, _, _ = made()
    keyed = provider("one", key=SecretStr("a"), further_keys=(SecretStr("b"),))
    await fail(health, UpstreamError(ErrorType.AUTHENTICATION, "no"), keyed)
    health.apply({"one": keyed})
    with health.trying(ONE, keyed, POLICY) as ticket:
        assert ticket.provider.key == SecretStr("b")
    health.apply({})
    health.apply({"one": keyed})
    with health.trying(ONE, keyed, POLICY) as ticket:
        assert ticket.provider.key == SecretStr("a")


async def test_a_request_with_earlier_settings_leaves_no_breaker_behind() -> None:
    health, _, announced = made()
    for _ in range(2):
        await fail(health)
    changed = provider("one", key=SecretStr("new"))
    with health.trying(ONE, changed, POLICY) as ticket:
        ticket.answered()
    assert [each.state for each in announced if isinstance(each, BreakerChanged)] == ["open", "closed"]


@pytest.mark.expects_log("breaker_changed", "key_rests")
async def test_a_request_with_earlier_settings_takes_nothing_away_from_those_in_force() -> None:
    health, _, announced = made()
    earlier = provider("one", key=SecretStr("a"), further_keys=(SecretStr("b"),))
    now = replace(earlier, key=SecretStr("new"))
    health.apply({"one": now})
    for _ in range(2):
        await fail(health, of=now)
    with health.trying(ONE, earlier, POLICY) as ticket:
        ticket.failed(UpstreamError(ErrorType.AUTHENTICATION, "no"))
    with health.trying(ONE, earlier, POLICY) as ticket:
        ticket.answered()
    assert health.standing(ONE, now).rest_s == 60
    assert [each.state for each in announced if isinstance(each, BreakerChanged)] == ["open"]
    health.reset("one", None)
    with health.trying(ONE, now, POLICY) as ticket:
        assert ticket.provider.key == SecretStr("new")


async def test_candidates_nobody_uses_are_forgotten() -> None:
    health, _, _ = made()
    for number in range(MAX_KNOWN + 50):
        with health.trying(Candidate("one", f"m{number}"), provider("one"), POLICY) as ticket:
            ticket.answered()
            assert health.in_flight(Candidate("one", f"m{number}")) == 1
    kept: Any = health
    assert len(kept._known) == MAX_KNOWN


@pytest.mark.expects_log("breaker_changed")
async def test_many_that_rested_at_once_are_forgotten_together_once_they_rest_no_more() -> None:
    health, clock, _ = made()
    for number in range(MAX_KNOWN + 50):
        with health.trying(Candidate("one", f"m{number}"), provider("one"), POLICY) as ticket:
            ticket.failed(UpstreamError(ErrorType.RATE_LIMIT, "x", retry_after_s=60.0))
    kept: Any = health
    assert len(kept._known) == MAX_KNOWN + 50
    clock.now = 61.0
    await use(health, "one more")
    assert len(kept._known) == MAX_KNOWN


async def test_an_outage_is_not_forgotten_for_candidates_that_came_later() -> None:
    health, clock, announced = made()
    for _ in range(2):
        await fail(health)
    await use(health, *MANY)
    assert health.standing(ONE, provider("one")).rest_s == 60
    clock.now = 60.0
    await use(health, "one more")
    assert health.breakers() == ()
    assert [each.state for each in announced if isinstance(each, BreakerChanged)] == ["open", "closed"]


@pytest.mark.expects_log("key_rests")
async def test_limited_keys_are_not_forgotten_for_candidates_that_came_later() -> None:
    health, clock, _ = made()
    keyed = provider("one", key=SecretStr("a"), further_keys=(SecretStr("b"),))
    for _ in range(2):
        await fail(health, UpstreamError(ErrorType.RATE_LIMIT, "x", retry_after_s=60.0), keyed)
    await use(health, *MANY)
    assert health.standing(ONE, keyed).why == "all keys limited"
    clock.now = 60.0
    await use(health, "one more")
    assert health.standing(ONE, keyed).error is None


async def test_the_candidate_that_was_not_used_for_longest_is_forgotten_first() -> None:
    health, clock, _ = made()
    for clock.now, model in enumerate(("in use", *MANY[: MAX_KNOWN - 1])):
        await use(health, model)
    await use(health, "in use", "one more")
    assert [health.served(Candidate("one", model)) for model in ("in use", *MANY[:2])] == [2, 0, 1]


@pytest.mark.parametrize(
    "of_one",
    [
        ClientError(ErrorType.INVALID_REQUEST, "this dialect cannot carry what client A wrote"),
        UpstreamError(ErrorType.INVALID_REQUEST, "messages.3: what client A wrote"),
    ],
)
async def test_what_one_request_was_refused_for_is_not_told_to_another(of_one: ApiError) -> None:
    health, _, _ = made()
    for error in (DOWN, DOWN, of_one):
        health.hasten(ONE, provider("one"))
        await fail(health, error)
    assert health.standing(ONE, provider("one")).error is DOWN
