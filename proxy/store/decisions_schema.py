"""The audit's table as it is since version 3; every type exists on SQLite and on PostgreSQL.

The database itself refuses to change a row, and to drop one that is not older than `meta.decisions_from`,
which only retention moves on.
"""

from __future__ import annotations

from sqlalchemy import DDL, BigInteger, Boolean, Column, Index, String, Table, Text, event

from proxy.store.schema import METADATA, WIDE

OLDEST_KEPT = "decisions_from"
"""In `meta`: the number of the oldest decision that is kept."""

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("number", WIDE, primary_key=True, autoincrement=True),
    Column("at_us", BigInteger, nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("call_id", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("runner", Text, nullable=False),
    Column("decision", String(5), nullable=False),
    Column("reason", Text, nullable=False),
    Column("rule", Text),
    Column("source", Text),
    Column("decided_by", Text, nullable=False),
    Column("conversation", Text),
    Column("client", Text, nullable=False),
    Column("workspace", Text),
    Column("ran", Boolean, nullable=False),
    Column("is_error", Boolean, nullable=False),
    Column("exit_code", WIDE),
    Column("result_bytes", BigInteger, nullable=False),
    Column("duration_us", BigInteger, nullable=False),
    Index("ix_decisions_request_id", "request_id"),
    Index("ix_decisions_at_us", "at_us"),
    sqlite_autoincrement=True,
)
"""One row a decision about a tool call; a number is never used twice."""

_ON_SQLITE = (
    """CREATE TRIGGER decisions_unchanged BEFORE UPDATE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are never changed'); END""",
    """CREATE TRIGGER decisions_kept BEFORE DELETE ON decisions
    WHEN OLD.number >= COALESCE((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'decisions_from'), 0)
    BEGIN SELECT RAISE(ABORT, 'decisions are kept'); END""",
)
_ON_POSTGRESQL = (
    """CREATE OR REPLACE FUNCTION decisions_guard() RETURNS trigger AS $$ BEGIN
    IF TG_OP = 'DELETE' AND OLD.number <
        COALESCE((SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'decisions_from'), 0)
    THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'decisions are append-only'; END $$ LANGUAGE plpgsql""",
    """CREATE TRIGGER decisions_kept BEFORE UPDATE OR DELETE ON decisions
    FOR EACH ROW EXECUTE FUNCTION decisions_guard()""",
)
for _dialect, _statements in (("sqlite", _ON_SQLITE), ("postgresql", _ON_POSTGRESQL)):
    for _statement in _statements:
        event.listen(DECISIONS, "after_create", DDL(_statement).execute_if(dialect=_dialect))
