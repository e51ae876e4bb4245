"""Corrects estimates per model by the ratio seen between estimates and what upstreams really counted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

FEWEST_TOKENS = 50
"""Below, a few tokens of frame are a large ratio and say nothing about a long request."""
WIDEST = math.log(2.0)
"""No ratio beyond half or double is believed: then something else was counted than what was estimated."""
SLOWEST = 0.05
"""The share of each new observation in the long run, so that about the last 40 count."""
TRUST = 3
"""The estimate itself counts as so many observations without error."""
MOST_MODELS = 500


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one model's requests have shown."""

    mean: float = 0.0
    """Logarithm of actual / estimated: halves and doubles weigh the same."""
    count: int = 0


def _nothing_seen() -> Mapping[str, _Seen]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class TokenCorrection:
    """Running ratios by upstream model; a value, so `observe` gives the next one."""

    seen: Mapping[str, _Seen] = field(default_factory=_nothing_seen)

    def observe(self, model: str, estimated: int, actual: int) -> TokenCorrection:
        """Returns the correction after one more answer.

        Args:
            model: The upstream's name of the model.
            estimated: What `estimate_tokens` said, uncorrected.
            actual: The input tokens the upstream reports, those read from and written to a cache included.
                Leave out answers during which the upstream ran server tools: it counts their results too.
        """
        if min(estimated, actual) < FEWEST_TOKENS:
            return self
        seen = self.seen.get(model, _Seen())
        ratio = _bounded(math.log(actual / estimated))
        share = max(SLOWEST, 1 / (seen.count + 1 + TRUST))
        moved = _Seen(seen.mean + share * (ratio - seen.mean), seen.count + 1)
        others = {name: each for name, each in self.seen.items() if name != model}
        kept = dict(list(others.items())[-(MOST_MODELS - 1) :])
        return TokenCorrection(MappingProxyType({**kept, model: moved}))

    def corrected(self, model: str, estimate: int) -> int:
        """Returns the estimate times the model's ratio; a model never observed keeps its estimate."""
        seen = self.seen.get(model)
        return estimate if seen is None else max(1, round(estimate * math.exp(seen.mean)))


def _bounded(ratio: float) -> float:
    return max(-WIDEST, min(WIDEST, ratio))
