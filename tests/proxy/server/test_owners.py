"""Batches and files of several tokens through a running proxy: what one made does not exist for another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import anthropic
import pytest

from proxy.config import Budgets, ClientToken
from tests.proxy.scripted import (
    BODY,
)
from tests.proxy.server.owners_room import (
    APART,
    NEVER_BATCH,
    TOGETHER,
    Client,
    config_with,
    ended,
    naming,
    refusal,
    requests,
    results,
    token,
    uploaded,
    world,
)

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
