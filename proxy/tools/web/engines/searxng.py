"""SearXNG: a server of one's own that asks many engines (https://docs.searxng.org/dev/search_api.html).

Its `settings.yml` must list `json` under `search: formats`, which is not so by default.
"""

from __future__ import annotations

from pydantic import SecretStr

from proxy.tools.web.engines.base import NO_SCOPE, EngineClient, Request, SearchScope, results_of, with_sites
from proxy.tools.web.values import SearchResult


class SearxngEngine:
    """Asks a SearXNG server."""

    name = "SearXNG"

    def __init__(self, base_url: str, key: SecretStr | None = None) -> None:
        """Makes an engine.

        Args:
            base_url: The server's address.
            key: A bearer token, where a gateway before the server wants one.
        """
        self._key = key
        self._url = f"{base_url.rstrip('/').removesuffix('/search')}/search"
        self._client = EngineClient(self.name)

    async def search(self, query: str, limit: int, scope: SearchScope = NO_SCOPE) -> list[SearchResult]:
        """Finds pages; see `SearchEngine`."""
        headers = {"Accept": "application/json"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        answer = await self._client.ask_json(
            Request(self._url, query={"q": with_sites(query, scope), "format": "json"}, headers=headers)
        )
        return results_of(answer.get("results"), limit, snippet="content", age=("publishedDate",))

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()
