"""What the window may ask about requests of earlier sessions, and the values it gets back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

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


class RequestDesk(Protocol):
    """What the window may ask about earlier requests."""

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
