"""The one schema on both databases: what the other tests of the store do not put into it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, inspect, text

from proxy.context import Owner
from proxy.store import migrations
from proxy.store.batches import BatchStore
from proxy.store.database import Database
from proxy.store.decisions import DecisionStore
from proxy.store.files import FileStore
from proxy.store.folder import PrivateFolder
from proxy.store.ledger import LedgerStore
from proxy.store.ledger_schema import REQUESTS
from proxy.store.ledger_values import Entry
from proxy.store.schema import VERSION
from proxy.store.values import Batch, NewRequest, StoredFile, StoreError, StoreFailure
from tests.proxy.places import Place
from tests.proxy.store.test_decisions import WHOLE
from tests.proxy.store.test_ledger import ATTEMPTS, DAY, ROW

WIDE = 2**40
"""More than 32 bits hold."""


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Database]:
    opened = await place.open()
    yield opened
    await opened.close()


async def test_amounts_tokens_and_times_may_need_more_than_32_bits(database: Database) -> None:
    ledger = LedgerStore(database)
    row = ROW._replace(
        input_tokens=WIDE, output_tokens=WIDE, cache_read_tokens=WIDE, cache_write_tokens=WIDE,
        cost_micro_usd=WIDE, started_us=WIDE, first_token_ms=WIDE, total_ms=WIDE,
    )  # fmt: skip
    attempt = ATTEMPTS[0]._replace(duration_ms=WIDE)
    await ledger.write([], [Entry(DAY, row, (attempt,)), Entry(DAY, row._replace(id="req_2"))])
    assert await ledger.requests(2) == [row._replace(id="req_2"), row]
    assert await ledger.attempts("req_1") == [attempt]
    (day,) = await ledger.days(DAY)
    assert (day.input_tokens, day.micro_usd) == (2 * WIDE, 2 * WIDE)


async def test_rows_are_counted_beyond_32_bits(database: Database) -> None:
    ledger = LedgerStore(database)
    first = insert(REQUESTS).values(number=WIDE, **ROW._asdict())
    await database.run(lambda connection: connection.execute(first))
    assert await ledger.requests(1) == [ROW]


async def test_a_program_of_windows_may_end_with_32_bits_without_a_sign(database: Database) -> None:
    store, crashed = DecisionStore(database), replace(WHOLE, exit_code=0xC0000005)
    await store.append([crashed])
    assert await store.latest() == [crashed]


@pytest.mark.expects_log("database_refused_a_value")
@pytest.mark.parametrize("unfit", [{"cost_micro_usd": 10**25}, {"model_asked": "\ud800"}])
async def test_a_value_that_no_column_holds_is_told_from_a_database_that_fails(
    database: Database, unfit: dict[str, object]
) -> None:
    ledger = LedgerStore(database)
    with pytest.raises(StoreError) as caught:
        await ledger.write([], [Entry(DAY, ROW), Entry(DAY, ROW._replace(id="req_2", **unfit))])
    assert caught.value.failure is StoreFailure.UNFIT
    assert await ledger.requests(9) == []
    await ledger.write([], [Entry(DAY, ROW)])
    assert await ledger.requests(9) == [ROW]


@pytest.mark.expects_log("database_failed")
async def test_of_a_batch_two_requests_cannot_have_one_name(database: Database) -> None:
    store = BatchStore(database)
    with pytest.raises(StoreError):
        await store.create(Batch("msgbatch_1", 2, 1, 2), [NewRequest("a", 0, 1), NewRequest("a", 1, 1)])
    assert await store.ids(unfinished=False) == set()


@pytest.fixture
def folder(home: Path) -> PrivateFolder:
    made = PrivateFolder(home / "files")
    made.prepare()
    return made


async def test_files_are_added_found_in_pages_and_removed(database: Database, folder: PrivateFolder) -> None:
    store = FileStore(database, folder)
    files: list[StoredFile] = []
    for number in range(1, 6):
        draft = await folder.draft()
        await draft.write(b"x" * number)
        await draft.finish()
        file = StoredFile(f"file_{number}", "\u00fc.txt", "text/plain", number, WIDE, WIDE + number)
        await store.add(draft, file)
        files.append(replace(file, number=number))
    assert await store.get("file_2") == files[1]
    assert await store.page(Owner(), 2) == ([files[4], files[3]], True)
    assert await store.page(Owner(), 2, after=4) == ([files[2], files[1]], True)
    assert await store.page(Owner(), 9, before=3) == ([files[4], files[3]], False)
    assert await store.chosen(Owner(), ["file_1", "file_3", "file_9"]) == [files[2], files[0]]
    await store.drop_expired(WIDE + 1)
    assert await folder.read("file_1") is None
    assert [await store.remove("file_2"), await store.remove("file_2")] == [True, False]
    assert await store.ids() == {"file_1", "file_3", "file_4", "file_5"}


def add_color_and_fail(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE files ADD COLUMN color TEXT"))
    raise LookupError


async def test_a_migration_that_fails_half_way_leaves_the_old_schema(place: Place) -> None:
    await (await place.open()).close()
    with pytest.raises(LookupError):
        await place.open(migrations={VERSION + 1: add_color_and_fail}, newest=VERSION + 1)
    database = await place.open()
    assert await database.run(migrations.version_of) == VERSION
    columns = await database.run(lambda connection: inspect(connection).get_columns("files"))
    assert "color" not in {each["name"] for each in columns}
    await database.close()


async def test_the_schema_of_a_newer_program_is_left_alone(place: Place) -> None:
    await (await place.open(newest=VERSION + 1)).close()
    with pytest.raises(StoreError) as caught:
        await place.open()
    assert caught.value.failure is StoreFailure.NEWER
