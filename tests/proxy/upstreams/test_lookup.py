"""Reading a provider's model list over HTTP: pages, key, sizes, refusals."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from proxy.config import ProviderConfig
from proxy.upstreams.lookup import MAX_BYTES, UnusableList, read_model_list
from tests.proxy.upstreams.web_upstream import Handler, WebUpstream, saying, serving

KEY = "sk-" + "made-up-" + "key"


def provider(upstream: WebUpstream, dialect: Any = "openai-chat") -> ProviderConfig:
    return ProviderConfig("one", dialect, upstream.url + "/api/v1/", SecretStr(KEY))


def pages(*bodies: Any) -> Handler:
    """Answers each request with the next body; `{url}` in it is the server's own address."""
    left = list(bodies)

    async def handler(request: web.Request) -> web.StreamResponse:
        text = json.dumps(left.pop(0)).replace("{url}", str(request.url.origin()))
        return web.Response(text=text, content_type="application/json")

    return handler


def rows(*names: str) -> list[dict[str, str]]:
    return [{"id": name} for name in names]


async def test_the_list_is_asked_for_with_the_key() -> None:
    async with serving(pages({"data": rows("a", "b")})) as upstream:
        entries = await read_model_list(provider(upstream))
    assert [entry.id for entry in entries] == ["a", "b"]
    (request,) = upstream.asked
    assert (request.method, request.path) == ("GET", "/api/v1/models")
    assert request.headers["Authorization"] == f"Bearer {KEY}"


async def test_following_pages_are_read_too() -> None:
    body: dict[str, Any] = {"data": rows("a"), "links": {"next": "{url}/api/v1/models?offset=1"}}
    relative = {"data": rows("b"), "links": {"next": "/api/v1/models?offset=2"}}
    async with serving(pages(body, relative, {"data": rows("c"), "links": {"next": None}})) as upstream:
        entries = await read_model_list(provider(upstream))
    assert [entry.id for entry in entries] == ["a", "b", "c"]
    assert [request.path_qs for request in upstream.asked] == [
        "/api/v1/models", "/api/v1/models?offset=1", "/api/v1/models?offset=2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/api/v1/models?offset=1", "/elsewhere", "//[", "ftp://x/", 7]
)
async def test_a_page_elsewhere_is_not_followed_because_the_key_goes_along(address: Any) -> None:
    async with serving(pages({"data": rows("a"), "links": {"next": address}})) as upstream:
        try:
            entries = await read_model_list(provider(upstream))
        except UnusableList:
            entries = ()
    assert [entry.id for entry in entries] in (["a"], [])
    assert len(upstream.asked) == 1


async def test_pages_without_end_are_not_read_without_end() -> None:
    body = {"data": rows("a"), "links": {"next": "/api/v1/models?offset=0"}}
    async with serving(pages(*[body] * 50)) as upstream:
        await read_model_list(provider(upstream))
    assert len(upstream.asked) == 10


async def test_the_models_api_is_read_with_its_own_paging_and_headers() -> None:
    first: dict[str, Any] = {"data": [{"id": "a", "max_tokens": 5}], "has_more": True, "last_id": "a b"}
    async with serving(pages(first, {"data": rows("b"), "has_more": False})) as upstream:
        entries = await read_model_list(provider(upstream, "anthropic-messages"))
    assert [(entry.id, entry.max_output_tokens) for entry in entries] == [("a", 5), ("b", None)]
    assert [request.path_qs for request in upstream.asked] == [
        "/api/v1/v1/models?limit=1000", "/api/v1/v1/models?limit=1000&after_id=a%20b",
    ]  # fmt: skip
    assert upstream.asked[0].headers["x-api-key"] == KEY
    assert "Authorization" not in upstream.asked[0].headers


@pytest.mark.parametrize(
    "handler",
    [
        saying(b"{}", status=500),
        saying(b"", status=302),
        saying(b"<html>"),
        saying(b'{"data": 3}'),
        saying(b"[" * (MAX_BYTES + 1)),
        saying(b"[" * 100_000),
    ],
    ids=["an error", "a redirect", "a page", "no rows", "too long", "too deep"],
)
async def test_what_is_no_list_says_so(handler: Handler) -> None:
    async with serving(handler) as upstream:
        with pytest.raises(UnusableList):
            await read_model_list(provider(upstream))


async def test_an_unreachable_provider_is_an_ordinary_error() -> None:
    with pytest.raises(aiohttp.ClientError):
        await read_model_list(ProviderConfig("one", "openai-chat", "http://127.0.0.1:1/v1"))
