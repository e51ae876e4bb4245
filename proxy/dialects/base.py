"""What a dialect is: encode a request, decode its stream, read its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from proxy.context import NewId
from proxy.dialects.profiles import Profile
from proxy.messages.errors import UpstreamError
from proxy.messages.events import StreamEvent
from proxy.messages.message import JsonObject
from proxy.messages.request import MessagesRequest


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of the request that the dialect cannot carry."""

    path: str
    """Where it stands in the request, such as `messages.3.content.0.citations`."""
    reason: str
    """What became of it, in one sentence."""
    is_vital: bool = False
    """Without it the answer would be another one: the payload is whole, but had better not be sent."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which model of which upstream a request is encoded for."""

    provider: str
    model: str
    """The upstream's name for it."""
    profile: Profile


@dataclass(frozen=True, slots=True)
class Encoded:
    """A request in the upstream's dialect."""

    payload: JsonObject
    losses: tuple[Loss, ...] = ()


class StreamDecoder(Protocol):
    """Turns the bytes of one answer into lawful events, whatever the cut of the bytes.

    A failure the upstream reports in its stream, and a stream that breaks off, end as an `error` event;
    nothing follows it. Events always obey `messages.stream_state`.
    """

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Takes the next bytes and returns the events they complete."""
        ...

    def finish(self) -> list[StreamEvent]:
        """The upstream closed the body: returns the events that end the answer."""
        ...

    @property
    def is_cut_short(self) -> bool:
        """The answer was ended here while the upstream still writes: whoever reads it should hang up."""
        ...

    @property
    def heard_chars(self) -> int:
        """How much of an answer there was so far, with thinking that no event shows; 0: events show all."""
        ...

    @property
    def cost_usd(self) -> float | None:
        """What the upstream said the answer cost, once it said so."""
        ...


class Dialect(Protocol):
    """An upstream's wire protocol."""

    path: str
    """The path under the provider's base URL that takes requests."""

    def encode_request(self, request: MessagesRequest, target: Target) -> Encoded:
        """Returns the request in this dialect, always streamed, with every loss named.

        Raises:
            ClientError: The request needs what this dialect can never do.
        """
        ...

    def decoder(
        self, request: MessagesRequest, target: Target, content_type: str, new_id: NewId
    ) -> StreamDecoder:
        """Returns the decoder for an answer with HTTP status 200 and this content type."""
        ...

    def decode_error(
        self, request: MessagesRequest, status: int, headers: Mapping[str, str], body: bytes
    ) -> UpstreamError:
        """Returns what an answer with another status means for the client; header names are lower case."""
        ...
