"""Keeps both sides of requests as the settings say: none, those that failed or all; in memory and on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from app.exchange_folder import ExchangeFolder
from app.exchanges import ExchangeStore, part_of, redacted
from app.redaction import Redactor
from app.settings import BodySettings
from app.upstream_answer import answer_of
from gui.request_desk import ExchangeRead
from proxy.events import Exchange, RequestFinished
from proxy.tasks import spawn

SWEEP_EVERY_S = 3600.0
"""A day's files go within an hour of the midnight that ends their time."""


class Bodies:
    """Takes exchanges as they are announced, and gives them back."""

    def __init__(
        self,
        redactor: Redactor,
        settings: BodySettings,
        folder: Path,
        clock: Callable[[], float],
        *,
        in_memory: bool = True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Makes an empty memory; the disk is looked at from `begin` on.

        Args:
            redactor: Takes secrets out.
            settings: What is kept.
            folder: Where the files are.
            clock: Seconds since the epoch.
            in_memory: Somebody looks at them as they come; else they go to the disk only.
            sleep: Waits so many seconds.
        """
        self._settings = settings
        self._redactor = redactor
        self._memory = ExchangeStore(redactor, settings, max_bytes=None if in_memory else 0)
        self._files = ExchangeFolder(folder, redactor, clock)
        self._sleep = sleep
        self._failed: str | None = None
        """The request that ended last, where it failed."""
        self._sweeping: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Deletes what is too old, in the background: now, and again as long as the program runs."""
        if self._sweeping is None:
            self._sweeping = spawn(self._keep_sweeping(), name="delete old requests")

    async def close(self) -> None:
        """Ends that."""
        sweeping, self._sweeping = self._sweeping, None
        if sweeping is not None:
            sweeping.cancel()
            await asyncio.wait({sweeping})

    def apply(self, settings: BodySettings) -> None:
        """Keeps what changed settings say from now on; what they want kept no more goes."""
        if settings == self._settings:
            return
        self._settings = settings
        self._memory.apply(settings)
        spawn(asyncio.to_thread(self._sweep), name="delete old requests")

    def finished(self, event: RequestFinished) -> None:
        """Notes how a request ended; its exchange, if there is one, is the next thing announced."""
        self._failed = None if event.outcome == "ok" else event.request_id

    def keep(self, exchange: Exchange) -> bool:
        """Keeps an exchange where the settings want it; returns whether they do."""
        is_failed = exchange.request_id == self._failed
        if not self._memory.keep(exchange, is_failed=is_failed):
            return False
        if self._settings.days:
            write = asyncio.to_thread(self._files.write, exchange, is_failed=is_failed)
            spawn(write, name="keep a request on disk")
        return True

    async def read(self, request_id: str, n: int | None) -> ExchangeRead:
        """Returns both sides of a request without their secrets, from memory or from the disk.

        The work is done in a thread: taking the secrets out of megabytes takes a part of a second.

        Args:
            request_id: Of which request.
            n: Whose bodies: an attempt's; 0: the client's; None: the last attempt's.
        """
        return await asyncio.to_thread(self._read, request_id, self._memory.get(request_id), n)

    def _read(self, request_id: str, found: Exchange | None, n: int | None) -> ExchangeRead:
        found = found or self._files.read(request_id)
        if found is None:
            return ExchangeRead(request_id, n or 0)
        part, attempt = part_of(found, n)
        answer = "" if attempt is None else answer_of(attempt, found.client_request)
        redactor = self._redactor
        number = 0 if attempt is None else attempt.n
        return ExchangeRead(request_id, number, redacted(part, redactor), redactor.text(answer))

    async def _keep_sweeping(self) -> None:
        while True:
            await asyncio.to_thread(self._sweep)
            await self._sleep(SWEEP_EVERY_S)

    def _sweep(self) -> None:
        settings = self._settings
        self._files.sweep(0 if settings.keep == "off" else settings.days)
        if settings.keep == "errors":
            self._files.drop_successes()
