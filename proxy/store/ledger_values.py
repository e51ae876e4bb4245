"""What the ledger keeps: a line a request, one an attempt, what is reserved, and what each day came to.

Named tuples: they are made for every request, at a third of a frozen dataclass's price, and a database
driver takes them as they are.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

CostSource = Literal["upstream", "price list", "estimate", "unknown"]
"""Who says what it cost: the upstream; its tokens at a known price; the same with tokens guessed; or a price
nobody told, for which the highest known one stands."""


class RequestRow(NamedTuple):
    """One request that ended. Times are microseconds since the epoch, amounts millionths of a US dollar."""

    id: str
    started_us: int
    client: str
    token: str
    conversation: str | None
    path: str
    model_asked: str
    alias: str | None
    provider: str | None
    """Of the last attempt; None: there was none."""
    model_used: str | None
    outcome: str
    """ok, error, cancelled, or interrupted: the program died while it ran."""
    status: int | None
    stop_reason: str | None
    error_type: str | None
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_micro_usd: int
    cost_source: CostSource
    first_token_ms: int | None
    total_ms: int | None


class AttemptRow(NamedTuple):
    """One try of one candidate."""

    request_id: str
    n: int
    """From 1."""
    provider: str
    model: str
    reason: str
    """Why it was chosen."""
    outcome: str
    """ok, cancelled, or the type of the error."""
    duration_ms: int


class Reservation(NamedTuple):
    """The most a request can cost, written down before it is sent."""

    request_id: str
    day: str
    """`2026-11-22`, in the user's time zone."""
    token: str
    alias: str | None
    micro_usd: int
    started_us: int
    client: str
    model_asked: str


class Entry(NamedTuple):
    """What is written when a request has ended."""

    day: str
    request: RequestRow
    attempts: tuple[AttemptRow, ...] = ()
    was_reserved: bool = True
    """A reservation may be on the disk, which goes now."""


class DayTotal(NamedTuple):
    """What the requests of one token for one alias came to on one day."""

    day: str
    token: str
    alias: str | None
    requests: int = 0
    input_tokens: int = 0
    """Without those read from or written to a cache."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    micro_usd: int = 0
    """All of it, as it counts against budgets."""
    estimated_micro_usd: int = 0
    """The part with guessed tokens."""
    unknown_micro_usd: int = 0
    """The part with an unknown price."""

    def plus(self, other: DayTotal) -> DayTotal:
        """Returns the sum, for the same day, token and alias."""
        return DayTotal(
            self.day,
            self.token,
            self.alias,
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.micro_usd + other.micro_usd,
            self.estimated_micro_usd + other.estimated_micro_usd,
            self.unknown_micro_usd + other.unknown_micro_usd,
        )


def total_of(entry: Entry) -> DayTotal:
    """Returns what one request adds to its day."""
    row = entry.request
    cost = row.cost_micro_usd
    return DayTotal(
        entry.day,
        row.token,
        row.alias,
        requests=1,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_read_tokens=row.cache_read_tokens,
        cache_write_tokens=row.cache_write_tokens,
        micro_usd=cost,
        estimated_micro_usd=cost if row.cost_source == "estimate" else 0,
        unknown_micro_usd=cost if row.cost_source == "unknown" else 0,
    )
