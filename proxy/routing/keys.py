"""Takes the key of a provider that has several: the first in their order that does not rest.

A key that the upstream refused (401, 402) rests long, a limited one (429) as long as it was told to. Where
all were refused the one that rests shortest is taken; where one is only limited the request waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from pydantic import SecretStr

from proxy.config import ProviderConfig
from proxy.messages.errors import ApiError, ErrorType

REFUSED_REST_S = 900.0
"""A key without credit or out of force seldom mends itself; new settings begin anew anyway."""
LIMITED_REST_S = 15.0
"""Where the upstream does not say how long."""
SHORTEST_REST_S = 1.0
"""Where it says none at all: else keys would be tried in turns as fast as they are refused."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Why and until when a key is not taken."""

    until: float
    is_refused: bool
    """The upstream does not take it at all, instead of not now."""


@dataclass(frozen=True, slots=True)
class KeyRests:
    """Which keys of a provider rest, by their place in the order."""

    rests: Mapping[int, Rest] = field(default_factory=lambda: MappingProxyType({}))

    def after(self, index: int, error: ApiError, now: float) -> KeyRests:
        """Returns the rests after an answer to the key at `index`; most errors do not concern a key."""
        rest = _rest_for(error, now)
        return self if rest is None else KeyRests(MappingProxyType({**self.rests, index: rest}))

    def pick(self, count: int, now: float) -> int | None:
        """Returns the place of the key to take, of `count` keys; None: all are limited for now."""
        for index in range(count):
            rest = self.rests.get(index)
            if rest is None or rest.until <= now:
                return index
        refused = [index for index in range(count) if self.rests[index].is_refused]
        return min(refused, key=lambda index: self.rests[index].until) if len(refused) == count else None

    def soonest_s(self, now: float) -> float:
        """Returns how long until a limited key may be taken again, where none may now."""
        return max(0.0, min(rest.until for rest in self.rests.values() if not rest.is_refused) - now)


def keys_of(provider: ProviderConfig) -> tuple[SecretStr | None, ...]:
    """Returns a provider's keys in their order; one that has none still has one place."""
    if not provider.further_keys:
        return (provider.key,)
    return (provider.key, *provider.further_keys) if provider.key is not None else provider.further_keys


def with_key(provider: ProviderConfig, index: int) -> ProviderConfig:
    """Returns the provider as it is called with one of its keys."""
    if not provider.further_keys:
        return provider
    return replace(provider, key=keys_of(provider)[index], further_keys=(), key_missing=None)


def concerns_key(error: ApiError) -> bool:
    """Says whether another key could do better."""
    return error.type in (ErrorType.AUTHENTICATION, ErrorType.BILLING, ErrorType.RATE_LIMIT)


def _rest_for(error: ApiError, now: float) -> Rest | None:
    if not concerns_key(error):
        return None
    if error.type is not ErrorType.RATE_LIMIT:
        return Rest(now + REFUSED_REST_S, is_refused=True)
    pause_s = LIMITED_REST_S if error.retry_after_s is None else max(SHORTEST_REST_S, error.retry_after_s)
    return Rest(now + pause_s, is_refused=False)
