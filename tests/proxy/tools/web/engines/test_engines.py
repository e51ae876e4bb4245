"""Every engine against a fake of its service."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from pydantic import SecretStr

from proxy.tools.web.engines.base import EngineClient, Request, SearchEngine, SearchScope, with_sites
from proxy.tools.web.engines.brave import BraveEngine
from proxy.tools.web.engines.duckduckgo import DuckDuckGoEngine
from proxy.tools.web.engines.duckduckgo_page import read_results
from proxy.tools.web.engines.searxng import SearxngEngine
from proxy.tools.web.engines.tavily import TavilyEngine
from proxy.tools.web.values import SearchError, SearchResult
from tests.proxy.upstreams.web_upstream import WebUpstream, saying, serving, stalling

_KEY = SecretStr("made-up")
_ENGINES: dict[str, Callable[[str], SearchEngine]] = {
    "brave": lambda url: BraveEngine(_KEY, url),
    "tavily": lambda url: TavilyEngine(_KEY, url),
    "searxng": lambda url: SearxngEngine(url, _KEY),
    "duckduckgo": DuckDuckGoEngine,
}
_SCOPE = SearchScope(allowed=("a.example", "b.example"))


def _ddg_result(address: str, title: str, words: str, classes: str = "result") -> str:
    return (
        f'<div class="{classes} web-result"><h2><a class="result__a" href="{address}">{title}</a></h2>'
        f'<a class="result__snippet">{words}</a></div>'
    )


def _redirected(address: str) -> str:
    return f"//duckduckgo.com/l/?uddg={quote(address, safe='')}&amp;rut=1"


def _json_results(snippet: str, age: str) -> list[object]:
    return [
        {
            "title": "<strong>One</strong>",
            "url": "https://one.example/a?b=c",
            snippet: "w 1",
            age: "2026-04-01",
        },
        {"title": 7, "url": "https://no.example/"},
        "nonsense",
        {"title": "Two", "url": "https://two.example/", snippet: None, age: ""},
    ]


_ANSWERS: dict[str, bytes] = {
    "brave": json.dumps({"web": {"results": _json_results("description", "page_age")}}).encode(),
    "tavily": json.dumps({"results": _json_results("content", "published_date")}).encode(),
    "searxng": json.dumps({"results": _json_results("content", "publishedDate")}).encode(),
    "duckduckgo": "".join(
        (
            '<div id="links" class="results">',
            _ddg_result("//duckduckgo.com/y.js?ad_domain=x", "Buy", "now", "result result--ad"),
            _ddg_result(_redirected("https://one.example/a?b=c"), "One", "<b>w</b> 1"),
            _ddg_result("https://two.example/", "Two", ""),
            _ddg_result("javascript:x()", "Bad", "w 3"),
            "</div>",
        )
    ).encode(),
}


@asynccontextmanager
async def _asking(name: str, handler: Any) -> AsyncGenerator[tuple[SearchEngine, WebUpstream]]:
    async with serving(handler) as service:
        engine = _ENGINES[name](service.url + "/")
        try:
            yield engine, service
        finally:
            await engine.aclose()


@pytest.mark.parametrize("name", sorted(_ENGINES))
async def test_results_are_read(name: str) -> None:
    async with _asking(name, saying(_ANSWERS[name], content_type="text/x")) as (engine, _service):
        found = await engine.search("words", 10)

    assert found == [
        SearchResult(
            "One", "https://one.example/a?b=c", "w 1", None if name == "duckduckgo" else "2026-04-01"
        ),
        SearchResult("Two", "https://two.example/", ""),
    ]


async def test_brave_may_say_a_pages_age_in_words() -> None:
    entry = {"title": "T", "url": "https://a.example/", "description": "w", "age": "2 days ago"}
    async with _asking("brave", saying(json.dumps({"web": {"results": [entry]}}).encode())) as (
        engine,
        _service,
    ):
        assert [each.page_age for each in await engine.search("words", 10)] == ["2 days ago"]


@pytest.mark.parametrize("name", sorted(_ENGINES))
async def test_no_more_results_than_wanted(name: str) -> None:
    async with _asking(name, saying(_ANSWERS[name])) as (engine, _service):
        assert [each.title for each in await engine.search("words", 1)] == ["One"]


async def test_brave_is_asked_with_its_token_and_sites() -> None:
    async with _asking("brave", saying(_ANSWERS["brave"])) as (engine, service):
        await engine.search("two words", 99, _SCOPE)

    asked = service.asked[0]
    assert (asked.method, asked.path) == ("GET", "/res/v1/web/search")
    assert asked.query["q"] == "two words (site:a.example OR site:b.example)"
    assert asked.query["count"] == "20"
    assert asked.headers["X-Subscription-Token"] == "made-up"


async def test_tavily_is_asked_with_its_key_and_domains() -> None:
    async with _asking("tavily", saying(_ANSWERS["tavily"])) as (engine, service):
        await engine.search("words", 5, _SCOPE)
        await engine.search("words", 5, SearchScope(blocked=("c.example",)))

    assert (service.asked[0].path, service.asked[0].headers["Authorization"]) == ("/search", "Bearer made-up")
    first, second = map(json.loads, service.bodies)
    assert first == {
        "query": "words",
        "max_results": 5,
        "search_depth": "basic",
        "include_domains": ["a.example", "b.example"],
    }
    assert second["exclude_domains"] == ["c.example"]


async def test_searxng_is_asked_for_json_at_its_address_however_it_is_written() -> None:
    async with serving(saying(_ANSWERS["searxng"])) as service:
        for address in (service.url, f"{service.url}/", f"{service.url}/search"):
            engine = SearxngEngine(address)
            await engine.search("words", 5)
            await engine.aclose()

    assert {(each.path, each.query["format"]) for each in service.asked} == {("/search", "json")}
    assert all("Authorization" not in each.headers for each in service.asked)


async def test_duckduckgo_is_asked_with_a_form() -> None:
    async with _asking("duckduckgo", saying(_ANSWERS["duckduckgo"])) as (engine, service):
        await engine.search("a & b", 5, SearchScope(blocked=("c.example",)))

    assert (service.asked[0].method, service.asked[0].path) == ("POST", "/html/")
    assert service.bodies == [b"q=a+%26+b+-site%3Ac.example&kl=wt-wt"]


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "too_many_requests"), (202, "too_many_requests"), (401, "unavailable"), (403, "unavailable"),
     (422, "invalid_tool_input"), (500, "unavailable"), (302, "unavailable")],
)  # fmt: skip
@pytest.mark.parametrize("name", sorted(_ENGINES))
async def test_a_service_that_refuses_is_told_from_one_that_fails(name: str, status: int, code: str) -> None:
    async with _asking(name, saying(b"{}", status=status)) as (engine, _service):
        with pytest.raises(SearchError) as caught:
            await engine.search("words", 5)

    assert caught.value.code == code
    assert "made-up" not in str(caught.value)


@pytest.mark.parametrize("name", ["brave", "tavily", "searxng"])
@pytest.mark.parametrize("body", [b"<html>", b"[1]"])
async def test_an_answer_that_is_no_object_is_no_result(name: str, body: bytes) -> None:
    async with _asking(name, saying(body)) as (engine, _service):
        with pytest.raises(SearchError, match="did not answer with"):
            await engine.search("words", 5)


@pytest.mark.parametrize("name", ["brave", "tavily", "searxng"])
@pytest.mark.parametrize("body", [b"{}", b'{"web": 1, "results": 2}'])
async def test_an_object_of_another_shape_holds_no_results(name: str, body: bytes) -> None:
    async with _asking(name, saying(body)) as (engine, _service):
        assert await engine.search("words", 5) == []


async def test_a_service_that_is_not_there_is_unavailable() -> None:
    engine = SearxngEngine("http://127.0.0.1:1")
    with pytest.raises(SearchError, match="SearXNG cannot be reached"):
        await engine.search("words", 5)
    await engine.aclose()


async def test_a_service_that_says_nothing_is_left_in_time() -> None:
    async with serving(stalling(prepare=False)) as service:
        client = EngineClient("Slow", timeout_s=0.1)
        await client.aclose()
        with pytest.raises(SearchError, match=r"Slow took longer than 0\.1 s"):
            await client.ask(Request(service.url))
        await client.aclose()


async def test_an_endless_answer_is_left_at_the_limit() -> None:
    async with serving(saying(*[b"x" * 65536] * 40)) as service:
        client = EngineClient("Loud")
        with pytest.raises(SearchError, match="more than 2 MiB"):
            await client.ask(Request(service.url))
        await client.aclose()


@pytest.mark.parametrize(("encoding", "is_read"), [("gzip", True), ("br", False)])
async def test_a_packed_answer_is_unpacked(encoding: str, is_read: bool) -> None:
    async def packed(request: web.Request) -> web.StreamResponse:
        return web.Response(body=gzip.compress(b"words"), headers={"Content-Encoding": encoding})

    async with serving(packed) as service:
        client = EngineClient("Packed")
        if is_read:
            assert await client.ask(Request(service.url)) == b"words"
        else:
            with pytest.raises(SearchError):
                await client.ask(Request(service.url))
        await client.aclose()


@pytest.mark.parametrize("body", [b'<form id="challenge-form">', b'<form action="/anomaly.js">', b"<p>", b""])
def test_a_page_of_duckduckgo_without_results_is_told_from_no_results(body: bytes) -> None:
    with pytest.raises(SearchError) as caught:
        read_results(body, 5)

    assert caught.value.code == ("too_many_requests" if b"form" in body else "unavailable")


def test_a_search_of_duckduckgo_may_find_nothing() -> None:
    assert read_results(b'<div class="no-results">None</div>', 5) == []


def test_sites_are_written_as_operators() -> None:
    assert with_sites("q", SearchScope()) == "q"
    assert with_sites("q", SearchScope(("a.x",))) == "q site:a.x"
    assert with_sites("q", SearchScope((), ("a.x", "b.x"))) == "q -site:a.x -site:b.x"
