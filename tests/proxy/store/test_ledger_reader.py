"""Past requests are read beside the program that writes them, and without one; nothing is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from proxy.store.database import open_database
from proxy.store.decisions_schema import DECISIONS
from proxy.store.ledger import LedgerStore
from proxy.store.ledger_reader import LedgerReader
from proxy.store.ledger_values import AttemptRow, Entry, RequestRow
from proxy.store.schema import META
from proxy.store.values import StoreError, StoreFailure
from tests.proxy.store.test_ledger import ATTEMPTS, DAY, NOW, ROW

pytestmark = pytest.mark.may_block  # its methods block: the program calls them in a thread


def _row(number: int) -> RequestRow:
    return ROW._replace(id=f"req_{number}", started_us=number)


async def _written(home: Path, *rows: RequestRow) -> None:
    database = await open_database(home, NOW)
    await LedgerStore(database).write([], [Entry(DAY, row, _attempts(row)) for row in rows])
    await database.close()


def _attempts(row: RequestRow) -> tuple[AttemptRow, ...]:
    return tuple(each._replace(request_id=row.id) for each in ATTEMPTS)


async def test_without_a_running_program_the_newest_come_first_and_older_ones_on_demand(home: Path) -> None:
    await _written(home, *map(_row, range(1, 6)))
    reader = LedgerReader(home)
    assert reader.requests(2) == [_row(5), _row(4)]
    assert reader.requests(2, before_us=4) == [_row(3), _row(2)]
    assert reader.requests(9, before_us=1) == []
    assert reader.request("req_3") == _row(3)
    assert reader.request("req_9") is None
    assert reader.attempts("req_3") == list(_attempts(_row(3)))


async def test_data_of_a_version_before_the_audit_has_no_decisions(home: Path) -> None:
    await _written(home, _row(1))
    database = await open_database(home, NOW)
    await database.run(DECISIONS.drop)
    await database.close()
    reader = LedgerReader(home)
    assert reader.request("req_1") == _row(1)
    assert reader.decisions("req_1") == []


async def test_a_request_that_began_earlier_and_ended_later_stands_where_it_began(home: Path) -> None:
    await _written(home, _row(2), _row(3), _row(1))
    assert [each.id for each in LedgerReader(home).requests(9)] == ["req_3", "req_2", "req_1"]


async def test_it_reads_while_the_program_writes(home: Path) -> None:
    database = await open_database(home, NOW)
    store = LedgerStore(database)
    reader = LedgerReader(home)
    for number in range(1, 4):
        await store.write([], [Entry(DAY, _row(number))])
        assert reader.requests(1) == [_row(number)]
    await database.close()


def test_where_nothing_was_ever_written_there_is_nothing_and_nothing_is_made(home: Path) -> None:
    reader = LedgerReader(home / "store")
    assert (reader.requests(9), reader.request("req_1"), reader.attempts("req_1")) == ([], None, [])
    assert not (home / "store").exists()


async def test_a_newer_programs_ledger_is_left_alone_with_the_reason(home: Path) -> None:
    database = await open_database(home, NOW)
    await database.run(lambda connection: connection.execute(update(META).values(value="999")) and None)
    await database.close()
    with pytest.raises(StoreError) as caught:
        LedgerReader(home).requests(9)
    assert caught.value.failure is StoreFailure.NEWER


def test_a_file_that_is_no_database_is_said(home: Path) -> None:
    (home / "signalbox.db").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(StoreError) as caught:
        LedgerReader(home).requests(9)
    assert caught.value.failure is StoreFailure.DAMAGED


def test_a_ledger_of_the_first_version_has_no_requests_yet(home: Path) -> None:
    (home / "signalbox.db").touch()
    assert LedgerReader(home).requests(9) == []
