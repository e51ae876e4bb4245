"""What tokens cost: rounded up, caches at their own price, unknown prices as the highest known one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Candidate, ListPrice, ProviderConfig
from proxy.routing.aliases import resolve
from proxy.service.prices import (
    DEAREST,
    PriceList,
    Tokens,
    affordable,
    cost_of,
    is_free,
    micro_usd,
    most_of,
)
from proxy.upstreams.model_entries import Prices
from tests.proxy.scripted import proxy_config

FULL = Prices(input=3e-6, output=15e-6, cache_read=0.3e-6, cache_write=3.75e-6, request=0.001)


def listed(prices: dict[str, Prices | None]) -> PriceList:
    def price_of(_provider: ProviderConfig, model: str) -> Prices | None:
        return prices.get(model)

    return PriceList(proxy_config("one", "two"), price_of)


def test_every_kind_of_token_costs_its_own_price() -> None:
    assert cost_of(FULL, Tokens(100, 10, 1000, 200)) == 300 + 150 + 300 + 750 + 1000
    bare = Prices(input=1e-6, output=2e-6)
    assert cost_of(bare, Tokens(1, 1, 1, 1)) == 1 + 2 + 1 + 1


@pytest.mark.parametrize(
    ("prices", "of_an_hour"),
    [
        (Prices(input=3e-6, output=0.0, cache_write=3.75e-6, cache_write_1h=7e-6), 7),
        (Prices(input=3e-6, output=0.0, cache_write=3.75e-6), 6),
        (Prices(input=3e-6, output=0.0), 6),
        (Prices(input=3e-6, output=0.0, cache_write=0.0), 0),
    ],
)
def test_what_a_cache_keeps_for_an_hour_costs_its_own_price_or_what_anthropic_asks(
    prices: Prices, of_an_hour: int
) -> None:
    five = 3.0 if prices.cache_write is None else prices.cache_write * 1e6
    assert cost_of(prices, Tokens(cache_write=1000, cache_write_1h=400)) == 600 * five + 400 * of_an_hour
    assert most_of(prices, 1000, 0, for_an_hour=True) >= 1000 * of_an_hour
    told = Tokens(1, 1, 1, 7, 5).plus(Tokens(1, 1, 1, 3, 2))
    assert told == Tokens(2, 2, 2, 10, 7)


def test_what_costs_anything_never_counts_as_nothing() -> None:
    assert micro_usd(1e-9) == 1
    assert micro_usd(0.0) == 0
    assert micro_usd(0.25) == 250_000


def test_no_request_counts_as_more_than_a_budget_can_be() -> None:
    assert most_of(FULL, 10**300, 10**300) == micro_usd(float("inf")) == 10**12


def test_an_unknown_price_is_the_highest_known_of_what_the_aliases_name() -> None:
    prices = listed(
        {"model-of-one": Prices(input=1e-6, output=1e-3), "elsewhere": Prices(input=1.0, output=1.0)}
    )
    known, is_known = prices.price(Candidate("one", "model-of-one"))
    assert (known.output, is_known) == (1e-3, True)
    assumed, is_known = prices.price(Candidate("two", "model-of-two"))
    assert (assumed.input, assumed.output, is_known) == (DEAREST.input, 1e-3, False)


def test_the_settings_price_a_model_by_its_name_then_by_the_first_pattern_then_with_all_others() -> None:
    config = proxy_config("one")
    models = (
        ("gpt-*", ListPrice(1.0, 2.0)),
        ("gpt-5-*", ListPrice(9.0, 9.0)),
        ("gpt-5-mini", ListPrice(0.25, 2.0, cache_read_usd=0.125, cache_write_usd=0.5)),
    )
    one = replace(config.providers["one"], price=ListPrice(7.0, 8.0), model_prices=models)
    prices = PriceList(replace(config, providers={"one": one}), lambda _provider, _model: FULL)

    def of(model: str) -> Prices:
        price, is_known = prices.price(Candidate("one", model))
        assert is_known
        return price

    assert of("gpt-5-mini") == Prices(0.25e-6, 2e-6, cache_read=0.125e-6, cache_write=0.5e-6)
    assert of("gpt-5-nano") == Prices(1e-6, 2e-6)
    assert of("glm") == Prices(7e-6, 8e-6)
    without = PriceList(
        replace(config, providers={"one": replace(one, price=None)}), lambda _provider, _model: FULL
    )
    assert without.price(Candidate("one", "glm")) == (FULL, True)


def test_a_list_that_tells_half_a_price_tells_none() -> None:
    half = listed({"model-of-one": Prices(input=1e-6)})
    assert half.price(Candidate("one", "model-of-one")) == (replace(DEAREST, request=0.0), False)


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        (Prices(input=0.0, output=0.0), True),
        (Prices(input=0.0, output=1e-6), False),
        (Prices(input=0.0, output=0.0, request=0.001), False),
    ],
)
def test_free_is_what_costs_nothing_at_all(prices: Prices, *, told: bool) -> None:
    assert is_free(prices) is told


@pytest.mark.parametrize(
    ("second", "kept"),
    [
        (Prices(input=2e-6, output=2e-6), ["one"]),
        (Prices(input=1e-6), ["one", "two"]),
        (None, ["one", "two"]),
    ],
)
def test_a_candidate_is_left_out_only_where_its_whole_list_price_is_known_and_above_the_first_ones(
    second: Prices | None, kept: list[str]
) -> None:
    config = proxy_config("one", "two")
    listed = {"model-of-one": Prices(input=1e-6, output=2e-6), "model-of-two": second}
    route = affordable(resolve(config, "big"), config, lambda _provider, model: listed[model])
    assert [each.provider for each in route.candidates] == kept


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 10**5),
    st.integers(0, 9),
)
def test_no_answer_costs_more_than_the_most_it_can(
    plain: int, read: int, written: int, output: int, spare: int
) -> None:
    most = most_of(FULL, plain + read + written, output + spare)
    assert cost_of(FULL, Tokens(plain, output, read, written)) <= most
