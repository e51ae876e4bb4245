"""Turns what is known of a request at its end into its lines in the ledger."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from proxy.config import Candidate
from proxy.context import RequestContext
from proxy.events import RequestFinished
from proxy.messages.errors import ApiError
from proxy.service.prices import PriceList, Tokens, cost_of, micro_usd
from proxy.store.ledger_values import AttemptRow, CostSource, Entry, RequestRow

CHARS_PER_TOKEN = 4
"""For answers that broke off before the upstream said what they used."""
_LEAST_SURE_FIRST: tuple[CostSource, ...] = ("unknown", "estimate", "price list", "upstream")


class Use(NamedTuple):
    """What one upstream did after it took the request (answered 200); it is paid for, whatever came of it."""

    candidate: Candidate
    told: Tokens
    cost_usd: float | None
    """As the upstream says."""
    is_counted: bool
    """The upstream has told what the answer used."""
    input_guess: int
    """Tokens it was sent."""
    answer_chars: int
    """What it answered so far, whether it left for the client or not."""


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
    uses: tuple[Use, ...]
    """Nobody took the request: there is none, and nothing is to be paid."""


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
    tokens, cost, source = paid_for(booking.uses, prices)
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


def paid_for(uses: Sequence[Use], prices: PriceList) -> tuple[Tokens, int, CostSource]:
    """Returns what uses come to together: tokens, millionths of a dollar, and the least sure word for it."""
    if len(uses) == 1:  # nearly always
        return _paid_for(uses[0], prices)
    tokens, cost, sources = Tokens(), 0, list[CostSource]()
    for use in uses:
        used, more, source = _paid_for(use, prices)
        tokens, cost = tokens.plus(used), cost + more
        sources.append(source)
    return tokens, cost, min(sources, key=_LEAST_SURE_FIRST.index) if sources else "price list"


def _paid_for(use: Use, prices: PriceList) -> tuple[Tokens, int, CostSource]:
    tokens, is_guess = _tokens(use)
    if use.cost_usd is not None:
        return tokens, micro_usd(use.cost_usd), "upstream"
    price, is_known = prices.price(use.candidate)
    source: CostSource = "unknown" if not is_known else "estimate" if is_guess else "price list"
    return tokens, cost_of(price, tokens), source


def _tokens(use: Use) -> tuple[Tokens, bool]:
    """Returns the tokens to be paid for, and whether they are guessed: the upstream said too little."""
    told = use.told
    has_input = bool(told.input or told.cache_read or told.cache_write)
    if use.is_counted and has_input and (told.output or not use.answer_chars):
        return told, False
    guessed = told._replace(
        input=told.input if has_input else use.input_guess,
        output=max(told.output, math.ceil(use.answer_chars / CHARS_PER_TOKEN)),
    )
    return guessed, True
