"""Model lists as servers shape them, read into entries."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.upstreams.model_entries import (
    MOST_ENTRIES,
    ModelEntry,
    Prices,
    ReasoningFacts,
    find_entry,
    read_entries,
)

OPENROUTER: dict[str, Any] = {
    "id": "anthropic/claude-sonnet-4",
    "name": "Anthropic: Claude Sonnet 4",
    "created": 1747930371,
    "context_length": 1000000,
    "architecture": {"input_modalities": ["image", "text", "file"], "output_modalities": ["text"]},
    "pricing": {
        "prompt": "0.000003",
        "completion": "0.000015",
        "image": "0.0048",
        "input_cache_read": "0.0000003",
        "input_cache_write": "0.00000375",
        "web_search": "-1",
    },
    "top_provider": {"context_length": 200000, "max_completion_tokens": 64000},
    "supported_parameters": ["tools", "reasoning"],
    "reasoning": {
        "mandatory": False,
        "default_enabled": False,
        "supported_efforts": ["low", "high"],
        "supports_max_tokens": True,
    },
}


def test_everything_that_openrouter_tells_is_read() -> None:
    assert read_entries({"data": [OPENROUTER], "total_count": 1}) == (
        ModelEntry(
            id="anthropic/claude-sonnet-4",
            name="Anthropic: Claude Sonnet 4",
            created_at=1747930371,
            context_tokens=200000,
            max_output_tokens=64000,
            inputs=("image", "text", "file"),
            parameters=("tools", "reasoning"),
            reasoning=ReasoningFacts(False, False, ("low", "high"), True),
            prices=Prices(
                input=3e-6, output=15e-6, cache_read=3e-7, cache_write=3.75e-6, image=0.0048, web_search=None
            ),
        ),
    )


def test_a_plain_list_gives_ids_and_no_guesses() -> None:
    rows = {
        "object": "list",
        "data": [{"id": "gpt-5-mini", "created": 7, "owned_by": "x"}],
    }
    assert read_entries(rows) == (ModelEntry("gpt-5-mini", created_at=7),)


@pytest.mark.parametrize(
    ("row", "context", "output"),
    [
        ({"max_model_len": 32768}, 32768, None),
        ({"context_window": 131072, "max_completion_tokens": 8192}, 131072, 8192),
        ({"max_context_length": 40000, "loaded_context_length": 8000}, 8000, None),
        ({"context_length": 5, "top_provider": {"context_length": None}}, 5, None),
        ({"max_tokens": 99}, None, None),
        ({"context_length": True, "max_output_tokens": -4}, None, None),
        ({"context_length": "many", "max_output_tokens": 10**12}, None, None),
    ],
)
def test_limits_are_found_under_the_names_that_servers_give_them(
    row: dict[str, Any], context: int | None, output: int | None
) -> None:
    (entry,) = read_entries([{"id": "m", **row}])
    assert (entry.context_tokens, entry.max_output_tokens) == (context, output)


def test_in_the_models_api_max_tokens_is_the_output_limit() -> None:
    row = {"id": "claude-x", "display_name": "Claude X", "max_input_tokens": 200000, "max_tokens": 64000}
    assert read_entries({"data": [row]}, is_anthropic=True) == (
        ModelEntry("claude-x", name="Claude X", context_tokens=200000, max_output_tokens=64000),
    )


@pytest.mark.parametrize("value", [None, 3, "text", {}, {"data": {}}, {"error": {"message": "no"}}])
def test_what_is_no_list_is_an_error(value: Any) -> None:
    with pytest.raises(ValueError, match="no list of models"):
        read_entries(value)


def test_rows_without_an_id_are_passed_over() -> None:
    rows = [None, 3, {}, {"id": ""}, {"id": "a\nb"}, {"id": "x" * 300}, {"id": "good"}]
    assert [entry.id for entry in read_entries(rows)] == ["good"]


def test_a_list_without_end_is_cut() -> None:
    assert len(read_entries([{"id": f"m{i}"} for i in range(MOST_ENTRIES + 10)])) == MOST_ENTRIES


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_fields = st.sampled_from([*OPENROUTER, "max_tokens", "max_model_len", "context_window"])


@given(st.lists(st.dictionaries(_fields, _json | st.just(OPENROUTER["pricing"]), max_size=8), max_size=4))
def test_whatever_a_row_holds_reading_it_gives_sound_numbers(rows: list[dict[str, Any]]) -> None:
    for entry in read_entries({"data": [{**row, "id": "m"} for row in rows]}):
        assert entry.context_tokens is None or entry.context_tokens > 0
        assert entry.max_output_tokens is None or entry.max_output_tokens > 0
        assert entry.prices is None or entry.prices.input is None or entry.prices.input >= 0


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("a/one", "a/one"),
        ("a/one:free", "a/one:free"),
        ("a/one:nitro", "a/one"),
        ("~a/one", "a/one"),
        ("gem", "models/gem"),
        ("a/on", None),
    ],
)
def test_a_variant_has_its_models_entry_unless_it_has_its_own(asked: str, found: str | None) -> None:
    entries = {name: ModelEntry(name) for name in ("a/one", "a/one:free", "models/gem")}
    entry = find_entry(MappingProxyType(entries), asked)
    assert (entry.id if entry else None) == found
