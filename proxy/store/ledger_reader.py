"""Reads past requests and why each went where it did: beside the program that writes them, or without one.

It opens the database read-only for each question, so it needs no lock and can change nothing. What ended in
the last second may not be there yet.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, NullPool, create_engine, inspect, select
from sqlalchemy.exc import DBAPIError

from proxy.events import ToolDecided
from proxy.store.database import DATABASE_NAME, meaning_of
from proxy.store.decisions import event_of
from proxy.store.decisions_schema import DECISIONS
from proxy.store.ledger import attempts_of, row_of
from proxy.store.ledger_schema import REQUESTS
from proxy.store.ledger_values import AttemptRow, RequestRow
from proxy.store.migrations import version_of
from proxy.store.schema import VERSION
from proxy.store.values import StoreError, StoreFailure

T = TypeVar("T")

_C = REQUESTS.c


class LedgerReader:
    """The ledger of one data folder. Its methods block, and raise StoreError where it cannot be read."""

    def __init__(self, folder: Path) -> None:
        """Touches nothing yet; a folder without a database holds no requests."""
        self._path = folder.absolute() / DATABASE_NAME

    def requests(self, limit: int, *, before_us: int | None = None) -> list[RequestRow]:
        """Returns those that began last, newest first.

        Args:
            limit: So many at most.
            before_us: Only those that began earlier, in microseconds since the epoch.
        """
        query = select(REQUESTS).order_by(_C.started_us.desc(), _C.number.desc()).limit(limit)
        if before_us is not None:
            query = query.where(_C.started_us < before_us)
        return self._read(
            lambda connection: [row_of(each) for each in connection.execute(query).mappings()], []
        )

    def request(self, request_id: str) -> RequestRow | None:
        """Returns one request; None where there is none of that id."""
        query = select(REQUESTS).where(_C.id == request_id)

        def work(connection: Connection) -> RequestRow | None:
            found = connection.execute(query).mappings().one_or_none()
            return None if found is None else row_of(found)

        return self._read(work, None)

    def attempts(self, request_id: str) -> list[AttemptRow]:
        """Returns the attempts of a request in order."""
        return self._read(lambda connection: attempts_of(connection, request_id), [])

    def decisions(self, request_id: str) -> list[ToolDecided]:
        """Returns the decisions about a request's tool calls in order; none where earlier versions wrote."""
        query = select(DECISIONS).where(DECISIONS.c.request_id == request_id).order_by(DECISIONS.c.number)

        def work(connection: Connection) -> list[ToolDecided]:
            if not inspect(connection).has_table(DECISIONS.name):
                return []
            return [event_of(each) for each in connection.execute(query).mappings()]

        return self._read(work, [])

    def _read(self, work: Callable[[Connection], T], nothing: T) -> T:
        if not self._path.exists():
            return nothing
        address = f"{self._path.as_uri()}?mode=ro"
        engine = create_engine(
            "sqlite://", poolclass=NullPool, creator=lambda: sqlite3.connect(address, uri=True)
        )
        try:
            with closing(engine.connect()) as connection:
                if version_of(connection) > VERSION:
                    raise StoreError(StoreFailure.NEWER)
                return work(connection) if inspect(connection).has_table(REQUESTS.name) else nothing
        except DBAPIError as exc:
            raise StoreError(meaning_of(exc.orig)) from exc
        finally:
            engine.dispose()
