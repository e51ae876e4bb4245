"""Keeps every decision about a tool call: taken at once, redacted and written soon, found again by anyone.

A crash loses at most what the last second brought. While the disk cannot be written, decisions wait up to a
bound; then the oldest go, and the log says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from proxy.config import LedgerPolicy
from proxy.events import ToolDecided
from proxy.service.disk_writer import MANY, Backlog, DiskWriter
from proxy.store.values import StoreError, StoreFailure

if TYPE_CHECKING:  # the store loads SQLAlchemy, which the program's start must not wait for
    from proxy.store.decisions import DecisionStore

_log = structlog.get_logger("proxy.service")

_PRUNE_EVERY_S = 3600.0

OpenStore = Callable[[], Awaitable["DecisionStore"]]
Redact = Callable[[str], str]


class Audit:
    """The decisions of one server."""

    def __init__(
        self,
        retention: LedgerPolicy,
        *,
        redact: Redact,
        wall_clock: Callable[[], float],
        open_store: OpenStore | None,
    ) -> None:
        """Makes the audit.

        Args:
            retention: How long decisions are kept; as the ledger's requests.
            redact: Takes secrets out of a text; called in a thread.
            wall_clock: Seconds since the epoch.
            open_store: Opens what is on the disk; None: nothing is kept.
        """
        self._retention = retention
        self._redact = redact
        self._clock = wall_clock
        self._open_store = open_store
        self._waiting = Backlog[ToolDecided]()
        self._writer = DiskWriter(self._write, name="write the audit", ended=self._tell_losses)
        self._pruned_at = 0.0

    def apply(self, retention: LedgerPolicy) -> None:
        """Keeps decisions for another time from now on."""
        self._retention = retention

    def take(self, decided: ToolDecided) -> None:
        """Takes a decision; written soon."""
        if self._open_store is None:
            return
        self._waiting.add(decided)
        self._writer.added(len(self._waiting))

    async def latest(self, text: str = "", limit: int = 500) -> Sequence[ToolDecided]:
        """Returns the latest decisions, newest first, whose tool, call, client or reason holds the text.

        Raises:
            StoreError: They cannot be read.
        """
        store = await self._read()
        return () if store is None else await store.latest(text, limit)

    async def of_request(self, request_id: str) -> Sequence[ToolDecided]:
        """Returns the decisions about one request's calls, in order.

        Raises:
            StoreError: They cannot be read.
        """
        store = await self._read()
        return () if store is None else await store.of_request(request_id)

    async def flush(self) -> None:
        """Writes what waits, if it can be written; to be called before the store is closed."""
        while self._waiting or self._writer.is_writing:
            before = len(self._waiting)
            self._writer.now()
            await self._writer.settle()
            if self._waiting and len(self._waiting) >= before:
                return  # the disk does not take it

    async def close(self) -> None:
        """Ends all work, after `flush`; what could not be written is lost, and the log says how much."""
        await self._writer.close()
        self._waiting.clear()
        self._tell_losses()

    async def _read(self) -> DecisionStore | None:
        if self._open_store is None:
            return None
        await self.flush()
        return await self._open_store()

    async def _write(self) -> None:
        while self._waiting:
            batch = self._waiting.take(MANY)
            try:
                await self._write_once(batch)
            except StoreError as error:
                self._put_back(batch, error)
                return

    async def _write_once(self, batch: Sequence[ToolDecided]) -> None:
        assert self._open_store is not None  # noqa: S101 - nothing waits to be written without it
        redacted = await asyncio.to_thread(lambda: [self._redacted(each) for each in batch])
        store = await self._open_store()
        await store.append(redacted)
        self._waiting.written(len(batch))
        now = self._clock()
        if abs(now - self._pruned_at) >= _PRUNE_EVERY_S:
            self._pruned_at = now
            try:
                await store.prune(self._retention, round(now * 1e6))
            except StoreError as error:  # what was written just before stays written
                _log.warning("audit_not_pruned", reason=error.message)

    def _redacted(self, decided: ToolDecided) -> ToolDecided:
        """Takes secrets out of all that a client or a model wrote."""
        return replace(
            decided,
            call_id=self._clean(decided.call_id),
            tool=self._clean(decided.tool),
            arguments=self._clean(decided.arguments),
            reason=self._clean(decided.reason),
            client=self._clean(decided.client),
            conversation_id=None if decided.conversation_id is None else self._clean(decided.conversation_id),
        )

    def _clean(self, text: str) -> str:
        """A lone surrogate or a NUL, which no database takes as text, is replaced."""
        storable = text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{SYMBOL FOR NULL}")
        return self._redact(storable)

    def _put_back(self, batch: Sequence[ToolDecided], error: StoreError) -> None:
        _log.warning("audit_not_written", decisions=len(batch), reason=error.message)
        if error.failure is not StoreFailure.UNFIT:  # else they might never be written, nor those behind
            self._waiting.put_back(batch)
        self._writer.again()

    def _tell_losses(self) -> None:
        if lost := self._waiting.lost():
            _log.error("decisions_lost", decisions=lost)
