"""Tokens of further clients through a running proxy: what they may use, and that a revoked one is nothing."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import anthropic

from proxy.config import ClientToken, Conditions, ProxyConfig, RouteRule
from proxy.events import RequestRouted
from proxy.service.storage import StorageConfig
from tests.proxy.scripted import BODY, Running, ScriptedUpstream, proxy_config, running

PHONE = "phone-" * 6
CI = "ci-" * 12


def token(name: str, value: str, *aliases: str) -> ClientToken:
    return ClientToken(name, sha256(value.encode()).hexdigest(), aliases=aliases)


def config_with(*tokens: ClientToken, **more: Any) -> ProxyConfig:
    config = proxy_config("one")
    return replace(config, server=replace(config.server, client_tokens=tokens), **more)


async def status_of(proxy: Running, key: str, model: str = "big") -> tuple[int, str]:
    async with proxy.post({**BODY, "model": model}, **{"x-api-key": key}) as response:
        body = await response.json()
        return response.status, body.get("error", {}).get("message", "")


async def test_every_token_opens_the_door_and_a_revoked_one_no_more() -> None:
    both = config_with(token("phone", PHONE), token("ci", CI))
    async with running({"one": ScriptedUpstream()}, both) as proxy:
        assert [(await status_of(proxy, key))[0] for key in (PHONE, CI, "wrong")] == [200, 200, 401]
        async with proxy.post(**{"x-api-key": "", "Authorization": f"Bearer {PHONE}"}) as response:
            assert response.status == 200
        proxy.server.apply(config_with(token("ci", CI)))
        assert [(await status_of(proxy, key))[0] for key in (PHONE, CI)] == [401, 200]


async def test_a_token_with_aliases_may_use_nothing_else_and_sees_nothing_else() -> None:
    config = config_with(token("phone", PHONE, "small"), unknown_models="one")
    async with running({"one": ScriptedUpstream()}, config) as proxy:
        assert (await status_of(proxy, PHONE, "small"))[0] == 200
        assert (await status_of(proxy, PHONE, "claude-3-5-haiku"))[0] == 200
        assert await status_of(proxy, PHONE, "big") == (
            403,
            "model: the token phone may use small only, and 'big' leads to none of these.",
        )
        assert (await status_of(proxy, PHONE, "some/model"))[0] == 403
        client = anthropic.AsyncAnthropic(base_url=proxy.url, api_key=PHONE)
        assert {each.id async for each in client.models.list()} == {"small", "claude-small"}
        await client.close()


async def test_a_rule_may_send_the_requests_of_one_token_to_another_alias() -> None:
    config = config_with(
        token("phone", PHONE), routes=(RouteRule(Conditions(client_token=("phone",)), "small"),)
    )
    async with running({"one": ScriptedUpstream()}, config) as proxy:
        assert (await status_of(proxy, PHONE))[0] == 200
        async with proxy.post() as response:
            assert response.status == 200
        routed: list[RequestRouted] = proxy.of(RequestRouted)
    assert [each.alias for each in routed] == ["small", "big"]
    assert "the token is phone" in routed[0].reason


async def test_the_requests_of_a_batch_are_under_the_limits_of_its_token(home: Path) -> None:
    config = config_with(token("phone", PHONE, "small"))
    async with running({"one": ScriptedUpstream()}, config, storage=StorageConfig(home)) as proxy:
        client = anthropic.AsyncAnthropic(base_url=proxy.url, api_key=PHONE)
        requests: Any = [{"custom_id": name, "params": {**BODY, "model": name}} for name in ("small", "big")]
        batch = await client.messages.batches.create(requests=requests)
        while (await client.messages.batches.retrieve(batch.id)).processing_status != "ended":
            pass
        found = {
            each.custom_id: each.result.type async for each in await client.messages.batches.results(batch.id)
        }
        await client.close()
    assert found == {"small": "succeeded", "big": "errored"}
