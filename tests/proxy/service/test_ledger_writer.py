"""What cannot be written is lost alone, and whoever waits is told in every case."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

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


@pytest.mark.expects_log("database_refused_a_value", "ledger_not_written")
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


@pytest.mark.expects_log("ledger_not_written")
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
