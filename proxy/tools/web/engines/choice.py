"""Makes the search engine that the settings mean."""

from __future__ import annotations

from pydantic import SecretStr
from typing_extensions import assert_never
from yarl import URL

from proxy.config import SearchConfig
from proxy.permissions.addresses import judge_address
from proxy.permissions.hosts import UrlRefusal, internal_reason, read_host
from proxy.tools.web.engines.base import SearchEngine
from proxy.tools.web.engines.brave import BraveEngine
from proxy.tools.web.engines.duckduckgo import DuckDuckGoEngine
from proxy.tools.web.engines.searxng import SearxngEngine
from proxy.tools.web.engines.tavily import TavilyEngine
from proxy.tools.web.values import SearchError

_TAVILY_KEYS = "tvly-"


def is_configured(config: SearchConfig) -> bool:
    """Tells whether the settings name an engine that is asked before the upstream's own."""
    if config.engine == "auto":
        return config.key is not None or config.base_url is not None
    return config.engine != "upstream"


def engine_of(config: SearchConfig) -> SearchEngine:
    """Returns the engine to ask when Signalbox searches itself; the keyless one where none is configured.

    Raises:
        SearchError: Its key or its address is missing.
    """
    _check_address(config)
    match config.engine:
        case "brave":
            return BraveEngine(_key(config, "Brave Search"), config.base_url)
        case "tavily":
            return TavilyEngine(_key(config, "Tavily"), config.base_url)
        case "searxng":
            if config.base_url is None:
                raise SearchError("unavailable", "SearXNG needs an address: set web_search.base_url")
            return SearxngEngine(config.base_url, config.key)
        case "duckduckgo":
            return DuckDuckGoEngine(config.base_url)
        case "upstream":
            return DuckDuckGoEngine()
        case "auto":
            return _guessed(config)
        case _:
            assert_never(config.engine)


def _check_address(config: SearchConfig) -> None:
    """Keeps queries and keys off the internet's open wires: plain http is for the user's own network."""
    if config.base_url is None or config.base_url.lower().startswith("https://"):
        return
    url = URL(config.base_url)
    try:
        host = read_host(f"[{url.host}]" if ":" in (url.host or "") else url.host or "")
    except UrlRefusal as error:
        raise SearchError("unavailable", f"web_search.base_url is no address: {error}") from error
    is_own = host.address is not None and judge_address(host.address) is not None
    is_named = bool({url.host, f"{url.host}:{url.port}"} & set(config.plain_http_hosts))
    if url.scheme != "http" or not (is_own or is_named or internal_reason(host) is not None):
        raise SearchError(
            "unavailable", "web_search.base_url must begin with https:// outside your own network"
        )


def _guessed(config: SearchConfig) -> SearchEngine:
    """A key tells whose it is; an address alone is a SearXNG server's."""
    if config.key is not None:
        if config.key.get_secret_value().startswith(_TAVILY_KEYS):
            return TavilyEngine(config.key, config.base_url)
        return BraveEngine(config.key, config.base_url)
    return DuckDuckGoEngine() if config.base_url is None else SearxngEngine(config.base_url)


def _key(config: SearchConfig, name: str) -> SecretStr:
    if config.key is None:
        raise SearchError("unavailable", f"{name} needs a key, and none was found: set web_search.key")
    return config.key
