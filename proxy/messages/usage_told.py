"""What an upstream says of tokens and cost, as far as it can be true; what cannot be true is not believed."""

from __future__ import annotations

from typing import Any

from proxy.messages.message import JsonObject

MOST_TOKENS = 10**9
"""A thousand times the largest context there is."""
MOST_USD = 100_000.0
"""Of one answer."""


def tokens_told(value: Any) -> int | None:
    """Returns a count of tokens; None: nothing was told that can be one."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value <= MOST_TOKENS else None


def cost_told(usage: JsonObject) -> float | None:
    """Returns what an answer cost in US dollars, of its usage; None: it does not say, or not what can be."""
    return _amount(usage.get("cost"))


def _amount(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= MOST_USD else None
