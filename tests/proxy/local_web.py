"""A web made for a test: an engine that finds what it was given, pages, and a proxy that serves them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

from proxy.config import SearchConfig
from proxy.messages.message import JsonObject
from proxy.permissions.urls import NetworkFacts
from proxy.permissions.values import Policy
from proxy.tools.web.engines.base import NO_SCOPE, SearchScope
from proxy.tools.web.fetcher import Fetcher
from proxy.tools.web.reader import WebReader
from proxy.tools.web.searcher import WebSearcher
from proxy.tools.web.values import Fetched, FetchError, HandedBack, SearchError, SearchResult
from tests.proxy import tooling
from tests.proxy.scripted import (
    HOST,
    Running,
    ScriptedUpstream,
)
from tests.proxy.tooling import (
    call,
    calling,
    running_tools,
)

SEARCH: JsonObject = {"type": "web_search_20250305", "name": "web_search"}
FETCH: JsonObject = {"type": "web_fetch_20250910", "name": "web_fetch"}
HITS = [
    SearchResult(
        "Signal boxes", "https://rail.example/boxes", "A signal box houses the levers of a station."
    ),
    SearchResult("Other", "https://other.example/", "Nothing of it.", "2 days ago"),
]
SEARCHING = calling(call("web_search", '{"query":"signal box"}'))


@dataclass(slots=True)
class Engine:
    """Finds what it was given, and keeps what it was asked."""

    found: list[SearchResult] | SearchError = field(default_factory=lambda: HITS)
    asked: list[tuple[str, SearchScope]] = field(default_factory=list[tuple[str, SearchScope]])
    name: str = "fake"

    async def search(self, query: str, limit: int, scope: SearchScope = NO_SCOPE) -> list[SearchResult]:
        self.asked.append((query, scope))
        if isinstance(self.found, SearchError):
            raise self.found
        return self.found

    async def aclose(self) -> None:
        pass


@dataclass(slots=True)
class Pages:
    """Stands where `Fetcher` stands."""

    pages: dict[str, Fetched | HandedBack | FetchError]
    asked: list[str] = field(default_factory=list[str])

    async def known_facts(self) -> NetworkFacts:
        return NetworkFacts()

    async def fetch(self, url: str, policy: Policy) -> Fetched | HandedBack:
        self.asked.append(url)
        page = self.pages[url]
        if isinstance(page, FetchError):
            raise page
        return page

    async def aclose(self) -> None:
        pass


def html(url: str, text: str = "The levers move the points.") -> Fetched:
    return Fetched(url, "text/html", "utf-8", f"<title>Levers</title><p>{text}</p>".encode())


def web(
    upstream: ScriptedUpstream, engine: Engine | None = None, pages: Pages | None = None, **more: Any
) -> Any:
    made = engine or Engine()

    def searcher(settings: SearchConfig) -> WebSearcher:
        return WebSearcher(settings, engines=lambda _: made)

    host = replace(
        HOST,
        searcher=searcher,
        reader=WebReader(cast("Fetcher", cast("Any", pages or Pages({})))),
    )
    return running_tools(upstream, host=host, **more)


async def ask(proxy: Running, *tools: JsonObject, **more: Any) -> JsonObject:
    return await tooling.ask(proxy, tools=list(tools) or [SEARCH], **more)
