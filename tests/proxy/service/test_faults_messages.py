"""Every fault again, before an upstream that speaks the protocol itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.events import RequestRouted
from proxy.service.storage import StorageConfig
from proxy.store.database import open_database
from proxy.store.ledger import LedgerStore
from tests.proxy.service.faults import Fault, ask, before, both, faults_of, left
from tests.proxy.service.hostile import Behaviour, misbehaving, saying

pytestmark = pytest.mark.expects_log("candidate_failed", "request_failed")

MESSAGE = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message",'
    b'"role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,'
    b'"usage":{"input_tokens":3,"output_tokens":1}}}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
    b'"content_block":{"type":"text","text":""}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"Hel"}}\n\n'
)
START = MESSAGE.split(b"event: content_block_start", 1)[0]
OVERLOADED = (
    b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
)

MORE = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"lo"}}\n\n'
)
DONE = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
END = (
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn",'
    b'"stop_sequence":null},"usage":{"output_tokens":2}}\n\n'
) + DONE
WELL: Behaviour = saying(MESSAGE, MORE, END)

TOLD: Mapping[str, tuple[int, str]] = {
    "garbage": (529, "overloaded_error"),
    "nothing but the end": (500, "api_error"),
    "a huge event": (529, "overloaded_error"),
    "a huge event after content": (529, "overloaded_error"),
}
"""Where the meaning is another one than in chat completions: events that cannot be read are passed over here,
and honest ones (documents, search results) may be larger."""


def _fault(fault: Fault) -> Fault:
    status, kind = TOLD.get(fault.name, (fault.status, fault.type))
    return replace(fault, status=status, type=kind)


FAULTS = tuple(map(_fault, faults_of(START, MESSAGE, MORE, OVERLOADED, DONE)))

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=str)


@every_fault
@both
async def test_without_another_candidate_the_client_is_told_the_right_error(
    fault: Fault, stream: bool
) -> None:
    async with misbehaving(fault.behave) as hostile:
        async with before(hostile.url, dialect="anthropic-messages") as proxy:
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
    fault: Fault, stream: bool
) -> None:
    async with misbehaving(fault.behave) as hostile, misbehaving(WELL) as good:
        async with before(hostile.url, good.url, dialect="anthropic-messages") as proxy:
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
    fault = next(each for each in FAULTS if each.name == name)
    folder = tmp_path / "store"
    async with (
        misbehaving(fault.behave) as hostile,
        before(hostile.url, dialect="anthropic-messages", storage=StorageConfig(folder)) as proxy,
    ):
        assert (await ask(proxy, stream)).error is not None
        await left(hostile)
    database = await open_database(folder, 0.0)
    store = LedgerStore(database)
    assert await store.reservations() == []
    assert [each.outcome for each in await store.requests(10)] == ["error"]
    await database.close()
