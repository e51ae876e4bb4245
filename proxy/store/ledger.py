"""The ledger in the database: what requests cost, by request and by day, and what is reserved.

The rules:

1. A reservation and the end of its request are written in the order in which they happen.
2. The end of a request takes its reservation away and adds to its day in one transaction.
3. A reservation that a start finds was cut off by a crash: its whole amount becomes the cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Dialect, RowMapping, Table, bindparam, delete, insert, select, update

from proxy.config import LedgerPolicy
from proxy.store.database import Database
from proxy.store.ledger_schema import ATTEMPTS, DAYS, REQUESTS, RESERVATIONS
from proxy.store.ledger_values import AttemptRow, DayTotal, Entry, RequestRow, Reservation, total_of

KEEP_DAY_TOTALS_DAYS = 400

_D = DAYS.c
_SUMS = tuple(each.name for each in DAYS.columns if each.name not in {"day", "token", "alias"})
_ADD = (
    update(DAYS)
    .where(_D.day == bindparam("b_day"), _D.token == bindparam("b_token"), _D.alias == bindparam("b_alias"))
    .values({name: _D[name] + bindparam(f"b_{name}") for name in _SUMS})
)
_UNSETTLE = delete(RESERVATIONS).where(RESERVATIONS.c.request_id.in_(bindparam("b_ids", expanding=True)))
_MOST_PARAMETERS = 10_000
"""In one statement; SQLite takes 32,766 at most."""


class LedgerStore:
    """What requests cost, on the disk."""

    def __init__(self, database: Database) -> None:
        self._run = database.run

    async def write(self, reservations: Sequence[Reservation], entries: Sequence[Entry]) -> None:
        """Writes reservations and the ends of requests in one transaction, durable when it returns."""

        def work(connection: Connection) -> None:
            if reservations:
                # A request that asks its model again reserves anew, in place of what it had reserved.
                connection.execute(_UNSETTLE, {"b_ids": [each.request_id for each in reservations]})
                connection.execute(insert(RESERVATIONS), [each._asdict() for each in reservations])
            if entries:
                _write_entries(connection, entries)

        await self._run(work)

    async def settle_interrupted(self) -> list[Reservation]:
        """Books every reservation that is left as spent; to be called before the first new one is written."""

        def work(connection: Connection) -> list[Reservation]:
            rows = connection.execute(select(RESERVATIONS)).mappings().all()
            found = [Reservation(**row) for row in rows]
            if found:
                _write_entries(connection, [_interrupted(each) for each in found])
            return found

        return await self._run(work)

    async def days(self, since: str) -> list[DayTotal]:
        """Returns the totals of that day and all later ones."""
        query = select(DAYS).where(_D.day >= since).order_by(_D.day, _D.token, _D.alias)
        return await self._run(
            lambda connection: [_total(row) for row in connection.execute(query).mappings()]
        )

    async def requests(self, limit: int) -> list[RequestRow]:
        """Returns the requests that ended last, newest first."""
        query = select(REQUESTS).order_by(REQUESTS.c.number.desc()).limit(limit)
        return await self._run(
            lambda connection: [row_of(each) for each in connection.execute(query).mappings()]
        )

    async def attempts(self, request_id: str) -> list[AttemptRow]:
        """Returns the attempts of a request in order."""
        return await self._run(lambda connection: attempts_of(connection, request_id))

    async def reservations(self) -> list[Reservation]:
        """Returns what is reserved now."""
        query = select(RESERVATIONS).order_by(RESERVATIONS.c.request_id)
        return await self._run(
            lambda connection: [Reservation(**row) for row in connection.execute(query).mappings()]
        )

    async def prune(self, policy: LedgerPolicy, today: date, now_us: int) -> int:
        """Drops requests that are too old or too many, and old days; returns how many requests."""
        oldest_us = now_us - policy.keep_days * 86_400 * 10**6
        oldest_day = (today - timedelta(days=KEEP_DAY_TOTALS_DAYS)).isoformat()
        number = REQUESTS.c.number

        def work(connection: Connection) -> int:
            dropped = connection.execute(delete(REQUESTS).where(REQUESTS.c.started_us < oldest_us)).rowcount
            beyond = select(number).order_by(number.desc()).offset(policy.keep_rows).limit(1)
            newest_beyond = connection.execute(beyond).scalar_one_or_none()
            if newest_beyond is not None:
                dropped += connection.execute(delete(REQUESTS).where(number <= newest_beyond)).rowcount
            connection.execute(delete(DAYS).where(_D.day < oldest_day))
            return dropped

        return await self._run(work)


def row_of(row: RowMapping) -> RequestRow:
    """Returns a request as it stands in the table."""
    return RequestRow(**{name: row[name] for name in RequestRow._fields})


def attempts_of(connection: Connection, request_id: str) -> list[AttemptRow]:
    """Returns the attempts of a request in order."""
    query = select(ATTEMPTS).where(ATTEMPTS.c.request_id == request_id).order_by(ATTEMPTS.c.n)
    return [AttemptRow(**row) for row in connection.execute(query).mappings()]


def _write_entries(connection: Connection, entries: Sequence[Entry]) -> None:
    _insert(connection, REQUESTS, [each.request for each in entries])
    _insert(connection, ATTEMPTS, [attempt for each in entries for attempt in each.attempts])
    reserved = [each.request.id for each in entries if each.was_reserved]
    if reserved:
        connection.execute(_UNSETTLE, {"b_ids": reserved})
    sums: dict[tuple[str, str, str | None], DayTotal] = {}
    for each in map(total_of, entries):
        key = (each.day, each.token, each.alias)
        sums[key] = sums[key].plus(each) if key in sums else each
    for total in sums.values():
        _add(connection, total)


def _insert(connection: Connection, table: Table, rows: Sequence[RequestRow] | Sequence[AttemptRow]) -> None:
    """Inserts many rows with few statements.

    The driver gives the interpreter away for each execution and then fights the loop's thread for it: row by
    row, this thread took four times as long, and so much longer took whatever the loop was doing.
    """
    if not rows:
        return
    names = rows[0]._fields
    size = _MOST_PARAMETERS // len(names)
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        text = inserting(table, names, len(some), connection.dialect)
        connection.exec_driver_sql(text, tuple(chain.from_iterable(some)))


def inserting(table: Table, names: tuple[str, ...], rows: int, dialect: Dialect) -> str:
    """Returns one statement that inserts so many rows, for drivers that number their parameters by place."""
    one = str(insert(table).inline().compile(dialect=dialect, column_keys=names))
    head, values, row = one.partition(" VALUES ")
    return head + values + ", ".join([row] * rows)


def _add(connection: Connection, total: DayTotal) -> None:
    """One thread writes, so that nobody can put the row in between."""
    values = total._asdict() | {"alias": total.alias or ""}
    changed = connection.execute(_ADD, {f"b_{name}": value for name, value in values.items()})
    if not changed.rowcount:
        connection.execute(insert(DAYS), values)


def _interrupted(reservation: Reservation) -> Entry:
    row = RequestRow(
        id=reservation.request_id,
        started_us=reservation.started_us,
        client=reservation.client,
        token=reservation.token,
        conversation=None,
        path="/v1/messages",
        model_asked=reservation.model_asked,
        alias=reservation.alias,
        provider=None,
        model_used=None,
        outcome="interrupted",
        status=None,
        stop_reason=None,
        error_type=None,
        input_tokens=0,
        output_tokens=0,
        cache_read_tokens=0,
        cache_write_tokens=0,
        cost_micro_usd=reservation.micro_usd,
        cost_source="estimate",
        first_token_ms=None,
        total_ms=None,
    )
    return Entry(reservation.day, row)


def _total(row: RowMapping) -> DayTotal:
    values: dict[str, Any] = dict(row)
    values["alias"] = values["alias"] or None
    return DayTotal(**values)
