"""Keeps both sides of requests as the settings say: none, those that failed or all; in memory and on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from app.exchange_folder import ExchangeFolder
from app.exchanges import MAX_EXCHANGES, ExchangeStore
from app.redaction import Redactor
from app.settings import BodySettings
from proxy.events import Exchange, RequestFinished
from proxy.tasks import spawn


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
    ) -> None:
        """Makes an empty memory; the disk is looked at by `sweep`.

        Args:
            redactor: Takes secrets out.
            settings: What is kept.
            folder: Where the files are.
            clock: Seconds since the epoch.
            in_memory: Somebody looks at them as they come; else they go to the disk only.
        """
        self._settings = settings
        self._memory = ExchangeStore(redactor, settings, max_exchanges=MAX_EXCHANGES if in_memory else 0)
        self._files = ExchangeFolder(folder, redactor, clock)

    def apply(self, settings: BodySettings) -> None:
        """Keeps what changed settings say from now on."""
        if settings == self._settings:
            return
        self._settings = settings
        self._memory.apply(settings)
        self.sweep()

    def finished(self, event: RequestFinished) -> None:
        """Notes how a request ended; its exchange follows."""
        self._memory.finished(event)

    def keep(self, exchange: Exchange) -> bool:
        """Keeps an exchange where the settings want it; returns whether they do."""
        if not self._memory.keep(exchange):
            return False
        if self._settings.days:
            spawn(asyncio.to_thread(self._files.write, exchange), name="keep a request on disk")
        return True

    def get(self, request_id: str) -> Exchange | None:
        """Returns an exchange without its secrets, from memory or from the disk."""
        return self._memory.get(request_id) or self._files.read(request_id)

    def sweep(self) -> None:
        """Deletes what is too old, in the background."""
        days = 0 if self._settings.keep == "off" else self._settings.days
        spawn(asyncio.to_thread(self._files.sweep, days), name="delete old requests")
