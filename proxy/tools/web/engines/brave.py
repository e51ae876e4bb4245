"""Brave Search: an index of its own, with a key (https://api-dashboard.search.brave.com/app/documentation)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import SecretStr

from proxy.tools.web.engines.base import NO_SCOPE, EngineClient, Request, SearchScope, results_of, with_sites
from proxy.tools.web.values import SearchResult

BASE_URL = "https://api.search.brave.com"
_MAX_COUNT = 20


class BraveEngine:
    """Asks Brave's web search."""

    name = "Brave Search"

    def __init__(self, key: SecretStr, base_url: str | None = None) -> None:
        """Makes an engine.

        Args:
            key: The subscription token.
            base_url: Instead of Brave's own address.
        """
        self._key = key
        self._url = f"{(base_url or BASE_URL).rstrip('/')}/res/v1/web/search"
        self._client = EngineClient(self.name)

    async def search(self, query: str, limit: int, scope: SearchScope = NO_SCOPE) -> list[SearchResult]:
        """Finds pages; see `SearchEngine`."""
        answer = await self._client.ask_json(
            Request(
                self._url,
                query={"q": with_sites(query, scope), "count": str(min(limit, _MAX_COUNT))},
                headers={"Accept": "application/json", "X-Subscription-Token": self._key.get_secret_value()},
            )
        )
        web = answer.get("web")
        entries = cast("Mapping[str, Any]", web).get("results") if isinstance(web, dict) else None
        return results_of(entries, limit, snippet="description", age=("page_age", "age"))

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()
