"""Every way an upstream can fail, streamed and not, with and without another candidate to fall back on.

Each request ends in the right answer or the right error within its deadline, and leaves nothing behind: no
task, no connection, no place in a line, no breaker that waits for news, no reservation of a budget.
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from proxy.events import RequestRouted
from proxy.service.storage import StorageConfig
from proxy.store.database import open_database
from proxy.store.ledger import LedgerStore
from tests.proxy.service.faults import LIKE_THE_DEFAULTS, Fault, ask, before, both, faults_of, left
from tests.proxy.service.hostile import Behaviour, hanging, misbehaving, refusing, resetting
from tests.proxy.service.spoken import CHAT, MESSAGES, Spoken

pytestmark = pytest.mark.expects_log("candidate_failed", "request_failed")

every_fault = pytest.mark.parametrize(
    ("spoken", "fault"),
    [
        pytest.param(spoken, fault, id=f"{spoken.dialect}-{fault}")
        for spoken in (CHAT, MESSAGES)
        for fault in faults_of(spoken)
    ],
)


@every_fault
@both
async def test_without_another_candidate_the_client_is_told_the_right_error(
    spoken: Spoken, fault: Fault, stream: bool
) -> None:
    async with misbehaving(fault.behave) as hostile:
        async with before(hostile.url, dialect=spoken.dialect) as proxy:
            told = await ask(proxy, stream)
            await left(hostile)
        assert hostile.asked == fault.tries
    assert told.error is not None
    assert told.error["type"] == fault.type
    if fault.has_begun and stream:
        assert told.status == 200
        assert told.text.startswith("Hel")
    else:
        assert (told.status, told.retry_after) == (fault.status, fault.retry_after)


@every_fault
@both
async def test_another_candidate_answers_unless_content_came_or_the_request_is_wrong(
    spoken: Spoken, fault: Fault, stream: bool
) -> None:
    async with misbehaving(fault.behave) as hostile, misbehaving(spoken.well) as good:
        async with before(hostile.url, good.url, dialect=spoken.dialect) as proxy:
            told = await ask(proxy, stream)
            await left(hostile)
            routed = [event.provider for event in proxy.of(RequestRouted)]
        assert hostile.asked == 1
        if fault.has_begun or fault.is_final:
            assert (told.error["type"], good.asked, routed) == (fault.type, 0, ["p0"])
        else:
            assert (told.status, told.text, good.asked, routed) == (200, "Hello", 1, ["p0", "p1"])


@pytest.mark.parametrize("name", ["reset before the headers", "hangs after content", "429", "a redirect"])
@both
async def test_no_reservation_is_left_on_the_disk(name: str, stream: bool, tmp_path: Path) -> None:
    fault = next(each for each in faults_of(MESSAGES) if each.name == name)
    folder = tmp_path / "store"
    async with (
        misbehaving(fault.behave) as hostile,
        before(hostile.url, dialect=MESSAGES.dialect, storage=StorageConfig(folder)) as proxy,
    ):
        assert (await ask(proxy, stream)).error is not None
        await left(hostile)
    database = await open_database(folder, 0.0)
    store = LedgerStore(database)
    assert await store.reservations() == []
    assert [each.outcome for each in await store.requests(10)] == ["error"]
    await database.close()


@pytest.mark.parametrize("fault", [each for each in faults_of(CHAT) if each.takes_time], ids=str)
@both
async def test_another_candidate_answers_also_where_the_first_took_longer_than_all_tries_may(
    fault: Fault, stream: bool
) -> None:
    async with misbehaving(fault.behave) as hostile, misbehaving(CHAT.well) as good:
        async with before(hostile.url, good.url, retry=LIKE_THE_DEFAULTS) as proxy:
            told = await ask(proxy, stream)
            await left(hostile)
        assert (told.status, told.text, hostile.asked, good.asked) == (200, "Hello", 1, 1)


def refused_url() -> str:
    """An address where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


@both
async def test_a_connection_that_is_refused_is_tried_again_and_told(stream: bool) -> None:
    async with before(refused_url()) as proxy:
        told = await ask(proxy, stream)
        assert len(proxy.of(RequestRouted)) == 2
    assert (told.status, told.error["type"]) == (502, "api_error")
    assert "Nothing listens" in told.error["message"]


@both
async def test_a_connection_that_is_refused_falls_back(stream: bool) -> None:
    async with misbehaving(CHAT.well) as good, before(refused_url(), good.url) as proxy:
        told = await ask(proxy, stream)
    assert (told.status, told.text) == (200, "Hello")


@both
async def test_a_tls_handshake_that_hangs_is_told_and_falls_back(stream: bool) -> None:
    async with misbehaving(CHAT.well) as good, misbehaving(hanging()) as silent:
        url = silent.url.replace("http:", "https:")
        async with before(url) as proxy:
            told = await ask(proxy, stream)
        assert (told.status, told.error["type"]) == (504, "timeout_error")
        async with before(url, good.url) as proxy:
            told = await ask(proxy, stream)
        assert (told.status, told.text) == (200, "Hello")


@pytest.mark.parametrize("failure", [resetting(), refusing(503, "0")], ids=["reset", "503"])
@both
async def test_an_upstream_that_recovers_answers_the_second_try(failure: Behaviour, stream: bool) -> None:
    behaviours = [failure, CHAT.well]

    async def recovering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await behaviours.pop(0)(reader, writer)

    async with misbehaving(recovering) as hostile, before(hostile.url) as proxy:
        told = await ask(proxy, stream)
    assert (told.status, told.text, hostile.asked) == (200, "Hello", 2)
