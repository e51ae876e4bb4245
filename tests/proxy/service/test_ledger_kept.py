"""The ledger over a real database, each of both: what is reserved holds for all, and outlives a crash."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from proxy.config import Budgets
from proxy.messages.errors import ClientError
from proxy.routing.aliases import Route
from proxy.service.ledger import Ledger
from proxy.store.database import Database
from proxy.store.ledger import LedgerStore
from tests.proxy.places import Place, private_server
from tests.proxy.service.test_ledger import CONFIG, MOST, REQUEST, ROUTE, costing, record, ten

ROOT = Path(__file__).resolve().parents[3]


def ledger_on(database: Database, limit: int) -> Ledger:
    async def open_store() -> LedgerStore:
        return LedgerStore(database)

    return Ledger(
        replace(CONFIG, budgets=Budgets(day_micro_usd=limit)),
        price_of=lambda _provider, _model: None,
        wall_clock=lambda: 0.0,
        day_of=lambda _: date(2026, 11, 22),
        open_store=open_store,
    )


async def test_of_twenty_reservations_at_once_a_budget_is_overrun_by_at_most_one(place: Place) -> None:
    database = await place.open()
    limit = 4 * MOST - 1
    ledger = ledger_on(database, limit)
    asking = (ledger.reserve(record(f"req_{number}"), REQUEST, ROUTE, ten) for number in range(20))
    told = await asyncio.gather(*asking, return_exceptions=True)
    assert [isinstance(each, Route) for each in told].count(True) == 4
    assert [isinstance(each, ClientError) for each in told].count(True) == 16
    kept = await LedgerStore(database).reservations()
    assert [each.micro_usd for each in kept] == [MOST] * 4
    assert ledger.spending().budgets[0].reserved_micro_usd == 4 * MOST
    for each in kept:
        ledger.book(costing(0.001, each.request_id))
    await ledger.flush()
    assert await LedgerStore(database).reservations() == []
    assert [each.micro_usd for each in await LedgerStore(database).days("2026")] == [4_000]
    await ledger.close()
    await database.close()


def reserve_and_die(place: Place) -> None:
    command = [sys.executable, "-m", "tests.proxy.service.reserving_process", *place.arguments()]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = child.stdout.readline()
        child.kill()
    assert said == "reserved\n"


@pytest.mark.expects_log("reservations_counted_as_spent")
async def test_what_was_reserved_at_a_sudden_death_of_the_program_counts_as_spent(place: Place) -> None:
    await asyncio.to_thread(reserve_and_die, place)
    await is_spent(place)


@pytest.mark.expects_log("reservations_counted_as_spent")
async def test_what_was_reserved_at_a_sudden_death_of_the_database_counts_as_spent(
    home: Path, postgresql_programs: Path
) -> None:
    def die() -> None:
        server.crash()
        server.start()

    with private_server(postgresql_programs) as server:
        place = server.place(home)
        database = await place.open()
        ledger = ledger_on(database, 10**9)
        for name in ("req_1", "req_2", "req_3"):
            await ledger.reserve(record(name), REQUEST, ROUTE, ten)
        await asyncio.to_thread(die)
        await database.close()
        await is_spent(place)


async def is_spent(place: Place) -> None:
    """Three requests were cut off, and a budget of their size is used up."""
    database = await place.open()
    ledger = ledger_on(database, 3 * MOST)
    with pytest.raises(ClientError, match="is used up"):
        await ledger.reserve(record("req_9"), REQUEST, ROUTE, ten)
    rows = await LedgerStore(database).requests(9)
    assert [(each.outcome, each.cost_micro_usd) for each in rows] == [("interrupted", MOST)] * 3
    assert await LedgerStore(database).reservations() == []
    await ledger.close()
    await database.close()
