"""Batches of several tokens: under whose limits they run, whose files they use, who pays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import anthropic
import pytest

from proxy.config import Budgets, ListPrice
from proxy.events import Exchange, RequestFinished
from proxy.messages.message import JsonObject
from proxy.store.database import open_database
from proxy.store.ledger import LedgerStore
from tests.proxy.scripted import (
    BODY,
    DONE,
    Reply,
    ScriptedUpstream,
    delta,
)
from tests.proxy.server.owners_room import (
    APART,
    TOGETHER,
    config_with,
    ended,
    gated,
    naming,
    refusal,
    requests,
    results,
    token,
    uploaded,
    world,
)


async def test_a_batch_whose_token_is_revoked_asks_no_provider_any_more(home: Path) -> None:
    gate, reply = gated()
    upstream = ScriptedUpstream([reply])
    async with world(home, TOGETHER, upstream, places_per_provider=1) as them:
        file_id = await uploaded(them.ci)
        batch = await them.ci.messages.batches.create(
            requests=[*requests("a", "b"), *requests("c", messages=naming(file_id))]
        )
        await upstream.is_asked.wait()
        them.proxy.server.apply(config_with(token("phone", "site")))
        gate.set()
        assert (await ended(them.phone, batch.id)).request_counts.errored == 2
        found = await results(them.phone, batch.id)
        assert found["a"]["type"] == "succeeded"
        for name in ("b", "c"):
            assert found[name]["error"]["error"] == {
                "type": "authentication_error",
                "message": "The token ci was revoked.",
            }
        assert len(upstream.asked) == 1


async def test_a_batch_goes_on_under_the_limits_of_the_token_that_took_its_tokens_name(home: Path) -> None:
    gate, reply = gated()
    upstream = ScriptedUpstream([reply, Reply()])
    async with world(home, APART, upstream, places_per_provider=1) as them:
        batch = await them.ci.messages.batches.create(
            requests=[*requests("a"), *requests("b", model="small"), *requests("c")]
        )
        await upstream.is_asked.wait()
        them.proxy.server.apply(config_with())
        them.proxy.server.apply(config_with(token("ci", None, "small")))
        gate.set()
        await ended(them.ci, batch.id)
        found = await results(them.ci, batch.id)
        assert {name: each["type"] for name, each in found.items()} == {
            "a": "succeeded",
            "b": "succeeded",
            "c": "errored",
        }
        assert found["c"]["error"]["error"]["type"] == "permission_error"


async def test_settings_that_cannot_be_used_cost_a_batch_nothing(home: Path) -> None:
    _, reply = gated()
    async with world(home, APART, ScriptedUpstream([reply]), places_per_provider=1) as them:
        batch = await them.ci.messages.batches.create(requests=requests("a", "b"))
        await them.upstream.is_asked.wait()
    async with world(home, config_with(is_stand_in=True)) as them:
        mine = await them.first.messages.batches.create(requests=requests("c"))
        assert them.upstream.asked == []
    async with world(home, APART) as them:
        assert (await ended(them.ci, batch.id)).request_counts.succeeded == 2
        assert (await ended(them.first, mine.id)).request_counts.succeeded == 1


async def test_a_batch_uses_the_files_of_its_owner_and_of_nobody_else(home: Path) -> None:
    async with world(home, APART) as them:
        own, theirs = await uploaded(them.ci, b"own words"), await uploaded(them.phone)
        batch = await them.ci.messages.batches.create(
            requests=[*requests("own", messages=naming(own)), *requests("theirs", messages=naming(theirs))]
        )
        await ended(them.ci, batch.id)
        found = await results(them.ci, batch.id)
        assert found["own"]["type"] == "succeeded"
        assert found["theirs"]["error"]["error"] == {
            "type": "not_found_error",
            "message": f"File not found: {theirs}",
        }
        assert "own words" in str(them.upstream.asked)
        assert "secret words" not in str(them.upstream.asked)


async def test_a_batch_keeps_its_workspace_when_its_token_gets_another(home: Path) -> None:
    gate, reply = gated()
    upstream = ScriptedUpstream([reply, Reply()])
    async with world(home, TOGETHER, upstream, places_per_provider=1) as them:
        file_id = await uploaded(them.phone)
        batch = await them.ci.messages.batches.create(
            requests=[*requests("a"), *requests("b", messages=naming(file_id))]
        )
        await upstream.is_asked.wait()
        them.proxy.server.apply(config_with(token("ci", "shop"), token("phone", "site")))
        gate.set()
        assert (await ended(them.phone, batch.id)).request_counts.succeeded == 2
        with pytest.raises(anthropic.NotFoundError):
            await them.ci.messages.batches.retrieve(batch.id)


@pytest.mark.expects_log("budget_reached")
async def test_a_batch_is_paid_by_its_token_and_ends_where_the_budget_of_that_token_does(home: Path) -> None:
    price = ListPrice(input_usd=1.0, output_usd=100.0)  # one answer costs 7,000 millionths
    config = config_with(token("ci", "site", budgets=Budgets(day_micro_usd=7_000)), token("phone", "site"))
    providers = {name: replace(each, price=price) for name, each in config.providers.items()}
    usage = b'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":60}}\n\n'
    reply = Reply((delta(content="Hello"), delta("stop"), usage, DONE))
    upstream = ScriptedUpstream([reply])
    paid = replace(config, providers=MappingProxyType(providers))
    async with world(home, paid, upstream, places_per_provider=1) as them:
        batch = await them.ci.messages.batches.create(requests=requests("a", "b", "c"))
        counts = (await ended(them.phone, batch.id)).request_counts
        assert (counts.succeeded, counts.errored) == (1, 2)
        refused = (await results(them.phone, batch.id))["c"]["error"]["error"]
        assert refused["type"] == "rate_limit_error"
        assert "budget of the token ci is used up" in refused["message"]
        assert len(upstream.asked) == 1
        await them.phone.messages.create(**BODY)
    database = await open_database(home / "store", 1_800_000_000.0)
    rows = await LedgerStore(database).requests(9)
    await database.close()
    assert sorted((each.token, each.outcome) for each in rows) == [
        ("ci", "error"),
        ("ci", "error"),
        ("ci", "ok"),
        ("phone", "ok"),
    ]


async def test_the_error_of_a_batch_suggests_no_alias_its_token_may_not_use(home: Path) -> None:
    async with world(home, config_with(token("ci", None, "small"))) as them:
        batch = await them.ci.messages.batches.create(requests=requests("a", model="bigg"))
        await ended(them.ci, batch.id)
        assert (await results(them.ci, batch.id))["a"]["error"]["error"]["message"] == "model: bigg"
        for model, status in (("bigg", 404), ("claude-4-sonnet", 403)):
            body: JsonObject = {**BODY, "model": model}
            ask = them.ci.post("/v1/messages", body=body, cast_to=object)
            told = await refusal(ask, model)
            assert told[0] == status
            assert "big" not in told[1]["message"]
        assert await refusal(them.ci.models.retrieve("big"), "big") == (
            404,
            {"type": "not_found_error", "message": "model: ID"},
        )


async def test_a_batch_under_way_keeps_bodies_as_the_settings_say_by_then(home: Path) -> None:
    gates = [gated() for _ in range(2)]
    upstream = ScriptedUpstream([reply for _, reply in gates])
    config = config_with(capture_bytes=0)
    async with world(home, config, upstream, places_per_provider=1) as them:
        batch = await them.first.messages.batches.create(requests=requests("a", "b"))
        await upstream.is_asked.wait()
        them.proxy.server.apply(replace(config, capture_bytes=1000))
        for gate, _ in gates:
            gate.set()
        await ended(them.first, batch.id)
        finished = [each.request_id for each in them.proxy.of(RequestFinished)]
        kept: list[Exchange] = them.proxy.of(Exchange)
        assert [each.request_id for each in kept] == finished[1:]
        assert '"late"' in kept[0].client_reply
