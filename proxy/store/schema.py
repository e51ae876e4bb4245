"""The tables, as they are in the newest version; every type exists on SQLite and on PostgreSQL.

The ledger's are in `ledger_schema`, the audit's in `decisions_schema`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

VERSION = 4
"""Of the tables below; `migrations` brings an older database to it."""

WIDE = BigInteger().with_variant(Integer, "sqlite")
"""64 bits everywhere: SQLite's INTEGER has them, and counts rows on only under that very name."""

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

META = Table(
    "meta",
    METADATA,
    Column("key", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)
"""Facts about the database itself: `version`."""

BATCHES = Table(
    "batches",
    METADATA,
    # Numbers are never used twice, so that a page's cursor stays true when the newest batch is deleted.
    Column("number", WIDE, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("total", Integer, nullable=False),
    Column("remaining", Integer, CheckConstraint("remaining >= 0", name="remaining"), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("cancel_us", BigInteger),
    Column("ended_us", BigInteger),
    Column("archived_us", BigInteger),
    Column("succeeded", Integer, nullable=False, default=0),
    Column("errored", Integer, nullable=False, default=0),
    Column("canceled", Integer, nullable=False, default=0),
    Column("expired", Integer, nullable=False, default=0),
    Column("client", Text, nullable=False),
    Column("headers", Text, nullable=False),
    Column("token", String(100), nullable=False, server_default="local"),
    Column("workspace", Text),
    sqlite_autoincrement=True,
)
"""`token` and `workspace` say whose a batch is, likewise with files (`context.Owner`)."""

BATCH_REQUESTS = Table(
    "batch_requests",
    METADATA,
    Column("batch_number", WIDE, ForeignKey("batches.number", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("custom_id", String(64), nullable=False),
    Column("body_offset", BigInteger, nullable=False),
    Column("body_length", BigInteger, nullable=False),
    Column("outcome", String(12)),
    Column("result", Text),
    UniqueConstraint("batch_number", "custom_id"),
)
"""One row a request; `outcome` is set once, together with `result`, and never changes."""

FILES = Table(
    "files",
    METADATA,
    Column("number", WIDE, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("filename", Text, nullable=False),
    Column("mime_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("downloadable", Boolean, nullable=False),
    Column("token", String(100), nullable=False, server_default="local"),
    Column("workspace", Text),
    sqlite_autoincrement=True,
)
