"""Budgets through a running proxy: refused here, overrun by at most one, settled with the real cost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

import anthropic
import pytest

from proxy.config import Budgets, ClientToken, LedgerPolicy, ListPrice, ProxyConfig, RetryPolicy
from proxy.events import RequestFinished, RequestRouted
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.service.storage import StorageConfig
from proxy.store.database import open_database
from proxy.store.ledger import LedgerStore
from proxy.store.ledger_values import AttemptRow, DayTotal, RequestRow
from tests.proxy.scripted import (
    BODY,
    DONE,
    HELLO,
    ONE_TRY,
    TOKEN,
    Reply,
    Running,
    ScriptedUpstream,
    delta,
    line,
    proxy_config,
    running,
)

NOW = 1_800_000_000.0
CI = "ci-" * 12
NO_BUDGETS = Budgets()
USAGE = line({"id": "c1", "choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 10}})
FREE_OF_PRICE = (delta(content="Hello"), delta("stop"), USAGE, DONE)
"""An answer whose upstream tells tokens and no cost."""
PAID = HELLO[-2]
"""The upstream's word that 0.25 dollars are due."""
PRICE = ListPrice(input_usd=1.0, output_usd=100.0)
"""64 tokens, as BODY asks for at most, cost 6,400 millionths; the answer above 1,000 + 1,000."""


def priced(budgets: Budgets = NO_BUDGETS, *names: str, **more: Any) -> ProxyConfig:
    config = proxy_config(*names)
    providers = {name: replace(each, price=PRICE) for name, each in config.providers.items()}
    return replace(config, providers=MappingProxyType(providers), budgets=budgets, **more)


FREE = ListPrice(input_usd=0.0, output_usd=0.0)


def with_free(config: ProxyConfig, *names: str) -> ProxyConfig:
    providers = {
        name: replace(each, price=FREE if name in names else each.price)
        for name, each in config.providers.items()
    }
    return replace(config, providers=MappingProxyType(providers))


def with_token(config: ProxyConfig, *aliases: str, budgets: Budgets = NO_BUDGETS) -> ProxyConfig:
    token = ClientToken("ci", sha256(CI.encode()).hexdigest(), budgets, aliases)
    return replace(config, server=replace(config.server, client_tokens=(token,)))


def with_alias_budget(config: ProxyConfig, name: str, budgets: Budgets) -> ProxyConfig:
    aliases = [replace(each, budgets=budgets) if each.name == name else each for each in config.aliases]
    return replace(config, aliases=tuple(aliases))


def of_tokens(*pieces: bytes) -> ScriptedUpstream:
    return ScriptedUpstream([Reply(pieces or FREE_OF_PRICE)])


async def asked(proxy: Running, body: Any = None, **headers: str) -> tuple[int, Any, Mapping[str, str]]:
    async with proxy.post(body, **headers) as response:
        return response.status, await response.json(), response.headers


async def rows_of(folder: Path) -> tuple[list[RequestRow], list[DayTotal], list[AttemptRow]]:
    """What a stopped proxy left on the disk; there must be no reservation."""
    database = await open_database(folder, NOW)
    ledger = LedgerStore(database)
    rows = await ledger.requests(100)
    attempts = [attempt for row in rows for attempt in await ledger.attempts(row.id)]
    assert await ledger.reservations() == []
    days = await ledger.days("2000")
    await database.close()
    return rows, days, attempts


@pytest.mark.expects_log("budget_reached")
async def test_a_used_up_budget_is_refused_here_and_never_asked_again() -> None:
    upstream = of_tokens()
    async with running({"one": upstream}, priced(Budgets(day_micro_usd=4_000))) as proxy:
        assert [(await asked(proxy))[0] for _ in range(2)] == [200, 200]
        status, body, headers = await asked(proxy)
    assert (status, body["error"]["type"]) == (429, "rate_limit_error")
    assert body["error"]["message"].startswith(
        "The daily budget for everything is used up: $0.0040 spent of $0.0040. It resets on "
    )
    assert headers["x-should-retry"] == "false"
    assert "retry-after" not in headers
    assert len(upstream.asked) == 2


async def test_the_real_sdk_gives_up_at_once() -> None:
    upstream = of_tokens()
    async with running({"one": upstream}, priced(Budgets(month_micro_usd=0))) as proxy:
        client = anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN, max_retries=5)
        with pytest.raises(anthropic.RateLimitError, match="monthly budget"):
            await client.messages.create(**BODY)
        await client.close()
    assert upstream.asked == []


async def test_of_twenty_requests_at_once_a_budget_is_overrun_by_at_most_one(home: Path) -> None:
    gate = asyncio.Event()
    upstream = ScriptedUpstream([Reply((delta(content="Hello"), gate, delta("stop"), USAGE, DONE))])
    limit = 20_000
    config = priced(Budgets(day_micro_usd=limit))
    storage, impatient = StorageConfig(home), replace(ONE_TRY, longest_wait_s=0.01)
    async with running({"one": upstream}, config, retry=impatient, storage=storage) as proxy:
        asking = [asyncio.ensure_future(asked(proxy)) for _ in range(20)]
        for answer in islice(asyncio.as_completed(asking, timeout=30), 16):
            status, body, headers = await answer
            assert status == 429
            assert "has no room beside the requests under way: $0.00 spent and" in body["error"]["message"]
            assert (headers["x-should-retry"], headers["retry-after"]) == ("true", "5")
        reserved = proxy.server.spending().budgets[0].reserved_micro_usd
        gate.set()
        answers = [(await each)[0] for each in asking]
    most_of_one = reserved // len(upstream.asked)
    assert 6_400 < most_of_one < 7_000
    assert limit <= reserved < limit + most_of_one
    assert answers.count(200) == len(upstream.asked) == 4
    rows, days, _ = await rows_of(home)
    assert len(rows) == 20
    assert sum(each.micro_usd for each in days) == 4 * 2_000


@pytest.mark.expects_log("budget_reached")
async def test_a_request_for_which_others_leave_no_room_waits_until_one_has_ended() -> None:
    gate = asyncio.Event()
    first, then = Reply((delta(content="Hello"), gate, delta("stop"), USAGE, DONE)), Reply(FREE_OF_PRICE)
    upstream = ScriptedUpstream([first, then])
    async with running({"one": upstream}, priced(Budgets(day_micro_usd=6_400))) as proxy:
        asking = [asyncio.ensure_future(asked(proxy)) for _ in range(3)]
        await upstream.is_asked.wait()
        assert proxy.server.spending().budgets[0].reserved_micro_usd > 6_400
        gate.set()
        assert [(await each)[0] for each in asking] == [200] * 3
    assert len(upstream.asked) == 3


async def test_a_budget_of_one_alias_or_token_leaves_the_others_alone() -> None:
    spent = Budgets(day_micro_usd=0)
    config = with_token(with_alias_budget(priced(), "big", spent), budgets=spent)
    async with running({"one": of_tokens()}, config) as proxy:
        small = {**BODY, "model": "small"}
        status, body, _ = await asked(proxy)
        assert (status, "of the alias big" in body["error"]["message"]) == (429, True)
        async with proxy.post(small) as response:
            assert response.status == 200
        async with proxy.post(small, **{"x-api-key": CI}) as response:
            assert response.status == 429
            assert "of the token ci" in (await response.json())["error"]["message"]


@pytest.mark.expects_log("budget_reached")
async def test_raising_the_budget_lets_requests_in_again() -> None:
    async with running({"one": of_tokens()}, priced(Budgets(day_micro_usd=1))) as proxy:
        assert [(await asked(proxy))[0] for _ in range(2)] == [200, 429]
        proxy.server.apply(priced(Budgets(day_micro_usd=10_000)))
        assert (await asked(proxy))[0] == 200


@pytest.mark.expects_log("budget_reached")
async def test_a_new_day_lets_requests_in_again() -> None:
    now = [NOW]
    config = priced(Budgets(day_micro_usd=1))
    async with running({"one": of_tokens()}, config, wall_clock=lambda: now[0]) as proxy:
        assert [(await asked(proxy))[0] for _ in range(2)] == [200, 429]
        now[0] += 86_400
        assert (await asked(proxy))[0] == 200
        assert proxy.server.spending().today.requests == 1
        assert proxy.server.spending().month.requests == 3


@pytest.mark.expects_log("budget_reached")
async def test_what_was_spent_counts_after_a_restart(home: Path) -> None:
    config = priced(Budgets(day_micro_usd=3_000))
    storage = StorageConfig(home)
    for expected in ([200, 200], [429, 429]):
        async with running({"one": of_tokens()}, config, storage=storage) as proxy:
            assert [(await asked(proxy))[0] for _ in range(2)] == expected


async def test_an_unknown_price_counts_as_the_highest_known_one() -> None:
    config = priced(Budgets(day_micro_usd=10**9), "one", "dear")
    providers = {
        "one": replace(config.providers["one"], price=None),
        "dear": replace(config.providers["dear"], price=ListPrice(30.0, 1_000.0)),
    }
    config = replace(config, providers=MappingProxyType(providers))
    async with running({"one": of_tokens(), "dear": of_tokens()}, config) as proxy:
        assert (await asked(proxy))[0] == 200
        today = proxy.server.spending().today
    assert today.micro_usd == today.unknown_micro_usd == 1000 * 30 + 10 * 1_000


@pytest.mark.expects_log("candidate_failed")
async def test_the_ledger_tells_who_asked_what_was_tried_and_what_it_cost(home: Path) -> None:
    overloaded = UpstreamError(ErrorType.OVERLOADED, "busy", should_retry=False)
    config = with_token(priced(Budgets(), "one", "two"))
    upstreams = {"one": ScriptedUpstream([overloaded]), "two": ScriptedUpstream([Reply(HELLO)])}
    async with running(upstreams, config, storage=StorageConfig(home)) as proxy:
        status, _, _ = await asked(proxy, **{"x-api-key": CI, "X-Claude-Code-Session-Id": "talk"})
        assert status == 200
    (row,), (day,), attempts = await rows_of(home)
    assert (row.token, row.conversation, row.model_asked, row.alias) == ("ci", "talk", "big", "big")
    assert (row.provider, row.model_used, row.status, row.outcome) == ("two", "model-of-two", 200, "ok")
    assert (row.input_tokens, row.output_tokens, row.stop_reason) == (11, 7, "end_turn")
    assert (row.cost_micro_usd, row.cost_source) == (250_000, "upstream")
    assert (day.token, day.alias, day.requests, day.micro_usd) == ("ci", "big", 1, 250_000)
    assert [(each.provider, each.outcome) for each in attempts][-1] == ("two", "ok")
    assert {each.outcome for each in attempts if each.provider == "one"} == {"overloaded_error"}


@pytest.mark.expects_log("candidate_failed")
async def test_tries_and_fallbacks_that_failed_are_paid_for_where_the_upstream_wants_money_for_them(
    home: Path,
) -> None:
    gone = UpstreamError(ErrorType.API, "gone")
    failing = ScriptedUpstream([Reply((PAID, gone))])  # 0.25 dollars, and no answer
    two_tries = RetryPolicy(tries=2, first_wait_s=0.001)
    config = priced(Budgets(day_micro_usd=10**9), "one", "two")
    upstreams = {"one": failing, "two": ScriptedUpstream([Reply((PAID, gone)), Reply(HELLO)])}
    async with running(upstreams, config, retry=two_tries, storage=StorageConfig(home)) as proxy:
        assert (await asked(proxy))[0] == 200
        spent = proxy.server.spending().budgets[0].spent_micro_usd
    (row,), _, attempts = await rows_of(home)
    assert [each.provider for each in attempts] == ["one", "two", "one", "two"]
    assert spent == row.cost_micro_usd == 4 * 250_000


async def test_an_answer_that_breaks_off_is_paid_for_by_an_estimate(home: Path) -> None:
    broken = Reply((delta(content="Hello " * 40), UpstreamError(ErrorType.API, "gone")))
    config = priced(Budgets(day_micro_usd=10**9))
    upstream = ScriptedUpstream([broken])
    async with (
        running({"one": upstream}, config, storage=StorageConfig(home)) as proxy,
        proxy.post({**BODY, "stream": True}) as response,
    ):
        assert b"event: error" in await response.read()
    (row,), _, _ = await rows_of(home)
    assert (row.cost_source, row.output_tokens, row.outcome) == ("estimate", 60, "error")
    assert row.cost_micro_usd == row.input_tokens + 60 * 100


@pytest.mark.parametrize(
    "said",
    [
        {"prompt_tokens": 10**25, "completion_tokens": 10},
        {"prompt_tokens": 1000, "completion_tokens": 10, "cost": 1e300},
        {"prompt_tokens": 1000, "completion_tokens": 10, "cost": -20},
    ],
    ids=["tokens", "cost", "refund"],
)
async def test_a_number_that_cannot_be_true_is_not_believed_and_takes_no_booking_with_it(
    said: dict[str, Any], home: Path
) -> None:
    absurd = (delta(content="Hello"), delta("stop"), line({"id": "c", "choices": [], "usage": said}), DONE)
    upstream = ScriptedUpstream([Reply(absurd), Reply(FREE_OF_PRICE)])
    config = priced(Budgets(day_micro_usd=10**9))
    async with running({"one": upstream}, config, storage=StorageConfig(home)) as proxy:
        assert [(await asked(proxy))[0] for _ in range(2)] == [200, 200]
    rows, (day,), _ = await rows_of(home)
    costs = [row.cost_micro_usd for row in rows]
    assert costs[0] == 2_000
    assert 0 < costs[1] <= 2_000
    assert day.micro_usd == sum(costs)


async def test_a_text_that_no_database_takes_loses_no_booking(home: Path) -> None:
    body = {**BODY, "metadata": {"user_id": json.dumps({"session_id": "\ud800\0"})}}
    async with (
        running({"one": of_tokens()}, priced(), storage=StorageConfig(home)) as proxy,
        proxy.post(body) as response,
    ):
        assert response.status == 200
    (row,), _, _ = await rows_of(home)
    assert row.conversation == "?\N{SYMBOL FOR NULL}"


async def test_a_reservation_beyond_all_bounds_is_kept_too(home: Path) -> None:
    config = priced(Budgets(day_micro_usd=10**9))
    async with (
        running({"one": of_tokens()}, config, storage=StorageConfig(home)) as proxy,
        proxy.post({**BODY, "max_tokens": 10**18}) as response,
    ):
        assert response.status == 200
    (row,), _, _ = await rows_of(home)
    assert row.cost_micro_usd == 2_000


async def test_a_client_that_leaves_leaves_no_reservation(home: Path) -> None:
    upstream = ScriptedUpstream([Reply((delta(content="Hel"), asyncio.Event()))])
    config = priced(Budgets(day_micro_usd=10**9))
    async with running({"one": upstream}, config, storage=StorageConfig(home)) as proxy:
        response = await proxy.post({**BODY, "stream": True})
        await response.content.readline()
        response.close()
        await proxy.events.until(RequestFinished)
        assert proxy.server.spending().budgets[0].reserved_micro_usd == 0
    (row,), _, _ = await rows_of(home)
    assert (row.outcome, row.status, row.cost_source) == ("cancelled", 499, "estimate")


async def test_counting_tokens_is_not_in_the_ledger_and_needs_no_budget(home: Path) -> None:
    config = priced(Budgets(day_micro_usd=0))
    async with (
        running({"one": of_tokens()}, config, storage=StorageConfig(home)) as proxy,
        proxy.post(path="/v1/messages/count_tokens") as response,
    ):
        assert response.status == 200
    assert await rows_of(home) == ([], [], [])


async def test_requests_beyond_what_the_settings_keep_are_dropped_and_their_cost_stays(home: Path) -> None:
    config = priced(ledger=LedgerPolicy(keep_rows=1))
    for _ in range(2):
        async with running({"one": of_tokens()}, config, storage=StorageConfig(home)) as proxy:
            assert (await asked(proxy))[0] == 200
    rows, (day,), _ = await rows_of(home)
    assert len(rows) == 1
    assert (day.requests, day.micro_usd) == (2, 4_000)


async def test_what_costs_nothing_passes_a_budget_of_nothing_and_reserves_nothing(home: Path) -> None:
    config = with_free(priced(Budgets(day_micro_usd=0)), "one")
    async with running({"one": of_tokens()}, config, storage=StorageConfig(home)) as proxy:
        assert (await asked(proxy))[0] == 200
        assert proxy.server.spending().budgets[0].reserved_micro_usd == 0
    (row,), _, _ = await rows_of(home)
    assert (row.cost_micro_usd, row.cost_source) == (0, "price list")


async def test_a_used_up_budget_skips_the_candidates_that_cost_and_says_so() -> None:
    config = with_free(priced(Budgets(day_micro_usd=0), "paid", "free"), "free")
    upstreams = {"paid": of_tokens(), "free": of_tokens()}
    async with running(upstreams, config) as proxy:
        assert (await asked(proxy))[0] == 200
        (routed,) = proxy.of(RequestRouted)
    assert (len(upstreams["paid"].asked), len(upstreams["free"].asked)) == (0, 1)
    assert "skipped paid/model-of-paid: the daily budget for everything is used up" in routed.reason
