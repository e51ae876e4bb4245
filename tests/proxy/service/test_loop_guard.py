"""The loop guard through a running proxy: a client that is stuck is asked about, and no other one is."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import anthropic
import pytest

from proxy.config import ListPrice, LoopGuardPolicy, PermissionConfig, ProxyConfig
from proxy.events import (
    ApprovalAsked,
    ApprovalEnded,
    ProxyEvent,
    RequestFinished,
    ToolDecided,
)
from proxy.permissions.approval import ApprovalAnswer, ApprovalRequest, RepeatedRequest
from proxy.server.limits import Limits
from proxy.service.storage import StorageConfig
from tests.proxy.scripted import (
    BODY,
    DONE,
    TOKEN,
    USAGE,
    Reply,
    Running,
    ScriptedUpstream,
    delta,
    proxy_config,
    running,
)

STREAMED = {**BODY, "stream": True}
LETS_PASS = "the loop guard lets the same request pass 2 times in 60 s"
REFUSED = "The same request was answered 2 times within 60 seconds, and "
PINGED = Limits(first_ping_s=0.01, next_ping_s=0.01)


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def guarded(*, waits: bool = True, names: tuple[str, ...] = ("one",), **more: Any) -> ProxyConfig:
    """A config that lets two pass."""
    permissions = PermissionConfig(approvals="wait" if waits else "deny")
    return replace(
        proxy_config(*names), loop_guard=LoopGuardPolicy(repeats=2), permissions=permissions, **more
    )


async def asked(proxy: Running, body: Any = None, path: str = "/v1/messages") -> tuple[int, str]:
    """The status, and the whole answer as text."""
    async with proxy.post(body, path) as response:
        return response.status, await response.text()


async def seen(proxy: Running, kind: type[ProxyEvent]) -> None:
    """Waits for an event of a kind that was not waited for yet."""
    proxy.events.remove(await proxy.events.until(kind))


async def waiting(proxy: Running) -> ApprovalRequest:
    """The question, once it is asked."""
    await seen(proxy, ApprovalAsked)
    (question,) = proxy.server.approvals()
    return question


def answer(proxy: Running, question: ApprovalRequest, given: ApprovalAnswer) -> None:
    proxy.server.answer_approval(question.approval_id, question.digest, given)


ALLOW = ApprovalAnswer("allow", "window")
MINUTES = ApprovalAnswer("allow", "window", "10 minutes")


@pytest.mark.expects_log("repeated_request_refused")
@pytest.mark.parametrize("body", [BODY, STREAMED])
async def test_with_nobody_to_ask_the_one_too_many_is_refused_here_until_it_stays_away(body: Any) -> None:
    upstream, clock = ScriptedUpstream(), Clock()
    async with running({"one": upstream}, guarded(waits=False), clock=clock) as proxy:
        assert [(await asked(proxy, body))[0] for _ in range(2)] == [200, 200]
        async with proxy.post(body) as response:
            told, headers = await response.json(), response.headers
        assert (response.status, told["error"]["type"]) == (402, "billing_error")
        assert told["error"]["message"].startswith(f"{REFUSED}it needs the user's consent and nobody is ")
        assert headers["x-should-retry"] == "false"
        clock.now += 59
        assert f"{REFUSED}it was refused before. It is refused until" in (await asked(proxy, body))[1]
        clock.now += 59
        assert (await asked(proxy, body))[0] == 402
        clock.now += 60
        assert (await asked(proxy, body))[0] == 200
    assert len(upstream.asked) == 3


@pytest.mark.expects_log("repeated_request_refused")
async def test_the_real_sdk_gives_up_at_once() -> None:
    upstream = ScriptedUpstream()
    async with running({"one": upstream}, guarded(waits=False)) as proxy:
        client = anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN, max_retries=5)
        for _ in range(2):
            await client.messages.create(**BODY)
        with pytest.raises(anthropic.APIStatusError, match="The same request was answered 2 times") as told:
            await client.messages.create(**BODY)
        await client.close()
    assert told.value.status_code == 402
    assert len(proxy.of(RequestFinished)) == 3


async def test_the_question_says_who_what_how_often_and_what_it_cost() -> None:
    async with running(config=guarded()) as proxy:
        for _ in range(2):
            await asked(proxy)
        third = asyncio.ensure_future(asked(proxy))
        question = await waiting(proxy)
        assert isinstance(question.call, RepeatedRequest)
        assert replace(question.call, body_sha256="") == RepeatedRequest(
            "local", "big", "big", 3, 60, 500_000, ""
        )
        assert question.expires_at - question.asked_at == 120
        assert question.verdict.reason == LETS_PASS
        answer(proxy, question, ALLOW)
        assert (await third)[0] == 200


@pytest.mark.expects_log("repeated_request_refused")
async def test_each_answer_is_kept_beside_those_about_tools(home: Path) -> None:
    async with running(config=guarded(), storage=StorageConfig(home / "store")) as proxy:
        for _ in range(2):
            await asked(proxy)
        for given in (ALLOW, MINUTES):
            again = asyncio.ensure_future(asked(proxy))
            answer(proxy, await waiting(proxy), given)
            await again
        other = {**BODY, "messages": [{"role": "user", "content": "something else"}]}
        for _ in range(2):
            await asked(proxy, other)
        again = asyncio.ensure_future(asked(proxy, other))
        answer(proxy, await waiting(proxy), ApprovalAnswer("deny", "command line", message="you are stuck"))
        await again
        await asked(proxy, other)
        kept = await proxy.server.decisions("repeated REQUEST")
        assert [(each.decision, each.decided_by, each.reason) for each in reversed(kept)] == [
            ("allow", "user (window)", LETS_PASS),
            ("allow", "user (window)", f"{LETS_PASS}; allowed for 10 minutes"),
            ("deny", "user (command line)", f"{LETS_PASS}; you are stuck"),
        ]
        told = [replace(each, at=0.0) for each in proxy.of(ToolDecided)]
        assert [replace(each, at=0.0) for each in reversed(kept)] == told
        assert (kept[-1].tool, kept[-1].call_id, kept[-1].rule) == ("Repeated request", "", None)
        assert json.loads(kept[-1].arguments)["times"] == 3
        finished = [each.request_id for each in proxy.of(RequestFinished)]
        assert [each.request_id for each in kept] == [finished[6], finished[3], finished[2]]


@pytest.mark.expects_log("repeated_request_refused")
async def test_a_refusal_for_want_of_somebody_to_ask_is_kept_once() -> None:
    async with running(config=guarded(waits=False)) as proxy:
        for _ in range(5):
            await asked(proxy)
        (kept,) = proxy.of(ToolDecided)
    assert (kept.decision, kept.decided_by) == ("deny", "headless")


async def test_what_upstreams_do_not_price_is_priced_by_the_list() -> None:
    free_of_price = Reply(
        (delta(content="Hello"), delta("stop"), USAGE.replace(b', "cost": 0.25', b""), DONE)
    )
    config = guarded()
    priced = {
        name: replace(each, price=ListPrice(input_usd=100.0, output_usd=1000.0))
        for name, each in config.providers.items()
    }
    config = replace(config, providers=MappingProxyType(priced))
    async with running({"one": ScriptedUpstream([free_of_price])}, config) as proxy:
        for _ in range(2):
            await asked(proxy)
        third = asyncio.ensure_future(asked(proxy))
        question = await waiting(proxy)
        assert isinstance(question.call, RepeatedRequest)
        assert question.call.cost_micro_usd == 2 * (11 * 100 + 7 * 1000)
        answer(proxy, question, ALLOW)
        await third


async def test_allowed_once_is_for_one_and_the_next_one_asks_again() -> None:
    async with running(config=guarded()) as proxy:
        for _ in range(2):
            await asked(proxy)
        for _ in range(2):
            again = asyncio.ensure_future(asked(proxy))
            answer(proxy, await waiting(proxy), ALLOW)
            assert (await again)[0] == 200


async def test_of_those_that_wait_together_once_lets_one_go() -> None:
    upstream = ScriptedUpstream()
    async with running({"one": upstream}, guarded()) as proxy:
        for _ in range(2):
            await asked(proxy)
        both = [asyncio.ensure_future(asked(proxy)) for _ in range(2)]
        answer(proxy, await waiting(proxy), ALLOW)
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        answer(proxy, await waiting(proxy), ALLOW)
        assert [(await each)[0] for each in both] == [200, 200]
    assert len(proxy.of(ApprovalEnded)) == 2


async def test_allowed_for_ten_minutes_it_asks_nothing_for_so_long() -> None:
    clock = Clock()
    async with running(config=guarded(), clock=clock) as proxy:
        for _ in range(2):
            await asked(proxy)
        third = asyncio.ensure_future(asked(proxy))
        answer(proxy, await waiting(proxy), MINUTES)
        await third
        clock.now += 590
        assert [(await asked(proxy))[0] for _ in range(5)] == [200] * 5
        clock.now += 10
        last = asyncio.ensure_future(asked(proxy))
        answer(proxy, await waiting(proxy), ALLOW)
        await last


@pytest.mark.expects_log("repeated_request_refused")
async def test_while_the_user_is_asked_a_stream_is_pinged_and_a_refusal_ends_it() -> None:
    upstream = ScriptedUpstream()
    async with running({"one": upstream}, guarded(), PINGED) as proxy:
        for _ in range(2):
            await asked(proxy, STREAMED)
        async with proxy.post(STREAMED) as response:
            question = await waiting(proxy)
            for _ in range(3):  # for as long as it takes
                assert await response.content.readuntil(b"\n\n") == b'event: ping\ndata: {"type":"ping"}\n\n'
            answer(proxy, question, ApprovalAnswer("deny", "command line", message="you are stuck"))
            text = (await response.read()).decode()
    assert response.status == 200
    assert 'event: error\ndata: {"type":"error","error":{"type":"billing_error"' in text
    assert f"{REFUSED}the user refused it: you are stuck." in text
    assert len(upstream.asked) == 2


@pytest.mark.expects_log("repeated_request_refused")
async def test_a_refused_stream_asked_once_more_without_one_is_refused_too() -> None:
    """Claude Code does so after an `error` event, with other `max_tokens`."""
    async with running(config=guarded(waits=False)) as proxy:
        for _ in range(2):
            await asked(proxy, STREAMED)
        assert (await asked(proxy, STREAMED))[0] == 402
        assert (await asked(proxy, {**BODY, "max_tokens": 100}))[0] == 402
        other = {**BODY, "messages": [{"role": "user", "content": "something else"}]}
        assert (await asked(proxy, other))[0] == 200


@pytest.mark.expects_log("repeated_request_refused")
async def test_what_is_allowed_for_ten_minutes_passes_although_its_twin_is_refused() -> None:
    async with running(config=guarded()) as proxy:
        for body, given in ((BODY, MINUTES), (STREAMED, ApprovalAnswer("deny", "window"))):
            for _ in range(2):
                await asked(proxy, body)
            third = asyncio.ensure_future(asked(proxy, body))
            answer(proxy, await waiting(proxy), given)
            await third
        assert (await asked(proxy))[0] == 200
        assert (await asked(proxy, STREAMED))[0] == 402


async def test_a_client_that_leaves_takes_its_question_along() -> None:
    async with running(config=guarded()) as proxy:
        for _ in range(2):
            await asked(proxy)
        third = asyncio.ensure_future(asked(proxy))
        await waiting(proxy)
        third.cancel()
        ended = await proxy.events.until(ApprovalEnded)
        assert (ended.tool, ended.decision, ended.by) == ("Repeated request", "deny", "client left")
        assert proxy.server.approvals() == ()
