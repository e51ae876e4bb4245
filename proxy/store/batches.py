"""Batches in the database: each request gets exactly one result, and the last one ends the batch.

The rules:

1. A request's `outcome` is empty until it is decided; deciding is one statement that changes only an empty
   one, so whoever comes second changes nothing. What was being worked on is not written down: after a crash
   every request without an outcome is simply pending again.
2. `remaining` counts the empty ones. Whoever decides the last one ends the batch in the same transaction.
3. A batch goes in_progress → (canceling →) ended → (archived →) deleted, never back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update

from proxy.context import Owner
from proxy.store.database import Database
from proxy.store.ownership import is_of
from proxy.store.schema import BATCH_REQUESTS, BATCHES
from proxy.store.values import Batch, NewRequest, Outcome, PendingRequest, ResultRow

_B = BATCHES.c
_R = BATCH_REQUESTS.c
_INSERT_ROWS = 5_000

T = TypeVar("T", bound="tuple[Any, ...]")
Deletion = Literal["deleted", "not_ended", "unknown"]


class BatchStore:
    """Message batches and the state of each of their requests."""

    def __init__(self, database: Database) -> None:
        self._run = database.run

    async def create(self, batch: Batch, requests: Sequence[NewRequest]) -> None:
        """Adds a batch with all its requests pending; `batch.total` is ignored for their number."""

        def work(connection: Connection) -> None:
            made = connection.execute(
                insert(BATCHES).values(
                    id=batch.id,
                    total=len(requests),
                    remaining=len(requests),
                    created_us=batch.created_us,
                    expires_us=batch.expires_us,
                    client=batch.client,
                    headers=json.dumps(dict(batch.headers)),
                    token=batch.token,
                    workspace=batch.workspace,
                )
            )
            number = made.inserted_primary_key[0] if made.inserted_primary_key else None
            for start in range(0, len(requests), _INSERT_ROWS):
                rows = [
                    {
                        "batch_number": number,
                        "position": position,
                        "custom_id": request.custom_id,
                        "body_offset": request.offset,
                        "body_length": request.length,
                    }
                    for position, request in enumerate(requests[start : start + _INSERT_ROWS], start)
                ]
                connection.execute(insert(BATCH_REQUESTS), rows)

        await self._run(work)

    async def get(self, batch_id: str) -> Batch | None:
        """Returns a batch, or None if there is none of that id."""
        return await self._run(lambda connection: _find(connection, batch_id))

    async def page(
        self, owner: Owner, limit: int, *, after: str | None = None, before: str | None = None
    ) -> tuple[list[Batch], bool] | None:
        """Returns one page, newest first, and whether there is more in the direction of paging.

        Args:
            owner: Whose batches.
            limit: The most batches to return.
            after: The id just before the page (older batches follow).
            before: The id just after the page.

        Returns:
            None where the given id is of no batch of the owner's.
        """

        def work(connection: Connection) -> tuple[list[Batch], bool] | None:
            query = select(BATCHES).where(is_of(BATCHES, owner))
            if after is not None or before is not None:
                place = select(_B.number).where(_B.id == (after or before), is_of(BATCHES, owner))
                number = connection.execute(place).scalar_one_or_none()
                if number is None:
                    return None
                query = query.where(_B.number < number if after is not None else _B.number > number)
            order = _B.number.asc() if before is not None else _B.number.desc()
            rows = connection.execute(query.order_by(order).limit(limit + 1)).mappings().all()
            found = [_batch(row) for row in rows[:limit]]
            return (found[::-1] if before is not None else found), len(rows) > limit

        return await self._run(work)

    async def unfinished(self) -> list[Batch]:
        """Returns the batches that have not ended, oldest first."""
        query = select(BATCHES).where(_B.ended_us.is_(None)).order_by(_B.number)
        return await self._run(lambda connection: _batches(connection, query))

    async def ids(self, *, unfinished: bool) -> set[str]:
        """Returns the ids of all batches, or of those that have not ended."""
        query = select(_B.id).where(_B.ended_us.is_(None)) if unfinished else select(_B.id)
        return await self._run(lambda connection: set(connection.execute(query).scalars()))

    async def pending(self, batch_id: str, *, after: int, limit: int) -> list[PendingRequest]:
        """Returns requests without a result, by position, those behind position `after` only."""
        columns = select(_R.position, _R.custom_id, _R.body_offset, _R.body_length)
        query = _behind(columns.where(_R.outcome.is_(None)), batch_id, after, limit)
        return await self._run(
            lambda connection: [PendingRequest(*row) for row in connection.execute(query).tuples()]
        )

    async def decide(
        self, batch_id: str, position: int, outcome: Outcome, result: str | None, now_us: int
    ) -> bool:
        """Gives a request its one result; returns False if it had one already (or the batch is gone)."""

        def work(connection: Connection) -> bool:
            number = _number(connection, batch_id)
            if number is None:
                return False
            decided = connection.execute(
                update(BATCH_REQUESTS)
                .where(_R.batch_number == number, _R.position == position, _R.outcome.is_(None))
                .values(outcome=outcome, result=result)
            ).rowcount
            if decided:
                _count_down(connection, number, decided, now_us)
            return bool(decided)

        return await self._run(work)

    async def begin_cancel(self, batch_id: str, now_us: int) -> Batch | None:
        """Notes that a batch is to be canceled and returns it; an ended or canceling one stays as it is."""

        def work(connection: Connection) -> Batch | None:
            connection.execute(
                update(BATCHES)
                .where(_B.id == batch_id, _B.ended_us.is_(None), _B.cancel_us.is_(None))
                .values(cancel_us=now_us)
            )
            return _find(connection, batch_id)

        return await self._run(work)

    async def decide_rest(self, batch_id: str, outcome: Outcome, now_us: int) -> int:
        """Gives `outcome` to every request without a result, which ends the batch; returns how many."""

        def work(connection: Connection) -> int:
            number = _number(connection, batch_id)
            if number is None:
                return 0
            decided = connection.execute(
                update(BATCH_REQUESTS)
                .where(_R.batch_number == number, _R.outcome.is_(None))
                .values(outcome=outcome)
            ).rowcount
            if decided:
                _count_down(connection, number, decided, now_us)
            return decided

        return await self._run(work)

    async def delete(self, batch_id: str) -> Deletion:
        """Removes an ended batch with its results."""

        def work(connection: Connection) -> Deletion:
            batch = _find(connection, batch_id)
            if batch is None:
                return "unknown"
            if batch.ended_us is None:
                return "not_ended"
            connection.execute(delete(BATCHES).where(_B.id == batch_id))
            return "deleted"

        return await self._run(work)

    async def archive(self, created_before_us: int, now_us: int) -> int:
        """Removes the results of ended batches created before then; returns how many batches."""

        def work(connection: Connection) -> int:
            old = select(_B.number).where(
                _B.ended_us.is_not(None), _B.archived_us.is_(None), _B.created_us < created_before_us
            )
            numbers = connection.execute(old).scalars().all()
            for number in numbers:
                connection.execute(delete(BATCH_REQUESTS).where(_R.batch_number == number))
                connection.execute(update(BATCHES).where(_B.number == number).values(archived_us=now_us))
            return len(numbers)

        return await self._run(work)

    async def results(self, batch_id: str, *, after: int, limit: int) -> list[ResultRow]:
        """Returns decided requests, by position, those behind position `after` only."""
        columns = select(_R.position, _R.custom_id, _R.outcome, _R.result)
        query = _behind(columns.where(_R.outcome.is_not(None)), batch_id, after, limit)
        return await self._run(
            lambda connection: [ResultRow(*row) for row in connection.execute(query).tuples()]
        )


def _behind(query: Select[T], batch_id: str, after: int, limit: int) -> Select[T]:
    """Returns a query for requests of one batch, by position, those behind position `after` only."""
    of_batch = query.join(BATCHES, _B.number == _R.batch_number).where(_B.id == batch_id)
    return of_batch.where(_R.position > after).order_by(_R.position).limit(limit)


def _count_down(connection: Connection, number: int, decided: int, now_us: int) -> None:
    """Takes decided requests off `remaining`; at 0 the batch ends and its counts appear."""
    connection.execute(update(BATCHES).where(_B.number == number).values(remaining=_B.remaining - decided))
    remaining = connection.execute(select(_B.remaining).where(_B.number == number)).scalar_one()
    if remaining:
        return
    tally = select(_R.outcome, func.count()).where(_R.batch_number == number).group_by(_R.outcome)
    counts = dict(connection.execute(tally).tuples().all())
    connection.execute(update(BATCHES).where(_B.number == number).values(ended_us=now_us, **counts))


def _number(connection: Connection, batch_id: str) -> int | None:
    return connection.execute(select(_B.number).where(_B.id == batch_id)).scalar_one_or_none()


def _find(connection: Connection, batch_id: str) -> Batch | None:
    row = connection.execute(select(BATCHES).where(_B.id == batch_id)).mappings().one_or_none()
    return None if row is None else _batch(row)


def _batches(connection: Connection, query: Select[Any]) -> list[Batch]:
    return [_batch(row) for row in connection.execute(query).mappings()]


def _batch(row: RowMapping) -> Batch:
    headers: Mapping[str, str] = json.loads(row["headers"])
    kept = {name: row[name] for name in Batch.__dataclass_fields__ if name != "headers"}
    return Batch(**kept, headers=MappingProxyType(headers))
