"""Batches and files of several tokens through a running proxy: what one made does not exist for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import anthropic
import pytest
from anthropic.types.messages import MessageBatch

from proxy.config import Budgets, ClientToken, ListPrice, ProxyConfig
from proxy.events import Exchange, RequestFinished
from proxy.messages.message import JsonObject
from proxy.service.batch_worker import BatchLimits
from proxy.service.storage import StorageConfig
from proxy.store.database import open_database
from proxy.store.ledger import LedgerStore
from tests.proxy.scripted import (
    BODY,
    DONE,
    TOKEN,
    Reply,
    Running,
    ScriptedUpstream,
    delta,
    proxy_config,
    running,
)

CI, PHONE = "ci-" * 12, "phone-" * 6
NO_BUDGETS = Budgets()
NEVER_BATCH, NEVER_FILE = "msgbatch_never", "file_never"

Client = anthropic.AsyncAnthropic


def token(
    name: str, workspace: str | None = None, *aliases: str, budgets: Budgets = NO_BUDGETS
) -> ClientToken:
    """The tokens `ci` and `phone`, as the settings have them."""
    value = {"ci": CI, "phone": PHONE}[name]
    return ClientToken(name, sha256(value.encode()).hexdigest(), budgets, aliases, workspace)


def config_with(*tokens: ClientToken, **more: Any) -> ProxyConfig:
    config = proxy_config("one")
    return replace(config, server=replace(config.server, client_tokens=tokens), **more)


APART = config_with(token("ci"), token("phone"))
TOGETHER = config_with(token("ci", "site"), token("phone", "site"))


@dataclass(slots=True)
class World:
    """A running proxy and the real SDK with each of three tokens."""

    proxy: Running
    first: Client
    ci: Client
    phone: Client
    upstream: ScriptedUpstream


@asynccontextmanager
async def world(
    home: Path, config: ProxyConfig, upstream: ScriptedUpstream | None = None, **limits: Any
) -> AsyncGenerator[World]:
    asked = upstream or ScriptedUpstream()
    storage = StorageConfig(home / "store", BatchLimits(**limits))
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(running({"one": asked}, config, storage=storage))
        clients = [Client(base_url=proxy.url, api_key=key, max_retries=0) for key in (TOKEN, CI, PHONE)]
        for client in clients:
            await stack.enter_async_context(client)
        first, ci, phone = clients
        yield World(proxy, first, ci, phone, asked)


def requests(*names: str, **params: Any) -> list[Any]:
    return [{"custom_id": name, "params": {**BODY, **params}} for name in names]


async def ended(client: Client, batch_id: str) -> MessageBatch:
    while (batch := await client.messages.batches.retrieve(batch_id)).processing_status != "ended":
        pass
    return batch


async def results(client: Client, batch_id: str) -> dict[str, Any]:
    return {
        each.custom_id: each.result.to_dict()
        async for each in await client.messages.batches.results(batch_id)
    }


async def uploaded(client: Client, data: bytes = b"secret words") -> str:
    return (await client.files.upload(file=("a.txt", data, "text/plain"))).id


def naming(file_id: str) -> Any:
    block = {"type": "document", "source": {"type": "file", "file_id": file_id}}
    return [{"role": "user", "content": [block, {"type": "text", "text": "What is this?"}]}]


async def refusal(asked: Awaitable[object], known: str) -> tuple[int, Any]:
    """What the client is told, without what differs from request to request."""
    with pytest.raises(anthropic.APIStatusError) as caught:
        await asked
    body: Any = caught.value.response.json()
    return caught.value.status_code, {
        **body["error"],
        "message": body["error"]["message"].replace(known, "ID"),
    }


def gated() -> tuple[asyncio.Event, Reply]:
    gate = asyncio.Event()
    return gate, Reply((gate, delta(content="late"), delta("stop"), DONE))


BATCH_VERBS: dict[str, Callable[[Client, str], Awaitable[object]]] = {
    "retrieve": lambda client, batch_id: client.messages.batches.retrieve(batch_id),
    "cancel": lambda client, batch_id: client.messages.batches.cancel(batch_id),
    "delete": lambda client, batch_id: client.messages.batches.delete(batch_id),
    "results": lambda client, batch_id: client.get(
        f"/v1/messages/batches/{batch_id}/results", cast_to=object
    ),
    "list after": lambda client, batch_id: client.messages.batches.list(after_id=batch_id),
    "list before": lambda client, batch_id: client.messages.batches.list(before_id=batch_id),
}


@pytest.mark.conformance("batches.workspace")
@pytest.mark.parametrize("verb", BATCH_VERBS)
async def test_the_batch_of_another_token_answers_as_one_that_never_was(home: Path, verb: str) -> None:
    ask = BATCH_VERBS[verb]
    async with world(home, APART) as them:
        batch = await them.ci.messages.batches.create(requests=requests("a"))
        await ended(them.ci, batch.id)
        for stranger in (them.phone, them.first):
            never = await refusal(ask(stranger, NEVER_BATCH), NEVER_BATCH)
            assert await refusal(ask(stranger, batch.id), batch.id) == never
            assert never[0] == (400 if verb.startswith("list") else 404)
        assert (await ended(them.ci, batch.id)).request_counts.succeeded == 1
        assert set(await results(them.ci, batch.id)) == {"a"}


FILE_VERBS: dict[str, Callable[[Client, str], Awaitable[object]]] = {
    "metadata": lambda client, file_id: client.files.retrieve_metadata(file_id),
    "delete": lambda client, file_id: client.files.delete(file_id),
    "content": lambda client, file_id: client.files.download(file_id),
    "list after": lambda client, file_id: client.files.list(extra_query={"after_id": file_id}),
    "list before": lambda client, file_id: client.files.list(extra_query={"before_id": file_id}),
    "message": lambda client, file_id: client.messages.create(
        model="big", max_tokens=64, messages=naming(file_id)
    ),
    "count": lambda client, file_id: client.messages.count_tokens(model="big", messages=naming(file_id)),
}


@pytest.mark.conformance("files.workspace")
@pytest.mark.parametrize("verb", FILE_VERBS)
async def test_the_file_of_another_token_answers_as_one_that_never_was(home: Path, verb: str) -> None:
    ask = FILE_VERBS[verb]
    async with world(home, APART) as them:
        file_id = await uploaded(them.ci)
        never_id = f"file_{'0' * (len(file_id) - 5)}"
        for stranger in (them.phone, them.first):
            never = await refusal(ask(stranger, never_id), never_id)
            assert await refusal(ask(stranger, file_id), file_id) == never
            assert never[0] == (400 if verb.startswith("list") else 404)
        assert await (await them.ci.files.download(file_id)).read() == b"secret words"
        assert them.upstream.asked == []


async def test_lists_name_nothing_of_another_token(home: Path) -> None:
    async with world(home, APART) as them:
        made: dict[str, tuple[str, str]] = {}
        for name, client in (("first", them.first), ("ci", them.ci), ("phone", them.phone)):
            batch = await client.messages.batches.create(requests=requests("a"))
            made[name] = (batch.id, await uploaded(client))
        every_file = [file_id for _, file_id in made.values()]
        for name, client in (("first", them.first), ("ci", them.ci), ("phone", them.phone)):
            batch_id, file_id = made[name]
            assert [each.id async for each in client.messages.batches.list()] == [batch_id]
            assert [each.id async for each in client.files.list()] == [file_id]
            chosen = await client.get("/v1/files", cast_to=object, options={"params": {"ids[]": every_file}})
            assert [each["id"] for each in chosen["data"]] == [file_id]  # pyright: ignore - raw JSON


@pytest.mark.expects_log("budget_reached")
async def test_what_all_spent_together_is_told_to_the_first_token_alone(home: Path) -> None:
    async with world(home, replace(APART, budgets=Budgets(day_micro_usd=200_000))) as them:
        await them.first.messages.create(**BODY)
        for client, is_told in ((them.ci, False), (them.first, True)):
            with pytest.raises(anthropic.RateLimitError, match="budget for everything is used up") as caught:
                await client.messages.create(**BODY)
            assert ("$0.25 spent of $0.20" in caught.value.message) is is_told


@pytest.mark.conformance("batches.workspace", "files.workspace")
async def test_tokens_of_one_workspace_share_what_they_make(home: Path) -> None:
    async with world(home, TOGETHER) as them:
        batch = await them.ci.messages.batches.create(requests=requests("a"))
        file_id = await uploaded(them.ci)
        assert [each.id async for each in them.phone.messages.batches.list()] == [batch.id]
        await ended(them.phone, batch.id)
        assert set(await results(them.phone, batch.id)) == {"a"}
        await them.phone.messages.create(model="big", max_tokens=64, messages=naming(file_id))
        assert "secret words" in str(them.upstream.asked[-1])
        await them.phone.messages.batches.delete(batch.id)
        await them.phone.files.delete(file_id)
        assert [each.id async for each in them.ci.files.list()] == []
        with pytest.raises(anthropic.NotFoundError):
            await them.ci.messages.batches.retrieve(batch.id)


async def test_a_token_keeps_what_it_made_when_it_gets_a_workspace_and_leaves_the_rest_when_it_goes(
    home: Path,
) -> None:
    async with world(home, APART) as them:
        own = await uploaded(them.ci)
        them.proxy.server.apply(TOGETHER)
        shared = await uploaded(them.ci)
        assert [each.id async for each in them.ci.files.list()] == [shared, own]
        assert [each.id async for each in them.phone.files.list()] == [shared]
        them.proxy.server.apply(APART)
        assert [each.id async for each in them.ci.files.list()] == [own]


async def test_what_a_revoked_token_made_waits_for_the_next_one_of_its_name(home: Path) -> None:
    async with world(home, APART) as them:
        batch = await them.ci.messages.batches.create(requests=requests("a"))
        await ended(them.ci, batch.id)
        file_id = await uploaded(them.ci)
        them.proxy.server.apply(config_with(token("phone")))
        with pytest.raises(anthropic.AuthenticationError):
            await them.ci.files.retrieve_metadata(file_id)
        for stranger in (them.phone, them.first):
            assert [each.id async for each in stranger.files.list()] == []
        renewed = "renewed-" * 6
        them.proxy.server.apply(config_with(ClientToken("ci", sha256(renewed.encode()).hexdigest())))
        async with Client(base_url=them.proxy.url, api_key=renewed, max_retries=0) as client:
            assert await (await client.files.download(file_id)).read() == b"secret words"
            assert set(await results(client, batch.id)) == {"a"}


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
