"""How long and how much a client may take; and when a silent answer is pinged."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the HTTP front end; tests hand in smaller ones."""

    header_s: float = 15.0
    """From a request's first byte to the end of its headers."""
    idle_s: float = 60.0
    """A connection without a request, new or kept alive."""
    body_grace_s: float = 10.0
    """After this long the body must have come at `body_min_rate` or faster."""
    body_min_rate: float = 1024.0
    """Bytes a second."""
    small_body_bytes: int = 64 * 1024
    small_body_s: float = 30.0
    """A body of at most `small_body_bytes` must be complete after this long."""
    max_connections: int = 256
    max_strangers: int = 64
    """Connections that have not shown the token yet."""
    stranger_grace_s: float = 1.0
    """A connection younger than this is not closed to make room."""
    sweep_s: float = 1.0
    """How often connections are looked over."""
    first_ping_s: float = 2.5
    """Silence before the first ping of an answer: clients with a read time-out of 4 s exist."""
    next_ping_s: float = 10.0
    failures_per_minute: int = 20
    """Wrong tokens answered at once; further ones are delayed."""
    failure_delay_s: float = 1.0
