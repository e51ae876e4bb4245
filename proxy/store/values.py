"""What the store gives and takes: batches, their requests and files as frozen values, and how it can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Literal

from proxy.context import LOCAL_TOKEN, Owner
from proxy.messages.errors import ApiError, ErrorType

Outcome = Literal["succeeded", "errored", "canceled", "expired"]
"""How one request of a batch ended; the words are the Message Batches API's."""
ProcessingStatus = Literal["in_progress", "canceling", "ended"]


class StoreFailure(str, Enum):
    """Why the store could not do its work; the value is a sentence for people.

    UNFIT alone is about what was to be kept, and never passes; after all others the same may be tried again.
    """

    DISK_FULL = "There is no room left on the disk where Signalbox keeps its data."
    IN_USE = (
        "Another Signalbox is using this data folder. End that one, or give this one a folder of its own: "
        "set SIGNALBOX_HOME."
    )
    BUSY = "The database of Signalbox is locked by another program."
    DAMAGED = "The database of Signalbox is damaged; restart Signalbox to set it aside."
    NEWER = "The database was made by a newer Signalbox; update this one."
    UNFIT = "Something that was to be kept cannot stand in the database of Signalbox; its log says more."
    UNUSABLE = "The data folder of Signalbox cannot be used; its log says more."


class StoreError(ApiError):
    """The store on this machine failed: a 500 that no retry mends, without a path in its text.

    Attributes:
        failure: Why.
    """

    def __init__(self, failure: StoreFailure) -> None:
        super().__init__(ErrorType.API, failure.value, should_retry=failure is StoreFailure.BUSY)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class NewRequest:
    """One request of a batch that is being created: where its JSON object lies in the batch's body."""

    custom_id: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One message batch; times are microseconds since the epoch."""

    id: str
    total: int
    created_us: int
    expires_us: int
    cancel_us: int | None = None
    ended_us: int | None = None
    archived_us: int | None = None
    succeeded: int = 0
    """This and the next three stay 0 until the batch has ended."""
    errored: int = 0
    canceled: int = 0
    expired: int = 0
    client: str = "unknown"
    """The program that created it."""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The protocol headers it was created with; they hold for each of its requests."""
    token: str = LOCAL_TOKEN
    """The name of the token it was created with; its limits hold for each of the requests."""
    workspace: str | None = None
    """The workspace the token was bound to then."""

    @property
    def owner(self) -> Owner:
        """Whose it is."""
        return Owner(self.token, self.workspace)

    @property
    def status(self) -> ProcessingStatus:
        """Where it stands, in the API's words."""
        if self.ended_us is not None:
            return "ended"
        return "in_progress" if self.cancel_us is None else "canceling"


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request of a batch that has no result yet."""

    position: int
    custom_id: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A request's durable result."""

    position: int
    custom_id: str
    outcome: Outcome
    result: str | None
    """The result object as JSON; None where the outcome says everything."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of an uploaded file; times are microseconds since the epoch."""

    id: str
    filename: str
    mime_type: str
    size_bytes: int
    created_us: int
    expires_us: int | None = None
    downloadable: bool = False
    number: int = 0
    """Its place in the order of uploads; the store gives it."""
    token: str = LOCAL_TOKEN
    """The name of the token it was uploaded with."""
    workspace: str | None = None
    """The workspace the token was bound to then."""

    @property
    def owner(self) -> Owner:
        """Whose it is."""
        return Owner(self.token, self.workspace)
