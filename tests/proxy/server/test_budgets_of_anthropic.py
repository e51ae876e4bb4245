"""What upstreams of this very protocol tell of costs: caches kept for an hour, thinking that is not shown."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from proxy.config import Budgets, ListPrice, ProxyConfig
from proxy.events import RequestFinished
from proxy.messages import events
from proxy.messages.message import JsonObject
from proxy.service.storage import StorageConfig
from proxy.store.ledger_values import RequestRow
from tests.proxy.scripted import (
    BODY,
    Reply,
    ScriptedUpstream,
    delta,
    provider,
    proxy_config,
    running,
)
from tests.proxy.server.test_budgets import rows_of

PRICE = ListPrice(input_usd=1.0, output_usd=100.0, cache_write_usd=1.25)
HIDDEN: JsonObject = {**BODY, "stream": True, "thinking": {"type": "adaptive", "display": "omitted"}}
WRITTEN = {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 400}


def config_of(dialect: str) -> ProxyConfig:
    one = replace(provider(dialect=dialect), price=PRICE)
    budgets = Budgets(day_micro_usd=10**9)
    return replace(proxy_config("one"), providers=MappingProxyType({"one": one}), budgets=budgets)


def native(*said: Any) -> list[bytes]:
    return [f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in said]


def begun(usage: JsonObject) -> JsonObject:
    start: Any = events.message_start("msg_1", "m", {"output_tokens": 1})
    start["message"]["usage"] |= usage
    return start


def thought(tokens: int | None) -> dict[str, Any]:
    told = {"type": "thinking_delta", "thinking": "", "estimated_tokens": tokens}
    return {"type": "content_block_delta", "index": 0, "delta": told}


async def test_what_is_cached_for_an_hour_is_booked_at_its_own_price(home: Path) -> None:
    usage: JsonObject = {"input_tokens": 10, "cache_creation_input_tokens": 1000, "cache_creation": WRITTEN}
    begin = native(
        begun(usage),
        events.content_block_start(0, {"type": "text", "text": ""}),
        events.text_delta(0, "Hi"),
    )
    end = native(
        events.content_block_stop(0),
        events.message_delta("end_turn", None, {"output_tokens": 3}),
        events.message_stop(),
    )
    upstream = ScriptedUpstream([Reply([*begin, *end])])
    config = config_of("anthropic-messages")
    async with (
        running({"one": upstream}, config, storage=StorageConfig(home)) as proxy,
        proxy.post() as response,
    ):
        assert response.status == 200
    (row,), _, _ = await rows_of(home)
    assert (row.cache_write_tokens, row.cost_source) == (1000, "price list")
    assert row.cost_micro_usd == 10 + 600 * 1.25 + 400 * 2 + 3 * 100


async def left_while(home: Path, dialect: str, *pieces: bytes) -> RequestRow:
    """What is booked of a client that left in the middle of these."""
    upstream = ScriptedUpstream([Reply([*pieces, asyncio.Event()])])
    async with running({"one": upstream}, config_of(dialect), storage=StorageConfig(home)) as proxy:
        response = await proxy.post(HIDDEN)
        await response.content.readline()
        response.close()
        await proxy.events.until(RequestFinished)
    (row,), _, _ = await rows_of(home)
    assert (row.outcome, row.cost_source) == ("cancelled", "estimate")
    assert row.cost_micro_usd == row.input_tokens + 100 * row.output_tokens
    return row


async def test_thinking_that_an_upstream_only_estimates_is_paid_for_when_the_client_leaves(
    home: Path,
) -> None:
    said = native(
        begun({"input_tokens": 10}),
        events.content_block_start(0, {"type": "thinking", "thinking": "", "signature": ""}),
        *(thought(each) for each in (None, 50, 100)),
    )
    row = await left_while(home, "anthropic-messages", b"".join(said))
    assert (row.input_tokens, row.output_tokens) == (10, 150)


async def test_thinking_that_is_not_shown_to_the_client_is_paid_for_when_it_leaves(home: Path) -> None:
    row = await left_while(home, "openai-chat", delta(reasoning="x" * 400))
    assert row.output_tokens == 100


async def test_thinking_of_which_nothing_is_told_is_not_made_up(home: Path) -> None:
    said = native(
        begun({"input_tokens": 10}),
        events.content_block_start(0, {"type": "thinking", "thinking": "", "signature": ""}),
    )
    row = await left_while(home, "anthropic-messages", b"".join(said))
    assert (row.input_tokens, row.output_tokens) == (10, 1)
