"""The controller's part about requests: `gui.request_desk` over the ledger's file and the kept bodies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from app.bodies import Bodies
from app.configuration import Configuration
from app.desk_changes import DeskChanges
from app.settings_edit import Put
from gui.desk import ActionFailed, DeskEvent, SettingsChanged
from gui.request_desk import AttemptsRead, BodiesKept, EarlierRequestsRead
from proxy.store.values import StoreError
from proxy.tasks import spawn

if TYPE_CHECKING:  # it loads SQLAlchemy, which the program's start must not wait for
    from proxy.store.ledger_reader import LedgerReader

T = TypeVar("T")

PAGE = 200
"""How many requests are read at once."""


class RequestControls:
    """What the window may ask about requests."""

    def __init__(
        self,
        configuration: Configuration,
        bodies: Bodies,
        changes: DeskChanges,
        announce: Callable[[DeskEvent], None],
    ) -> None:
        """Makes the controls; nothing is read yet.

        Args:
            configuration: Has the settings, and the folder of the ledger's database.
            bodies: Both sides of requests.
            changes: Changes the settings.
            announce: Tells the window.
        """
        self._requests_of = configuration
        self._exchanges = bodies
        self._request_changes = changes
        self._report = announce

    def read_exchange(self, request_id: str, n: int | None) -> None:
        """Asks for both sides of a request; ExchangeRead follows."""
        spawn(self._read_exchange(request_id, n), name="read both sides of a request")

    async def _read_exchange(self, request_id: str, n: int | None) -> None:
        self._report(await self._exchanges.read(request_id, n))

    def bodies_kept(self) -> BodiesKept:
        """Returns of which requests both sides are kept."""
        return self._requests_of.settings.bodies.keep

    def keep_bodies(self) -> str | None:
        """Has both sides of all requests kept from now on; returns why not, or None."""
        return self._request_changes.submit([Put(("bodies", "keep"), "all")], None, SettingsChanged())

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

            return question(LedgerReader(self._requests_of.folders.store))

        try:
            return await asyncio.to_thread(work)
        except StoreError as error:
            self._report(ActionFailed("Earlier requests cannot be read", error.message))
            return None
