"""How answers end: what an upstream says of its failures is cleaned, and nothing follows an end."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.typing import EventDict

from proxy.config import ProxyConfig
from proxy.context import RequestContext
from proxy.events import Exchange, RequestFinished
from proxy.messages import events
from proxy.messages.errors import ApiError, ErrorType, UpstreamError
from proxy.messages.fold import fold
from proxy.messages.request import parse_request
from proxy.server.limits import Limits
from proxy.service.connections import Connections
from proxy.service.health import Health
from proxy.service.lawful import Lawful
from proxy.service.messages import MessagesService
from tests.proxy.scripted import (
    BODY,
    HELLO,
    Reply,
    ScriptedUpstream,
    delta,
    line,
    provider,
    proxy_config,
    record,
    running,
)
from tests.proxy.service.spoken import CHAT, MESSAGES, Spoken
from tests.proxy.tooling import read_stream

both_dialects = pytest.mark.parametrize("spoken", [CHAT, MESSAGES], ids=lambda each: each.dialect)


def speaking(spoken: Spoken, **more: Any) -> ProxyConfig:
    """One provider, of a dialect."""
    return replace(proxy_config("one"), providers={"one": provider(dialect=spoken.dialect, **more)})


@pytest.mark.parametrize("stream", [False, True])
@both_dialects
async def test_a_failure_after_content_is_told_short_and_without_the_key(
    spoken: Spoken, stream: bool, log_events: list[EventDict]
) -> None:
    key = "plain-" + "words-" * 3
    error = {"type": "api_error", "message": f"gone with {key}\x1b[31m" + "x" * 6000, "details": {"of": key}}
    reply = Reply((spoken.hello[0], b"event: error\n" + line({"type": "error", "error": error})))
    async with (
        running({"one": ScriptedUpstream([reply])}, speaking(spoken, key=SecretStr(key))) as proxy,
        proxy.post({**BODY, "stream": stream}) as response,
    ):
        text = await response.text()
        finished = proxy.of(RequestFinished)[0]
    told = read_stream(text)[-1] if stream else json.loads(text)
    assert told["error"]["message"].startswith("gone with ••••�[31mx")
    assert len(told["error"]["message"]) < 4200
    assert finished.error_message == told["error"]["message"]
    assert key not in text + repr(finished) + repr(log_events)


@both_dialects
async def test_what_a_resting_candidate_failed_with_is_told_to_others_without_the_key(
    spoken: Spoken, log_events: list[EventDict]
) -> None:
    key = "plain-" + "words-" * 3
    said = json.dumps({"error": {"type": "overloaded_error", "message": f"with {key}\x1b[31m"}}).encode()
    failing = Reply((said,), status=503, headers={"retry-after": "60"})
    config = speaking(spoken, key=SecretStr(key))
    async with running({"one": ScriptedUpstream([failing])}, config) as proxy:
        async with proxy.post() as response:
            assert response.status >= 500
        async with proxy.post() as response:
            told = (await response.json())["error"]["message"]
        assert told.endswith("(breaker open). It failed with: with ••••�[31m")
        assert key not in repr([event for event in proxy.events if not isinstance(event, Exchange)])
    assert key not in repr(log_events)


@both_dialects
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("breaks_off", [True, False])
async def test_what_an_upstream_does_after_a_whole_answer_is_no_part_of_it(
    breaks_off: bool, stream: bool, spoken: Spoken
) -> None:
    after = UpstreamError(ErrorType.API, "one broke off.", status=502) if breaks_off else asyncio.Event()
    reply = Reply((*spoken.hello, after))
    limits = Limits(first_ping_s=0.01, next_ping_s=0.01)
    async with (
        running({"one": ScriptedUpstream([reply])}, speaking(spoken), limits) as proxy,
        proxy.post({**BODY, "stream": stream}) as response,
    ):
        text = await asyncio.wait_for(response.text(), 5)
        (finished,) = proxy.of(RequestFinished)
    message = fold(read_stream(text)) if stream else json.loads(text)
    assert [block["text"] for block in message["content"]] == ["Hello"]
    assert (finished.outcome, finished.output_tokens) == ("ok", message["usage"].get("output_tokens"))
    assert not stream or read_stream(text)[-1]["type"] == "message_stop"
    assert reply.was_whole


@pytest.mark.parametrize("end", [HELLO[2:], (CHAT.error,)], ids=["whole", "failed"])
async def test_the_upstream_is_left_before_the_last_events_go_to_a_client_that_may_be_slow(
    end: tuple[bytes, ...],
) -> None:
    reply = Reply((delta(content="Hel"), *end, asyncio.Event()))
    service = MessagesService(
        proxy_config("one"),
        Connections(lambda _: ScriptedUpstream([reply])),
        lambda prefix: prefix,
        Health(lambda _: None, lambda: 0.0, lambda: 0.0),
    )
    request = parse_request({**BODY, "stream": True})
    batches = service.stream(request, await service.route(request, {}, RequestContext("req_1")), {}, record())
    async with aclosing(batches):
        async for batch in batches:
            if batch and batch[-1]["type"] in ("message_stop", "error"):
                break
        assert reply.is_closed.is_set()


async def test_an_upstream_that_goes_on_after_a_stop_sequence_is_cut() -> None:
    reply = Reply((delta(content="Hello. STOP"), asyncio.Event()))
    stops = ["1", "2", "3", "4", "STOP"]  # four go up, the rest is watched for here
    async with (
        running({"one": ScriptedUpstream([reply])}) as proxy,
        proxy.post({**BODY, "stop_sequences": stops}) as response,
    ):
        assert (await response.json())["stop_sequence"] == "STOP"
    assert (reply.is_closed.is_set(), reply.was_whole) == (True, False)


@pytest.mark.expects_log("unlawful_event")
def test_an_unlawful_event_of_our_own_never_leaves() -> None:
    unlawful = [
        events.message_start("msg_1", "m", {"input_tokens": 1, "output_tokens": 1}),
        events.content_block_start(1, {"type": "text", "text": ""}),
    ]
    with pytest.raises(ApiError, match="error of Signalbox"):
        Lawful(record(), provider()).judged(unlawful)
