"""What an upstream lists of its models reaches requests and the Models API."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import anthropic
import pytest

from proxy.config import Alias, Candidate, ProviderConfig, ProxyConfig
from proxy.events import RequestRouted
from proxy.upstreams.catalogue import Catalogue
from proxy.upstreams.model_entries import ModelEntry, ReasoningFacts
from tests.proxy.scripted import BODY, TOKEN, Running, ScriptedUpstream, provider, proxy_config, running

ENTRY = ModelEntry(
    "author/model",
    name="Author: Model",
    created_at=1747930371,
    context_tokens=200_000,
    max_output_tokens=64_000,
    inputs=("text", "image"),
    parameters=("tools", "reasoning", "temperature"),
    reasoning=ReasoningFacts(is_mandatory=True, efforts=("low", "high")),
)


def config(dialect: Any = "openai-chat") -> ProxyConfig:
    openrouter = provider("one", base_url="https://openrouter.ai/api/v1", dialect=dialect)
    alias = Alias("big", (), (Candidate("one", "author/model"),))
    return replace(proxy_config("one"), providers={"one": openrouter}, aliases=(alias,))


def catalogue(entry: ModelEntry = ENTRY) -> Catalogue:
    async def read(_: ProviderConfig) -> tuple[ModelEntry, ...]:
        return (entry,)

    return Catalogue(None, read_list=read)


async def known(proxy: Running) -> None:
    """Has the list read."""
    async with proxy.http.get(proxy.url + "/v1/models", headers={"x-api-key": TOKEN}) as response:
        await response.read()
    while tasks := {task for task in asyncio.all_tasks() if task.get_name().startswith("read the models")}:
        await asyncio.wait(tasks, timeout=5)


async def test_more_output_than_the_model_gives_is_cut_and_said() -> None:
    upstream = ScriptedUpstream()
    async with running({"one": upstream}, config(), catalogue=catalogue()) as proxy:
        await known(proxy)
        async with proxy.post({**BODY, "max_tokens": 128_000}) as response:
            await response.read()
    assert upstream.asked[0]["max_tokens"] == 64_000
    assert "max_tokens: 64000 instead of 128000: the model gives no more" in proxy.of(RequestRouted)[0].losses


async def test_reasoning_that_cannot_be_turned_off_is_turned_down() -> None:
    upstream = ScriptedUpstream()
    async with running({"one": upstream}, config(), catalogue=catalogue()) as proxy:
        await known(proxy)
        async with proxy.post({**BODY, "thinking": {"type": "disabled"}}) as response:
            await response.read()
    assert upstream.asked[0]["reasoning"] == {"effort": "low"}


async def test_the_first_request_does_not_wait_for_the_list() -> None:
    gate = asyncio.Event()

    async def read(_: ProviderConfig) -> tuple[ModelEntry, ...]:
        await gate.wait()
        return (ENTRY,)

    upstream = ScriptedUpstream()
    unread = Catalogue(None, read_list=read)
    async with (
        running({"one": upstream}, config(), catalogue=unread) as proxy,
        proxy.post({**BODY, "max_tokens": 128_000}) as response,
    ):
        assert response.status == 200
        await response.read()
    assert upstream.asked[0]["max_tokens"] == 128_000


async def test_the_models_api_tells_limits_and_capabilities() -> None:
    async with (
        running({"one": ScriptedUpstream()}, config(), catalogue=catalogue()) as proxy,
        anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN, max_retries=0) as client,
    ):
        await known(proxy)
        row = await client.models.retrieve("big")
        listed = [each async for each in client.models.list()]
    assert listed[0] == row
    assert (row.max_input_tokens, row.max_tokens, row.lifecycle) == (200_000, 64_000, "active")
    assert row.display_name == "big (Author: Model at one)"
    assert row.created_at.year == 2025
    can = row.capabilities
    assert can is not None
    assert (can.image_input.supported, can.pdf_input.supported, can.batch.supported) == (True, True, True)
    assert (can.effort.low.supported, can.effort.medium.supported, can.effort.high.supported) == (
        True, False, True,
    )  # fmt: skip
    assert can.thinking.types.adaptive.supported
    assert not can.server_tools.code_execution.supported


async def test_capabilities_are_told_whole_or_not_at_all() -> None:
    entry = ModelEntry("author/model", context_tokens=8192)
    async with running({"one": ScriptedUpstream()}, config(), catalogue=catalogue(entry)) as proxy:
        await known(proxy)
        async with proxy.http.get(proxy.url + "/v1/models/big", headers={"x-api-key": TOKEN}) as response:
            row = json.loads(await response.read())
    assert (row["max_input_tokens"], row["max_tokens"], row["capabilities"]) == (8192, 8192, None)


async def test_the_limits_of_a_model_that_is_passed_through_are_told_too() -> None:
    upstream = ScriptedUpstream()
    async with running({"one": upstream}, config("anthropic-messages"), catalogue=catalogue()) as proxy:
        await known(proxy)
        async with proxy.http.get(proxy.url + "/v1/models/big", headers={"x-api-key": TOKEN}) as response:
            row = json.loads(await response.read())
        async with proxy.post({**BODY, "max_tokens": 128_000}) as response:
            await response.read()
    assert (row["max_input_tokens"], row["max_tokens"]) == (200_000, 64_000)
    assert upstream.asked[0]["max_tokens"] == 128_000


@pytest.mark.parametrize(
    ("kind", "sent"), [(None, {"reasoning_effort"}), ("openrouter", {"reasoning", "session_id"})]
)
async def test_a_gateway_elsewhere_gets_openrouters_own_fields_only_where_the_user_says_it_takes_them(
    kind: str | None, sent: set[str]
) -> None:
    upstream, gateway = ScriptedUpstream(), provider("one", base_url="https://chat.example/api/v1")
    its_config = replace(proxy_config("one"), providers={"one": replace(gateway, kind=kind)})
    asked = {
        **BODY,
        "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "metadata": {"user_id": '{"session_id": "s-1"}'},
    }
    async with running({"one": upstream}, its_config) as proxy, proxy.post(asked) as response:
        await response.read()
    own = {"reasoning", "reasoning_effort", "session_id", "service_tier", "top_k", "plugins"}
    assert own & set(upstream.asked[0]) == sent
