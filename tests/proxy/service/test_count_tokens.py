"""Counting: the upstream's own count where there is one, else an estimate that learns from real answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from proxy.config import Alias, Budgets, Candidate, Conditions, ProxyConfig, RouteRule
from proxy.dialects.own_calls import mcp_call, mcp_result
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.messages.message import JsonObject
from proxy.messages.request import MessagesRequest, parse_request
from proxy.messages.token_correction import MOST_MODELS
from proxy.messages.token_estimate import estimate_tokens
from proxy.service.count_tokens import TokenCounter, models_counted_first
from tests.proxy.scripted import BODY, Reply, Running, ScriptedUpstream, provider, proxy_config, running

LONG = "The quick brown fox jumps over the lazy dog. " * 40
MODEL = "anthropic/claude-sonnet-4"


def asking(**more: Any) -> MessagesRequest:
    return parse_request({**BODY, "messages": [{"role": "user", "content": LONG}], **more})


async def settled() -> None:
    """Waits until no estimate is being compared."""
    while tasks := {task for task in asyncio.all_tasks() if task.get_name() == "compare a token estimate"}:
        await asyncio.wait(tasks, timeout=5)
        await asyncio.sleep(0)


async def learnt(usage: Mapping[str, Any], request: MessagesRequest | None = None, times: int = 60) -> int:
    """What is counted after so many answers with this usage."""
    counter = TokenCounter()
    counter.preload([MODEL])
    for _ in range(times):
        counter.observe(request or asking(), MODEL, usage)
        await settled()
    return await counter.estimate(asking(), MODEL)


async def test_without_answers_the_estimate_is_the_models_own() -> None:
    counter = TokenCounter()
    assert await counter.estimate(asking(), MODEL) == estimate_tokens(asking(), MODEL)
    assert await counter.estimate(asking(), "openai/gpt-5") == estimate_tokens(asking(), "openai/gpt-5")
    assert estimate_tokens(asking(), MODEL) != estimate_tokens(asking(), "openai/gpt-5")


async def test_answers_teach_how_far_the_estimate_is_off_cached_tokens_included() -> None:
    plain = estimate_tokens(asking(), MODEL)
    usage = {
        "input_tokens": 50, "cache_read_input_tokens": plain, "cache_creation_input_tokens": plain // 2 - 50,
    }  # fmt: skip
    assert await learnt(usage) == pytest.approx(plain * 1.5, rel=0.02)


async def test_until_somebody_counts_no_answer_is_looked_at_and_no_vocabulary_loaded() -> None:
    counter = TokenCounter()
    counter.observe(asking(), MODEL, {"input_tokens": 5000})
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith(("compare", "load"))]
    plain = await counter.estimate(asking(), MODEL)
    assert plain == estimate_tokens(asking(), MODEL)
    counter.observe(asking(), MODEL, {"input_tokens": 5000})
    await settled()
    assert await counter.estimate(asking(), MODEL) > plain


async def test_one_model_teaches_nothing_about_another() -> None:
    counter = TokenCounter()
    counter.preload(["other", MODEL])
    counter.observe(asking(), "other", {"input_tokens": 5000})
    await settled()
    assert await counter.estimate(asking(), MODEL) == estimate_tokens(asking(), MODEL)


@pytest.mark.parametrize(
    ("more", "usage"),
    [
        ({}, {"server_tool_use": {"web_search_requests": 1}}),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, {}),
        ({"mcp_servers": [{"type": "url"}]}, {}),
        ({"container": "c"}, {}),
        ({}, {"input_tokens": 0}),
        ({}, {"input_tokens": None}),
    ],
)
async def test_answers_in_which_the_upstream_read_something_else_too_teach_nothing(
    more: JsonObject, usage: JsonObject
) -> None:
    told = {"input_tokens": 5000, **usage}
    assert await learnt(told, asking(**more), times=3) == estimate_tokens(asking(), MODEL)


async def test_while_one_answer_is_looked_at_others_are_passed_over() -> None:
    counter = TokenCounter()
    counter.preload([MODEL])
    for _ in range(25):
        counter.observe(asking(), MODEL, {"input_tokens": 5000})
    compared = [task for task in asyncio.all_tasks() if task.get_name() == "compare a token estimate"]
    assert len(compared) == 1
    await settled()


async def test_models_that_answered_long_ago_are_forgotten() -> None:
    counter = TokenCounter()
    counter.preload([MODEL])
    request = parse_request(BODY)
    for number in range(MOST_MODELS + 10):
        counter.observe(request, f"{MODEL}-{number}", {"input_tokens": 60})
        await settled()
    kept: Any = counter
    assert [*kept._answers][:: MOST_MODELS - 1] == [f"{MODEL}-{number}" for number in (10, MOST_MODELS + 9)]


async def test_after_the_first_64_answers_of_a_model_only_each_128th_is_looked_at() -> None:
    counter = TokenCounter()
    counter.preload([MODEL])

    async def answered(times: int, tokens: int) -> int:
        for _ in range(times):
            counter.observe(asking(), MODEL, {"input_tokens": tokens})
            await settled()
        return await counter.estimate(asking(), MODEL)

    plain = estimate_tokens(asking(), MODEL)
    assert await answered(64, plain) == plain
    assert await answered(63, 3 * plain) == plain
    assert await answered(1, 3 * plain) > plain


async def test_a_vocabulary_is_loaded_once_however_many_ask() -> None:
    counter = TokenCounter()
    counter.preload([MODEL, "anthropic/claude-opus-4.1", MODEL])
    counts = await asyncio.gather(*(counter.estimate(asking(), MODEL) for _ in range(25)))
    loading = [task for task in asyncio.all_tasks() if task.get_name().startswith("load the vocabulary")]
    assert len(set(counts)) == 1
    assert not loading


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, set[str]()),
        ({"budgets": Budgets(day_micro_usd=1)}, {"served"}),
        ({"routes": (RouteRule(Conditions(min_tokens=1), "a"),)}, {"served"}),
        ({"routes": (RouteRule(Conditions(thinking=True), "a"),)}, set[str]()),
    ],
)
def test_only_what_a_first_request_waits_for_is_made_ready_at_the_start(
    more: dict[str, Any], expected: set[str]
) -> None:
    alias = Alias("a", (), (Candidate("one", "served"), Candidate("nobody", "not-served")))
    assert models_counted_first(replace(proxy_config("one"), aliases=(alias,), **more)) == expected


# Over HTTP


def native() -> ProxyConfig:
    plain = proxy_config("one")
    return replace(plain, providers={"one": provider("one", dialect="anthropic-messages")})


def counting(*bodies: bytes, status: int = 200) -> ScriptedUpstream:
    headers = {"content-type": "application/json"}
    return ScriptedUpstream([Reply(bodies, status=status, headers=headers)])


async def count(proxy: Running, body: JsonObject | None = None, **headers: str) -> tuple[int, JsonObject]:
    asked = {name: value for name, value in (body or BODY).items() if name != "max_tokens"}
    async with proxy.post(asked, "/v1/messages/count_tokens?beta=true", **headers) as response:
        return response.status, json.loads(await response.read())


async def test_the_estimate_is_for_the_model_that_the_name_leads_to() -> None:
    expected = estimate_tokens(parse_request(BODY), "model-of-one")
    async with running() as proxy:
        assert await count(proxy) == (200, {"input_tokens": expected})
        assert await count(proxy, {**BODY, "tools": []}) == (200, {"input_tokens": expected})


async def test_a_burst_of_25_is_answered() -> None:
    async with running() as proxy:
        answers = await asyncio.gather(*(count(proxy, {**BODY, "tools": []}) for _ in range(25)))
    assert {(status, body["input_tokens"]) for status, body in answers} == {
        (200, estimate_tokens(parse_request(BODY), "model-of-one"))
    }


async def test_real_answers_correct_the_count() -> None:
    message = {**BODY, "messages": [{"role": "user", "content": LONG}]}
    plain = estimate_tokens(asking(), "model-of-one")
    usage: JsonObject = {
        "id": "c",
        "choices": [],
        "usage": {"prompt_tokens": plain * 3 // 2, "completion_tokens": 1},
    }
    chunk: JsonObject = {
        "id": "c",
        "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}],
    }
    lines = (b"data: %s\n\n" % json.dumps(each).encode() for each in (chunk, usage))
    upstream = ScriptedUpstream([Reply((*lines, b"data: [DONE]\n\n"))])
    async with running({"one": upstream}) as proxy:
        assert await count(proxy, message) == (200, {"input_tokens": plain})
        for _ in range(40):
            async with proxy.post(message) as response:
                await response.read()
            await settled()
        _, body = await count(proxy, message)
    assert body["input_tokens"] == pytest.approx(plain * 1.5, rel=0.05)


async def test_an_upstream_of_this_protocol_counts_itself() -> None:
    upstream = counting(b'{"input', b'_tokens": 1234}')
    async with running({"one": upstream}, native()) as proxy:
        told = await count(proxy, {**BODY, "betas": ["x"]}, **{"anthropic-beta": "token-counting-2024-11-01"})
    assert told == (200, {"input_tokens": 1234})
    assert upstream.asked == [{"model": "model-of-one", "messages": BODY["messages"], "betas": ["x"]}]
    assert upstream.headers[0]["anthropic-beta"] == "token-counting-2024-11-01"
    (reply,) = upstream.replies
    assert isinstance(reply, Reply)
    assert reply.is_closed.is_set()


@pytest.mark.parametrize(
    "upstream",
    [
        counting(b'{"type":"error"}', status=400),
        counting(b"<html>"),
        counting(b'{"input_tokens": -1}'),
        counting(b'{"input_tokens": true}'),
        counting(b"[]"),
        counting(b" " * 70_000, b'{"input_tokens": 5}'),
        ScriptedUpstream([UpstreamError(ErrorType.API, "gone")]),
    ],
    ids=["refused", "a page", "negative", "no number", "no object", "too long", "gone"],
)
async def test_an_upstream_that_cannot_count_leaves_it_to_the_estimate(upstream: ScriptedUpstream) -> None:
    async with running({"one": upstream}, native()) as proxy:
        told = await count(proxy)
    assert told == (200, {"input_tokens": estimate_tokens(parse_request(BODY), "model-of-one")})


async def test_an_upstream_without_the_path_is_not_asked_again_until_the_settings_change() -> None:
    upstream = counting(b"", status=404)
    async with running({"one": upstream}, native()) as proxy:
        for _ in range(3):
            await count(proxy)
        assert len(upstream.asked) == 1
        proxy.server.apply(native())
        await count(proxy)
    assert len(upstream.asked) == 2


async def test_a_name_that_nothing_serves_is_not_counted() -> None:
    async with running() as proxy:
        status, body = await count(proxy, {**BODY, "model": "nonexistent"})
    assert (status, body["error"]["type"]) == (404, "not_found_error")


async def test_calls_that_ran_here_are_counted_as_what_the_upstream_knows() -> None:
    result = mcp_result("c1", [{"type": "text", "text": "ok"}], is_error=False)
    turns = [
        *BODY["messages"],
        {"role": "assistant", "content": [mcp_call("c1", "Read", {}), result]},
        *BODY["messages"],
    ]
    upstream = counting(b'{"input_tokens": 7}')
    async with running({"one": upstream}, native()) as proxy:
        assert await count(proxy, {**BODY, "messages": turns}) == (200, {"input_tokens": 7})
    sent = [block["type"] for message in upstream.asked[0]["messages"][1:3] for block in message["content"]]
    assert sent == ["tool_use", "tool_result", "text"]
