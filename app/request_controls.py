"""The controller's part about past requests: both their sides, and the ledger of earlier sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from app.bodies import Bodies
from gui.desk import ActionFailed, DeskEvent
from gui.request_desk import AttemptsRead, EarlierRequestsRead
from proxy.events import Exchange
from proxy.store.values import StoreError
from proxy.tasks import spawn

if TYPE_CHECKING:  # it loads SQLAlchemy, which the program's start must not wait for
    from proxy.store.ledger_reader import LedgerReader

T = TypeVar("T")

PAGE = 200
"""How many requests are read at once."""


class RequestControls:
    """What the window may ask about requests that were."""

    def __init__(self, store: Path, bodies: Bodies, announce: Callable[[DeskEvent], None]) -> None:
        """Makes the controls; nothing is read yet.

        Args:
            store: The folder of the ledger's database.
            bodies: What is kept of this session's requests and answers.
            announce: Tells the window.
        """
        self._store_folder = store
        self._both_sides = bodies
        self._report = announce

    def exchange(self, request_id: str) -> Exchange | None:
        """Returns both sides of a request, redacted; None when they are no longer kept."""
        return self._both_sides.get(request_id)

    def read_earlier_requests(self, before_us: int | None) -> None:
        """Asks for requests, newest first; EarlierRequestsRead follows."""
        spawn(self._read_earlier(before_us), name="read earlier requests")

    def read_attempts(self, request_id: str) -> None:
        """Asks for the attempts of a request; AttemptsRead follows, or ActionFailed."""
        spawn(self._read_attempts(request_id), name="read the attempts of a request")

    async def _read_earlier(self, before_us: int | None) -> None:
        found = await self._read(lambda ledger: ledger.requests(PAGE + 1, before_us=before_us))
        if found is None:  # it can be asked again
            self._report(EarlierRequestsRead(has_more=True))
        else:
            self._report(EarlierRequestsRead(tuple(found[:PAGE]), has_more=len(found) > PAGE))

    async def _read_attempts(self, request_id: str) -> None:
        found = await self._read(lambda ledger: ledger.attempts(request_id))
        if found is not None:  # else nothing is known of them, which is not that there were none
            self._report(AttemptsRead(request_id, tuple(found)))

    async def _read(self, question: Callable[[LedgerReader], T]) -> T | None:
        def work() -> T:
            from proxy.store.ledger_reader import LedgerReader  # noqa: PLC0415 - loads SQLAlchemy

            return question(LedgerReader(self._store_folder))

        try:
            return await asyncio.to_thread(work)
        except StoreError as error:
            self._report(ActionFailed("Earlier requests cannot be read", error.message))
            return None
