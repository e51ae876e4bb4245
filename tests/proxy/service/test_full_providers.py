"""What becomes of requests where a provider has no free place: the next candidate, else a turn in line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proxy.config import BreakerPolicy, Candidate, ProxyConfig, RetryPolicy
from proxy.events import RequestFinished, RequestRouted
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.routing.aliases import Route
from proxy.routing.progress import Try
from proxy.service.health import Health
from proxy.service.turns import Turns
from tests.proxy.scripted import (
    HELLO,
    Announced,
    Reply,
    Running,
    ScriptedUpstream,
    provider,
    proxy_config,
    record,
    running,
)

ONE, TWO = Candidate("one", "m"), Candidate("two", "m")
PROVIDERS = {name: provider(name, max_concurrent=1) for name in ("one", "two")}


def narrow(*names: str, **fields: Any) -> ProxyConfig:
    """Providers with one place each."""
    providers = {name: provider(name, max_concurrent=1, **fields) for name in names}
    return replace(proxy_config(*names), providers=providers)


async def asked(proxy: Running, conversation: str = "me") -> str:
    """Asks, and returns who answered."""
    async with proxy.post(**{"x-claude-code-session-id": conversation}) as response:
        return str((await response.json())["model"]) if response.status == 200 else str(response.status)


async def in_line(proxy: Running, count: int) -> None:
    """Waits until so many stand in the first provider's line."""
    server: Any = proxy.server
    await until(lambda: server._health._lines["one"].waiting >= count)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - what is waited for announces nothing
        await asyncio.sleep(0)


async def test_a_full_candidate_gives_way_to_the_next_free_one() -> None:
    going_on = asyncio.Event()
    upstreams = {"one": ScriptedUpstream([Reply((going_on, *HELLO))]), "two": ScriptedUpstream()}
    async with running(upstreams, narrow("one", "two")) as proxy:
        first = asyncio.ensure_future(asked(proxy))
        await upstreams["one"].is_asked.wait()
        await asked(proxy)
        last = proxy.of(RequestRouted)[-1]
        assert (last.provider, len(upstreams["one"].asked)) == ("two", 1)
        assert last.reason.endswith("candidate 2 of 2; skipped one: all its places are taken")
        going_on.set()
        await first


async def test_where_all_are_full_the_first_free_place_at_any_of_them_is_taken() -> None:
    gates = {"one": asyncio.Event(), "two": asyncio.Event()}
    upstreams = {name: ScriptedUpstream([Reply((gate, *HELLO)), Reply()]) for name, gate in gates.items()}
    async with running(upstreams, narrow("one", "two")) as proxy:
        first = asyncio.ensure_future(asked(proxy))
        await upstreams["one"].is_asked.wait()
        second = asyncio.ensure_future(asked(proxy))
        await upstreams["two"].is_asked.wait()
        third = asyncio.ensure_future(asked(proxy))
        await in_line(proxy, 1)
        gates["two"].set()
        await asyncio.gather(second, third)
        last = proxy.of(RequestRouted)[-1]
        assert (last.provider, len(upstreams["one"].asked)) == ("two", 1)
        assert "; waited 0." in last.reason
        gates["one"].set()
        await first


async def test_who_waited_in_vain_and_who_left_meanwhile_leave_an_attempt_that_says_so() -> None:
    going_on = asyncio.Event()
    upstream = ScriptedUpstream([Reply((going_on, *HELLO)), Reply()])
    async with running({"one": upstream}, narrow("one", first_byte_timeout_s=0.2)) as proxy:
        first = asyncio.ensure_future(asked(proxy))
        await upstream.is_asked.wait()
        assert await asked(proxy) == "529"
        refused = proxy.of(RequestRouted)[-1]
        assert "not asked: waited 0.2 s in line" in refused.reason
        leaving = asyncio.ensure_future(asked(proxy))
        await in_line(proxy, 1)
        leaving.cancel()
        await until(lambda: len(proxy.of(RequestFinished)) == 2)
        assert proxy.of(RequestFinished)[-1].outcome == "cancelled"
        assert "waited 0." in proxy.of(RequestRouted)[-1].reason
        going_on.set()
        await first
        assert await asked(proxy) == "big"
    assert len(upstream.asked) == 2


async def test_a_full_provider_lets_the_others_wait_and_says_so_when_they_waited_too_long() -> None:
    going_on = asyncio.Event()
    upstream = ScriptedUpstream([Reply((going_on, *HELLO)), Reply()])
    async with running({"one": upstream}, narrow("one", first_byte_timeout_s=0.05)) as proxy:
        first = asyncio.ensure_future(asked(proxy))
        await upstream.is_asked.wait()
        async with proxy.post() as response:
            error = (await response.json())["error"]
        assert response.status == 529
        assert "one is busy: 1 requests are under way" in error["message"]
        going_on.set()
        assert await first == "big"
        assert await asked(proxy) == "big"


async def test_a_conversation_waits_for_one_request_of_another_and_not_for_all_of_them() -> None:
    gates = [asyncio.Event() for _ in range(4)]
    upstream = ScriptedUpstream([Reply((gate, *HELLO)) for gate in gates])
    order: list[str] = []

    async def go(proxy: Running, conversation: str) -> None:
        await asked(proxy, conversation)
        order.append(conversation)

    async with running({"one": upstream}, narrow("one")) as proxy:
        many = [asyncio.ensure_future(go(proxy, "many"))]
        await upstream.is_asked.wait()
        for count in (1, 2):
            many.append(asyncio.ensure_future(go(proxy, "many")))
            await in_line(proxy, count)
        one = asyncio.ensure_future(go(proxy, "one"))
        await in_line(proxy, 3)
        for gate in gates:
            gate.set()
        await asyncio.gather(*many, one)
    assert order == ["many", "many", "one", "many"]


def turns_of(health: Health, *candidates: Candidate, token: str = "me", conversation: str = "") -> Turns:
    policy = RetryPolicy(tries=2, longest_wait_s=5.0, total_s=5.0)
    route = Route("big", "big", candidates, "because")
    told = record()
    told.context = replace(told.context, token_name=token, conversation_id=conversation)
    return Turns(route, lambda each: PROVIDERS[each.provider], policy, health, told)


async def test_a_token_waits_for_one_request_of_another_however_many_conversations_that_one_has() -> None:
    health = Health(Announced().take, lambda: 0.0, lambda: 0.0)
    now = turns_of(health, ONE)
    await now.next()
    order: list[Turns] = []

    async def go(turns: Turns) -> None:
        await turns.next()
        order.append(turns)
        turns.leave()

    many = [turns_of(health, ONE, token="many", conversation=name) for name in "abc"]
    one = turns_of(health, ONE, token="one", conversation="a")
    waiting = [asyncio.ensure_future(go(each)) for each in (*many, one)]
    await until(lambda: health.line(PROVIDERS["one"]).waiting == 4)
    now.leave()
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    assert order == [many[0], one, *many[1:]]


async def one_behind_another() -> tuple[Health, Turns, asyncio.Future[Any]]:
    """Who has the provider's only place, and who waits for it."""
    health = Health(Announced().take, lambda: 0.0, lambda: 0.0)
    first, second = turns_of(health, ONE), turns_of(health, ONE)
    await first.next()
    waiting = asyncio.ensure_future(second.next())
    await asyncio.sleep(0)
    return health, first, waiting


def limited(health: Health, retry_after_s: float) -> None:
    """The provider says that it had too many requests."""
    with pytest.raises(UpstreamError), health.trying(ONE, PROVIDERS["one"], BreakerPolicy()):
        raise UpstreamError(ErrorType.RATE_LIMIT, "slow down", retry_after_s=retry_after_s)


@pytest.mark.expects_log("breaker_changed")
async def test_a_place_whose_candidate_began_to_rest_meanwhile_goes_to_the_next_in_line() -> None:
    health, first, waiting = await one_behind_another()
    limited(health, 60.0)
    first.leave()
    with pytest.raises(UpstreamError, match="left alone for 60 more seconds"):
        await waiting
    line = health.line(PROVIDERS["one"])
    assert (line.busy, line.waiting) == (0, 0)


@pytest.mark.expects_log("breaker_changed")
async def test_who_leaves_while_the_candidate_rests_leaves_the_line_too() -> None:
    health, first, waiting = await one_behind_another()
    limited(health, 3.0)
    for _ in range(5):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    first.leave()
    line = health.line(PROVIDERS["one"])
    assert (line.busy, line.waiting) == (0, 0)


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def rested_in_vain(clock: Clock) -> tuple[Health, asyncio.Future[Try]]:
    """Who got a place after 290 s, when its candidate had begun to rest, and waits again 6 s later."""
    health = Health(Announced().take, clock, lambda: 0.0)
    line = health.line(PROVIDERS["one"])
    line.take()
    patient = RetryPolicy(tries=2, longest_wait_s=5.0, total_s=1000.0)
    turns = Turns(
        Route("big", "big", (ONE,), "because"), lambda _: PROVIDERS["one"], patient, health, record()
    )
    waiting = asyncio.ensure_future(turns.next())
    await until(lambda: line.waiting == 1)
    clock.now = 290.0
    limited(health, 5.0)
    line.leave()
    await until(lambda: line.busy == 0)
    line.take()
    clock.now = 296.0
    health.apply(PROVIDERS)
    await until(lambda: line.waiting == 1)
    return health, waiting


@pytest.mark.expects_log("breaker_changed")
async def test_what_was_waited_for_a_place_that_could_not_be_used_still_counts() -> None:
    clock = Clock()
    health, waiting = await rested_in_vain(clock)
    clock.now = 300.0
    health.line(PROVIDERS["one"]).leave()
    assert (await waiting).reason.endswith("; waited 294.0 s in line")


@pytest.mark.expects_log("breaker_changed")
async def test_a_place_that_could_not_be_used_gives_no_new_patience() -> None:
    clock = Clock()
    health, waiting = await rested_in_vain(clock)
    clock.now = 306.0
    health.reset("another", None)  # has whoever waits look at the clock
    with pytest.raises(UpstreamError, match="none of them ended within 300 seconds"):
        await asyncio.wait_for(waiting, 5)


@pytest.mark.expects_log("breaker_changed")
async def test_a_place_that_could_not_be_used_costs_no_position_in_the_other_lines() -> None:
    health = Health(Announced().take, lambda: 0.0, lambda: 0.0)
    ahead = [turns_of(health, ONE), turns_of(health, TWO)]
    for each in ahead:
        await each.next()
    behind = [turns_of(health, ONE, TWO), turns_of(health, TWO)]
    waiting: list[asyncio.Future[Try]] = []
    for count, each in enumerate(behind, 1):
        waiting.append(asyncio.ensure_future(each.next()))
        await until(lambda count=count: health.line(PROVIDERS["two"]).waiting == count)
    limited(health, 60.0)
    ahead[0].leave()
    await until(lambda: health.line(PROVIDERS["one"]).busy == 0)
    ahead[1].leave()
    first, _ = await asyncio.wait(waiting, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    assert first == {waiting[0]}
    behind[0].leave()
    await waiting[1]
    behind[1].leave()
    lines = [health.line(each) for each in PROVIDERS.values()]
    assert [(each.busy, each.waiting) for each in lines] == [(0, 0), (0, 0)]


async def test_a_place_in_one_line_is_given_back_where_another_candidate_is_tried() -> None:
    health = Health(Announced().take, lambda: 0.0, lambda: 0.0)
    ahead = [turns_of(health, ONE), turns_of(health, TWO)]
    for each in ahead:
        await each.next()
    behind = turns_of(health, ONE, TWO)
    waiting = asyncio.ensure_future(behind.next())
    await asyncio.sleep(0)
    for each in reversed(ahead):
        each.leave()
    assert (await waiting).candidate == ONE  # the first in the order, and free again
    behind.leave()
    assert [health.line(each).busy for each in PROVIDERS.values()] == [0, 0]


@pytest.mark.parametrize("is_known", [True, False])
def test_a_request_with_earlier_settings_does_not_change_the_number_of_places_back(is_known: bool) -> None:
    health = Health(Announced().take, lambda: 0.0, lambda: 0.0)
    before, now = provider("one", max_concurrent=32), provider("one", max_concurrent=1)
    if is_known:
        assert health.line(before).places == 32
    health.apply({"one": now})
    assert health.line(before).places == 1


def test_those_in_a_providers_line_count_as_much_as_those_it_answers() -> None:
    async def counted() -> int:
        health = Health(Announced().take, lambda: 0.0, lambda: 0.0)
        await turns_of(health, ONE).next()
        waiting = asyncio.ensure_future(turns_of(health, ONE).next())
        await asyncio.sleep(0)
        before = health.in_flight(ONE)
        waiting.cancel()
        return before

    assert asyncio.run(counted()) == 1
