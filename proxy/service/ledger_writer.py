"""Brings the ledger to the disk: reservations at once, bookings a second later and many together.

The rules:

1. Whoever waits for a reservation is told in every case, also where what failed is an error of our own.
2. What the disk cannot take now is tried again; what it can never take is lost alone, not with all that was
   to be written beside it.
3. Only so many bookings wait for a disk that takes none; then the oldest go. The log says how many were lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from proxy.service.disk_writer import MANY, Backlog, DiskWriter
from proxy.store.ledger_values import Entry, Reservation
from proxy.store.values import StoreError, StoreFailure

if TYPE_CHECKING:  # the store loads SQLAlchemy, which the program's start must not wait for
    from proxy.store.ledger import LedgerStore

_log = structlog.get_logger("proxy.service")


@dataclass(frozen=True, slots=True)
class _Held:
    """A reservation on its way to the disk."""

    row: Reservation
    is_written: asyncio.Future[None]


class LedgerWriter:
    """Writes for one ledger."""

    def __init__(
        self,
        open_store: Callable[[], Awaitable[LedgerStore]],
        prune: Callable[[LedgerStore], Awaitable[None]],
    ) -> None:
        """Makes the writer.

        Args:
            open_store: Opens what is on the disk, once it is known what was spent before.
            prune: Drops what is old, if it is time; called after each transaction.
        """
        self._open_store = open_store
        self._prune = prune
        self._held: list[_Held] = []
        self._waiting = Backlog[Entry]()
        self._writer = DiskWriter(self._write, name="write the ledger", ended=self._go_on)

    async def reserve(self, row: Reservation) -> None:
        """Writes a reservation; it is durable when this returns.

        Raises:
            StoreError: It cannot be written.
        """
        held = _Held(row, asyncio.get_running_loop().create_future())
        self._held.append(held)
        self._writer.now()
        await held.is_written

    def add(self, entry: Entry) -> None:
        """Takes the end of a request, to be written soon."""
        self._waiting.add(entry)
        self._writer.added(len(self._waiting))

    async def flush(self) -> None:
        """Writes what waits, if it can be written."""
        await self._writer.settle()
        if self._waiting or self._held:
            self._writer.now()
        await self._writer.settle()

    async def close(self) -> None:
        """Ends all work, after `flush`; what could not be written is lost, and the log says how much."""
        await self._writer.close()
        self._waiting.clear()
        self._tell_losses()

    async def _write(self) -> None:
        """Writes what waits now; what comes meanwhile waits for others, or each commit would be of a few."""
        left = len(self._waiting)
        while self._held or left > 0:
            held, self._held = self._held, []
            entries = self._waiting.take(min(MANY, left))
            left -= MANY
            if not await self._is_settled(held, entries):
                return

    def _go_on(self) -> None:
        self._tell_losses()
        if self._held:  # they came while a write failed
            self._writer.now()
        elif self._waiting:
            self._writer.soon()

    def _tell_losses(self) -> None:
        if lost := self._waiting.lost():
            _log.error("bookings_lost", requests=lost)

    async def _is_settled(self, held: list[_Held], entries: list[Entry]) -> bool:
        """Writes these or drops them; False: the disk takes nothing now, and what may wait was put back."""
        try:
            await self._write_once(held, entries)
        except StoreError as error:
            if error.failure is not StoreFailure.UNFIT:
                self._put_back(held, entries, error)
                return False
            if len(held) + len(entries) > 1:
                return await self._is_settled_singly(held, entries)
            self._put_back(held, entries, error)
        finally:  # an error of our own is logged where the task ends; nobody may wait for ever
            _fail(held, StoreError(StoreFailure.UNUSABLE))
        return True

    async def _is_settled_singly(self, held: list[_Held], entries: list[Entry]) -> bool:
        """One of them spoils the transaction of all; alone, only that one is lost."""
        for index, each in enumerate(held):
            if not await self._is_settled([each], []):
                _fail(held[index + 1 :], StoreError(StoreFailure.BUSY))
                self._waiting.put_back(entries)
                return False
        for index, each in enumerate(entries):
            if not await self._is_settled([], [each]):
                self._waiting.put_back(entries[index + 1 :])
                return False
        return True

    async def _write_once(self, held: list[_Held], entries: list[Entry]) -> None:
        store = await self._open_store()
        await store.write([each.row for each in held], entries)
        self._waiting.written(len(entries))
        for each in held:
            if not each.is_written.done():
                each.is_written.set_result(None)
        try:
            await self._prune(store)
        except StoreError as error:  # what was written just before stays written
            _log.warning("ledger_not_pruned", reason=error.message)

    def _put_back(self, held: list[_Held], entries: list[Entry], error: StoreError) -> None:
        _log.warning("ledger_not_written", requests=len(entries), reason=error.message)
        if error.failure is not StoreFailure.UNFIT:
            self._waiting.put_back(entries)
            self._writer.again()
        _fail(held, error)


def _fail(held: list[_Held], error: StoreError) -> None:
    for each in held:
        if not each.is_written.done():
            each.is_written.set_exception(error)
