"""Asks a search engine: checks the query before, and filters the results after."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import quote

from proxy.config import SearchConfig
from proxy.permissions.hosts import UrlRefusal, read_host
from proxy.permissions.url_secrets import find_secret
from proxy.permissions.url_syntax import read_url
from proxy.tools.web.engines.base import SearchEngine, SearchScope
from proxy.tools.web.engines.choice import engine_of
from proxy.tools.web.values import SearchError, SearchResult

MAX_QUERY_CHARS = 1000
MIN_QUERY_CHARS = 2
DEFAULT_LIMIT = 10
_MAX_DOMAINS = 50


class WebSearcher:
    """The search, for the tool WebSearch and for the server tool `web_search`."""

    def __init__(
        self,
        config: SearchConfig,
        *,
        secrets: Callable[[], Iterable[str]] = tuple,
        engines: Callable[[SearchConfig], SearchEngine] = engine_of,
    ) -> None:
        """Makes a searcher; the engine is made when it is first asked.

        Args:
            config: Who searches.
            secrets: The stored secrets at this moment: none may stand in a query.
            engines: Makes the engine.
        """
        self._config = config
        self._secrets = secrets
        self._engines = engines
        self._engine: SearchEngine | None = None

    async def search(
        self,
        query: str,
        *,
        allowed_domains: Iterable[str] = (),
        blocked_domains: Iterable[str] = (),
        limit: int = DEFAULT_LIMIT,
    ) -> tuple[SearchResult, ...]:
        """Finds pages, best first.

        Args:
            query: The words.
            allowed_domains: Only pages of these and of their subdomains, below their path if they have one.
            blocked_domains: No pages of these.
            limit: At most so many.

        Raises:
            SearchError: There are none to be had.
        """
        scope = SearchScope(_domains(allowed_domains), _domains(blocked_domains))
        self._check(query.strip(), scope)
        if self._engine is None:
            self._engine = self._engines(self._config)
        found = await self._engine.search(query.strip(), limit, scope)
        return tuple(result for result in found if _is_wanted(result, scope))[:limit]

    async def aclose(self) -> None:
        """Closes the engine's connections."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.aclose()

    def _check(self, query: str, scope: SearchScope) -> None:
        if len(query) < MIN_QUERY_CHARS:
            raise SearchError("invalid_tool_input", "the query needs at least two characters")
        if len(query) > MAX_QUERY_CHARS:
            raise SearchError("query_too_long", f"the query is longer than {MAX_QUERY_CHARS:,} characters")
        if scope.allowed and scope.blocked:
            raise SearchError("invalid_tool_input", "give allowed_domains or blocked_domains, not both")
        if find_secret(query, self._secrets()) is not None:
            raise SearchError(
                "invalid_tool_input", "the query carries what must not leave: a key or a secret"
            )


def _domains(domains: Iterable[str]) -> tuple[str, ...]:
    """Domains as engines take them: mapped like a URL's host, with the path that some of them have."""
    found: list[str] = []
    for each in domains:
        host, slash, path = each.strip().partition("/")
        try:
            name = read_host(host.removeprefix("*.")).name
        except UrlRefusal as error:
            text = f"{each!r} is not a domain: write it like example.com"
            raise SearchError("invalid_tool_input", text) from error
        found.append(f"{name}{slash}{quote(path)}".rstrip("/"))
    if len(found) > _MAX_DOMAINS:
        raise SearchError("request_too_large", f"more than {_MAX_DOMAINS} domains are too many")
    return tuple(dict.fromkeys(found))


def _is_wanted(result: SearchResult, scope: SearchScope) -> bool:
    try:
        target = read_url(result.url)
    except UrlRefusal:
        return False
    within = [_is_below(domain, target.host.name, target.path) for domain in (*scope.allowed, *scope.blocked)]
    return any(within) if scope.allowed else not any(within)


def _is_below(domain: str, host: str, path: str) -> bool:
    name, _, folder = domain.partition("/")
    if host != name and not host.endswith(f".{name}"):
        return False
    return not folder or f"{path.rstrip('/')}/".startswith(f"/{folder}/")
