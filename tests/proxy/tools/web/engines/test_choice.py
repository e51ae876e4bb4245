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


@pytest.mark.parametrize("config", [SearchConfig("brave"), SearchConfig("tavily"), SearchConfig("searxng")])
def test_an_engine_that_lacks_what_it_needs_says_which_setting_is_missing(config: SearchConfig) -> None:
    with pytest.raises(SearchError, match=r"set web_search\.(key|base_url)"):
        engine_of(config)
