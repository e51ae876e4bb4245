"""The database: opened with care, then every piece of work in one transaction on one thread.

One thread reads and writes, so that nothing ever waits for a lock inside the process and the order of work is
the order of calls. Every commit is on the disk when it returns (WAL, `synchronous=FULL`).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.exc import DataError, DBAPIError

from proxy.store import recovery
from proxy.store.folder import failure_of, open_private
from proxy.store.folder_lock import FolderLock
from proxy.store.migrations import MIGRATIONS, Migration, migrate, version_of
from proxy.store.recovery import Health
from proxy.store.schema import VERSION
from proxy.store.values import StoreError, StoreFailure

T = TypeVar("T")

_log = structlog.get_logger("proxy.store")

DATABASE_NAME = "signalbox.db"
"""The database's file in its folder."""
_PRAGMAS = (
    "PRAGMA busy_timeout=5000",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
)


_MEANINGS = (
    ("is full", StoreFailure.DISK_FULL),
    ("malformed", StoreFailure.DAMAGED),
    ("not a database", StoreFailure.DAMAGED),
    ("locked", StoreFailure.BUSY),
    ("constraint", StoreFailure.UNFIT),
)
"""SQLite's words and what they mean to us; Python 3.10 gives no codes."""


class Database:
    """An open database; make it with `open_database`."""

    def __init__(self, engine: Engine, thread: ThreadPoolExecutor, lock: FolderLock, health: Health) -> None:
        self._engine = engine
        self._thread = thread
        self._lock = lock
        self.health = health
        """What was found when it was opened."""

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a transaction and returns what it returns, committed and durable.

        Where the waiting task is cancelled, the work is done all the same.

        Raises:
            StoreError: The database failed; nothing of the work happened.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    async def close(self) -> None:
        """Waits for running work and closes the database."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown(wait=False)
        self._lock.release()

    def _transact(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except (DataError, OverflowError, UnicodeError) as exc:  # no column can hold the value
            raise _unfit(exc) from exc
        except DBAPIError as exc:
            raise _failure_of(exc.orig) from exc


async def open_database(
    folder: Path,
    now: float,
    lock: FolderLock | None = None,
    *,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    newest: int = VERSION,
    pragmas: tuple[str, ...] = (),
) -> Database:
    """Opens the database in `folder`, or makes it; a damaged one is set aside.

    Args:
        folder: A private folder that exists.
        now: Seconds since the epoch, for the names of what is set aside and the age of the backup.
        lock: The folder's, which is the database's from now on; None: it is taken now.
        migrations: The steps to the newest schema.
        newest: The version they lead to.
        pragmas: Further settings of the connection.

    Raises:
        StoreError: Another process has the folder, the database is newer than us, or the disk fails.
    """
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="signalbox-store")

    def work() -> Database:
        held = lock or FolderLock(folder)
        try:
            return _open(folder / DATABASE_NAME, now, migrations, newest, pragmas, thread, held)
        except BaseException:
            held.release()
            raise

    try:
        return await asyncio.get_running_loop().run_in_executor(thread, work)
    except (sqlite3.Error, DBAPIError) as exc:
        raise _failure_of(exc.orig if isinstance(exc, DBAPIError) else exc) from exc
    except OSError as exc:
        raise failure_of(exc) from exc


def _open(
    path: Path,
    now: float,
    migrations: Mapping[int, Migration],
    newest: int,
    pragmas: tuple[str, ...],
    thread: ThreadPoolExecutor,
    lock: FolderLock,
) -> Database:
    health = recovery.make_sound(path, now)
    if not path.exists():
        open_private(path).close()  # the files SQLite puts beside it take over its permissions
    engine = _engine(path, pragmas)
    try:
        with engine.begin() as connection:
            version = version_of(connection)
        if 0 < version < newest:
            recovery.back_up(path, path.with_name(f"{path.name}.version-{version}"), now)
        with engine.begin() as connection:
            migrate(connection, migrations, newest)
        recovery.back_up_daily(path, now)
    except BaseException:
        engine.dispose()
        raise
    return Database(engine, thread, lock, health)


def _engine(path: Path, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )

    def prepare(connection: Any, _record: object) -> None:
        # The driver's own transactions would leave schema changes outside; SQLAlchemy begins them instead.
        connection.isolation_level = None
        for pragma in (*_PRAGMAS, *pragmas):
            connection.execute(pragma)

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _unfit(error: Exception) -> StoreError:
    reason = error.orig if isinstance(error, DataError) else error  # SQLAlchemy's own words hold all values
    _log.error("database_refused_a_value", reason=str(reason))
    return StoreError(StoreFailure.UNFIT)


def meaning_of(error: BaseException | None) -> StoreFailure:
    """Returns what SQLite's words mean."""
    text = str(error)
    return next((meant for words, meant in _MEANINGS if words in text), StoreFailure.UNUSABLE)


def _failure_of(error: BaseException | None) -> StoreError:
    failure = meaning_of(error)
    _log.error("database_failed", reason=str(error), failure=failure.name)
    return StoreError(failure)
