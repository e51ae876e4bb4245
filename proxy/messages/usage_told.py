"""What an upstream says of tokens and cost, as far as it can be true; what cannot be true is not believed."""

from __future__ import annotations

from collections.abc import Mapping
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


def hour_told(usage: Mapping[str, Any], written: int) -> int:
    """Returns how many of the tokens that were written to a cache are kept there for an hour.

    Args:
        usage: As the Messages API has it: `cache_creation` tells the two kinds apart.
        written: Of both kinds together.
    """
    kinds = usage.get("cache_creation")
    told = cast("JsonObject", kinds).get("ephemeral_1h_input_tokens") if isinstance(kinds, dict) else None
    return min(tokens_told(told) or 0, written)


def hidden_told(delta: Mapping[str, Any]) -> int:
    """Returns how many tokens of thinking a delta stands for that shows none of it.

    Messages API, beta `thinking-token-count-2026-05-13`: while thinking is omitted, some of its empty deltas
    hold an increment of a coarse estimate.
    """
    return tokens_told(delta.get("estimated_tokens")) or 0


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
