"""Tavily: search made for models, with a key (https://docs.tavily.com/documentation/api-reference)."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from proxy.tools.web.engines.base import NO_SCOPE, EngineClient, Request, SearchScope, results_of
from proxy.tools.web.values import SearchResult

BASE_URL = "https://api.tavily.com"
_MAX_RESULTS = 20


class TavilyEngine:
    """Asks Tavily."""

    name = "Tavily"

    def __init__(self, key: SecretStr, base_url: str | None = None) -> None:
        """Makes an engine.

        Args:
            key: The API key.
            base_url: Instead of Tavily's own address.
        """
        self._key = key
        self._url = f"{(base_url or BASE_URL).rstrip('/')}/search"
        self._client = EngineClient(self.name)

    async def search(self, query: str, limit: int, scope: SearchScope = NO_SCOPE) -> list[SearchResult]:
        """Finds pages; see `SearchEngine`."""
        asked: dict[str, Any] = {
            "query": query,
            "max_results": min(limit, _MAX_RESULTS),
            "search_depth": "basic",
        }
        if scope.allowed:
            asked["include_domains"] = list(scope.allowed)
        if scope.blocked:
            asked["exclude_domains"] = list(scope.blocked)
        answer = await self._client.ask_json(
            Request(
                self._url, json=asked, headers={"Authorization": f"Bearer {self._key.get_secret_value()}"}
            )
        )
        return results_of(answer.get("results"), limit, snippet="content", age=("published_date",))

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()
