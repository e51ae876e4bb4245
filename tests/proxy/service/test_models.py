"""The model list: rows, pages, and names that are no alias."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from proxy.config import Alias, Candidate, ProviderConfig, ProxyConfig, ServerConfig
from proxy.messages.errors import ClientError
from proxy.service.model_facts import ModelFacts
from proxy.service.models import list_models, retrieve_model

ALIASES = (
    Alias("big", (), (Candidate("gone", "x"), Candidate("one", "m-1"))),
    Alias("claude-mine", (), (Candidate("one", "m-2"),)),
    Alias("lost", (), (Candidate("gone", "x"),)),
)
FACTS = ModelFacts()
"""No list of any upstream is known."""
IDS = ["big", "claude-big", "claude-mine"]


def config(*, unknown: str | None = None, has_providers: bool = True) -> ProxyConfig:
    one = ProviderConfig("one", "openai-chat", "http://127.0.0.1:9/v1")
    providers = MappingProxyType({"one": one} if has_providers else {})
    return ProxyConfig(ServerConfig(SecretStr("t")), providers, ALIASES, unknown)


def ids(page: dict[str, Any]) -> list[str]:
    return [row["id"] for row in page["data"]]


def test_every_served_alias_is_listed_also_under_a_name_that_claude_code_keeps() -> None:
    page = list_models(config(), {}, FACTS)
    assert ids(page) == IDS
    assert page["data"][1] == {
        "type": "model",
        "id": "claude-big",
        "display_name": "big (m-1 at one)",
        "created_at": "1970-01-01T00:00:00Z",
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "line": None,
        "max_input_tokens": None,
        "max_tokens": None,
        "capabilities": None,
    }
    assert (page["has_more"], page["first_id"], page["last_id"]) == (False, "big", "claude-mine")


@given(st.integers(1, 5))
def test_pages_of_any_size_hold_every_row_once_in_both_directions(limit: int) -> None:
    forward: list[str] = []
    query = {"limit": str(limit)}
    while True:
        page = list_models(config(), query, FACTS)
        forward += ids(page)
        if not page["has_more"]:
            break
        query = {"limit": str(limit), "after_id": page["last_id"]}
    assert forward == IDS
    backward: list[str] = []
    query = {"limit": str(limit), "before_id": IDS[-1]}
    while True:
        page = list_models(config(), query, FACTS)
        backward = ids(page) + backward
        if not page["has_more"]:
            break
        query = {"limit": str(limit), "before_id": page["first_id"]}
    assert backward == IDS[:-1]


@pytest.mark.parametrize("limit", ["0", "1001", "x", "", "-1", "1.5", "٣", "00000000000001"])
def test_a_limit_outside_the_api_is_refused(limit: str) -> None:
    with pytest.raises(ClientError, match="limit: must be a whole number"):
        list_models(config(), {"limit": limit}, FACTS)


@pytest.mark.parametrize("parameter", ["after_id", "before_id"])
def test_a_cursor_that_names_no_row_is_refused(parameter: str) -> None:
    with pytest.raises(ClientError, match=f"{parameter}: no such model"):
        list_models(config(), {parameter: "gone"}, FACTS)


def test_any_name_that_a_request_may_use_can_be_retrieved() -> None:
    assert retrieve_model(config(), "claude-big", FACTS)["display_name"] == "big (m-1 at one)"
    assert retrieve_model(config(unknown="one"), "a/b", FACTS)["display_name"] == "a/b (a/b at one)"
    with pytest.raises(ClientError, match="model: nothing"):
        retrieve_model(config(), "nothing", FACTS)


def test_without_a_provider_the_demo_is_the_only_row() -> None:
    page = list_models(config(has_providers=False), {}, FACTS)
    assert ids(page) == ["claude-demo"]
    assert "demo" in retrieve_model(config(has_providers=False), "any", FACTS)["display_name"]
