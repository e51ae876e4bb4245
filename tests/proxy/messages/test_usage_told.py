"""What upstreams say of tokens and cost is believed only where it can be true."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.messages.usage_told import MOST_TOKENS, cost_told, hidden_told, hour_told, tokens_told


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (7, 7),
        (7.0, 7),
        (MOST_TOKENS, MOST_TOKENS),
        (MOST_TOKENS + 1, None),
        (10**25, None),
        (1e25, None),
        (float("inf"), None),
        (float("nan"), None),
        (-1, None),
        (True, None),
        ("7", None),
        (None, None),
    ],
)
def test_a_count_of_tokens_is_one_that_a_request_can_have(value: Any, expected: int | None) -> None:
    assert tokens_told(value) == expected


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        (0.25, 0.25),
        (0, 0.0),
        (1e300, None),
        (10**400, None),
        (float("nan"), None),
        (-20, None),
        (True, None),
        ("1", None),
        (None, None),
    ],
)
def test_a_cost_is_one_that_an_answer_can_have(cost: Any, expected: float | None) -> None:
    assert cost_told({"cost": cost}) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.5}}, 0.5),
        ({"cost": 0.25, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.5}}, 0.75),
        ({"cost": 0.5, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.5}}, 0.5),
        ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": -1}}, None),
        ({"cost": 0, "is_byok": True, "cost_details": None}, None),
        ({"is_byok": True, "cost_details": {"upstream_inference_cost": 0.5}}, None),
    ],
)
def test_with_the_users_own_key_at_the_provider_its_bill_comes_on_top(
    said: dict[str, Any], expected: float | None
) -> None:
    assert cost_told(said) == expected


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ({"ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 40}, 40),
        ({"ephemeral_1h_input_tokens": 101}, 100),
        ({"ephemeral_1h_input_tokens": -1}, 0),
        ({}, 0),
        (None, 0),
        ("40", 0),
    ],
)
def test_what_a_cache_keeps_for_an_hour_is_a_part_of_what_was_written(kinds: Any, expected: int) -> None:
    assert hour_told({"cache_creation": kinds}, 100) == expected
    assert hour_told({}, 100) == 0


@pytest.mark.parametrize(("told", "expected"), [(50, 50), (None, 0), (-50, 0), ("50", 0)])
def test_thinking_that_is_not_shown_is_counted_as_the_upstream_estimates_it(told: Any, expected: int) -> None:
    assert hidden_told({"type": "thinking_delta", "thinking": "", "estimated_tokens": told}) == expected
    assert hidden_told({"type": "thinking_delta", "thinking": ""}) == 0
