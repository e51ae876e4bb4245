"""DuckDuckGo's page for browsers without scripts: the only large engine that answers without a key.

It is a page, not an interface: it may change, and who searches often is asked to solve a puzzle, which ends
a search with `too_many_requests`. The libraries for it pretend to be browsers, down to TLS, to get around
that; we do not: an engine with a key is the steadier choice.
"""

from __future__ import annotations

import asyncio

from proxy.tools.web.engines.base import NO_SCOPE, EngineClient, Request, SearchScope, with_sites
from proxy.tools.web.values import SearchResult

BASE_URL = "https://html.duckduckgo.com"
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
        return await asyncio.to_thread(_read, body, limit)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def _read(body: bytes, limit: int) -> list[SearchResult]:
    """Runs in a thread, where the parser is imported too: it takes a fifth of a second."""
    from proxy.tools.web.engines.duckduckgo_page import read_results  # noqa: PLC0415 - see above

    return read_results(body, limit)
