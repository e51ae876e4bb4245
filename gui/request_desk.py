"""What the window may ask about requests of earlier sessions, and the values it gets back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from proxy.events import Exchange
from proxy.store.ledger_values import AttemptRow, RequestRow


@dataclass(frozen=True, slots=True)
class EarlierRequestsRead:
    """The answer to `read_earlier_requests`."""

    rows: tuple[RequestRow, ...] = ()
    """Newest first; some of them may be known already."""
    has_more: bool = False
    """There are older ones."""


@dataclass(frozen=True, slots=True)
class AttemptsRead:
    """The answer to `read_attempts`."""

    request_id: str
    attempts: tuple[AttemptRow, ...]


@dataclass(frozen=True, slots=True)
class ExchangeRead:
    """The answer to `read_exchange`: all facts, and the bodies of one part."""

    request_id: str
    n: int = 0
    """The attempt whose bodies these are; 0: the client's."""
    exchange: Exchange | None = None
    """Without secrets; None: it is not kept."""
    answer: str = ""
    """What the upstream answered to that attempt, as one Message of the API; empty where it makes none."""


BodiesKept = Literal["all", "errors", "off"]
"""Of which requests both sides are kept."""


class RequestDesk(Protocol):
    """What the window may ask about requests."""

    def read_exchange(self, request_id: str, n: int | None) -> None:
        """Asks for both sides of a request; ExchangeRead follows.

        Args:
            request_id: Of which request.
            n: Whose bodies: those of the attempt with this number; 0: the client's; None: the last attempt's.
        """
        ...

    def bodies_kept(self) -> BodiesKept:
        """Returns of which requests both sides are kept."""
        ...

    def keep_bodies(self) -> str | None:
        """Has both sides of all requests kept from now on; returns why not, or None.

        SettingsChanged or ActionFailed follows.
        """
        ...

    def read_earlier_requests(self, before_us: int | None) -> None:
        """Asks the ledger for requests, the newest or those before a moment.

        EarlierRequestsRead follows, after ActionFailed where the ledger cannot be read.

        Args:
            before_us: Microseconds since the epoch; None: the newest.
        """
        ...

    def read_attempts(self, request_id: str) -> None:
        """Asks the ledger for the attempts of an earlier request.

        AttemptsRead follows, or ActionFailed where the ledger cannot be read.
        """
        ...
