"""What a request costs, in whole millionths of a US dollar: of its tokens and a price, known or assumed."""

from __future__ import annotations

import math
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import NamedTuple

from proxy.config import Candidate, ProviderConfig, ProxyConfig
from proxy.routing.aliases import DEMO_PROVIDER, Route
from proxy.routing.dearness import Dearer, Rates, RatesOf, dearer_of, without_dearer
from proxy.upstreams.model_entries import Prices

PriceOf = Callable[[ProviderConfig, str], Prices | None]
"""Returns what a provider's own list says of a model."""

DEAREST = Prices(input=15e-6, output=75e-6)
"""Stands for an unknown price, unless a dearer one is known: what the dearest models in wide use cost."""

MOST_USD = 1_000_000.0
"""No request counts as more, whatever its price and its `max_tokens` come to: as much as a budget can be."""
_HOUR_TO_INPUT = 2.0
"""What writing to a cache for an hour costs at Anthropic, in prices of plain input."""
_HOUR_TO_MINUTES = _HOUR_TO_INPUT / 1.25
"""And in prices of writing to it for five minutes."""
_FREE = Prices(input=0.0, output=0.0)


class Tokens(NamedTuple):
    """What is paid for; `input` is without what was read from or written to a cache."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    """The part of `cache_write` that is kept for an hour; the rest is for five minutes."""

    def plus(self, other: Tokens) -> Tokens:
        """Returns the sum."""
        return Tokens(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.cache_write_1h + other.cache_write_1h,
        )


class PriceList:
    """The prices of everything a config can reach; the one that stands for unknown ones is looked up once."""

    def __init__(self, config: ProxyConfig, price_of: PriceOf) -> None:
        self._config = config
        self._price_of = price_of
        self._dearest: Prices | None = None

    def price(self, candidate: Candidate) -> tuple[Prices, bool]:
        """Returns a candidate's price and whether it is known; else the highest known one stands for it."""
        known = self.known(candidate)
        if known is not None:
            return known, True
        if self._dearest is None:  # asking each candidate's list costs more than all else of a booking
            self._dearest = self._highest()
        return self._dearest, False

    def known(self, candidate: Candidate) -> Prices | None:
        """Returns a candidate's price where the settings or its provider's list tell it."""
        if candidate.provider == DEMO_PROVIDER and not self._config.providers:
            return _FREE
        provider = self._config.providers.get(candidate.provider)
        if provider is None:
            return None
        said = _said(provider, candidate.model)
        if said is not None:
            return said
        listed = self._price_of(provider, candidate.model)
        return None if listed is None or listed.input is None or listed.output is None else listed

    def _highest(self) -> Prices:
        """Of what the aliases name: a list also has models that nobody here asks for."""
        candidates = {each for alias in self._config.aliases for each in alias.candidates}
        known = [price for each in candidates if (price := self.known(each)) is not None]
        return Prices(
            input=max(each.input or 0.0 for each in (DEAREST, *known)),
            output=max(each.output or 0.0 for each in (DEAREST, *known)),
            request=max((each.request or 0.0 for each in known), default=0.0),
        )


def _said(provider: ProviderConfig, model: str) -> Prices | None:
    """What the settings say a model costs."""
    price = dict(provider.model_prices).get(model) if provider.model_prices else None
    if price is None:
        matching = (each for pattern, each in provider.model_prices if fnmatchcase(model, pattern))
        price = next(matching, provider.price)
    if price is None:
        return None
    return Prices(
        input=price.input_usd / 1e6,
        output=price.output_usd / 1e6,
        cache_read=None if price.cache_read_usd is None else price.cache_read_usd / 1e6,
        cache_write=None if price.cache_write_usd is None else price.cache_write_usd / 1e6,
    )


def cost_of(prices: Prices, tokens: Tokens) -> int:
    """Returns what tokens cost at a price; what a list does not say of caches costs as plain input.

    Except what is written for an hour: only upstreams that ask more for it tell it apart.
    """
    plain = prices.input or 0.0
    hour = hour_rate(prices) * tokens.cache_write_1h if tokens.cache_write_1h else 0.0
    return micro_usd(
        plain * tokens.input
        + (prices.output or 0.0) * tokens.output
        + (plain if prices.cache_read is None else prices.cache_read) * tokens.cache_read
        + (plain if prices.cache_write is None else prices.cache_write)
        * (tokens.cache_write - tokens.cache_write_1h)
        + hour
        + (prices.request or 0.0)
    )


def hour_rate(prices: Prices) -> float:
    """Returns what a token costs that a cache keeps for an hour, as listed or as Anthropic reckons it."""
    if prices.cache_write_1h is not None:
        return prices.cache_write_1h
    if prices.cache_write is not None:
        return prices.cache_write * _HOUR_TO_MINUTES
    return (prices.input or 0.0) * _HOUR_TO_INPUT


def is_free(prices: Prices) -> bool:
    """Whether nothing of a request costs anything."""
    rates = (prices.input, prices.output, prices.cache_read, prices.cache_write, prices.request)
    return not any(rates)


def most_of(prices: Prices, input_tokens: int, max_tokens: int, *, for_an_hour: bool = False) -> int:
    """Returns the most a request can cost: all its input at the dearest rate, and the longest answer.

    Args:
        prices: What its tokens cost.
        input_tokens: How long it is.
        max_tokens: How long the answer may be.
        for_an_hour: It asks that some of its input be cached for an hour.
    """
    rates = (prices.input, prices.cache_write, hour_rate(prices) if for_an_hour else prices.cache_write_1h)
    dearest = max((each for each in rates if each is not None), default=0.0)
    return micro_usd(dearest * input_tokens + (prices.output or 0.0) * max_tokens + (prices.request or 0.0))


def affordable(route: Route, config: ProxyConfig, price_of: PriceOf) -> Route:
    """Returns the route without the candidates that its alias does not want to pay for.

    Args:
        route: Whose candidates are weighed up.
        config: Says what aliases want; and prices.
        price_of: What a provider's own list says.
    """
    if len(route.candidates) == 1 or any(
        each.falls_back_to_dearer for each in config.aliases if each.name == route.alias
    ):
        return route
    return without_dearer(route, _rates_of(config, price_of))


def dearer_candidates(
    candidates: tuple[Candidate, ...], config: ProxyConfig, price_of: PriceOf
) -> tuple[Dearer, ...]:
    """Returns which of an alias's candidates cost more than its first choice, where prices are known."""
    return dearer_of(candidates, _rates_of(config, price_of))


def _rates_of(config: ProxyConfig, price_of: PriceOf) -> RatesOf:
    prices = PriceList(config, price_of)

    def rates_of(candidate: Candidate) -> Rates | None:
        price = prices.known(candidate)
        if price is None:
            return None
        return Rates((price.input or 0.0) * 1e6, (price.output or 0.0) * 1e6, price.request or 0.0)

    return rates_of


def micro_usd(amount_usd: float) -> int:
    """Returns an amount in millionths, rounded up: what costs anything never counts as nothing."""
    return math.ceil(round(min(amount_usd, MOST_USD) * 1e6, 6))
