"""One request end to end: fallback across candidates, early and late failures, what is announced."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import anthropic
import pytest
from pydantic import SecretStr
from structlog.typing import EventDict

from proxy.config import Alias, Candidate, ProxyConfig, ServerConfig
from proxy.context import RequestContext
from proxy.events import Exchange, FirstToken, RequestFinished, RequestRouted, RequestStarted
from proxy.messages import events
from proxy.messages.errors import ApiError, ErrorType, UpstreamError
from proxy.messages.request import parse_request
from proxy.service.lawful import Lawful
from proxy.service.record import Announcer, RequestRecord
from proxy.service.session_ids import conversation_of
from tests.proxy.scripted import (
    BODY,
    DONE,
    HELLO,
    TOKEN,
    Reply,
    Running,
    ScriptedUpstream,
    delta,
    line,
    provider,
    proxy_config,
    running,
)
from tests.proxy.tooling import read_stream

OVERLOADED = UpstreamError(ErrorType.OVERLOADED, "busy", retry_after_s=2)
MID_ERROR = line(
    {
        "error": {"code": 502, "message": "gone"},
        "choices": [{"index": 0, "delta": {}, "finish_reason": "error"}],
    }
)
FUNCTION = {"name": "f", "arguments": ""}
CALL = (
    delta(tool_calls=[{"index": 0, "id": "call_1", "type": "function", "function": FUNCTION}]),
    delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a":1}'}}]),
    delta("tool_calls"),
    DONE,
)  # fmt: skip


def sdk(proxy: Running) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN, max_retries=0)


async def ask(client: anthropic.AsyncAnthropic, **more: Any) -> anthropic.types.Message:
    create: Any = client.messages.create
    return await create(**BODY, **more)


async def ask_streamed(client: anthropic.AsyncAnthropic) -> anthropic.types.Message:
    stream_of: Any = client.messages.stream
    async with stream_of(**BODY) as stream:
        return await stream.get_final_message()


async def test_the_whole_answer_says_what_the_streamed_one_says() -> None:
    async with running() as proxy, sdk(proxy) as client:
        whole = await ask(client)
        streamed = await ask_streamed(client)
    assert [block.to_dict() for block in whole.content] == [block.to_dict() for block in streamed.content]
    assert (whole.stop_reason, whole.usage.input_tokens, whole.usage.output_tokens) == ("end_turn", 11, 7)
    assert whole.id != streamed.id


async def test_an_endless_error_body_is_read_only_so_far() -> None:
    for_ever = asyncio.Event()
    reply = Reply([*[b"x" * 10_000] * 7, for_ever], status=500, headers={"content-type": "text/plain"})
    async with running({"one": ScriptedUpstream([reply])}) as proxy, proxy.post() as response:
        assert response.status == 500
    assert reply.is_closed.is_set()


@pytest.mark.expects_log("candidate_failed")
async def test_what_one_candidate_cannot_be_told_goes_to_the_next_that_can() -> None:
    plain = proxy_config("one", "two")
    config = replace(
        plain, providers={**plain.providers, "two": provider("two", dialect="anthropic-messages")}
    )
    answer = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "ran it"}], "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    native = Reply([json.dumps(answer).encode()], headers={"content-type": "application/json"})
    upstreams = {"one": ScriptedUpstream(), "two": ScriptedUpstream([native])}
    code = [{"type": "code_execution_20260120", "name": "code_execution"}]
    async with running(upstreams, config) as proxy:
        async with proxy.post({**BODY, "tools": code}) as response:
            told = await response.json()
        async with proxy.post({**BODY, "model": "small", "tools": code}) as response:
            refused = await response.json()
    assert told["content"] == [{"type": "text", "text": "ran it"}]
    assert upstreams["two"].asked[0]["tools"] == code
    assert not upstreams["one"].asked
    assert (response.status, refused["error"]["type"]) == (400, "invalid_request_error")
    assert refused["error"]["message"].startswith(
        "tools.0: the tool type 'code_execution_20260120' runs only"
    )


async def test_what_happened_is_announced_in_order_without_credentials() -> None:
    async with (
        running() as proxy,
        proxy.post(**{"X-Claude-Code-Session-Id": "s-1", "User-Agent": "claude-cli/2 (x)"}) as response,
    ):
        request_id = response.headers["request-id"]
        await response.read()
    assert [type(event) for event in proxy.events] == [
        RequestStarted, RequestRouted, FirstToken, RequestFinished, Exchange,
    ]  # fmt: skip
    assert {getattr(event, "request_id", None) for event in proxy.events} == {request_id}
    started, routed, _, finished, exchange = proxy.events
    assert isinstance(started, RequestStarted)
    assert (started.client, started.conversation_id, started.model_asked, started.stream) == (
        "claude-cli/2", "s-1", "big", False,
    )  # fmt: skip
    assert isinstance(routed, RequestRouted)
    assert (routed.alias, routed.provider, routed.model) == ("big", "one", "model-of-one")
    assert isinstance(finished, RequestFinished)
    assert (finished.outcome, finished.status, finished.stop_reason) == ("ok", 200, "end_turn")
    assert (finished.input_tokens, finished.output_tokens, finished.cost_usd) == (11, 7, 0.25)
    assert isinstance(exchange, Exchange)
    assert json.loads(exchange.client_request) == BODY
    (attempt,) = exchange.upstream
    assert json.loads(attempt.request)["model"] == "model-of-one"
    assert attempt.reply == b"".join(HELLO).decode()
    assert "Hello" in exchange.client_reply
    assert TOKEN not in repr(exchange)
    assert not exchange.is_cut
    assert not attempt.is_cut


async def test_bodies_are_kept_up_to_a_limit() -> None:
    config = replace(proxy_config("one"), capture_bytes=20)
    async with running(config=config) as proxy, proxy.post() as response:
        await response.read()
    exchange = proxy.of(Exchange)[0]
    assert exchange.is_cut
    assert exchange.client_request == json.dumps(BODY)[:20]
    (attempt,) = exchange.upstream
    assert attempt.is_cut
    assert len(attempt.reply) == 20


async def test_where_bodies_are_not_kept_none_is_announced() -> None:
    config = replace(proxy_config("one"), capture_bytes=0)
    async with running(config=config) as proxy, proxy.post() as response:
        await response.read()
        assert (proxy.of(Exchange), len(proxy.of(RequestFinished))) == ([], 1)
        proxy.server.apply(replace(config, capture_bytes=20))
        async with proxy.post() as again:
            await again.read()
        assert len(proxy.of(Exchange)) == 1


async def test_the_tools_that_were_called_are_announced() -> None:
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    async with running({"one": ScriptedUpstream([Reply(CALL)])}) as proxy, sdk(proxy) as client:
        answer = await ask(client, tools=tools)
    assert answer.stop_reason == "tool_use"
    assert [block.to_dict()["input"] for block in answer.content] == [{"a": 1}]
    assert proxy.of(RequestFinished)[0].tool_names == ("f",)


@pytest.mark.expects_log("candidate_failed")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "failure",
    [
        OVERLOADED,
        Reply(
            (b'{"error":{"message":"slow down"}}',), status=429, headers={"content-type": "application/json"}
        ),
        Reply((b": PROCESSING\n\n", MID_ERROR)),
        Reply((delta(role="assistant", content=""), MID_ERROR)),
        Reply((UpstreamError(ErrorType.API, "cut"),)),
    ],
    ids=["unreachable", "429", "error at once", "error after the role", "cut"],
)
async def test_a_failure_before_content_goes_to_the_next_candidate_unseen(failure: Any, stream: bool) -> None:
    first, second = ScriptedUpstream([failure]), ScriptedUpstream()
    async with (
        running({"one": first, "two": second}) as proxy,
        proxy.post({**BODY, "stream": stream}) as response,
    ):
        text = await response.text()
    assert response.status == 200
    assert "Hel" in text
    assert text.count("message_start") == (2 if stream else 0)  # as its name and as its type
    assert "error" not in text
    assert [routed.provider for routed in proxy.of(RequestRouted)] == ["one", "two"]
    assert proxy.of(RequestFinished)[0].outcome == "ok"


async def test_a_failure_after_content_is_an_error_event_and_ends_the_stream() -> None:
    upstreams = {
        "one": ScriptedUpstream([Reply((delta(content="Hel"), MID_ERROR))]),
        "two": ScriptedUpstream(),
    }
    async with running(upstreams) as proxy, proxy.post({**BODY, "stream": True}) as response:
        told = read_stream(await response.text())
    assert response.status == 200
    assert told[-1]["type"] == "error"
    assert told[-1]["request_id"] == response.headers["request-id"]
    assert not upstreams["two"].asked
    finished = proxy.of(RequestFinished)[0]
    assert (finished.outcome, finished.error_message) == ("error", told[-1]["error"]["message"])


async def test_a_connection_that_breaks_after_content_is_an_error_event() -> None:
    cut = UpstreamError(ErrorType.API, "one broke off in mid-answer.", status=502)
    async with (
        running({"one": ScriptedUpstream([Reply((delta(content="Hel"), cut))])}) as proxy,
        sdk(proxy) as client,
    ):
        with pytest.raises(anthropic.APIStatusError, match="broke off"):
            await ask_streamed(client)


async def test_the_same_failure_is_a_status_where_the_answer_is_not_streamed() -> None:
    async with (
        running({"one": ScriptedUpstream([Reply((delta(content="Hel"), MID_ERROR))])}) as proxy,
        proxy.post() as response,
    ):
        body = await response.json()
    assert response.status >= 500
    assert body["type"] == "error"
    assert proxy.of(RequestFinished)[0].status == response.status


async def test_a_request_that_is_wrong_for_one_model_is_not_tried_on_the_next() -> None:
    refused = Reply((b'{"error":{"message":"bad tools"}}',), status=400, headers={})
    upstreams = {"one": ScriptedUpstream([refused]), "two": ScriptedUpstream()}
    async with running(upstreams) as proxy, sdk(proxy) as client:
        with pytest.raises(anthropic.BadRequestError, match="bad tools"):
            await ask(client)
    assert not upstreams["two"].asked


@pytest.mark.expects_log("candidate_failed")
async def test_when_all_fail_the_error_worth_a_retry_is_told() -> None:
    forbidden = UpstreamError(ErrorType.PERMISSION, "no")
    upstreams = {"one": ScriptedUpstream([forbidden]), "two": ScriptedUpstream([OVERLOADED])}
    async with running(upstreams) as proxy, sdk(proxy) as client:
        with pytest.raises(anthropic.InternalServerError, match="busy") as caught:
            await ask(client)
    assert caught.value.status_code == 529
    assert caught.value.response.headers["retry-after"] == "2"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", list(ErrorType))
async def test_every_error_before_content_keeps_its_status_and_type(kind: ErrorType, stream: bool) -> None:
    failure = UpstreamError(kind, "why", retry_after_s=1.2, should_retry=False)
    async with running({"one": ScriptedUpstream([failure])}) as proxy, sdk(proxy) as client:
        with pytest.raises(anthropic.APIStatusError, match="why") as caught:
            await ask(client, stream=stream)
    error = caught.value
    assert (error.status_code, error.type) == (failure.status, kind.value)
    headers = error.response.headers
    assert (headers["retry-after"], headers["x-should-retry"]) == ("2", "false")
    assert error.request_id == headers["request-id"]


async def test_a_missing_key_is_a_401_with_its_sentence_and_never_demo_text() -> None:
    lost = provider(key_missing="the keyring entry 'one' is empty")
    config = ProxyConfig(
        ServerConfig(SecretStr(TOKEN), port=0), {"one": lost}, (Alias("big", (), (Candidate("one", "m"),)),)
    )
    async with running(config=config) as proxy, sdk(proxy) as client:
        with pytest.raises(anthropic.AuthenticationError, match="keyring entry 'one' is empty"):
            await ask(client)


async def test_a_redirect_is_an_error() -> None:
    moved = Reply((), status=302, headers={"location": "https://elsewhere.example"})
    async with running({"one": ScriptedUpstream([moved])}) as proxy, sdk(proxy) as client:
        with pytest.raises(anthropic.InternalServerError, match="redirect"):
            await ask(client)


async def test_an_upstream_error_is_shown_short_and_without_the_key() -> None:
    key = "sk-" + "made-up-" * 3
    failure = UpstreamError(ErrorType.AUTHENTICATION, f"bad key {key}\x1b[31m" + "x" * 10_000)
    config = ProxyConfig(
        ServerConfig(SecretStr(TOKEN), port=0),
        {"one": provider(key=SecretStr(key))},
        (Alias("big", (), (Candidate("one", "m"),)),),
    )
    async with running({"one": ScriptedUpstream([failure])}, config) as proxy, proxy.post() as response:
        message = (await response.json())["error"]["message"]
    assert message.startswith("bad key ••••�[31mx")
    assert len(message) < 4200


async def test_the_client_that_leaves_ends_the_upstreams_answer() -> None:
    reply = Reply((delta(content="Hel"), asyncio.Event()))
    async with running({"one": ScriptedUpstream([reply])}) as proxy:
        response = await proxy.post({**BODY, "stream": True})
        await response.content.readline()
        response.close()
        await asyncio.wait_for(reply.is_closed.wait(), 1)
        finished = await proxy.events.until(RequestFinished)
    assert (finished.outcome, finished.status) == ("cancelled", 499)


async def test_the_client_that_leaves_before_the_first_token_ends_it_too() -> None:
    reply = Reply((asyncio.Event(),))
    upstream = ScriptedUpstream([reply])
    async with running({"one": upstream}) as proxy:
        waiting = asyncio.ensure_future(proxy.post(BODY).__aenter__())
        await upstream.is_asked.wait()
        waiting.cancel()
        await asyncio.wait_for(reply.is_closed.wait(), 1)


async def test_the_conversation_is_bound_to_every_log_line(log_events: list[EventDict]) -> None:
    user = json.dumps({"device_id": "d", "session_id": "s-2"})
    async with running() as proxy, proxy.post({**BODY, "metadata": {"user_id": user}}) as response:
        await response.read()
    ours = [event for event in log_events if event["event"].startswith("request_")]
    assert [event["event"] for event in ours] == ["request_finished"]
    assert {event["conversation_id"] for event in ours} == {"s-2"}
    assert {event["request_id"] for event in ours} == {response.headers["request-id"]}


@pytest.mark.parametrize(
    "user", [None, 5, "plain", "{", "[]", '{"session_id": 5}', '{"session_id": ""}', "{}"]
)
def test_a_user_id_without_a_session_names_no_conversation(user: Any) -> None:
    assert conversation_of(parse_request({**BODY, "metadata": {"user_id": user}})) is None


@pytest.mark.parametrize(
    ("thread", "status", "code"),
    [
        ({"type": "create"}, 400, "thread_unsupported_request"),
        ({"type": "continue", "previous_message_id": "msg_1"}, 404, "thread_not_found"),
    ],
)
async def test_message_threads_are_refused_so_that_sdks_send_it_all(
    thread: Any, status: int, code: str
) -> None:
    async with running() as proxy, proxy.post({**BODY, "thread": thread}) as response:
        error = (await response.json())["error"]
    assert (response.status, error["details"]["error_code"]) == (status, code)


async def test_no_header_of_the_client_reaches_a_chat_completions_upstream() -> None:
    upstream = ScriptedUpstream()
    async with (
        running({"one": upstream}) as proxy,
        proxy.post(**{"anthropic-beta": "x", "Cookie": "a=b", "X-Secret": "s"}) as response,
    ):
        await response.read()
    assert upstream.headers == [{}]


@pytest.mark.expects_log("unlawful_event")
def test_an_unlawful_event_of_our_own_never_leaves() -> None:
    announcer = Announcer(lambda _: None, lambda: 0.0, lambda: 0.0, 10)
    record = RequestRecord(RequestContext("req_1"), announcer, {})
    unlawful = [
        events.message_start("msg_1", "m", {"input_tokens": 1, "output_tokens": 1}),
        events.content_block_start(1, {"type": "text", "text": ""}),
    ]
    with pytest.raises(ApiError, match="error of Signalbox"):
        Lawful(record).judged(unlawful)
