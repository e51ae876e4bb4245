"""Databases as older versions made them."""

from __future__ import annotations

from sqlalchemy import Connection, text

from proxy.store.schema import META


def make_version_3(connection: Connection) -> None:
    """Turns a new database into what version 3 made: nothing says whose files are."""
    connection.execute(text("ALTER TABLE files DROP COLUMN token"))
    for table in ("batches", "files"):
        connection.execute(text(f"ALTER TABLE {table} DROP COLUMN workspace"))
    connection.execute(META.update().where(META.c.key == "version").values(value="3"))
