"""Every attempt's two sides are kept, with what is known of it; bounded, and only where somebody looks."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from proxy.config import Candidate, RetryPolicy
from proxy.context import RequestContext
from proxy.events import Exchange, UpstreamExchange
from proxy.messages.errors import ApiError, ErrorType, UpstreamError
from proxy.service.exchange_log import EARLIER_AT_MOST, MAX_RESULT_CHARS, SIDES_AT_MOST, Capture, ExchangeLog
from proxy.service.record import Announcer, RequestRecord
from tests.proxy.scripted import (
    BODY,
    HELLO,
    Reply,
    Running,
    ScriptedUpstream,
    delta,
    provider,
    proxy_config,
    running,
)
from tests.proxy.service.test_tool_loop import ALLOWED, BUILTIN
from tests.proxy.tooling import FakeTool, ask, call, calling, running_tools

BUSY = Reply(
    (b'{"error":{"message":"Overloaded"}}',), status=529, headers={"retry-after": "0", "set-cookie": "a=b"}
)
ONE = Candidate("one", "m")


@given(st.lists(st.binary(max_size=20)), st.integers(0, 60))
def test_a_capture_keeps_the_beginning_and_knows_that_it_was_cut(pieces: list[bytes], limit: int) -> None:
    capture = Capture(limit)
    for piece in pieces:
        capture.add(piece)
    whole = b"".join(pieces)
    assert capture.text() == whole[:limit].decode("utf-8", "replace")
    assert capture.is_cut == (len(whole) > limit)


async def _exchange(proxy: Running) -> Exchange:
    return await proxy.events.until(Exchange)


@pytest.mark.expects_log("candidate_failed")
async def test_each_attempt_is_kept_with_what_it_sent_and_what_came_back() -> None:
    plain = proxy_config("one", "two")
    config = replace(plain, retry=RetryPolicy(tries=1))
    upstreams = {"one": ScriptedUpstream([BUSY]), "two": ScriptedUpstream()}
    async with running(upstreams, config) as proxy, proxy.post() as response:
        assert response.status == 200
        exchange = await _exchange(proxy)
    first, second = exchange.upstream
    assert (first.n, first.provider, first.model, first.status) == (1, "one", "model-of-one", 529)
    assert (first.outcome, first.error_message) == ("overloaded_error", "Overloaded")
    assert json.loads(first.request)["model"] == "model-of-one"
    assert first.reply == '{"error":{"message":"Overloaded"}}'
    assert first.reply_headers == {"retry-after": "0"}
    assert (second.n, second.provider, second.status, second.outcome) == (2, "two", 200, "ok")
    assert "one failed (529 overloaded_error)" in second.reason
    assert (second.input_tokens, second.output_tokens, second.stop_reason) == (11, 7, "end_turn")
    assert second.reply == b"".join(HELLO).decode()
    assert (second.dialect, second.round, second.key) == ("openai-chat", 1, "")
    assert first.first_byte_s is not None
    assert first.at <= second.at


async def test_the_rounds_of_a_tool_loop_are_kept_with_what_the_tools_gave_back() -> None:
    upstream = ScriptedUpstream([Reply(calling(call("TodoWrite", '{"a":1}'), text="Let me see.")), Reply()])
    async with running_tools(upstream, tools=[FakeTool()], permissions=ALLOWED, toolsets=BUILTIN) as proxy:
        await ask(proxy)
        exchange = await _exchange(proxy)
    first, second = exchange.upstream
    assert [(each.n, each.round, each.output_tokens) for each in (first, second)] == [(1, 1, 7), (2, 2, 7)]
    assert [(each.call_id, each.tool, each.text) for each in first.results] == [
        ("call_1", "TodoWrite", "TodoWrite was given [('a', 1)]")
    ]
    assert second.results == ()
    assert "TodoWrite was given" in second.request
    assert "TodoWrite was given" not in first.request


@pytest.mark.expects_log("key_rests", "candidate_failed")
async def test_an_attempt_tells_which_key_it_was_made_with_and_never_the_key() -> None:
    keys = tuple(SecretStr(f"made-up-key-number-{number}") for number in range(2))
    config = proxy_config("one")
    several = provider("one", key=keys[0], further_keys=keys[1:])
    config = replace(config, providers=MappingProxyType({"one": several}))
    refused = Reply((b'{"error":{"message":"no credit"}}',), status=402, headers={})
    async with (
        running({"one": ScriptedUpstream([refused, Reply()])}, config) as proxy,
        proxy.post() as response,
    ):
        assert response.status == 200
        exchange = await _exchange(proxy)
    assert [each.key for each in exchange.upstream] == ["key 1 of 2", "key 2 of 2"]
    assert "made-up-key" not in repr(exchange)


async def test_a_candidate_that_is_not_asked_has_a_reason_and_nothing_that_was_sent() -> None:
    config = proxy_config("one")
    config = replace(config, retry=RetryPolicy(tries=1))
    lost = replace(config, providers={"one": provider("one", key_missing="the keyring entry is empty")})
    async with running(config=lost) as proxy, proxy.post() as response:
        assert response.status == 401
        (attempt,) = (await _exchange(proxy)).upstream
    assert (attempt.status, attempt.request, attempt.first_byte_s) == (None, "", None)
    assert attempt.outcome == "authentication_error"
    assert not attempt.is_dropped


async def test_an_answer_that_breaks_off_says_so() -> None:
    cut = UpstreamError(ErrorType.API, "one broke off in mid-answer.", status=502)
    upstream = ScriptedUpstream([Reply((delta(content="Hel"), cut))])
    async with running({"one": upstream}) as proxy, proxy.post({**BODY, "stream": True}) as response:
        await response.read()
        (attempt,) = (await _exchange(proxy)).upstream
    assert (attempt.status, attempt.outcome) == (200, "api_error")
    assert attempt.error_message == "one broke off in mid-answer."
    assert attempt.reply == delta(content="Hel").decode()


async def test_a_client_that_leaves_cancels_the_attempt() -> None:
    reply = Reply((delta(content="Hel"), asyncio.Event()))
    async with running({"one": ScriptedUpstream([reply])}) as proxy:
        response = await proxy.post({**BODY, "stream": True})
        await response.content.readline()
        response.close()
        (attempt,) = (await _exchange(proxy)).upstream
    assert attempt.outcome == "cancelled"


def _log(limit: int, clock: list[float]) -> ExchangeLog:
    return ExchangeLog("req_1", {}, limit, lambda: clock[0], lambda: 1000.0 + clock[0])


def _attempts(log: ExchangeLog) -> tuple[UpstreamExchange, ...]:
    return log.exchange().upstream


def test_times_are_the_upstreams_own_and_not_those_of_tools_after_it() -> None:
    clock = [1.0]
    log = _log(100, clock)
    log.begin(ONE, "why", 1)
    clock[0] = 1.5
    log.heard(b"a")
    clock[0] = 2.0
    log.heard(b"b")
    log.closed()
    clock[0] = 9.0
    log.begin(ONE, "why", 2)
    clock[0] = 10.0
    log.end("ok")
    first, second = _attempts(log)
    assert (first.at, first.first_byte_s, first.duration_s) == (1001.0, 0.5, 1.0)
    assert (second.at, second.first_byte_s, second.duration_s) == (1009.0, None, 1.0)


def test_what_went_wrong_first_is_what_is_said_of_an_attempt() -> None:
    log = _log(100, [0.0])
    log.begin(ONE, "why", 1)
    log.fail(ApiError(ErrorType.OVERLOADED, "busy"))
    log.end("api_error", "all failed")
    assert [(each.outcome, each.error_message) for each in _attempts(log)] == [("overloaded_error", "busy")]


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=12))
def test_the_oldest_bodies_make_room_and_the_facts_stay(sizes: list[tuple[int, int]]) -> None:
    limit = 10
    log = _log(limit, [0.0])
    for number, (request, reply) in enumerate(sizes):
        log.begin(ONE, f"try {number}", 1)
        log.sent(b"x" * request, {}, "openai-chat", "")
        log.heard(b"y" * reply)
    attempts = _attempts(log)
    assert [each.reason for each in attempts] == [f"try {number}" for number in range(len(sizes))]
    kept = [len(each.request) + len(each.reply) for each in attempts]
    assert sum(kept[:-1]) <= limit * EARLIER_AT_MOST
    assert sum(kept) <= limit * (SIDES_AT_MOST - 2)
    dropped = [each.is_dropped for each in attempts]
    assert dropped == sorted(dropped, reverse=True)
    if attempts:
        assert kept[-1] == min(limit, sizes[-1][0]) + min(limit, sizes[-1][1])
    for each, size in zip(attempts, sizes, strict=True):
        assert each.is_cut == (max(size) > limit and not each.is_dropped)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("words", "words"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ([{"type": "web_search_result", "title": "T", "url": "https://u"}], "T – https://u"),
        ({"type": "web_search_tool_result_error", "error_code": "unavailable"}, "unavailable"),
        ([{"type": "image", "source": {"data": "x" * 9}}, "odd"], "[image]\n"),
        ("x" * 9_000, "x" * MAX_RESULT_CHARS),
        ([{"type": "text", "text": "x" * 9_000}] * 3, "x" * MAX_RESULT_CHARS),
        (None, ""),
    ],
)
def test_a_tools_result_is_told_in_words_up_to_a_limit(content: object, text: str) -> None:
    log = _log(100, [0.0])
    log.tool_ran("call_0", "Read", {"content": "of an earlier request: no attempt to stand with"})
    log.begin(ONE, "why", 1)
    log.tool_ran("call_1", "Read", {"type": "mcp_tool_result", "content": content, "is_error": True})
    (result,) = _attempts(log)[0].results
    assert (result.call_id, result.tool, result.text, result.is_error) == ("call_1", "Read", text, True)


def test_where_nobody_looks_nothing_is_made() -> None:
    record = RequestRecord(RequestContext("req_1"), Announcer(lambda _: None, float, float, 0), {})
    assert record.exchanges is None


def test_what_fails_before_the_next_question_is_no_failure_of_the_attempt_before() -> None:
    log = ExchangeLog("req_1", MappingProxyType({}), 100, lambda: 0.0, lambda: 0.0)
    log.begin(ONE, "first candidate", 1)
    log.round_over()
    log.fail(ApiError(ErrorType.RATE_LIMIT, "The budget is used up."))
    (attempt,) = log.exchange().upstream
    assert (attempt.outcome, attempt.error_message) == ("ok", "")
    log.begin(ONE, "first candidate", 2)
    log.fail(ApiError(ErrorType.API, "no"))
    assert [each.outcome for each in log.exchange().upstream] == ["ok", "api_error"]
