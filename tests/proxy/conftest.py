"""The databases that the store's tests run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.proxy.places import Place, PostgresqlServer, SqlitePlace, find_postgresql, private_server

_PROGRAMS = find_postgresql()
_DATABASES = ["sqlite"] if _PROGRAMS is None else ["sqlite", "postgresql"]


@pytest.fixture(scope="session")
def postgresql_programs() -> Path:
    """The folder of a PostgreSQL server's programs; without them the test skips, for all that use `place`."""
    if _PROGRAMS is None:
        pytest.skip("the store is tested on SQLite only: no PostgreSQL server (initdb, pg_ctl) is installed")
    return _PROGRAMS


@pytest.fixture(scope="session")
def postgresql(postgresql_programs: Path) -> Iterator[PostgresqlServer]:
    """A PostgreSQL server for all tests; it need not survive a loss of power."""
    with private_server(postgresql_programs, "-c fsync=off") as server:
        yield server


@pytest.fixture(params=_DATABASES)
def new_place(request: pytest.FixtureRequest) -> Callable[[Path], Place]:
    """Makes empty places for databases: on SQLite and, where its server is installed, on PostgreSQL."""
    if request.param == "sqlite":
        return SqlitePlace
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return server.place


@pytest.fixture
def place(new_place: Callable[[Path], Place], home: Path) -> Place:
    """An empty place for a database, on SQLite and on PostgreSQL."""
    return new_place(home)
