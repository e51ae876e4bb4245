"""Reads DuckDuckGo's page of results; it takes time, so run it in a thread."""

from __future__ import annotations

from urllib.parse import parse_qs

from bs4 import BeautifulSoup, Tag

from proxy.tools.web.engines.base import plain
from proxy.tools.web.values import SearchError, SearchResult

_REDIRECTOR = "/l/?"


def read_results(body: bytes, limit: int) -> list[SearchResult]:
    """Reads the results out of a page of them, advertisements left out.

    Raises:
        SearchError: It is a puzzle instead.
    """
    soup = BeautifulSoup(body or b"<p>", "lxml")
    if soup.select_one("#challenge-form, .anomaly-modal__modal, form[action*='anomaly']") is not None:
        raise SearchError(
            "too_many_requests", "DuckDuckGo wants to see a human: try again later, or use a key"
        )
    found: list[SearchResult] = []
    for entry in soup.select(".result"):
        link = entry.select_one("a.result__a")
        url = _address(link) if link is not None and "result--ad" not in _classes(entry) else None
        if link is not None and url is not None:
            words = entry.select_one(".result__snippet")
            snippet = plain(words.get_text()) if words is not None else ""
            found.append(SearchResult(plain(link.get_text()), url, snippet))
    if not found and soup.select_one(".no-results, .results, #links") is None:
        raise SearchError("unavailable", "DuckDuckGo answered with a page that holds no results")
    return found[:limit]


def _classes(entry: Tag) -> list[str]:
    found = entry.get("class")
    return found if isinstance(found, list) else []


def _address(link: Tag) -> str | None:
    """A result's own address, taken out of the link to DuckDuckGo's redirector; None: an advertisement's."""
    address = str(link.get("href") or "")
    _, mark, query = address.partition(_REDIRECTOR)
    if mark:
        address = parse_qs(query).get("uddg", [""])[0]
    if not address.startswith(("https://", "http://")) or "duckduckgo.com/y.js" in address:
        return None
    return address
