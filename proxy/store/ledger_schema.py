"""The ledger's tables as they are since version 2; every type exists on SQLite and on PostgreSQL."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from proxy.store.schema import METADATA, WIDE

REQUESTS = Table(
    "requests",
    METADATA,
    Column("number", WIDE, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("started_us", BigInteger, nullable=False),
    Column("client", Text, nullable=False),
    Column("token", String(100), nullable=False),
    Column("conversation", Text),
    Column("path", Text, nullable=False),
    Column("model_asked", Text, nullable=False),
    Column("alias", Text),
    Column("provider", Text),
    Column("model_used", Text),
    Column("outcome", String(12), nullable=False),
    Column("status", Integer),
    Column("stop_reason", Text),
    Column("error_type", Text),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cache_read_tokens", BigInteger, nullable=False),
    Column("cache_write_tokens", BigInteger, nullable=False),
    Column("cost_micro_usd", BigInteger, nullable=False),
    Column("cost_source", String(12), nullable=False),
    Column("first_token_ms", WIDE),
    Column("total_ms", WIDE),
    Index("ix_requests_started_us", "started_us"),
)
"""One row a request that ended; old ones go as the settings say."""

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("request_id", String(64), ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("duration_ms", WIDE, nullable=False),
)

RESERVATIONS = Table(
    "reservations",
    METADATA,
    Column("request_id", String(64), primary_key=True),
    Column("day", String(10), nullable=False),
    Column("token", String(100), nullable=False),
    Column("alias", Text),
    Column("micro_usd", BigInteger, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("client", Text, nullable=False),
    Column("model_asked", Text, nullable=False),
)
"""Requests under way; one that is still here at a start was cut off, and its amount counts as spent."""

DAYS = Table(
    "days",
    METADATA,
    Column("day", String(10), primary_key=True),
    Column("token", String(100), primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cache_read_tokens", BigInteger, nullable=False),
    Column("cache_write_tokens", BigInteger, nullable=False),
    Column("micro_usd", BigInteger, nullable=False),
    Column("estimated_micro_usd", BigInteger, nullable=False),
    Column("unknown_micro_usd", BigInteger, nullable=False),
)
"""What each day came to, by token and alias (empty: none). Budgets need no row of a single request."""

TABLES = (REQUESTS, ATTEMPTS, RESERVATIONS, DAYS)
