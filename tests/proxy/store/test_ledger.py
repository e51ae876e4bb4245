"""The ledger on the disk: rows, day totals, reservations, retention, and the way there from version 1."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from proxy.config import LedgerPolicy
from proxy.context import LOCAL_TOKEN
from proxy.store import migrations
from proxy.store.batches import BatchStore
from proxy.store.database import Database, open_database
from proxy.store.decisions_schema import DECISIONS
from proxy.store.ledger import LedgerStore, inserting
from proxy.store.ledger_schema import ATTEMPTS as ATTEMPTS_TABLE
from proxy.store.ledger_schema import REQUESTS, TABLES
from proxy.store.ledger_values import AttemptRow, DayTotal, Entry, RequestRow, Reservation
from proxy.store.schema import META, VERSION
from tests.proxy.places import Place
from tests.proxy.store.older import make_version_3

NOW = 1_800_000_000.0
DAY = "2026-11-22"
ROW = RequestRow(
    id="req_1",
    started_us=5,
    client="claude-cli/2",
    token="ci",
    conversation="c",
    path="/v1/messages",
    model_asked="big",
    alias="big",
    provider="one",
    model_used="m",
    outcome="ok",
    status=200,
    stop_reason="end_turn",
    error_type=None,
    input_tokens=10,
    output_tokens=20,
    cache_read_tokens=30,
    cache_write_tokens=40,
    cost_micro_usd=700,
    cost_source="upstream",
    first_token_ms=12,
    total_ms=34,
)
ATTEMPTS = (
    AttemptRow("req_1", 1, "one", "m", "first", "overloaded_error", 3),
    AttemptRow("req_1", 2, "two", "n", "second", "ok", 31),
)
RESERVED = Reservation("req_1", DAY, "ci", "big", 9_000, 5, "claude-cli/2", "big")


async def test_a_reservation_that_is_written_again_takes_the_place_of_the_first(place: Place) -> None:
    database = await place.open()
    ledger = LedgerStore(database)
    larger = RESERVED._replace(micro_usd=18_000)
    await ledger.write([RESERVED], [])
    await ledger.write([larger], [])
    assert await ledger.reservations() == [larger]
    await database.close()


async def test_a_request_its_attempts_and_its_day_are_kept(place: Place) -> None:
    database = await place.open()
    ledger = LedgerStore(database)
    await ledger.write([RESERVED], [])
    assert await ledger.reservations() == [RESERVED]
    await ledger.write([], [Entry(DAY, ROW, ATTEMPTS)])
    assert await ledger.reservations() == []
    assert await ledger.requests(9) == [ROW]
    assert await ledger.attempts("req_1") == list(ATTEMPTS)
    assert await ledger.days(DAY) == [DayTotal(DAY, "ci", "big", 1, 10, 20, 30, 40, 700)]
    await database.close()


async def test_more_requests_than_one_statement_holds_are_all_written_field_by_field(place: Place) -> None:
    database = await place.open()
    ledger = LedgerStore(database)
    rows = [ROW._replace(id=f"req_{number}", started_us=number) for number in range(1_000)]
    await ledger.write(
        [], [Entry(DAY, row, tuple(each._replace(request_id=row.id) for each in ATTEMPTS)) for row in rows]
    )
    assert await ledger.requests(2_000) == rows[::-1]
    last = [each._replace(request_id="req_999") for each in ATTEMPTS]
    assert await ledger.attempts("req_999") == last
    assert [each.requests for each in await ledger.days(DAY)] == [1_000]
    await database.close()


async def test_a_day_is_the_sum_of_its_requests_by_token_and_alias_with_what_is_unsure_apart(
    place: Place,
) -> None:
    database = await place.open()
    ledger = LedgerStore(database)
    guessed = ROW._replace(id="req_2", cost_source="estimate", cost_micro_usd=5)
    unknown = ROW._replace(id="req_3", cost_source="unknown", cost_micro_usd=11)
    bare = ROW._replace(id="req_4", alias=None)
    await ledger.write([], [Entry(DAY, ROW), Entry(DAY, guessed)])
    await ledger.write([], [Entry(DAY, unknown), Entry(DAY, bare), Entry("2026-11-21", ROW._replace(id="5"))])
    assert await ledger.days(DAY) == [
        DayTotal(DAY, "ci", None, 1, 10, 20, 30, 40, 700),
        DayTotal(DAY, "ci", "big", 3, 30, 60, 90, 120, 716, 5, 11),
    ]
    await database.close()


async def test_a_reservation_that_a_start_finds_becomes_the_cost_once(place: Place) -> None:
    database = await place.open()
    await LedgerStore(database).write([RESERVED], [])
    await database.close()
    database = await place.open()
    ledger = LedgerStore(database)
    assert await ledger.settle_interrupted() == [RESERVED]
    assert await ledger.settle_interrupted() == []
    assert await ledger.reservations() == []
    (total,) = await ledger.days(DAY)
    assert (total.requests, total.micro_usd, total.estimated_micro_usd) == (1, 9_000, 9_000)
    (row,) = await ledger.requests(9)
    assert (row.id, row.outcome, row.cost_micro_usd, row.cost_source) == (
        "req_1",
        "interrupted",
        9_000,
        "estimate",
    )
    await database.close()


async def test_old_requests_and_those_beyond_the_number_go_and_days_stay(place: Place) -> None:
    database = await place.open()
    ledger = LedgerStore(database)
    us = 10**6 * 86_400
    rows = [ROW._replace(id=f"req_{age}", started_us=us * (1000 - age)) for age in range(9, -1, -1)]
    await ledger.write([], [Entry(DAY, each, (ATTEMPTS[0]._replace(request_id=each.id),)) for each in rows])
    await ledger.write([], [Entry("2025-01-01", ROW._replace(id="ancient", started_us=us * 1000))])
    today = date.fromisoformat(DAY)
    assert await ledger.prune(LedgerPolicy(keep_days=7, keep_rows=4), today, us * 1000) == 7
    assert [each.id for each in await ledger.requests(99)] == ["ancient", "req_0", "req_1", "req_2"]
    assert await ledger.attempts("req_9") == []
    assert len(await ledger.attempts("req_0")) == 1
    assert [(each.day, each.requests) for each in await ledger.days("2000")] == [(DAY, 10)]
    await database.close()


async def test_every_statement_is_one_that_postgresql_reads_too(home: Path) -> None:
    said: list[Any] = []

    def note(_connection: Connection, statement: Any, *_: Any) -> None:
        said.append(statement)

    database = await open_database(home, NOW)
    ledger = LedgerStore(database)
    event.listen(Engine, "before_execute", note)
    try:
        await ledger.write([RESERVED], [])
        await ledger.settle_interrupted()
        await ledger.write([RESERVED], [Entry(DAY, ROW._replace(id="req_2"), ())])
        await ledger.write([], [Entry(DAY, ROW._replace(id="req_3"), ())])
        await ledger.days(DAY)
        await ledger.requests(9)
        await ledger.attempts("req_1")
        await ledger.reservations()
        await ledger.prune(LedgerPolicy(keep_rows=1), date.fromisoformat(DAY), 10**18)
    finally:
        event.remove(Engine, "before_execute", note)
    await database.close()
    dialect: Any = postgresql.dialect(paramstyle="format")
    texts = [str(each.compile(dialect=dialect)) for each in said if not isinstance(each, str)]
    texts += [str(CreateTable(table).compile(dialect=dialect)) for table in TABLES]
    kinds = {text.split()[0] for text in texts}
    assert kinds == {"INSERT", "SELECT", "UPDATE", "DELETE", "CREATE"}
    assert not [text for text in texts if re.search(r"\bOR (REPLACE|IGNORE|ABORT)\b|\?", text)]
    names = AttemptRow._fields
    values = ", ".join(["%s"] * len(names))
    assert inserting(ATTEMPTS_TABLE, names, 2, dialect) == (
        f"INSERT INTO attempts ({', '.join(names)}) VALUES ({values}), ({values})"
    )
    assert "RETURNING" not in inserting(REQUESTS, RequestRow._fields, 1, dialect)


def make_version_1(connection: Connection) -> None:
    """Turns a new database into what version 1 made."""
    make_version_3(connection)
    for table in (*reversed(TABLES), DECISIONS):
        table.drop(connection)
    connection.execute(text("ALTER TABLE batches DROP COLUMN token"))
    connection.execute(META.update().where(META.c.key == "version").values(value="1"))
    connection.execute(
        text(
            "INSERT INTO batches (id, total, remaining, created_us, expires_us, succeeded, errored, "
            "canceled, expired, client, headers) VALUES ('msgbatch_old', 1, 1, 1, 2, 0, 0, 0, 0, 'x', '{}')"
        )
    )


async def tables_of(database: Database) -> dict[str, set[tuple[str, str, bool]]]:
    def work(connection: Connection) -> dict[str, set[tuple[str, str, bool]]]:
        found = inspect(connection)
        return {
            name: {(each["name"], str(each["type"]), each["nullable"]) for each in found.get_columns(name)}
            | {(str(each["name"]), "index", True) for each in found.get_indexes(name)}
            for name in found.get_table_names()
        }

    return await database.run(work)


async def test_a_database_of_version_1_becomes_what_a_new_one_is_and_keeps_its_batches(
    place: Place, home: Path
) -> None:
    database = await place.open()
    new = await tables_of(database)
    await database.run(make_version_1)
    await database.close()
    database = await place.open()
    assert await database.run(migrations.version_of) == VERSION
    assert await tables_of(database) == new
    batch = await BatchStore(database).get("msgbatch_old")
    assert batch is not None
    assert batch.token == LOCAL_TOKEN
    ledger = LedgerStore(database)
    await ledger.write([RESERVED], [Entry(DAY, ROW, ATTEMPTS)])
    assert await ledger.requests(9) == [ROW]
    await database.close()
    assert place.name != "sqlite" or (home / "signalbox.db.version-1").exists()
