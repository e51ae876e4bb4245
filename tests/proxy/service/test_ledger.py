"""The ledger beside a disk that fails: a reservation that cannot be kept refuses, and nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, cast

import pytest

from proxy.config import Budgets, Candidate, RetryPolicy
from proxy.context import RequestContext
from proxy.events import BudgetReached, EventSink, ProxyEvent, RequestFinished, SpendingRead
from proxy.messages.errors import ClientError
from proxy.messages.request import MessagesRequest, parse_request
from proxy.routing.aliases import resolve
from proxy.service.booking import Booking, Use
from proxy.service.ledger import Ledger
from proxy.service.prices import Tokens
from proxy.service.record import Announcer, RequestRecord
from proxy.store.ledger import LedgerStore
from proxy.store.ledger_values import DayTotal, Entry, Reservation
from proxy.store.values import StoreError, StoreFailure
from tests.proxy.scripted import BODY, proxy_config

CONFIG = replace(
    proxy_config("one"), budgets=Budgets(day_micro_usd=10**9), retry=RetryPolicy(longest_wait_s=0.001)
)
REQUEST = parse_request(BODY)
ROUTE = resolve(CONFIG, "big")


class Disk:
    """Stands where `LedgerStore` stands."""

    def __init__(self) -> None:
        self.failure: StoreFailure | None = None
        self.reserved: list[Reservation] = []
        self.written: list[list[str]] = []
        """The ids of the requests in each transaction."""
        self.meanwhile: Callable[[], None] = lambda: None
        """Happens during each transaction."""

    async def settle_interrupted(self) -> list[Reservation]:
        return []

    async def days(self, since: str) -> list[DayTotal]:
        return [DayTotal("2026-11-21", "local", "big", requests=1, micro_usd=5)]

    async def write(self, reservations: Sequence[Reservation], entries: Sequence[Entry]) -> None:
        if self.failure is not None:
            raise StoreError(self.failure)
        self.meanwhile()
        self.reserved += reservations
        self.written.append([each.request.id for each in entries])

    async def prune(self, *_: object) -> int:
        return 0


def ledger_on(disk: Disk, emit: EventSink | None = None) -> Ledger:
    async def open_store() -> LedgerStore:
        return cast("LedgerStore", cast("Any", disk))

    return Ledger(
        CONFIG,
        price_of=lambda _provider, _model: None,
        wall_clock=lambda: 0.0,
        day_of=lambda _: date(2026, 11, 22),
        open_store=open_store,
        emit=emit,
    )


def record(request_id: str = "req_1") -> RequestRecord:
    return RequestRecord(RequestContext(request_id), Announcer(lambda _: None, float, float, 0), {})


async def ten(_request: MessagesRequest, _model: str) -> int:
    return 10


@pytest.mark.expects_log("ledger_not_written")
async def test_a_reservation_that_cannot_be_kept_refuses_the_request_and_frees_the_budget() -> None:
    disk = Disk()
    ledger = ledger_on(disk)
    disk.failure = StoreFailure.DISK_FULL
    with pytest.raises(StoreError):
        await ledger.reserve(record(), REQUEST, ROUTE, ten)
    assert ledger.spending().budgets[0].reserved_micro_usd == 0
    disk.failure = None
    await ledger.reserve(record("req_2"), REQUEST, ROUTE, ten)
    assert [each.request_id for each in disk.reserved] == ["req_2"]
    most = disk.reserved[0].micro_usd
    assert most == 10 * 15 + 64 * 75
    standing = ledger.spending().budgets[0]
    assert (standing.spent_micro_usd, standing.reserved_micro_usd) == (0, most)
    assert ledger.spending().month.micro_usd == 5
    await ledger.close()


async def test_room_that_becomes_free_goes_to_who_waits_for_it_and_not_to_who_comes_just_then() -> None:
    config = replace(CONFIG, budgets=Budgets(day_micro_usd=1000), retry=RetryPolicy(longest_wait_s=60.0))
    ledger = Ledger(config, price_of=lambda _provider, _model: None, wall_clock=lambda: 0.0)
    first = record()
    await ledger.reserve(first, REQUEST, ROUTE, ten)
    order: list[str] = []

    async def go(name: str) -> None:
        await ledger.reserve(record(name), REQUEST, ROUTE, ten)
        order.append(name)

    waiting = asyncio.ensure_future(go("waits"))
    for _ in range(5):
        await asyncio.sleep(0)
    coming = asyncio.ensure_future(go("comes"))
    ledger.settle(first)
    await asyncio.wait({waiting, coming}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    assert order == ["waits"]
    coming.cancel()
    await asyncio.wait({coming})


async def test_once_the_disk_was_read_it_is_told_that_the_accounts_are_whole() -> None:
    told: list[tuple[ProxyEvent, int]] = []
    ledger = ledger_on(Disk(), lambda event: told.append((event, ledger.spending().month.micro_usd)))
    assert ledger.spending().month.micro_usd == 0
    ledger.begin()
    await ledger.flush()
    assert told == [(SpendingRead(), 5)], "once, and what is asked then holds it"
    await ledger.close()


async def test_without_a_budget_nothing_is_reserved_or_counted() -> None:
    disk = Disk()
    ledger = ledger_on(disk)
    ledger.apply(replace(CONFIG, budgets=Budgets()))

    async def never(_request: MessagesRequest, _model: str) -> int:
        raise AssertionError

    await ledger.reserve(record(), REQUEST, ROUTE, never)
    assert disk.reserved == []
    await ledger.close()


MOST = 10 * 15 + 64 * 75
"""What one question costs at most."""


def answered(asking: RequestRecord, usd: float) -> None:
    """An upstream took what was asked and told its cost."""
    asking.taken(ROUTE.candidates[0], None)
    asking.told_cost(usd)


async def test_a_round_that_was_let_in_is_not_judged_again_when_its_try_begins() -> None:
    ledger = ledger_on(Disk())
    ledger.apply(replace(CONFIG, budgets=Budgets(day_micro_usd=1_000 + MOST + 10)))
    asking, larger = record(), parse_request({**BODY, "max_tokens": 128})
    await ledger.reserve(asking, REQUEST, ROUTE, ten)
    answered(asking, 0.001)
    ledger.settle(asking)
    await ledger.reserve(asking, REQUEST, ROUTE, ten)
    await ledger.reserve(record("req_2"), larger, ROUTE, ten)
    await ledger.reserve_again(asking, REQUEST, ROUTE, ROUTE.candidates[0])
    answered(asking, 0.001)
    with pytest.raises(ClientError, match="under way"):
        await ledger.reserve_again(asking, REQUEST, ROUTE, ROUTE.candidates[0])
    await ledger.close()


async def test_a_request_that_asks_again_reserves_what_it_has_cost_and_one_more_answer() -> None:
    disk = Disk()
    ledger = ledger_on(disk)
    asking = record()
    await ledger.reserve(asking, REQUEST, ROUTE, ten)
    answered(asking, 0.001)
    await ledger.reserve(asking, REQUEST, ROUTE, ten)
    assert [each.micro_usd for each in disk.reserved] == [MOST, 1_000 + MOST]
    assert ledger.spending().budgets[0].reserved_micro_usd == 1_000 + MOST
    await ledger.close()


async def test_a_request_that_wants_its_input_cached_for_an_hour_reserves_what_that_costs() -> None:
    disk = Disk()
    ledger = ledger_on(disk)
    for_an_hour = parse_request({**BODY, "cache_control": {"type": "ephemeral", "ttl": "1h"}})
    await ledger.reserve(record(), for_an_hour, ROUTE, ten)
    assert [each.micro_usd for each in disk.reserved] == [2 * 10 * 15 + 64 * 75]
    await ledger.close()


async def test_a_request_is_not_refused_for_what_it_has_reserved_itself() -> None:
    disk = Disk()
    ledger = ledger_on(disk)
    ledger.apply(replace(CONFIG, budgets=Budgets(day_micro_usd=MOST)))
    asking = record()
    for _ in range(3):
        await ledger.reserve(asking, REQUEST, ROUTE, ten)
        answered(asking, 0.000_1)
    with pytest.raises(ClientError, match="has no room") as other:
        await ledger.reserve(record("req_2"), REQUEST, ROUTE, ten)
    assert (other.value.should_retry, other.value.retry_after_s) == (True, 5.0)
    answered(asking, 1.0)
    with pytest.raises(ClientError, match="is used up") as itself:
        await ledger.reserve(asking, REQUEST, ROUTE, ten)
    assert (itself.value.should_retry, itself.value.retry_after_s) == (False, None)
    await ledger.close()


async def test_between_two_questions_only_what_was_used_counts_and_a_crash_costs_no_less() -> None:
    disk = Disk()
    ledger = ledger_on(disk)
    asking = record()
    await ledger.reserve(asking, REQUEST, ROUTE, ten)
    answered(asking, 0.001)
    ledger.settle(asking)
    assert ledger.spending().budgets[0].reserved_micro_usd == 1_000
    assert disk.reserved[-1].micro_usd == MOST
    await ledger.close()


async def test_another_candidate_is_reserved_for_beside_the_one_that_took_the_request() -> None:
    disk = Disk()
    ledger = ledger_on(disk)
    asking, candidate = record(), ROUTE.candidates[0]
    await ledger.reserve(asking, REQUEST, ROUTE, ten)
    await ledger.reserve_again(asking, REQUEST, ROUTE, candidate)
    assert [each.micro_usd for each in disk.reserved] == [MOST]
    answered(asking, 0.001)
    await ledger.reserve_again(asking, REQUEST, ROUTE, candidate)
    assert [each.micro_usd for each in disk.reserved] == [MOST, 1_000 + MOST]
    await ledger.close()


async def test_what_ends_while_others_are_written_waits_for_the_next_transaction() -> None:
    disk = Disk()
    ledger = ledger_on(disk)
    disk.meanwhile = lambda: ledger.book(costing(1.0, "req_late"))
    ledger.book(costing(1.0, "req_1"))
    ledger.book(costing(1.0, "req_2"))
    await ledger.flush()
    assert disk.written == [["req_1", "req_2"]]
    disk.meanwhile = lambda: None
    await ledger.flush()
    assert disk.written == [["req_1", "req_2"], ["req_late"]]
    await ledger.close()


def costing(usd: float, request_id: str = "req_1") -> Booking:
    finished = RequestFinished(
        request_id, 0.0, "ok", 200, 1.0, 0.1, "end_turn", None, None, 1, 1, 0, 0, usd, ()
    )
    return Booking(
        RequestContext(request_id), 0.0, "big", "big", None, (), finished,
        (Use(Candidate("one", "m"), Tokens(1, 1), usd, is_counted=True, input_guess=1, answer_chars=1),),
    )  # fmt: skip


@pytest.mark.expects_log("budget_reached")
def test_a_budget_tells_at_50_80_and_100_percent_how_much_of_it_is_used() -> None:
    told: list[ProxyEvent] = []
    ledger = Ledger(
        CONFIG,
        price_of=lambda _provider, _model: None,
        wall_clock=lambda: 0.0,
        day_of=lambda _: date(2026, 11, 22),
        emit=told.append,
    )
    for usd in (400.0, 200.0, 100.0, 150.0, 140.0, 60.0, 60.0):
        ledger.book(costing(usd))
    steps = [(600, 50), (850, 80), (1050, 100)]
    assert told == [BudgetReached("all", "", "day", at, spent * 10**6, 10**9) for spent, at in steps]
