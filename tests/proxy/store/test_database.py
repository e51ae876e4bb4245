"""Opening the database: new, healthy, damaged, locked, newer, full; and its migrations."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from proxy.store import migrations, recovery
from proxy.store.batches import BatchStore
from proxy.store.database import Database, open_database
from proxy.store.schema import METADATA, VERSION
from proxy.store.values import Batch, NewRequest, StoreError, StoreFailure

NOW = 1_800_000_000.0


def database_file(folder: Path) -> Path:
    return folder / "signalbox.db"


async def filled(folder: Path, name: str = "msgbatch_1", now: float = NOW) -> None:
    """A database with one batch, closed."""
    database = await open_database(folder, now)
    await BatchStore(database).create(Batch(name, 1, 1, 2), [NewRequest("a", 0, 1)])
    await database.close()


def kept_aside(folder: Path) -> set[bytes]:
    """The first bytes of what was set aside."""
    return {path.read_bytes()[:1] for path in folder.glob("*.damaged-*")}


def modes_of(folder: Path, pattern: str) -> set[int]:
    """The permissions of files, such as the database and what SQLite puts beside it."""
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.glob(pattern)}


async def names(database: Database) -> set[str]:
    return await BatchStore(database).ids(unfinished=False)


async def test_a_new_database_is_private_durable_and_checks_references(home: Path) -> None:
    database = await open_database(home, NOW)

    def pragma(connection: Connection) -> list[object]:
        return [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]

    assert await database.run(pragma) == ["wal", 2, 1, 5000]
    assert await database.run(migrations.version_of) == VERSION
    assert modes_of(home, "signalbox.db*") == {0o600}
    assert database.health.message is None
    await database.close()


async def test_work_that_fails_leaves_nothing_behind(home: Path) -> None:
    database = await open_database(home, NOW)

    def work(connection: Connection) -> None:
        connection.execute(text("DELETE FROM meta"))
        raise LookupError

    with pytest.raises(LookupError):
        await database.run(work)
    assert await database.run(migrations.version_of) == VERSION
    await database.close()


async def test_a_second_process_is_kept_out_until_the_first_closes(home: Path) -> None:
    database = await open_database(home, NOW)
    with pytest.raises(StoreError) as caught:
        await open_database(home, NOW)
    assert caught.value.failure is StoreFailure.IN_USE
    await database.close()
    await (await open_database(home, NOW)).close()


@pytest.mark.expects_log("database_set_aside")
@pytest.mark.parametrize("damage", [b"not a database at all" * 500, b"SQLite format 3\0" + b"\xff" * 9000])
async def test_a_damaged_database_is_set_aside_and_the_backup_takes_its_place(
    home: Path, damage: bytes
) -> None:
    await filled(home)
    await (await open_database(home, NOW + recovery.BACKUP_EVERY_S)).close()
    database_file(home).write_bytes(damage)
    database = await open_database(home, NOW)
    assert database.health.start == "restored"
    aside = database.health.set_aside
    assert aside is not None
    assert aside.read_bytes() == damage
    assert database.health.message is not None
    assert aside.name in database.health.message
    assert await names(database) == {"msgbatch_1"}
    await database.close()


@pytest.mark.expects_log("database_set_aside")
async def test_without_a_good_backup_a_new_database_is_begun(home: Path) -> None:
    await filled(home)
    database_file(home).write_bytes(b"x" * 8192)
    recovery.backup_of(database_file(home)).write_bytes(b"y" * 8192)
    database = await open_database(home, NOW)
    assert database.health.start == "new"
    assert await names(database) == set()
    await database.close()
    database_file(home).write_bytes(b"z" * 8192)
    await (await open_database(home, NOW)).close()
    assert kept_aside(home) == {b"x", b"z"}


@pytest.mark.expects_log("database_set_aside")
@pytest.mark.parametrize("place", [0, 20, 100, 4096 + 3, -100])
async def test_a_flipped_byte_never_stops_the_start(home: Path, place: int) -> None:
    await filled(home)
    data = bytearray(database_file(home).read_bytes())
    data[place] ^= 0xFF
    database_file(home).write_bytes(data)
    database = await open_database(home, NOW)
    await BatchStore(database).create(Batch("msgbatch_2", 1, 1, 2), [NewRequest("a", 0, 1)])
    assert "msgbatch_2" in await names(database)
    await database.close()


async def test_a_backup_is_made_once_a_day(home: Path) -> None:
    backup = recovery.backup_of(database_file(home))
    await filled(home)
    first = backup.stat().st_mtime
    await (await open_database(home, NOW + recovery.BACKUP_EVERY_S - 1)).close()
    assert backup.stat().st_mtime == first == NOW
    await (await open_database(home, NOW + recovery.BACKUP_EVERY_S)).close()
    assert backup.stat().st_mtime == NOW + recovery.BACKUP_EVERY_S
    with closing(sqlite3.connect(backup)) as copy:
        assert copy.execute("SELECT id FROM batches").fetchall() == [("msgbatch_1",)]
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def add_color(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE files ADD COLUMN color TEXT"))


def fail_half_way(connection: Connection) -> None:
    add_color(connection)
    raise sqlite3.OperationalError("no such thing")


async def test_an_older_database_is_backed_up_and_migrated_step_by_step(home: Path) -> None:
    await filled(home)
    order: list[str] = []
    steps: Mapping[int, migrations.Migration] = {
        VERSION + 1: lambda connection: (order.append("one"), add_color(connection))[0],
        VERSION + 2: lambda _: order.append("two"),
    }
    database = await open_database(home, NOW, migrations=steps, newest=VERSION + 2)
    assert order == ["one", "two"]
    assert await database.run(migrations.version_of) == VERSION + 2
    assert await names(database) == {"msgbatch_1"}
    await database.close()
    with closing(sqlite3.connect(home / f"signalbox.db.version-{VERSION}")) as before:
        assert before.execute("SELECT value FROM meta WHERE key='version'").fetchall() == [(str(VERSION),)]


@pytest.mark.expects_log("database_failed")
async def test_a_migration_that_fails_changes_nothing(home: Path) -> None:
    await filled(home)
    with pytest.raises(StoreError):
        await open_database(home, NOW, migrations={VERSION + 1: fail_half_way}, newest=VERSION + 1)
    database = await open_database(home, NOW)
    assert await database.run(migrations.version_of) == VERSION
    columns = await database.run(lambda connection: connection.execute(text("SELECT * FROM files")).keys())
    assert "color" not in columns
    await database.close()


async def test_a_database_of_a_newer_program_is_left_alone(home: Path) -> None:
    await (await open_database(home, NOW, newest=VERSION + 1)).close()
    before = database_file(home).read_bytes()
    with pytest.raises(StoreError) as caught:
        await open_database(home, NOW)
    assert caught.value.failure is StoreFailure.NEWER
    assert database_file(home).read_bytes() == before


@pytest.mark.expects_log("database_failed")
async def test_a_full_disk_is_told_and_loses_nothing_that_was_there(home: Path) -> None:
    await filled(home)
    database = await open_database(home, NOW, pragmas=("PRAGMA max_page_count=1",))
    store = BatchStore(database)
    with pytest.raises(StoreError) as caught:
        await store.decide("msgbatch_1", 0, "succeeded", "x" * 200_000, 5)
    assert caught.value.failure is StoreFailure.DISK_FULL
    assert len(await store.pending("msgbatch_1", after=-1, limit=9)) == 1
    assert await store.decide("msgbatch_1", 0, "succeeded", "{}", 5)
    await database.close()


@pytest.mark.expects_log("database_failed")
async def test_a_row_that_a_table_refuses_is_told_apart_from_a_disk_that_fails(home: Path) -> None:
    database = await open_database(home, NOW)
    for statement, failure in (
        ("INSERT INTO meta SELECT * FROM meta", StoreFailure.UNFIT),
        ("SELECT * FROM nowhere", StoreFailure.UNUSABLE),
    ):
        with pytest.raises(StoreError) as caught:
            await database.run(lambda connection, sql=statement: connection.execute(text(sql)))
        assert caught.value.failure is failure
    await database.close()


def test_every_table_can_be_made_on_postgresql() -> None:
    dialect = postgresql.dialect()
    made = [str(CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables]
    assert len(made) == len(METADATA.tables)
    assert "SERIAL" in "".join(made)
