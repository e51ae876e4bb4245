"""One try of one candidate: encode, open the upstream, decode what it sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.config import Candidate, DialectName, ProviderConfig
from proxy.context import NewId
from proxy.dialects.base import Dialect, Encoded, StreamDecoder, Target
from proxy.dialects.profiles import Profile
from proxy.dialects.registry import dialect_for
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.messages.events import StreamEvent
from proxy.messages.request import MessagesRequest
from proxy.messages.wire import write_json
from proxy.routing.keys import keys_of
from proxy.service.answer_headers import passed_back
from proxy.service.connections import Lease
from proxy.service.record import RequestRecord
from proxy.upstreams.base import UpstreamAnswer

MAX_ERROR_BYTES = 64 * 1024
"""An upstream's error body is read this far; whatever it says is said by then."""
MAX_MESSAGE_CHARS = 4096
"""Of an upstream's error text, this much is handed on."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A request encoded for one candidate."""

    request: MessagesRequest
    target: Target
    dialect: Dialect
    encoded: Encoded
    dialect_name: DialectName
    is_passed_through: bool = False
    """The upstream speaks the protocol itself: headers go both ways too."""

    @classmethod
    def make(
        cls, request: MessagesRequest, candidate: Candidate, provider: ProviderConfig, profile: Profile
    ) -> Plan:
        """Encodes the request by what is known of the model.

        Raises:
            ClientError: The request needs what the candidate's dialect can never do.
        """
        target = Target(provider.name, candidate.model, profile)
        dialect = dialect_for(provider.dialect)
        encoded = dialect.encode_request(request, target)
        name = provider.dialect
        return cls(request, target, dialect, encoded, name, name == "anthropic-messages")


class Attempt:
    """An upstream's answer with HTTP status 200, being decoded."""

    def __init__(self, answer: UpstreamAnswer, decoder: StreamDecoder, record: RequestRecord) -> None:
        self.answer = answer
        self._decoder = decoder
        self._record = record

    @property
    def is_cut_short(self) -> bool:
        """Nothing more is wanted of the answer, though the upstream goes on."""
        return self._decoder.is_cut_short

    def decoded(self, chunk: bytes) -> list[StreamEvent]:
        """Returns the events that a received piece completes, maybe none."""
        self._record.upstream_replied(chunk)
        return self._decoder.feed(chunk)

    def rest(self) -> list[StreamEvent]:
        """Returns the events that the answer's end completes."""
        return [] if self._decoder.is_cut_short else self._decoder.finish()

    async def aclose(self) -> None:
        """Ends the upstream's answer, finished or not."""
        self._record.told_cost(self._decoder.cost_usd)
        self._record.heard(self._decoder.heard_chars)
        await self.answer.aclose()


async def open_attempt(
    plan: Plan,
    lease: Lease,
    headers: Mapping[str, str],
    record: RequestRecord,
    new_id: NewId,
    key: str = "",
) -> Attempt:
    """Sends the request and waits until the upstream answers 200.

    Args:
        plan: What to send.
        lease: The connection.
        headers: Further ones for the upstream.
        record: Whose answer it is.
        new_id: Makes ids.
        key: Which of several keys is used, for people.

    Raises:
        UpstreamError: It could not be reached, or answered with another status.
    """
    if record.exchanges is not None:
        record.exchanges.sent(write_json(plan.encoded.payload), headers, plan.dialect_name, key)
    answer = await lease.upstream.open(plan.dialect.path, plan.encoded.payload, headers)
    if record.exchanges is not None:
        record.exchanges.answered(answer.status, answer.headers)
    if plan.is_passed_through:
        record.answer_headers |= passed_back(answer.headers)
    try:
        if answer.status == 200:
            content_type = answer.headers.get("content-type", "")
            decoder = plan.dialect.decoder(plan.request, plan.target, content_type, new_id)
            return Attempt(answer, decoder, record)
        body = await _error_body(answer, record)
    except BaseException:
        await answer.aclose()
        raise
    await answer.aclose()
    if 300 <= answer.status < 400:
        raise UpstreamError(
            ErrorType.API,
            f"{plan.target.provider} answered with a redirect, which is never followed because the key must "
            "not go elsewhere. Correct the provider's base URL.",
            should_retry=False,
        )
    raise plan.dialect.decode_error(plan.request, answer.status, answer.headers, body)


async def _error_body(answer: UpstreamAnswer, record: RequestRecord) -> bytes:
    body = b""
    while len(body) < MAX_ERROR_BYTES and (piece := await answer.read()):
        record.upstream_replied(piece)
        body += piece
    return body[:MAX_ERROR_BYTES]


def cleaned(error: UpstreamError, provider: ProviderConfig) -> UpstreamError:
    """Returns an upstream's error as it may be shown: short, and without control characters and key."""
    text = error.message
    for key in keys_of(provider):
        if key is not None and key.get_secret_value():
            text = text.replace(key.get_secret_value(), "••••")
    shown = "".join(
        char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text
    )
    if len(shown) > MAX_MESSAGE_CHARS:
        shown = shown[:MAX_MESSAGE_CHARS] + " …"
    return error.saying(shown)
