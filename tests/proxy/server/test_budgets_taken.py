"""What an upstream took is paid for, whoever left and whatever came of it; what nobody took is free."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import pytest

from proxy.config import Budgets
from proxy.events import RequestFinished
from proxy.messages import events
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.messages.sse import encode_event
from proxy.service.storage import StorageConfig
from tests.proxy.scripted import BODY, DONE, HELLO, Reply, ScriptedUpstream, delta, running
from tests.proxy.server.test_budgets import FREE_OF_PRICE, USAGE, asked, of_tokens, priced, rows_of


class Gate(asyncio.Event):
    """Never opens; tells when somebody waits before it, so that all pieces before it were read."""

    def __init__(self) -> None:
        super().__init__()
        self.is_reached = asyncio.Event()

    async def wait(self) -> Literal[True]:
        self.is_reached.set()
        return await super().wait()


LOST = UpstreamError(ErrorType.API, "gone", should_retry=False)
SCHEMA = {
    "format": {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "required": ["a"],
            "additionalProperties": False,
        },
    }
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("pieces", "more", "output_tokens"),
    [
        ((), {}, 0),
        ((delta(role="assistant", content=""),), {}, 0),
        ((delta(content="word " * 40),), {"output_config": SCHEMA}, 50),
    ],
    ids=["silent", "begun", "held"],
)
async def test_who_leaves_pays_for_what_the_upstream_was_sent_and_has_answered(
    pieces: tuple[bytes, ...], more: dict[str, Any], output_tokens: int, stream: bool, home: Path
) -> None:
    gate = Gate()
    upstream = ScriptedUpstream([Reply((*pieces, gate))])
    config = priced(Budgets(day_micro_usd=10**9))
    async with running({"one": upstream}, config, storage=StorageConfig(home)) as proxy:
        asking = asyncio.ensure_future(asked(proxy, body={**BODY, **more, "stream": stream}))
        await gate.is_reached.wait()
        asking.cancel()
        assert (await proxy.events.until(RequestFinished)).outcome == "cancelled"
    (row,), _, _ = await rows_of(home)
    assert (row.cost_source, row.output_tokens) == ("estimate", output_tokens)
    assert row.input_tokens > 0
    assert row.cost_micro_usd == row.input_tokens + 100 * output_tokens


@pytest.mark.expects_log("candidate_failed")
@pytest.mark.parametrize(
    "pieces", [(LOST,), (delta(role="assistant", content=""), LOST)], ids=["at once", "after its start"]
)
async def test_a_candidate_that_broke_off_after_it_took_the_request_is_paid_beside_the_one_that_answered(
    pieces: tuple[Any, ...], home: Path
) -> None:
    upstreams = {"one": ScriptedUpstream([Reply(pieces)]), "two": of_tokens()}
    config = priced(Budgets(), "one", "two")
    async with running(upstreams, config, storage=StorageConfig(home)) as proxy:
        assert (await asked(proxy))[0] == 200
    (row,), _, _ = await rows_of(home)
    assert (row.provider, row.cost_source, row.output_tokens) == ("two", "estimate", 10)
    assert row.cost_micro_usd == row.input_tokens + 10 * 100
    assert row.input_tokens == 1000 + math.ceil(len(json.dumps(BODY)) / 4)


async def test_what_nobody_took_is_free(home: Path) -> None:
    upstream = ScriptedUpstream([UpstreamError(ErrorType.TIMEOUT, "no answer", should_retry=False)])
    async with running({"one": upstream}, priced(), storage=StorageConfig(home)) as proxy:
        assert (await asked(proxy))[0] == 504
    (row,), _, _ = await rows_of(home)
    assert (row.cost_micro_usd, row.input_tokens) == (0, 0)


@pytest.mark.expects_log("structured_output_invalid")
async def test_an_invalid_answer_is_paid_also_where_the_next_question_fails(home: Path) -> None:
    upstream = ScriptedUpstream([Reply(FREE_OF_PRICE), LOST])
    async with running({"one": upstream}, priced(), storage=StorageConfig(home)) as proxy:
        status, _, _ = await asked(proxy, body={**BODY, "output_config": SCHEMA})
        assert status == 500
    (row,), _, _ = await rows_of(home)
    assert (row.cost_micro_usd, row.cost_source) == (2_000, "price list")


async def test_the_input_that_an_upstream_counted_before_it_broke_off_is_believed(home: Path) -> None:
    event = events.message_start("m", "m", {"input_tokens": 500, "output_tokens": 1})
    upstream = ScriptedUpstream([Reply((encode_event(event), LOST))])
    config = priced()
    one = replace(config.providers["one"], dialect="anthropic-messages")
    config = replace(config, providers=MappingProxyType({"one": one}))
    async with running({"one": upstream}, config, storage=StorageConfig(home)) as proxy:
        assert (await asked(proxy))[0] == 500
    (row,), _, _ = await rows_of(home)
    assert (row.input_tokens, row.cost_micro_usd, row.cost_source) == (500, 600, "estimate")


@pytest.mark.expects_log("structured_output_invalid")
@pytest.mark.parametrize(
    ("usage", "cost", "source"),
    [(USAGE, 3 * 2_000, "price list"), (HELLO[3], 3 * 250_000, "upstream")],
    ids=["tokens told", "cost told"],
)
async def test_each_of_three_invalid_answers_is_paid_for_once(
    usage: bytes, cost: int, source: str, home: Path
) -> None:
    upstream = of_tokens(delta(content="no"), delta("stop"), usage, DONE)
    async with running({"one": upstream}, priced(), storage=StorageConfig(home)) as proxy:
        status, _, _ = await asked(proxy, body={**BODY, "output_config": SCHEMA})
        assert status == 500
    (row,), _, _ = await rows_of(home)
    assert (row.cost_micro_usd, row.cost_source) == (cost, source)
