"""Brings a database to the newest schema in one transaction; the caller has made a backup before."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, insert, inspect, select, text, update

from proxy.store.decisions_schema import DECISIONS
from proxy.store.ledger_schema import TABLES as LEDGER_TABLES
from proxy.store.schema import META, METADATA, VERSION
from proxy.store.values import StoreError, StoreFailure

Migration = Callable[[Connection], None]


def _with_ledger(connection: Connection) -> None:
    """Version 2: the ledger, and the token that a batch was created with."""
    # Whoever changes one of these tables copies it here as it was: this step leads to version 2 for ever.
    for table in LEDGER_TABLES:
        table.create(connection)
    connection.execute(text("ALTER TABLE batches ADD COLUMN token VARCHAR(100) DEFAULT 'local' NOT NULL"))


def _with_decisions(connection: Connection) -> None:
    """Version 3: the audit of tool calls."""
    DECISIONS.create(connection)  # whoever changes the table copies it here as it was


def _with_owners(connection: Connection) -> None:
    """Version 4: whose batches and files are. Who uploaded a file was not known: it is the first token's."""
    connection.execute(text("ALTER TABLE files ADD COLUMN token VARCHAR(100) DEFAULT 'local' NOT NULL"))
    for table in ("batches", "files"):
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN workspace TEXT"))


MIGRATIONS: Mapping[int, Migration] = {2: _with_ledger, 3: _with_decisions, 4: _with_owners}
"""By the version it leads to; 1 is the first schema, which `schema` itself creates. Add, never change."""


def version_of(connection: Connection) -> int:
    """Returns the version of the database's schema; 0: it has none yet."""
    if not inspect(connection).has_table(META.name):
        return 0
    found = connection.execute(select(META.c.value).where(META.c.key == "version")).scalar_one_or_none()
    return int(found) if isinstance(found, str) and found.isdecimal() else 0


def migrate(
    connection: Connection, migrations: Mapping[int, Migration] = MIGRATIONS, newest: int = VERSION
) -> None:
    """Creates the tables in an empty database, or changes an older one step by step.

    Raises:
        StoreError: The database comes from a newer program.
    """
    version = version_of(connection)
    if version > newest:
        raise StoreError(StoreFailure.NEWER)
    if version == 0:
        METADATA.create_all(connection)
        connection.execute(insert(META).values(key="version", value=str(newest)))
        return
    for step in range(version + 1, newest + 1):
        migrations[step](connection)
        connection.execute(update(META).where(META.c.key == "version").values(value=str(step)))
