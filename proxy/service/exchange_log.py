"""Keeps both sides of one request while it runs: the client's, and those of every attempt at an upstream.

There is one only where somebody wants to see bodies. Each body is kept up to a limit, and those of all
earlier attempts together up to `EARLIER_AT_MOST` times that: the oldest lose theirs, never their facts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, cast

from proxy.config import Candidate
from proxy.events import Exchange, ToolResult, UpstreamExchange
from proxy.messages.errors import ApiError
from proxy.messages.message import JsonObject

EARLIER_AT_MOST = 2
SIDES_AT_MOST = 4 + EARLIER_AT_MOST
"""So many times the limit is what a request takes at most: the client's sides, an attempt's, and these."""
MAX_RESULT_CHARS = 2_000
"""Of a tool's result; the next attempt's request has the whole of it."""

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_COOKIES = frozenset({"set-cookie", "set-cookie2"})


class Capture:
    """Keeps the beginning of a body; each piece costs an append."""

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit
        self._pieces: list[bytes] = []
        self.is_cut = False

    def add(self, piece: bytes) -> None:
        """Takes the next piece."""
        if self._left > 0:
            self._pieces.append(piece[: self._left] if len(piece) > self._left else piece)
            self._left -= len(piece)
        elif piece:
            self.is_cut = True

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return self._limit - max(0, self._left)

    def text(self) -> str:
        """Returns what was kept."""
        self.is_cut = self.is_cut or self._left < 0
        return b"".join(self._pieces).decode("utf-8", "replace")


class Counts(Protocol):
    """What an answer says of itself so far."""

    stop_reason: str | None

    def count(self, key: str) -> int:
        """Returns a token count of the Messages API's usage."""
        ...


class _Attempt:
    """One attempt as far as it has come."""

    def __init__(
        self, n: int, candidate: Candidate, reason: str, began: float, at: float, limit: int
    ) -> None:
        self.n, self.candidate, self.reason = n, candidate, reason
        self.began, self.at = began, at
        self.round = 1
        self.key = self.dialect = ""
        self.status: int | None = None
        self.first_byte_s: float | None = None
        self.duration_s: float | None = None
        """None while it runs."""
        self.outcome, self.error_message = "ok", ""
        self.tally: Counts | None = None
        """Of an answer with status 200."""
        self.request, self.reply = Capture(limit), Capture(limit)
        self.request_headers = self.reply_headers = _NO_HEADERS
        self.is_dropped = self.is_over = False
        self.results: list[ToolResult] = []

    def drop_bodies(self) -> None:
        self.request, self.reply = Capture(0), Capture(0)
        self.is_dropped = True

    def seen(self) -> UpstreamExchange:
        request, reply, tally = self.request.text(), self.reply.text(), self.tally
        return UpstreamExchange(
            n=self.n,
            round=self.round,
            provider=self.candidate.provider,
            model=self.candidate.model,
            reason=self.reason,
            at=self.at,
            duration_s=self.duration_s or 0.0,
            first_byte_s=self.first_byte_s,
            key=self.key,
            dialect=self.dialect,
            status=self.status,
            outcome=self.outcome,
            error_message=self.error_message,
            stop_reason=tally.stop_reason if tally else None,
            input_tokens=tally.count("input_tokens") if tally else 0,
            output_tokens=tally.count("output_tokens") if tally else 0,
            cache_read_tokens=tally.count("cache_read_input_tokens") if tally else 0,
            cache_write_tokens=tally.count("cache_creation_input_tokens") if tally else 0,
            request=request,
            reply=reply,
            request_headers=self.request_headers,
            reply_headers=self.reply_headers,
            is_cut=self.request.is_cut or self.reply.is_cut,
            is_dropped=self.is_dropped,
            results=tuple(self.results),
        )


class ExchangeLog:
    """Both sides of one request, from its beginning to its end."""

    def __init__(
        self,
        request_id: str,
        headers: Mapping[str, str],
        limit: int,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        """Makes an empty log.

        Args:
            request_id: Of which request.
            headers: The client's, without credentials.
            limit: Bytes of each body that are kept.
            clock: For durations.
            wall_clock: Seconds since the epoch.
        """
        self.client_request, self.client_reply = Capture(limit), Capture(limit)
        self._request_id = request_id
        self._headers = headers
        self._limit = limit
        self._clock, self._wall_clock = clock, wall_clock
        self._attempts: list[_Attempt] = []

    def begin(self, candidate: Candidate, reason: str, round_: int) -> None:
        """An attempt begins; one that is still open has ended."""
        self.end("ok")
        self._make_room()
        n = len(self._attempts) + 1
        attempt = _Attempt(n, candidate, reason, self._clock(), self._wall_clock(), self._limit)
        attempt.round = round_
        self._attempts.append(attempt)

    def sent(self, body: bytes, headers: Mapping[str, str], dialect: str, key: str) -> None:
        """The open attempt's request goes out."""
        attempt = self._attempts[-1]
        attempt.request.add(body)
        attempt.request_headers, attempt.dialect, attempt.key = headers, dialect, key

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """The upstream answers with a status."""
        attempt = self._attempts[-1]
        attempt.status = status
        attempt.reply_headers = MappingProxyType(
            {name: value for name, value in headers.items() if name.lower() not in _COOKIES}
        )

    def heard(self, piece: bytes) -> None:
        """A piece of the answer's body arrived."""
        attempt = self._attempts[-1]
        if attempt.first_byte_s is None:
            attempt.first_byte_s = self._clock() - attempt.began
        attempt.reply.add(piece)

    def taken(self, tally: Counts) -> None:
        """The upstream took the request; this counts what it says."""
        self._attempts[-1].tally = tally

    def closed(self) -> None:
        """The answer's body has ended: what tools take now is not the upstream's time."""
        attempt = self._attempts[-1]
        if attempt.duration_s is None:
            attempt.duration_s = self._clock() - attempt.began

    def fail(self, error: ApiError) -> None:
        """The open attempt failed."""
        self.end(error.type.value, error.message)

    def end(self, outcome: str, message: str = "") -> None:
        """The last attempt ended; what is said of it first counts, unless that was that it went well."""
        if not self._attempts or self._attempts[-1].is_over:
            return
        self.closed()
        attempt = self._attempts[-1]
        if attempt.outcome == "ok":
            attempt.outcome, attempt.error_message = outcome, message

    def round_over(self) -> None:
        """The last attempt answered, and the model will be asked again: nothing that follows is about it."""
        self.end("ok")
        if self._attempts:
            self._attempts[-1].is_over = True

    def tool_ran(self, call_id: str, tool: str, block: JsonObject) -> None:
        """A tool of Signalbox gave its result back, as the block that a client is shown."""
        if self._attempts:  # else an earlier request left the call open
            result = ToolResult(call_id, tool, _beginning(block.get("content")), bool(block.get("is_error")))
            self._attempts[-1].results.append(result)

    def exchange(self) -> Exchange:
        """Returns all of it as text."""
        request, reply = self.client_request.text(), self.client_reply.text()
        return Exchange(
            request_id=self._request_id,
            client_request=request,
            client_reply=reply,
            client_headers=self._headers,
            upstream=tuple(attempt.seen() for attempt in self._attempts),
            is_cut=self.client_request.is_cut or self.client_reply.is_cut,
        )

    def _make_room(self) -> None:
        left = self._limit * EARLIER_AT_MOST
        for attempt in reversed(self._attempts):
            left -= attempt.request.size + attempt.reply.size
            if left < 0 and not attempt.is_dropped:
                attempt.drop_bodies()


def _beginning(content: Any) -> str:
    """The words of a result block's content, as far as they are shown."""
    if isinstance(content, str):
        return content[:MAX_RESULT_CHARS]
    blocks = cast("Sequence[Any]", content if isinstance(content, list) else [content])
    words: list[str] = []
    left = MAX_RESULT_CHARS
    for block in blocks:
        if left <= 0:
            break
        words.append(_words_of(block)[:left])
        left -= len(words[-1]) + 1
    return "\n".join(words)


def _words_of(block: Any) -> str:
    if not isinstance(block, dict):
        return ""
    facts = cast("JsonObject", block)
    told = [facts.get(name) for name in ("text", "title", "url", "error_code")]
    words = [each for each in told if isinstance(each, str)]
    return " – ".join(words) or f"[{facts.get('type', 'result')}]"
