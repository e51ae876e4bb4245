"""What asking a provider finds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from proxy.config import DialectName, ProviderConfig
from proxy.upstreams.probe import balance_of, is_openrouter, probe
from tests.proxy.upstreams.web_upstream import saying, serving

KEY = "a-key-" + "for-tests"


def provider(url: str, dialect: DialectName = "openai-chat", **more: Any) -> ProviderConfig:
    return ProviderConfig("box", dialect, url, more.pop("key", SecretStr(KEY)), **more)


async def test_a_list_of_models_says_that_the_provider_works() -> None:
    listed = json.dumps({"data": [{"id": "a"}, {"id": "b"}]}).encode()
    times = iter([10.0, 10.25])
    async with serving(saying(listed, content_type="application/json")) as upstream:
        found = await probe(provider(upstream.url + "/v1/"), clock=lambda: next(times))
    assert (found.is_ok, found.text) == (True, "reachable, 2 models offered (250 ms)")
    assert upstream.asked[0].path == "/v1/models"
    assert upstream.asked[0].headers["authorization"] == f"Bearer {KEY}"


async def test_a_messages_provider_is_asked_in_its_own_way() -> None:
    async with serving(saying(b'{"data":[{}]}', content_type="application/json")) as upstream:
        found = await probe(provider(upstream.url, "anthropic-messages"))
    assert found.is_ok
    assert found.text.startswith("reachable, 1 model offered (")
    assert upstream.asked[0].path == "/v1/models"
    assert upstream.asked[0].headers["x-api-key"] == KEY
    assert upstream.asked[0].headers["anthropic-version"] == "2023-06-01"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, "the key was refused (HTTP 401)"),
        (403, "the key was refused (HTTP 403)"),
        (302, "it answered with a redirect (HTTP 302): correct the base URL"),
        (404, "nothing at this address (HTTP 404)"),
        (500, "answered with HTTP 500"),
    ],
)
async def test_another_status_is_told_in_words(status: int, text: str) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with serving(handler) as upstream:
        found = await probe(provider(upstream.url))
    assert not found.is_ok
    assert text in found.text
    assert len(upstream.asked) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
async def test_something_else_than_such_a_service_is_noticed(body: bytes) -> None:
    async with serving(saying(body)) as upstream:
        found = await probe(provider(upstream.url))
    assert not found.is_ok
    assert "does not answer like this kind of service" in found.text


async def test_a_missing_key_is_told_without_asking() -> None:
    found = await probe(provider("http://127.0.0.1:9", key=None, key_missing="it is not in the keyring"))
    assert (found.is_ok, found.text) == (False, "it is not in the keyring")


async def test_a_provider_that_is_not_running_is_told_as_such(unused_tcp_port: int) -> None:
    found = await probe(provider(f"http://127.0.0.1:{unused_tcp_port}"))
    assert not found.is_ok
    assert "is it running?" in found.text


async def test_the_demo_always_works() -> None:
    assert (await probe(provider("", "demo"))).is_ok


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ({"limit_remaining": 8.5, "limit": 10}, ", $8.50 left of $10.00"),
        ({"limit": None, "limit_remaining": None, "usage": 1.234}, ", $1.23 used, no limit set on the key"),
        ({}, ""),
        (None, ""),
    ],
)
def test_a_keys_balance_is_told_in_words(key: Any, text: str) -> None:
    assert balance_of(key) == text


def test_only_openrouter_is_asked_for_a_balance() -> None:
    assert is_openrouter("https://openrouter.ai/api/v1")
    assert not is_openrouter("https://openrouter.ai.example/api/v1")
