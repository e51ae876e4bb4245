"""Batches as a service: expiry, archive, retries, a failing store, bugs, and shapes as recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from proxy.context import Owner, RequestContext
from proxy.messages.errors import ApiError, ClientError, ErrorType, UpstreamError
from proxy.messages.message import JsonObject
from proxy.service.batch_worker import BatchLimits, Means, wait_before_retry_s
from proxy.service.batches import ARCHIVED_AFTER_US, EXPIRES_AFTER_US, batch_view, result_line
from proxy.service.storage import Storage, StorageConfig, open_storage
from proxy.store.values import Batch, ResultRow

DAY_S = 24 * 3600.0
OWNER = Owner()
MESSAGE: JsonObject = {"type": "message", "content": []}


@dataclass
class World:
    """What the worker is given: answers by the request's `say`, a standing clock, sleeps that are noted."""

    now: float = 1_800_000_000.0
    asked: list[str] = field(default_factory=list[str])
    headers: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    slept: list[float] = field(default_factory=list[float])
    answers: dict[str, list[JsonObject | Exception]] = field(default_factory=dict[str, Any])
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    waits: asyncio.Event = field(default_factory=asyncio.Event)
    """A request of the batch is under way and waits for the gate."""
    room: Callable[[], Awaitable[object]] | None = None
    """Makes room on the full disk; called while the worker sleeps."""
    made: int = 0
    shut_for: int = 0
    """How often the worker sleeps before requests are served."""

    async def run_message(self, params: JsonObject, context: RequestContext, batch: Batch) -> JsonObject:
        said = params.get("say", "")
        self.asked.append(said)
        self.headers.append(batch.headers)
        if said == "wait":
            self.waits.set()
            await self.gate.wait()
        answers = self.answers.get(said, [MESSAGE])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return {**answer, "id": context.request_id}

    def provider_of(self, model: str, _token_name: str) -> str:
        if model == "unknown":
            raise ClientError(ErrorType.NOT_FOUND, "model: unknown")
        return model

    def new_id(self, prefix: str) -> str:
        self.made += 1
        return f"{prefix}{self.made}"

    async def sleep(self, seconds: float) -> None:
        if seconds == 60.0:  # housekeeping; the tests tick by themselves
            await asyncio.Event().wait()
        self.slept.append(seconds)
        self.shut_for -= 1
        if self.room is not None:
            await self.room()

    def means(self) -> Means:
        return Means(
            self.run_message,
            self.provider_of,
            lambda: self.now,
            self.new_id,
            self.sleep,
            lambda: self.shut_for <= 0,
        )


@asynccontextmanager
async def opened(home: Path, world: World, **limits: Any) -> AsyncGenerator[Storage]:
    storage = await open_storage(StorageConfig(home / "store", BatchLimits(**limits)), world.means())
    try:
        yield storage
    finally:
        await storage.close(0)


async def create(storage: Storage, *says: str, model: str = "m", **headers: str) -> Batch:
    requests = [{"custom_id": f"c{n}", "params": {"model": model, "say": say}} for n, say in enumerate(says)]
    draft = await storage.batches.begin_body()
    await draft.write(json.dumps({"requests": requests}).encode())
    return await storage.batches.create(draft, "tests", headers, OWNER)


async def settled(storage: Storage, batch: Batch) -> Batch:
    await storage.batches.settled(batch.id)
    return await storage.batches.get(batch.id, OWNER)


async def lines(storage: Storage, batch: Batch) -> list[JsonObject]:
    pieces = [piece async for piece in await storage.batches.results(batch.id, OWNER)]
    return [json.loads(line) for line in b"".join(pieces).splitlines()]


async def test_what_has_no_result_after_24_hours_expires_and_what_is_under_way_ends(home: Path) -> None:
    world = World()
    async with opened(home, world, places_per_provider=1) as storage:
        batch = await create(storage, "first", "wait", "never")
        await world.waits.wait()
        world.now += DAY_S - 1
        await storage.batches.tick()
        assert (await storage.batches.get(batch.id, OWNER)).status == "in_progress"
        world.now += 1
        await storage.batches.tick()
        ended = await settled(storage, batch)
        assert (ended.succeeded, ended.expired) == (1, 2)
        assert [each["result"]["type"] for each in await lines(storage, batch)] == [
            "succeeded",
            "expired",
            "expired",
        ]
        assert "never" not in world.asked


async def test_a_batch_that_expired_while_the_program_was_off_runs_no_further(home: Path) -> None:
    world = World()
    async with opened(home, world, places_per_provider=1) as storage:
        batch = await create(storage, "wait", "never")
    world.now += 2 * DAY_S
    async with opened(home, world) as storage:
        ended = await settled(storage, batch)
        assert (ended.succeeded, ended.expired) == (0, 2)
        assert "never" not in world.asked


async def test_results_are_gone_29_days_after_creation_and_the_batch_stays(home: Path) -> None:
    world = World()
    async with opened(home, world) as storage:
        batch = await create(storage, "a")
        await settled(storage, batch)
        world.now += 29 * DAY_S
        await storage.batches.tick()
        assert len(await lines(storage, batch)) == 1
        world.now += 1
        await storage.batches.tick()
        archived = await storage.batches.get(batch.id, OWNER)
        assert (archived.status, archived.succeeded) == ("ended", 1)
        view = batch_view(archived, "http://here")
        assert (view["results_url"], view["archived_at"] is None) == (None, False)
        with pytest.raises(ClientError) as caught:
            await storage.batches.results(batch.id, OWNER)
        assert caught.value.status == 404


async def test_a_batch_that_was_canceling_at_a_stop_is_canceled_at_the_next_start(home: Path) -> None:
    world = World()
    async with opened(home, world, places_per_provider=1) as storage:
        batch = await create(storage, "wait", "never")
        await world.waits.wait()
        await storage.batches.cancel(batch.id, OWNER)
    async with opened(home, world) as storage:
        ended = await settled(storage, batch)
        assert (ended.canceled, world.asked) == (2, ["wait"])


async def test_a_batch_waits_while_no_request_is_served(home: Path) -> None:
    world = World(shut_for=2)
    async with opened(home, world) as storage:
        assert (await settled(storage, await create(storage, "a", "b"))).succeeded == 2
    assert world.slept == [5.0, 5.0]


async def test_a_batch_that_waits_to_be_served_can_be_canceled(home: Path) -> None:
    world = World(shut_for=2, room=asyncio.Event().wait)
    async with opened(home, world) as storage:
        batch = await create(storage, "a", "b")
        await storage.batches.cancel(batch.id, OWNER)
        assert (await settled(storage, batch)).canceled == 2
    assert world.asked == []


@pytest.mark.expects_log("task_failed")
async def test_a_bug_of_ours_costs_one_request_and_tells_no_secret(home: Path) -> None:
    world = World(answers={"bad": [LookupError("inner workings")]})
    async with opened(home, world) as storage:
        batch = await create(storage, "bad", "good")
        ended = await settled(storage, batch)
        assert (ended.succeeded, ended.errored) == (1, 1)
        (error,) = [
            each["result"]["error"] for each in await lines(storage, batch) if each["custom_id"] == "c0"
        ]
        assert error["error"] == {"type": "api_error", "message": "Internal server error"}


@pytest.mark.expects_log("database_failed", "batch_waits_for_store")
async def test_a_result_that_cannot_be_stored_is_kept_until_it_can(home: Path) -> None:
    world = World(answers={"wait": [{**MESSAGE, "content": ["x" * 100_000]}]})
    async with opened(home, world) as storage:
        batch = await create(storage, "wait")
        await world.waits.wait()

        def limit_pages(pages: int) -> Callable[[], Awaitable[object]]:
            statement = text(f"PRAGMA max_page_count={pages}")
            return lambda: storage.database.run(lambda connection: connection.execute(statement))

        await limit_pages(1)()
        world.room = limit_pages(1_000_000)
        world.gate.set()
        assert (await settled(storage, batch)).succeeded == 1
        assert world.slept == [BatchLimits().store_retry_s]
        assert world.asked == ["wait"]


async def test_the_protocol_headers_of_a_batch_hold_for_each_request(home: Path) -> None:
    world = World()
    async with opened(home, world) as storage:
        kept = {"anthropic-version": "2023-06-01", "anthropic-beta": "output-300k-2026-03-24"}
        batch = await create(storage, "a", "b", **kept, **{"x-api-key": "k"})
        await settled(storage, batch)
    assert [dict(each) for each in world.headers] == [kept, kept]


async def test_the_body_of_a_batch_is_gone_when_it_ended(home: Path) -> None:
    world = World()
    async with opened(home, world) as storage:
        batch = await create(storage, "wait")
        assert [path.name for path in (home / "store" / "batches").iterdir()] == [batch.id]
        world.gate.set()
        await settled(storage, batch)
        assert list((home / "store" / "batches").iterdir()) == []


async def test_a_lost_body_ends_its_requests_with_an_error(home: Path) -> None:
    world = World()
    async with opened(home, world, places_per_provider=1) as storage:
        batch = await create(storage, "wait", "b")
        await world.waits.wait()
    await asyncio.to_thread((home / "store" / "batches" / batch.id).unlink)
    async with opened(home, world) as storage:
        assert (await settled(storage, batch)).errored == 2
        assert "lost" in (await lines(storage, batch))[0]["result"]["error"]["error"]["message"]


@pytest.mark.parametrize(
    ("error", "tried", "wait_s"),
    [
        (UpstreamError(ErrorType.OVERLOADED, ""), 1, 2.0),
        (UpstreamError(ErrorType.API, ""), 4, 16.0),
        (UpstreamError(ErrorType.API, "", retry_after_s=90), 1, 90),
        (UpstreamError(ErrorType.API, ""), 5, None),
        (UpstreamError(ErrorType.RATE_LIMIT, "", should_retry=False), 1, None),
        (UpstreamError(ErrorType.INVALID_REQUEST, ""), 1, None),
        (ClientError(ErrorType.NOT_FOUND, ""), 1, None),
        (ClientError(ErrorType.RATE_LIMIT, "", should_retry=False), 1, None),
        (ClientError(ErrorType.RATE_LIMIT, "", should_retry=True, retry_after_s=5.0), 1, 5.0),
        (ApiError(ErrorType.API, ""), 1, None),
    ],
)
def test_only_a_failure_that_may_pass_is_tried_again(
    error: ApiError, tried: int, wait_s: float | None
) -> None:
    assert wait_before_retry_s(error, tried, BatchLimits()) == wait_s


async def test_one_process_can_hold_many_batches_open_and_reopen_them(home: Path) -> None:
    world = World()
    async with opened(home, world, places_per_provider=3) as storage:
        batches = [await create(storage, "wait", "x", model=f"m{n}") for n in range(5)]
    world.gate.set()
    async with opened(home, world) as storage:
        ended = [await settled(storage, batch) for batch in batches]
        assert [each.succeeded for each in ended] == [2] * 5


@pytest.mark.expects_log("database_set_aside")
async def test_a_damaged_store_tells_the_user_and_touches_no_file_on_disk(home: Path) -> None:
    world = World()
    async with opened(home, world) as storage:
        batch = await create(storage, "wait")
    (home / "store" / "signalbox.db").write_bytes(b"x" * 9000)
    (home / "store" / "signalbox.db.backup").unlink()
    async with opened(home, world) as storage:
        assert storage.notice is not None
        assert "damaged" in storage.notice
        assert [path.name for path in (home / "store" / "batches").iterdir()] == [batch.id]


def recorded(folder: Path, name: str) -> Any:
    return json.loads((folder / "recordings" / f"{name}.json").read_text("utf-8"))["response"]["body"]


@pytest.mark.parametrize(
    "name",
    [
        "anthropic-none-json-can-submit-anthropic-batch-0",
        "anthropic-none-json-batch-with-claude-haiku-4-5-answers-staged-chats-and-a-2",
        "anthropic-none-json-batch-with-claude-haiku-4-5-answers-staged-chats-and-a-10",
    ],
)
def test_a_batch_has_the_recorded_shape(shared_data: Path, name: str) -> None:
    theirs = recorded(shared_data, name)
    has_ended = theirs["processing_status"] == "ended"
    created_us = microseconds(theirs["created_at"])
    ours = batch_view(
        Batch(
            theirs["id"],
            total=2,
            created_us=created_us,
            expires_us=created_us + EXPIRES_AFTER_US,
            ended_us=microseconds(theirs["ended_at"]) if has_ended else None,
            succeeded=theirs["request_counts"]["succeeded"],
        ),
        "https://api.anthropic.com",
    )
    assert ours == theirs
    assert list(ours) == list(theirs)


def microseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1e6)


def test_a_result_is_the_line_that_was_recorded(shared_data: Path) -> None:
    text_ = recorded(
        shared_data,
        "anthropic-claude-haiku-4-5-2025100-json-batch-with-claude-haiku-4-5-answers-staged-chats-and-a-11",
    )
    for line in text_.splitlines(keepends=True):
        value = json.loads(line)
        result = json.dumps(value["result"], separators=(",", ":"))
        assert result_line(ResultRow(0, value["custom_id"], "succeeded", result)) == line


def test_a_result_without_content_is_its_type_alone() -> None:
    assert (
        result_line(ResultRow(0, "a", "expired", None)) == '{"custom_id":"a","result":{"type":"expired"}}\n'
    )
    assert ARCHIVED_AFTER_US == 29 * 24 * 3600 * 1_000_000
