"""What an upstream says of tokens and cost, as far as it can be true; what cannot be true is not believed."""

from __future__ import annotations

from typing import Any, cast

from proxy.messages.message import JsonObject

MOST_TOKENS = 10**9
"""A thousand times the largest context there is."""
MOST_USD = 100_000.0
"""Of one answer."""
_BILLED = "upstream_inference_cost"


def tokens_told(value: Any) -> int | None:
    """Returns a count of tokens; None: nothing was told that can be one."""
    if type(value) is int or isinstance(value, float):  # no bool
        return int(value) if 0 <= value <= MOST_TOKENS else None
    return None


def cost_told(usage: JsonObject) -> float | None:
    """Returns what an answer cost in US dollars, of its usage; None: it does not say, or not what can be.

    OpenRouter's `cost` is what it takes itself. Where it asks a provider with the user's own key there
    (`is_byok`), that is a fee or nothing, and the provider's own bill stands beside it.
    """
    cost = _amount(usage.get("cost"))
    if cost is None or usage.get("is_byok") is not True:
        return cost
    details = usage.get("cost_details")
    billed = _amount(cast("JsonObject", details).get(_BILLED)) if isinstance(details, dict) else None
    return None if billed is None else cost + billed


def _amount(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= MOST_USD else None
