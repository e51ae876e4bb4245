"""Turns what is known of a request at its end into its lines in the ledger."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from proxy.config import Candidate
from proxy.context import RequestContext
from proxy.events import RequestFinished
from proxy.messages.errors import ApiError
from proxy.service.prices import PriceList, Tokens, cost_of, micro_usd
from proxy.store.ledger_values import AttemptRow, CostSource, Entry, RequestRow

_CHARS_PER_TOKEN = 4
"""For answers that broke off before the upstream said what they used."""


@dataclass(frozen=True, slots=True)
class Booking:
    """A request at its end."""

    context: RequestContext
    started_at: float
    """Seconds since the epoch."""
    model_asked: str
    alias: str | None
    candidate: Candidate | None
    """Of the last attempt."""
    attempts: tuple[AttemptRow, ...]
    finished: RequestFinished
    failed_usd: float
    """What upstreams said that failed attempts cost."""
    is_counted: bool
    """The upstream has told what the answer used."""
    request_bytes: int
    answer_chars: int


class AttemptLog:
    """The attempts of one request, one after the other."""

    def __init__(self, request_id: str, clock: Callable[[], float]) -> None:
        self._request_id = request_id
        self._clock = clock
        self._rows: list[AttemptRow] = []
        self._began_at = 0.0
        self._reason = ""
        self._is_open = False
        self.candidate: Candidate | None = None
        """Of the last one."""

    def begin(self, candidate: Candidate, reason: str) -> None:
        """The next one begins; one that is still open has ended well (or its answer was no use)."""
        self.end("ok")
        self.candidate, self._reason, self._is_open = candidate, reason, True
        self._began_at = self._clock()

    def fail(self, error: ApiError) -> None:
        """The open one failed."""
        self.end(error.type.value)

    def end(self, outcome: str) -> None:
        """The open one ended; nothing happens where none is open."""
        candidate = self.candidate
        if candidate is None or not self._is_open:
            return
        self._is_open = False
        took_ms = round((self._clock() - self._began_at) * 1000)
        number, (provider, model) = len(self._rows) + 1, (candidate.provider, candidate.model)
        self._rows.append(
            AttemptRow(self._request_id, number, provider, model, self._reason, outcome, took_ms)
        )

    def rows(self) -> tuple[AttemptRow, ...]:
        """Returns those that have ended."""
        return tuple(self._rows)


def entry_of(booking: Booking, prices: PriceList, day: date, *, was_reserved: bool) -> Entry:
    """Returns what is written of a request, with what it cost."""
    finished, context = booking.finished, booking.context
    tokens, is_guess = _tokens(booking)
    cost, source = _cost(booking, prices, tokens, is_guess)
    candidate = booking.candidate
    row = RequestRow(
        id=context.request_id,
        started_us=round(booking.started_at * 1e6),
        client=context.client,
        token=context.token_name,
        conversation=_storable(context.conversation_id),
        path=context.path,
        model_asked=_storable(booking.model_asked) or "",
        alias=booking.alias,
        provider=candidate.provider if candidate else None,
        model_used=candidate.model if candidate else None,
        outcome=finished.outcome,
        status=finished.status,
        stop_reason=_storable(finished.stop_reason),
        error_type=finished.error_type,
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
        cost_micro_usd=cost,
        cost_source=source,
        first_token_ms=None if finished.first_token_s is None else round(finished.first_token_s * 1000),
        total_ms=round(finished.duration_s * 1000),
    )
    return Entry(day.isoformat(), row, booking.attempts, was_reserved)


def _storable(text: str | None) -> str | None:
    """Clients and upstreams may say half a surrogate pair or a NUL, which no database takes as text."""
    if text is None or text.isprintable():
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{SYMBOL FOR NULL}")


def _tokens(booking: Booking) -> tuple[Tokens, bool]:
    """Returns the tokens to be paid for, and whether they are guessed: the upstream said too little."""
    told = booking.finished
    tokens = Tokens(told.input_tokens, told.output_tokens, told.cache_read_tokens, told.cache_write_tokens)
    if booking.finished.first_token_s is None and not told.output_tokens:
        return tokens, False  # no answer began
    has_input = bool(tokens.input or tokens.cache_read or tokens.cache_write)
    if booking.is_counted and has_input:
        return tokens, False
    guessed = replace(
        tokens,
        input=tokens.input if has_input else math.ceil(booking.request_bytes / _CHARS_PER_TOKEN),
        output=max(tokens.output, math.ceil(booking.answer_chars / _CHARS_PER_TOKEN)),
    )
    return guessed, True


def _cost(booking: Booking, prices: PriceList, tokens: Tokens, is_guess: bool) -> tuple[int, CostSource]:
    failed = micro_usd(booking.failed_usd)
    if booking.finished.cost_usd is not None:
        return failed + micro_usd(booking.finished.cost_usd), "upstream"
    if booking.candidate is None or tokens == Tokens():
        return failed, "upstream" if failed else "price list"
    price, is_known = prices.price(booking.candidate)
    if not is_known:
        return failed + cost_of(price, tokens), "unknown"
    return failed + cost_of(price, tokens), "estimate" if is_guess else "price list"
