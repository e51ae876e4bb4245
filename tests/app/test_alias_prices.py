"""Aliases and prices: which candidates are said to be too dear, and what the file says of it afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.alias_desk import AliasDesk
from gui.desk import AliasesChanged, AliasView, CandidateView
from gui.spending import DearerView, PricesChanged
from proxy.config import ProviderConfig
from proxy.upstreams.model_entries import Prices
from tests.app.controller_bench import Bench, Make

SETTINGS = """# mine
providers:
  cheap: {base_url: "https://cheap.example/v1", prices: {input_usd: 1, output_usd: 2}}
  other: {base_url: "https://other.example/v1", prices: {input_usd: 1, output_usd: 2}}
  dear: {base_url: "https://dear.example/v1", prices: {input_usd: 15, output_usd: 75}}
  listed: {base_url: "https://listed.example/v1"}
aliases:
  big:  # the one for work
    match: ["claude-*"]   # everything
    strict: true
    candidates:
      - {provider: cheap, model: m}
      - {provider: dear, model: n}
      - {provider: other, model: o}
"""
CHEAP, DEAR, OTHER, LISTED = (
    CandidateView("cheap", "m"),
    CandidateView("dear", "n"),
    CandidateView("other", "o"),
    CandidateView("listed", "p"),
)
BIG = AliasView("big", ("claude-*",), (CHEAP, DEAR, OTHER))
SKIPPED = DearerView("dear / n", "cheap / m", "$15/$75 a million tokens", "$1/$2 a million tokens")
TOO_DEAR = f"dear / n is skipped as dearer: {SKIPPED.costs} against {SKIPPED.first_costs}"


def nobody_knows(_provider: ProviderConfig, _model: str) -> Prices | None:
    return None


def desk_of(bench: Bench) -> AliasDesk:
    return AliasDesk(bench.configuration, nobody_knows)


def written(bench: Bench) -> str:
    return bench.folders.settings_file.read_text()


async def saved(bench: Bench, alias: AliasView, replaces: str | None) -> None:
    assert bench.controller.save_alias(alias, replaces=replaces) is None
    await bench.until(AliasesChanged)


@pytest.fixture
def bench(make: Make) -> Bench:
    return make(settings=SETTINGS)


def test_a_candidate_dearer_than_the_first_is_told_of_with_both_prices(bench: Bench) -> None:
    desk = desk_of(bench)
    assert desk.dearer(BIG, "big") == (SKIPPED,)
    assert desk.dearer(replace(BIG, candidates=(DEAR, CHEAP)), "big") == ()
    assert desk.dearer(replace(BIG, candidates=(CHEAP, OTHER, LISTED)), None) == ()
    assert desk.dearer(replace(BIG, candidates=()), None) == ()


def test_what_a_providers_own_list_says_counts_too(bench: Bench) -> None:
    asked: list[tuple[str, str]] = []

    def price_of(provider: ProviderConfig, model: str) -> Prices:
        asked.append((provider.name, model))
        return Prices(input=3e-6, output=15e-6)

    desk = AliasDesk(bench.configuration, price_of)
    (found,) = desk.dearer(replace(BIG, candidates=(CHEAP, LISTED)), "big")
    assert (found.candidate, found.costs) == ("listed / p", "$3/$15 a million tokens")
    assert asked == [("listed", "p")]


def test_candidates_that_share_the_first_place_in_the_file_are_compared_with_together(make: Make) -> None:
    weighted = SETTINGS.replace("model: m}", "model: m, weight: 1}").replace(
        "model: n}", "model: n, weight: 1}"
    )
    desk = desk_of(make(settings=weighted))
    assert desk.dearer(BIG, "big") == ()
    assert desk.dearer(BIG, None) == (SKIPPED,)


@pytest.mark.parametrize(
    ("more", "served"),
    [
        ("", f"cheap / m, then other / o ({TOO_DEAR})"),
        ("    fall_back_to_dearer: true\n", "cheap / m, then dear / n, then other / o"),
    ],
)
def test_a_name_resolves_to_what_serves_and_names_what_is_skipped(make: Make, more: str, served: str) -> None:
    bench = make(settings=SETTINGS + more)
    found = desk_of(bench).resolution(bench.configuration.proxy_config(), "claude-x")
    assert found.text == f"'claude-x' matches claude-* of the alias big → {served}"
    assert found.is_served


async def test_the_wish_is_written_beside_what_stands_there_and_changed_in_place(bench: Bench) -> None:
    await saved(bench, replace(BIG, falls_back_to_dearer=True), "big")
    assert written(bench) == SETTINGS + "    fall_back_to_dearer: true\n"
    assert bench.controller.aliases() == (replace(BIG, falls_back_to_dearer=True),)
    assert bench.configuration.proxy_config().aliases[0].falls_back_to_dearer
    await saved(bench, BIG, "big")
    assert written(bench) == SETTINGS + "    fall_back_to_dearer: false\n"


async def test_a_no_is_written_only_after_its_meaning_was_told(bench: Bench) -> None:
    plain = replace(BIG, candidates=(CHEAP, OTHER))
    await saved(bench, plain, "big")
    assert "fall_back_to_dearer" not in written(bench)
    await saved(bench, replace(plain, name="small", match=()), None)
    assert "fall_back_to_dearer" not in written(bench)
    await saved(bench, BIG, "big")
    assert "    fall_back_to_dearer: false\n" in written(bench)


async def test_a_removed_alias_comes_back_with_the_wish(bench: Bench) -> None:
    await saved(bench, replace(BIG, falls_back_to_dearer=True), "big")
    bench.controller.remove_alias("big")
    await bench.until(AliasesChanged)
    assert bench.controller.restore_alias("big") is None
    await bench.until(AliasesChanged)
    assert bench.controller.aliases() == (replace(BIG, falls_back_to_dearer=True),)


async def test_the_controller_answers_with_the_prices_it_was_given(bench: Bench) -> None:
    assert bench.controller.dearer(BIG, replaces="big") == (SKIPPED,)


async def test_a_new_alias_and_a_renamed_one_are_written_with_the_wish(bench: Bench) -> None:
    await saved(bench, AliasView("small", (), (CHEAP, DEAR), falls_back_to_dearer=True), None)
    assert written(bench).startswith(SETTINGS + "  small:\n")
    assert written(bench).endswith("    fall_back_to_dearer: true\n")
    await saved(bench, AliasView("tiny", (), (CHEAP, DEAR)), "small")
    assert written(bench).startswith(SETTINGS + "  tiny:\n")
    assert written(bench).endswith("    fall_back_to_dearer: false\n")


async def test_the_window_hears_of_it_when_prices_become_known(bench: Bench) -> None:
    bench.controller.models_read()
    await bench.until(PricesChanged)
