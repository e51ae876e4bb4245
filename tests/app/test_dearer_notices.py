"""Who lists a dearer candidate without having decided about it is told once, without asking any upstream."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.typing import EventDict

from app.dearer_notices import dearer_notices, tell_of_dearer
from app.settings_document import read_settings
from proxy.config import ProviderConfig
from proxy.upstreams.catalogue import Catalogue
from proxy.upstreams.model_entries import ModelEntry, Prices

HEAD = """providers:
  cheap: {base_url: "https://cheap.example/v1", prices: {input_usd: 1, output_usd: 2}}
  dear: {base_url: "https://dear.example/v1", prices: {input_usd: 15, output_usd: 75}}
  listed: {base_url: "https://listed.example/v1"}
aliases:
"""
BIG = "  big: {candidates: [{provider: cheap, model: m}, {provider: dear, model: m}]}\n"
USED = "only used with fall_back_to_dearer: true"
NOTICE = f"the alias big lists dear/m, which costs more than cheap/m; it is {USED}"


async def never(provider: ProviderConfig) -> tuple[ModelEntry, ...]:
    raise AssertionError(f"{provider.name} was asked")


async def notices(aliases: str, folder: Path | None = None) -> list[str]:
    settings = read_settings((HEAD + aliases).encode()).settings
    return await dearer_notices(settings, Catalogue(folder, read_list=never))


async def test_an_alias_that_lists_a_dearer_one_is_named_with_what_would_use_it() -> None:
    assert await notices(BIG) == [NOTICE]


async def test_several_of_one_alias_are_one_notice() -> None:
    candidates = "{provider: cheap, model: m}, {provider: dear, model: m}, {provider: dear, model: n}"
    assert await notices(f"  big: {{candidates: [{candidates}]}}\n") == [
        f"the alias big lists dear/m and dear/n, which cost more than cheap/m; they are {USED}"
    ]


@pytest.mark.parametrize(
    "alias",
    [
        BIG.replace("]}", "], fall_back_to_dearer: true}"),
        BIG.replace("]}", "], fall_back_to_dearer: false}"),
        "  big: {candidates: [{provider: dear, model: m}, {provider: cheap, model: m}]}\n",
        "  big: {candidates: [{provider: cheap, model: m}]}\n",
        "  big: {candidates: [{provider: cheap, model: m}, {provider: listed, model: m}]}\n",
    ],
)
async def test_who_has_decided_or_lists_nothing_dearer_is_not_told(alias: str) -> None:
    assert await notices(alias) == []


async def test_prices_are_those_of_the_lists_that_an_earlier_run_kept(tmp_path: Path) -> None:
    async def read(_provider: ProviderConfig) -> tuple[ModelEntry, ...]:
        return (ModelEntry("m", prices=Prices(input=3e-6, output=4e-6)),)

    alias = "  big: {candidates: [{provider: cheap, model: m}, {provider: listed, model: m}]}\n"
    assert await notices(alias, tmp_path) == []
    listed = ProviderConfig("listed", "openai-chat", "https://listed.example/v1")
    earlier = Catalogue(tmp_path, read_list=read)
    earlier.entry(listed, "m")
    while reading := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(reading)
    assert await notices(alias, tmp_path) == [NOTICE.replace("dear/m", "listed/m")]


@pytest.mark.expects_log("settings_notice")
async def test_at_the_start_it_is_a_line_in_the_log(log_events: list[EventDict]) -> None:
    settings = read_settings((HEAD + BIG).encode()).settings
    await tell_of_dearer(settings, Catalogue(None, read_list=never))
    (line,) = [each for each in log_events if each["event"] == "settings_notice"]
    assert (line["level"], line["notice"]) == ("warning", NOTICE)
