"""A candidate that costs more than the first one serves only where its alias says so; the route says why."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from proxy.config import ListPrice, ProviderConfig, ProxyConfig
from proxy.events import RequestRouted
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.upstreams.catalogue import Catalogue
from proxy.upstreams.model_entries import ModelEntry, Prices
from tests.proxy.scripted import ScriptedUpstream, proxy_config, running

CHEAP, DEAR = ListPrice(1, 2), ListPrice(3, 15)


def priced(*, also_dearer: bool = False, **prices: ListPrice | None) -> ProxyConfig:
    """Providers of these names and prices; `big` leads to all of them in turn."""
    config = proxy_config(*prices)
    providers = {name: replace(each, price=prices[name]) for name, each in config.providers.items()}
    aliases = tuple(replace(each, falls_back_to_dearer=also_dearer) for each in config.aliases)
    return replace(config, providers=MappingProxyType(providers), aliases=aliases)


async def served_by(config: ProxyConfig) -> tuple[int, list[str], str]:
    """The status, who was asked, and the reason of the last attempt, where the first provider is down."""
    upstreams = {name: ScriptedUpstream() for name in config.providers}
    upstreams["first"] = ScriptedUpstream([UpstreamError(ErrorType.OVERLOADED, "too busy")])
    async with running(upstreams, config) as proxy:
        async with proxy.post() as response:
            status = response.status
        routed: list[RequestRouted] = proxy.of(RequestRouted)
    return status, [each.provider for each in routed], routed[-1].reason


@pytest.mark.expects_log("candidate_failed")
async def test_a_dearer_one_is_passed_over_and_a_later_one_that_is_not_dearer_serves() -> None:
    status, asked, reason = await served_by(priced(first=CHEAP, dear=DEAR, last=CHEAP))
    assert (status, asked) == (200, ["first", "last"])
    assert reason == (
        "'big' is the alias big; skipped dear/model-of-dear: dearer ($3/$15 a million tokens; "
        "$1/$2 a million tokens) → last/model-of-last: candidate 2 of 2; first failed (529 overloaded_error)"
    )


async def test_where_all_others_are_dearer_the_client_is_told_the_error_and_who_was_not_asked() -> None:
    failing = {"first": ScriptedUpstream([UpstreamError(ErrorType.OVERLOADED, "too busy", retry_after_s=7)])}
    config = priced(first=CHEAP, dear=DEAR)
    async with running(failing, config) as proxy, proxy.post() as response:
        assert (response.status, response.headers["retry-after"]) == (529, "7")
        error = (await response.json())["error"]
        assert [each.provider for each in proxy.of(RequestRouted)] == ["first"]
    assert error == {
        "type": "overloaded_error",
        "message": "too busy\n\nSignalbox did not ask dear/model-of-dear, which costs more than the first "
        "choice of the alias big. To have it asked in such a case, set fall_back_to_dearer: true for this "
        "alias.",
    }


async def test_a_request_that_is_wrong_for_every_model_is_told_of_no_other_candidate() -> None:
    failing = {"first": ScriptedUpstream([UpstreamError(ErrorType.INVALID_REQUEST, "no such field")])}
    async with running(failing, priced(first=CHEAP, dear=DEAR)) as proxy, proxy.post() as response:
        assert (await response.json())["error"]["message"] == "no such field"


async def test_the_numbers_by_which_clients_compact_come_before_who_was_not_asked() -> None:
    too_long = UpstreamError(ErrorType.INVALID_REQUEST, "prompt is too long: 9 tokens > 8 maximum")
    failing = {"first": ScriptedUpstream([too_long])}
    async with running(failing, priced(first=CHEAP, dear=DEAR)) as proxy, proxy.post() as response:
        message = (await response.json())["error"]["message"]
    assert message.startswith("prompt is too long: 9 tokens > 8 maximum\n\nSignalbox did not ask dear/")


@pytest.mark.expects_log("candidate_failed")
async def test_an_alias_that_wants_them_falls_back_to_dearer_ones() -> None:
    status, asked, _reason = await served_by(priced(first=CHEAP, dear=DEAR, also_dearer=True))
    assert (status, asked) == (200, ["first", "dear"])


@pytest.mark.expects_log("candidate_failed")
async def test_a_price_that_nobody_knows_keeps_nobody_from_serving() -> None:
    status, asked, _reason = await served_by(priced(first=CHEAP, unknown=None))
    assert (status, asked) == (200, ["first", "unknown"])


async def test_the_first_request_after_a_start_knows_the_prices_that_were_kept(tmp_path: Path) -> None:
    rates = {"model-of-first": (1e-6, 2e-6), "model-of-dear": (3e-6, 15e-6)}

    async def read(_provider: ProviderConfig) -> tuple[ModelEntry, ...]:
        return tuple(ModelEntry(name, prices=Prices(*each)) for name, each in rates.items())

    config = priced(first=None, dear=None)
    providers = {
        name: replace(each, base_url=f"http://127.0.0.1:9/{name}") for name, each in config.providers.items()
    }
    config = replace(config, providers=MappingProxyType(providers))
    before = Catalogue(tmp_path, read_list=read)
    for each in providers.values():
        before.entry(each, "any")
    while reading := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(reading)
    upstreams = {"first": ScriptedUpstream([UpstreamError(ErrorType.OVERLOADED, "too busy")])}
    upstreams["dear"] = ScriptedUpstream()
    async with (
        running(upstreams, config, catalogue=Catalogue(tmp_path, read_list=read)) as proxy,
        proxy.post() as response,
    ):
        assert response.status == 529
    assert upstreams["dear"].asked == []
