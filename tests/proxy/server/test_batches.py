"""Message batches over HTTP: the real SDK in front, a scripted upstream behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic.types.messages import MessageBatch

from proxy.messages.errors import ErrorType, UpstreamError
from proxy.messages.message import JsonObject
from proxy.service.batch_worker import BatchLimits
from proxy.service.storage import StorageConfig
from tests.proxy.scripted import BODY, DONE, TOKEN, Reply, Running, ScriptedUpstream, delta, running

BATCHES = "/v1/messages/batches"


def requests(*names: str, **params: Any) -> list[Any]:
    return [{"custom_id": name, "params": {**BODY, **params}} for name in names]


def gated() -> tuple[asyncio.Event, Reply]:
    """A reply that waits until its event is set."""
    gate = asyncio.Event()
    return gate, Reply((gate, delta(content="late"), delta("stop"), DONE))


@asynccontextmanager
async def serving(
    home: Path, upstream: ScriptedUpstream | None = None, **limits: Any
) -> AsyncGenerator[tuple[Running, anthropic.AsyncAnthropic]]:
    storage = StorageConfig(home / "store", BatchLimits(**limits))
    async with (
        running({"one": upstream or ScriptedUpstream()}, storage=storage) as proxy,
        anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN, max_retries=0) as client,
    ):
        yield proxy, client


async def ended(client: anthropic.AsyncAnthropic, batch_id: str) -> MessageBatch:
    while (batch := await client.messages.batches.retrieve(batch_id)).processing_status != "ended":
        pass
    return batch


async def results(client: anthropic.AsyncAnthropic, batch_id: str) -> dict[str, JsonObject]:
    lines = [each async for each in await client.messages.batches.results(batch_id)]
    found = {each.custom_id: each.result.to_dict() for each in lines}
    assert len(found) == len(lines)
    return found


@pytest.mark.conformance(
    "batches.create", "batches.shape", "batches.retrieve", "batches.results", "batches.counts"
)
async def test_a_batch_runs_to_its_end_and_gives_one_result_a_request(home: Path) -> None:
    async with serving(home) as (_, client):
        made = await client.messages.batches.create(requests=requests("a", "b", "c"))
        assert made.processing_status == "in_progress"
        assert made.request_counts.processing == 3
        assert (made.expires_at - made.created_at).total_seconds() == 24 * 3600
        batch = await ended(client, made.id)
        assert batch.request_counts.to_dict() == {
            "processing": 0,
            "succeeded": 3,
            "errored": 0,
            "canceled": 0,
            "expired": 0,
        }
        found = await results(client, made.id)
        assert sorted(found) == ["a", "b", "c"]
        assert {each["message"]["content"][0]["text"] for each in found.values()} == {"Hello"}
        assert len({each["message"]["id"] for each in found.values()}) == 3


@pytest.mark.conformance("batches.results-url", "batches.results-jsonl")
async def test_the_results_url_points_back_at_us(home: Path) -> None:
    async with serving(home) as (proxy, client):
        made = await client.messages.batches.create(requests=requests("a"))
        assert made.results_url is None
        batch = await ended(client, made.id)
        url = f"{proxy.url}{BATCHES}/{made.id}/results"
        assert batch.results_url == url
        async with proxy.http.get(url, headers={"x-api-key": TOKEN}) as response:
            assert response.content_type == "application/x-jsonl"
            assert [json.loads(line)["custom_id"] for line in (await response.read()).splitlines()] == ["a"]


@pytest.mark.conformance("batches.errored", "batches.asynchronous-checks", "batches.not-inside")
async def test_what_is_wrong_inside_a_request_becomes_its_errored_result(home: Path) -> None:
    async with serving(home) as (_, client):
        wrong: list[Any] = [
            *requests("stream", stream=True),
            *requests("thread", thread={"type": "create"}),
            *requests("speed", speed="fast"),
            *requests("none", max_tokens=0),
            {"custom_id": "empty", "params": {}},
            *requests("model", model="nobody-serves-this"),
            *requests("fine"),
        ]
        made = await client.messages.batches.create(requests=wrong)
        counts = (await ended(client, made.id)).request_counts
        assert (counts.succeeded, counts.errored) == (1, 6)
        found = await results(client, made.id)
        assert found["fine"]["type"] == "succeeded"
        told = {name: each["error"]["error"] for name, each in found.items() if each["type"] == "errored"}
        assert {name: error["type"] for name, error in told.items()} == {
            **dict.fromkeys(("stream", "thread", "speed", "none", "empty"), "invalid_request_error"),
            "model": "not_found_error",
        }
        assert "stream" in told["stream"]["message"]
        assert found["empty"]["error"]["request_id"].startswith("req_")


@pytest.mark.conformance("batches.retries")
async def test_a_failure_that_passes_is_tried_again_and_one_that_stays_is_the_result(home: Path) -> None:
    busy = UpstreamError(ErrorType.RATE_LIMIT, "slow down", retry_after_s=0)
    async with serving(home, ScriptedUpstream([busy, busy, Reply()]), tries=3) as (_, client):
        made = await client.messages.batches.create(requests=requests("a"))
        assert (await ended(client, made.id)).request_counts.succeeded == 1
    async with serving(home, ScriptedUpstream([busy]), tries=3) as (_, client):
        made = await client.messages.batches.create(requests=requests("a"))
        assert (await ended(client, made.id)).request_counts.errored == 1
        assert (await results(client, made.id))["a"]["error"]["error"]["type"] == "rate_limit_error"


async def test_a_provider_serves_no_more_at_once_than_it_has_places(home: Path) -> None:
    gates = [gated() for _ in range(5)]
    upstream = ScriptedUpstream([reply for _, reply in gates])
    async with serving(home, upstream, places_per_provider=2) as (_, client):
        one = await client.messages.batches.create(requests=requests("a", "b", "c"))
        two = await client.messages.batches.create(requests=requests("a", "b"))
        while len(upstream.asked) < 2:
            await client.messages.batches.retrieve(one.id)
        assert len(upstream.asked) == 2
        for gate, _ in gates:
            gate.set()
        await ended(client, one.id)
        await ended(client, two.id)
        assert len(upstream.asked) == 5


@pytest.mark.conformance("batches.cancel")
async def test_canceling_lets_what_is_under_way_finish_and_the_rest_be(home: Path) -> None:
    gate, reply = gated()
    upstream = ScriptedUpstream([reply])
    async with serving(home, upstream, places_per_provider=1) as (_, client):
        made = await client.messages.batches.create(requests=requests("a", "b", "c"))
        while not upstream.asked:
            await client.messages.batches.retrieve(made.id)
        canceling = await client.messages.batches.cancel(made.id)
        assert canceling.processing_status == "canceling"
        assert canceling.cancel_initiated_at is not None
        assert canceling.request_counts.processing == 3
        again = await client.messages.batches.cancel(made.id)
        assert again.cancel_initiated_at == canceling.cancel_initiated_at
        gate.set()
        batch = await ended(client, made.id)
        assert (batch.request_counts.succeeded, batch.request_counts.canceled) == (1, 2)
        found = await results(client, made.id)
        assert found["b"] == {"type": "canceled"}
        with pytest.raises(anthropic.BadRequestError, match="has ended"):
            await client.messages.batches.cancel(made.id)


@pytest.mark.conformance("batches.delete", "batches.results-before-end")
async def test_a_batch_is_deleted_only_once_it_has_ended(home: Path) -> None:
    gate, reply = gated()
    async with serving(home, ScriptedUpstream([reply])) as (_, client):
        made = await client.messages.batches.create(requests=requests("a"))
        with pytest.raises(anthropic.BadRequestError, match="cancel it first"):
            await client.messages.batches.delete(made.id)
        with pytest.raises(anthropic.AnthropicError, match="in_progress"):
            await client.messages.batches.results(made.id)
        gate.set()
        await ended(client, made.id)
        deleted = await client.messages.batches.delete(made.id)
        assert deleted.to_dict() == {"id": made.id, "type": "message_batch_deleted"}
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.batches.retrieve(made.id)


@pytest.mark.conformance("batches.list")
async def test_lists_are_paged_newest_first_in_both_directions(home: Path) -> None:
    async with serving(home) as (_, client):
        ids = [(await client.messages.batches.create(requests=requests("a"))).id for _ in range(5)]
        assert [each.id async for each in client.messages.batches.list(limit=2)] == ids[::-1]
        page = await client.messages.batches.list(limit=2, before_id=ids[0])
        assert [each.id for each in page.data] == [ids[2], ids[1]]
        assert (page.has_more, page.first_id, page.last_id) == (True, ids[2], ids[1])
        page = await client.messages.batches.list(limit=2, after_id=ids[1])
        assert ([each.id for each in page.data], page.has_more) == ([ids[0]], False)
        for wrong in ({"limit": 0}, {"limit": 1001}, {"after_id": "msgbatch_x"}):
            with pytest.raises(anthropic.BadRequestError):
                await client.messages.batches.list(**wrong)  # pyright: ignore[reportArgumentType] - wrong on purpose


@pytest.mark.conformance("batches.custom-ids")
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{}", "requests: Field required"),
        ('{"requests": []}', "requests: List should have at least 1 item"),
        ('{"requests": {}}', "requests: Input should be a valid list"),
        ('{"requests": [', "not valid JSON"),
        ('{"requests": [1]}', "requests.0: Input should be an object"),
        (json.dumps({"requests": [{"custom_id": "a"}]}), "requests.0.params: Field required"),
        (
            json.dumps({"requests": requests("a b")}),
            "requests.0.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'",
        ),
        (
            json.dumps({"requests": requests("a", "x" * 65)}),
            "requests.1.custom_id: String should have at most 64 characters",
        ),
        (json.dumps({"requests": requests("a", "b", "a")}), "requests.2.custom_id: must be unique"),
    ],
)
async def test_an_unlawful_list_of_requests_creates_nothing(home: Path, body: str, message: str) -> None:
    async with serving(home) as (proxy, client):
        headers = {"x-api-key": TOKEN, "content-type": "application/json"}
        async with proxy.http.post(proxy.url + BATCHES, data=body, headers=headers) as response:
            assert response.status == 400
            error = (await response.json())["error"]
        assert error["type"] == "invalid_request_error"
        assert message in error["message"]
        assert [each async for each in client.messages.batches.list()] == []
        assert list((home / "store" / "batches").iterdir()) == []


@pytest.mark.conformance("batches.size")
async def test_a_body_beyond_256_mib_is_refused_before_it_is_read(home: Path) -> None:
    async with serving(home) as (proxy, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        head = (
            f"POST {BATCHES} HTTP/1.1\r\nHost: 127.0.0.1:{proxy.port}\r\nx-api-key: {TOKEN}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {256 * 2**20 + 1}\r\n\r\n"
        )
        writer.write(head.encode())
        assert b" 413 " in await reader.readline()
        writer.close()


@pytest.mark.conformance("batches.unknown")
async def test_an_unknown_batch_is_a_404_for_every_verb(home: Path) -> None:
    async with serving(home) as (proxy, _):
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/results")):
            url = f"{proxy.url}{BATCHES}/msgbatch_0{path}"
            async with proxy.http.request(method, url, headers={"x-api-key": TOKEN}) as response:
                assert (response.status, (await response.json())["error"]["type"]) == (404, "not_found_error")


@pytest.mark.conformance("batches.restart")
async def test_a_batch_goes_on_after_a_restart(home: Path) -> None:
    gate, reply = gated()
    first = ScriptedUpstream([Reply(), reply])
    async with serving(home, first, places_per_provider=1) as (_, client):
        made = await client.messages.batches.create(requests=requests("a", "b", "c"))
        while len(first.asked) < 2:
            await client.messages.batches.retrieve(made.id)
    second = ScriptedUpstream()
    async with serving(home, second) as (_, client):
        assert (await ended(client, made.id)).request_counts.succeeded == 3
        assert sorted(await results(client, made.id)) == ["a", "b", "c"]
        assert len(second.asked) == 2
        assert list((home / "store" / "batches").iterdir()) == []
    assert not gate.is_set()


async def test_without_a_data_folder_the_endpoints_say_so() -> None:
    async with running() as proxy, proxy.post({"requests": []}, BATCHES) as response:
        assert response.status == 404
        assert "keeps no batches" in (await response.json())["error"]["message"]


@pytest.mark.expects_log("store_unavailable", "bookings_lost")
async def test_a_data_folder_in_use_leaves_messages_alone(home: Path) -> None:
    async with serving(home) as (_, client):
        await client.messages.batches.create(requests=requests("a"))
        async with serving(home) as (proxy, other):
            with pytest.raises(anthropic.InternalServerError, match="Another Signalbox"):
                await other.messages.batches.create(requests=requests("a"))
            async with proxy.post() as response:
                assert response.status == 200
