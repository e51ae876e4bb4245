"""Where the store's tests keep their database: a SQLite file, or a PostgreSQL server of the tests' own.

The program itself opens SQLite only; the schema and every statement must run on PostgreSQL too. The server is
started in a private folder, listens on a socket there and on no port, and dies with the tests. It refuses to
run as root, so a root's tests start it as another user.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal, Protocol

from sqlalchemy import URL, create_engine, make_url, text

from proxy.store.database import Database, open_database
from proxy.store.folder_lock import FolderLock
from proxy.store.migrations import MIGRATIONS, Migration, migrate
from proxy.store.recovery import Health
from proxy.store.schema import VERSION

if sys.platform != "win32":
    import pwd

NOW = 1_800_000_000.0
_UNPRIVILEGED = ("postgres", "nobody")
_LISTENING = "-c listen_addresses='' -c unix_socket_directories='{folder}'"


class Place(Protocol):
    """One test's database, which outlives being closed."""

    @property
    def name(self) -> Literal["sqlite", "postgresql"]:
        """Which database it is."""
        ...

    async def open(
        self, *, migrations: Mapping[int, Migration] = MIGRATIONS, newest: int = VERSION
    ) -> Database:
        """Opens it, as a start of the program does."""
        ...

    def arguments(self) -> list[str]:
        """Returns what tells another process where it is; see `place_of`."""
        ...


@dataclass(frozen=True)
class SqlitePlace:
    """A database as the program has it."""

    folder: Path
    name: Literal["sqlite"] = "sqlite"

    async def open(
        self, *, migrations: Mapping[int, Migration] = MIGRATIONS, newest: int = VERSION
    ) -> Database:
        """Opens or makes the file."""
        return await open_database(self.folder, NOW, migrations=migrations, newest=newest)

    def arguments(self) -> list[str]:
        """Returns the folder."""
        return [str(self.folder)]


@dataclass(frozen=True)
class PostgresqlPlace:
    """A schema of its own on the tests' server."""

    folder: Path
    url: URL
    name: Literal["postgresql"] = "postgresql"

    async def open(
        self, *, migrations: Mapping[int, Migration] = MIGRATIONS, newest: int = VERSION
    ) -> Database:
        """Connects, and makes or changes the tables."""
        thread = ThreadPoolExecutor(max_workers=1)

        def work() -> Database:
            lock = FolderLock(self.folder)
            # Bookings are inserted by statements whose parameters have places, not names.
            engine = create_engine(self.url, paramstyle="format")
            try:
                with engine.begin() as connection:
                    migrate(connection, migrations, newest)
            except BaseException:
                engine.dispose()
                lock.release()
                raise
            return Database(engine, thread, lock, Health("new"))

        return await asyncio.get_running_loop().run_in_executor(thread, work)

    def arguments(self) -> list[str]:
        """Returns the folder and the schema's address."""
        return [str(self.folder), self.url.render_as_string(hide_password=False)]


def place_of(arguments: Sequence[str]) -> Place:
    """Returns the place whose `arguments` these are."""
    folder, *address = arguments
    return PostgresqlPlace(Path(folder), make_url(address[0])) if address else SqlitePlace(Path(folder))


class PostgresqlServer:
    """A server in a private folder."""

    def __init__(self, programs: Path, folder: Path) -> None:
        """Starts nothing yet; `folder` is one that its user may use."""
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"
        self._names = (f"test_{number}" for number in count(1))

    def make(self) -> None:
        """Makes its files."""
        self._run("initdb", "-U", "signalbox", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    def start(self, settings: str = "") -> None:
        """Starts it; returns when it answers."""
        options = f"{_LISTENING.format(folder=self._folder)} {settings}"
        self._run("pg_ctl", "start", "-w", "-l", str(self._folder / "log"), "-o", options)

    def crash(self) -> None:
        """Ends it without any order: its next start has to recover."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate")

    def place(self, folder: Path) -> PostgresqlPlace:
        """Makes an empty schema; `folder` holds the lock that keeps other programs out."""
        name = next(self._names)
        engine = create_engine(self._url())
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        engine.dispose()
        return PostgresqlPlace(folder, self._url().update_query_dict({"options": f"-csearch_path={name}"}))

    def _url(self) -> URL:
        return URL.create(
            "postgresql+psycopg", "signalbox", database="postgres", query={"host": str(self._folder)}
        )

    def _run(self, program: str, *arguments: str) -> None:
        user, group = unprivileged_user() or (None, None)
        done = subprocess.run(
            [self._programs / program, *arguments, "-D", self._data],
            cwd=self._folder,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the server would inherit a pipe, which then never ends
            stderr=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            check=False,
            user=user,
            group=group,
            extra_groups=None if user is None else (),
        )
        if done.returncode:
            log = self._folder / "log"
            why = (done.stderr or b"").decode() + (log.read_text() if log.exists() else "")
            raise AssertionError(f"{program} failed: {why}")


def unprivileged_user() -> tuple[int, int] | None:
    """Returns the ids of user and group that a server must run as where we are root; None: we are not."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    known = {each.pw_name: (each.pw_uid, each.pw_gid) for each in pwd.getpwall()}
    return next(known[name] for name in _UNPRIVILEGED if name in known)


def find_postgresql() -> Path | None:
    """Returns the folder of a PostgreSQL server's programs."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    debians = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return debians[-1].parent if debians else None


@contextmanager
def private_server(programs: Path, settings: str = "") -> Generator[PostgresqlServer]:
    """Runs a server for a while, with its own settings as they are or with other ones."""
    with tempfile.TemporaryDirectory(prefix="sb-pg-", ignore_cleanup_errors=True) as name:
        user = unprivileged_user()
        if user is not None:
            os.chown(name, *user)
        server = PostgresqlServer(programs, Path(name))
        server.make()
        server.start(settings)
        try:
            yield server
        finally:
            server.crash()
