"""Makes the search engine that the settings mean."""

from __future__ import annotations

from pydantic import SecretStr
from typing_extensions import assert_never

from proxy.config import SearchConfig
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
