"""The time that the window's parts go by, where a test hands in none."""

from __future__ import annotations

from datetime import datetime, timezone


def now() -> float:
    """Returns seconds since the epoch."""
    return datetime.now(tz=timezone.utc).timestamp()
