"""How token counts are translated."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.dialects.openai_chat_usage import UsageTotal

ZERO = {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0}


def total(*said: dict[str, Any]) -> UsageTotal:
    made = UsageTotal()
    for usage in said:
        made.take(usage)
    return made


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            {
                "prompt_tokens": 1200,
                "completion_tokens": 42,
                "prompt_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 150},
            },
            {
                "input_tokens": 50,
                "cache_creation_input_tokens": 150,
                "cache_read_input_tokens": 1000,
                "output_tokens": 42,
            },
        ),
        (
            {"prompt_tokens": 10, "prompt_cache_hit_tokens": 4},
            {"input_tokens": 6, "cache_read_input_tokens": 4},
        ),
        ({"prompt_tokens": 10, "cached_tokens": 4}, {"input_tokens": 6, "cache_read_input_tokens": 4}),
        ({"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}, {"cache_read_input_tokens": 4}),
        (
            {
                "prompt_tokens": 1,
                "completion_tokens": 9,
                "total_tokens": 10,
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            {"input_tokens": 1, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 5}},
        ),
        (
            {
                "prompt_tokens": 1,
                "completion_tokens": 2,
                "total_tokens": 8,
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            {"input_tokens": 1, "output_tokens": 7, "output_tokens_details": {"thinking_tokens": 5}},
        ),
        (
            {"server_tool_use_details": {"web_search_requests": 2}},
            {"server_tool_use": {"web_search_requests": 2}},
        ),
        ({"prompt_tokens": 1e400, "completion_tokens": 10**25}, {}),
        ({"prompt_tokens": "x", "prompt_tokens_details": 7, "completion_tokens": -3}, {}),
    ],
)
def test_counts_are_those_of_messages(said: dict[str, Any], expected: dict[str, Any]) -> None:
    assert total(said).usage() == {**ZERO, **expected}


def test_later_words_replace_earlier_ones_and_null_says_nothing() -> None:
    made = total(
        {"prompt_tokens": 5, "completion_tokens": 1}, {"prompt_tokens": None, "completion_tokens": 3}
    )
    assert made.usage() == {**ZERO, "input_tokens": 5, "output_tokens": 3}


def test_without_any_word_the_output_is_estimated() -> None:
    assert total().usage(9) == {**ZERO, "output_tokens": 3}


@pytest.mark.parametrize(("cost", "expected"), [(0.5, 0.5), (0, 0.0), ("1", None), (1e300, None)])
def test_the_cost_is_what_the_upstream_says(cost: Any, expected: float | None) -> None:
    assert total({"cost": cost}).cost_usd == expected
