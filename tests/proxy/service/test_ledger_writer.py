"""What cannot be written is lost alone, and whoever waits is told in every case."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from structlog.typing import EventDict

from proxy.service.disk_writer import MOST_WAITING
from proxy.service.ledger_writer import LedgerWriter
from proxy.store.ledger import LedgerStore
from proxy.store.ledger_values import Entry, Reservation
from proxy.store.values import StoreError, StoreFailure
from tests.proxy.places import Place
from tests.proxy.store.test_ledger import DAY, RESERVED, ROW

HUGE = 10**25
"""More than a column of a database holds."""


async def no_pruning(_store: object) -> None: ...


def entry(name: str, cost: int = 1) -> Entry:
    return Entry(DAY, ROW._replace(id=name, cost_micro_usd=cost))


@pytest.mark.expects_log("database_refused_a_value", "ledger_not_written", "bookings_lost")
async def test_a_booking_that_no_database_can_hold_takes_no_other_with_it(place: Place) -> None:
    database = await place.open()
    store = LedgerStore(database)

    async def open_store() -> LedgerStore:
        return store

    writer = LedgerWriter(open_store, no_pruning)
    for each in (entry("req_1"), entry("req_2", HUGE), entry("req_3")):
        writer.add(each)
    await asyncio.wait_for(writer.reserve(RESERVED._replace(request_id="req_4")), 5)
    with pytest.raises(StoreError):
        await asyncio.wait_for(writer.reserve(RESERVED._replace(micro_usd=HUGE)), 5)
    await writer.flush()
    assert [each.id for each in await store.requests(9)] == ["req_3", "req_1"]
    assert [each.request_id for each in await store.reservations()] == ["req_4"]
    assert [each.micro_usd for each in await store.days(DAY)] == [2]
    await writer.close()
    await database.close()


class Disk:
    """Stands where `LedgerStore` stands; fails as told, then works."""

    def __init__(self, *failures: Exception) -> None:
        self.failures: Sequence[Exception] = failures
        self.written: list[str] = []

    async def write(self, reservations: Sequence[Reservation], entries: Sequence[Entry]) -> None:
        if self.failures:
            failure, *self.failures = self.failures
            raise failure
        self.written += [each.request_id for each in reservations]
        self.written += [each.request.id for each in entries]

    async def open(self) -> LedgerStore:
        return cast("LedgerStore", cast("Any", self))


def lost(log_events: list[EventDict]) -> list[int]:
    """What the log says was lost, each time."""
    return [each["requests"] for each in log_events if each["event"] == "bookings_lost"]


@pytest.mark.expects_log("ledger_not_written")
@pytest.mark.parametrize("failure", [each for each in StoreFailure if each is not StoreFailure.UNFIT])
async def test_whatever_ails_the_disk_is_waited_for_and_nothing_is_lost(failure: StoreFailure) -> None:
    disk = Disk(*[StoreError(failure)] * 5)
    writer = LedgerWriter(disk.open, no_pruning)
    for name in ("req_1", "req_2", "req_3"):
        writer.add(entry(name))
    for _ in range(6):
        await writer.flush()
    assert disk.written == ["req_1", "req_2", "req_3"]
    await writer.close()


@pytest.mark.expects_log("ledger_not_written", "bookings_lost")
async def test_where_too_many_wait_the_oldest_are_lost_and_the_log_says_once_how_many(
    log_events: list[EventDict],
) -> None:
    going_on = asyncio.Event()
    disk = Disk(StoreError(StoreFailure.BUSY))

    async def open_store() -> LedgerStore:
        await going_on.wait()
        return await disk.open()

    writer = LedgerWriter(open_store, no_pruning)
    for number in range(MOST_WAITING):
        writer.add(entry(f"req_{number}"))
    await asyncio.sleep(0)  # the first of them are on their way
    for number in range(MOST_WAITING, MOST_WAITING + 3):
        writer.add(entry(f"req_{number}"))
    going_on.set()
    await writer.flush()
    assert lost(log_events) == [3]
    await writer.flush()
    assert disk.written == [f"req_{number}" for number in range(3, MOST_WAITING + 3)]
    await writer.close()
    assert lost(log_events) == [3]


@pytest.mark.expects_log("ledger_not_written", "bookings_lost")
async def test_what_cannot_be_written_before_the_end_is_told_as_lost(log_events: list[EventDict]) -> None:
    writer = LedgerWriter(Disk(StoreError(StoreFailure.BUSY)).open, no_pruning)
    writer.add(entry("req_1"))
    writer.add(entry("req_2"))
    await writer.flush()
    await writer.close()
    assert lost(log_events) == [2]


@pytest.mark.expects_log("task_failed", "bookings_lost")
async def test_what_an_error_of_our_own_takes_along_is_told_as_lost(log_events: list[EventDict]) -> None:
    disk = Disk(StoreError(StoreFailure.UNFIT), ZeroDivisionError())
    writer = LedgerWriter(disk.open, no_pruning)
    for name in ("req_1", "req_2"):
        writer.add(entry(name))
    await writer.flush()
    assert (disk.written, lost(log_events)) == ([], [2])
    await writer.close()


@pytest.mark.expects_log("task_failed")
async def test_an_error_of_our_own_refuses_who_waits_and_the_next_one_is_served() -> None:
    disk = Disk(ZeroDivisionError())
    writer = LedgerWriter(disk.open, no_pruning)
    with pytest.raises(StoreError):
        await asyncio.wait_for(writer.reserve(RESERVED), 5)
    await asyncio.wait_for(writer.reserve(RESERVED), 5)
    assert disk.written == ["req_1"]
    await writer.close()


@pytest.mark.expects_log("task_failed")
async def test_who_comes_while_a_write_fails_need_not_wait_for_a_third() -> None:
    late: list[asyncio.Future[None]] = []
    disk = Disk(ZeroDivisionError())

    async def open_store() -> LedgerStore:
        if not late:
            late.append(asyncio.ensure_future(writer.reserve(RESERVED._replace(request_id="req_2"))))
            await asyncio.sleep(0)
        return await disk.open()

    writer = LedgerWriter(open_store, no_pruning)
    with pytest.raises(StoreError):
        await asyncio.wait_for(writer.reserve(RESERVED), 5)
    await asyncio.wait_for(late[0], 5)
    assert disk.written == ["req_2"]
    await writer.close()


@pytest.mark.expects_log("ledger_not_written", "bookings_lost")
async def test_what_was_to_be_written_one_by_one_waits_where_the_disk_fails_meanwhile() -> None:
    unfit, full = StoreError(StoreFailure.UNFIT), StoreError(StoreFailure.DISK_FULL)
    disk = Disk(unfit, full)
    writer = LedgerWriter(disk.open, no_pruning)
    writer.add(entry("req_1"))
    writer.add(entry("req_2"))
    waiting = [asyncio.ensure_future(writer.reserve(RESERVED._replace(request_id=name))) for name in "ab"]
    for each in waiting:
        with pytest.raises(StoreError):
            await asyncio.wait_for(each, 5)
    assert disk.written == []
    disk.failures = [unfit, unfit, full]
    await writer.flush()
    assert disk.written == []
    await writer.flush()
    assert disk.written == ["req_2"]
    await writer.close()


@pytest.mark.expects_log("ledger_not_pruned")
async def test_what_was_written_is_not_written_again_where_only_the_pruning_failed() -> None:
    async def failing(_store: object) -> None:
        raise StoreError(StoreFailure.BUSY)

    disk = Disk()
    writer = LedgerWriter(disk.open, failing)
    writer.add(entry("req_1"))
    await writer.flush()
    await writer.flush()
    assert disk.written == ["req_1"]
    await writer.close()
