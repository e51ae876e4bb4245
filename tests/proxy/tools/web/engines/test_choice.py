from __future__ import annotations

import pytest
from pydantic import SecretStr

from proxy.config import SearchConfig
from proxy.tools.web.engines.brave import BraveEngine
from proxy.tools.web.engines.choice import engine_of, is_configured
from proxy.tools.web.engines.duckduckgo import DuckDuckGoEngine
from proxy.tools.web.engines.searxng import SearxngEngine
from proxy.tools.web.engines.tavily import TavilyEngine
from proxy.tools.web.values import SearchError

_KEY = SecretStr("made-up")
_TAVILY_KEY = SecretStr("tvly-" + "made-up")
_URL = "http://localhost:8888"


@pytest.mark.parametrize(
    ("config", "engine", "configured"),
    [
        (SearchConfig(), DuckDuckGoEngine, False),
        (SearchConfig("upstream"), DuckDuckGoEngine, False),
        (SearchConfig("duckduckgo"), DuckDuckGoEngine, True),
        (SearchConfig("brave", key=_KEY), BraveEngine, True),
        (SearchConfig("tavily", key=_KEY), TavilyEngine, True),
        (SearchConfig("searxng", _URL), SearxngEngine, True),
        (SearchConfig("auto", key=_KEY), BraveEngine, True),
        (SearchConfig("auto", key=_TAVILY_KEY), TavilyEngine, True),
        (SearchConfig("auto", _URL), SearxngEngine, True),
    ],
)
def test_the_settings_choose_the_engine(config: SearchConfig, engine: type, configured: bool) -> None:
    assert type(engine_of(config)) is engine
    assert is_configured(config) is configured


@pytest.mark.parametrize(
    "address",
    [
        *(
            "https://search.example",
            "http://localhost:8888",
            "http://127.0.0.1",
            "http://[::1]:80",
            "http://searxng",
        ),
        *(
            "http://192.168.1.2:8080",
            "http://search.lan",
            "http://named.example:81",
            "HTTPS://search.example",
        ),
    ],
)
def test_an_engine_may_be_anywhere_with_tls_and_without_it_in_ones_own_network(address: str) -> None:
    config = SearchConfig("searxng", address, plain_http_hosts=("named.example:81",))

    assert type(engine_of(config)) is SearxngEngine


@pytest.mark.parametrize(
    "address",
    [
        "http://search.example",
        "http://8.8.8.8",
        "ftp://localhost",
        "search",
        "http://127.1",
        "http://named.example",
    ],
)
def test_an_engine_elsewhere_is_not_asked_without_tls(address: str) -> None:
    with pytest.raises(SearchError, match=r"web_search\.base_url"):
        engine_of(SearchConfig("searxng", address, plain_http_hosts=("named.example:81",)))


@pytest.mark.parametrize("config", [SearchConfig("brave"), SearchConfig("tavily"), SearchConfig("searxng")])
def test_an_engine_that_lacks_what_it_needs_says_which_setting_is_missing(config: SearchConfig) -> None:
    with pytest.raises(SearchError, match=r"set web_search\.(key|base_url)"):
        engine_of(config)
