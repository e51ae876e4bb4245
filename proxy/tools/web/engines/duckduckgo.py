"""DuckDuckGo's page for browsers without scripts: the only large engine that answers without a key.

It is a page, not an interface: it may change, and who searches often is asked to solve a puzzle, which ends
a search with `too_many_requests`. The libraries for it pretend to be browsers, down to TLS, to get around
that; we do not: an engine with a key is the steadier choice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from proxy.tools.web.engines.base import NO_SCOPE, EngineClient, Request, SearchScope, plain, with_sites
from proxy.tools.web.values import SearchError, SearchResult

if TYPE_CHECKING:
    from bs4 import Tag

BASE_URL = "https://html.duckduckgo.com"
_REDIRECTOR = "/l/?"
_USER_AGENT = "Mozilla/5.0 (compatible; Signalbox)"


class DuckDuckGoEngine:
    """Asks DuckDuckGo."""

    name = "DuckDuckGo"

    def __init__(self, base_url: str | None = None) -> None:
        """Makes an engine.

        Args:
            base_url: Instead of DuckDuckGo's own address.
        """
        self._url = f"{(base_url or BASE_URL).rstrip('/')}/html/"
        self._client = EngineClient(self.name)

    async def search(self, query: str, limit: int, scope: SearchScope = NO_SCOPE) -> list[SearchResult]:
        """Finds pages; see `SearchEngine`."""
        form = {"q": with_sites(query, scope), "kl": "wt-wt"}
        body = await self._client.ask(
            Request(self._url, form=form, headers={"User-Agent": _USER_AGENT, "Accept": "text/html"})
        )
        return await asyncio.to_thread(read_results, body, limit)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def read_results(body: bytes, limit: int) -> list[SearchResult]:
    """Reads the results out of a page of them, advertisements left out.

    Raises:
        SearchError: It is a puzzle instead.
    """
    from bs4 import BeautifulSoup  # noqa: PLC0415 - only who searches has it in memory; in a thread

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
