from __future__ import annotations

import pytest

from proxy.config import SearchConfig
from proxy.tools.web.engines.base import NO_SCOPE, SearchScope
from proxy.tools.web.searcher import WebSearcher
from proxy.tools.web.values import SearchError, SearchResult


class FakeEngine:
    """Finds what it was given, or one page for each address."""

    name = "Fake"

    def __init__(self, *urls: str, results: tuple[SearchResult, ...] = ()) -> None:
        self.results = results or tuple(SearchResult("t", url, "s") for url in urls)
        self.asked: list[tuple[str, int, SearchScope]] = []
        self.closed = 0

    async def search(self, query: str, limit: int, scope: SearchScope = NO_SCOPE) -> list[SearchResult]:
        self.asked.append((query, limit, scope))
        return list(self.results)

    async def aclose(self) -> None:
        self.closed += 1


def _searcher(engine: FakeEngine, *secrets: str) -> WebSearcher:
    return WebSearcher(SearchConfig(), secrets=lambda: secrets, engines=lambda _config: engine)


async def _urls(*urls: str, allowed: tuple[str, ...] = (), blocked: tuple[str, ...] = ()) -> list[str]:
    found = await _searcher(FakeEngine(*urls)).search("q q", allowed_domains=allowed, blocked_domains=blocked)
    return [each.url for each in found]


async def test_the_engine_is_asked_for_what_was_wanted() -> None:
    engine = FakeEngine("https://a.example/")
    await _searcher(engine).search("  two words ", allowed_domains=["A.example/", "*.b.example"], limit=3)

    assert engine.asked == [("two words", 3, SearchScope(("a.example", "b.example")))]


async def test_results_keep_to_the_allowed_domains_and_their_subdomains() -> None:
    urls = (
        "https://a.example/x",
        "https://b.a.example/",
        "https://nota.example/",
        "https://a.example.evil.test/",
    )

    assert await _urls(*urls, allowed=("a.example",)) == list(urls[:2])


async def test_results_of_blocked_domains_are_left_out() -> None:
    urls = ("https://a.example/x", "https://b.a.example/", "https://nota.example/")

    assert await _urls(*urls, blocked=("a.example",)) == ["https://nota.example/"]


async def test_a_domain_may_have_a_path() -> None:
    urls = (
        "https://a.example/docs",
        "https://a.example/docs/x",
        "https://a.example/docsx",
        "https://a.example/",
    )

    assert await _urls(*urls, allowed=("a.example/docs/",)) == list(urls[:2])


async def test_results_that_are_no_web_addresses_are_left_out() -> None:
    assert await _urls("javascript:x()", "https://u@a.example/", "https://a.example/") == [
        "https://a.example/"
    ]


async def test_no_more_results_than_wanted_are_given() -> None:
    found = await _searcher(FakeEngine(*["https://a.example/"] * 9)).search("words", limit=2)

    assert len(found) == 2


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (" x ", "invalid_tool_input"),
        ("x" * 1001, "query_too_long"),
        ("find 0123456789-abcdef now", "invalid_tool_input"),
    ],
)
async def test_a_query_that_must_not_leave_is_not_asked(query: str, code: str) -> None:
    engine = FakeEngine()
    with pytest.raises(SearchError) as caught:
        await _searcher(engine, "0123456789-abcdef").search(query)

    assert (caught.value.code, engine.asked) == (code, [])


@pytest.mark.parametrize("domain", ["", "https://a.example", "a b.example", "a.example:80", "*"])
async def test_what_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(SearchError, match="is not a domain"):
        await _urls(allowed=(domain,))


async def test_allowed_and_blocked_domains_exclude_each_other() -> None:
    with pytest.raises(SearchError, match="not both"):
        await _urls(allowed=("a.example",), blocked=("b.example",))


async def test_too_many_domains_are_refused() -> None:
    with pytest.raises(SearchError) as caught:
        await _urls(allowed=tuple(f"a{number}.example" for number in range(51)))

    assert caught.value.code == "request_too_large"


async def test_the_engine_is_made_once_and_closed() -> None:
    engine = FakeEngine()
    searcher = _searcher(engine)
    await searcher.aclose()
    await searcher.search("words")
    await searcher.search("words")
    await searcher.aclose()

    assert (len(engine.asked), engine.closed) == (2, 1)
