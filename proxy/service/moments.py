"""Moments as the store keeps them: whole microseconds since the epoch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def read_us(clock: Callable[[], float]) -> int:
    """Returns what a clock of seconds shows, in microseconds."""
    return int(clock() * 1e6)


def moment_of(at_us: int) -> datetime:
    """Returns a kept moment, in UTC and to the microsecond."""
    return _EPOCH + timedelta(microseconds=at_us)
