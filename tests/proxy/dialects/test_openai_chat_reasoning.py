"""Thinking and effort are told to each server in its own words."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.dialects.base import Target
from proxy.dialects.profiles import Profile
from tests.proxy.dialects.chat import PLAIN, WEATHER, asked, encode, lost, target, user, with_profile


@pytest.mark.parametrize(
    ("fields", "to", "expected"),
    [
        (
            {"thinking": {"type": "enabled", "budget_tokens": 600}},
            target(),
            {"reasoning": {"max_tokens": 600}},
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 1000}},
            target(),
            {"reasoning": {"max_tokens": 999}},
        ),
        ({"thinking": {"type": "adaptive"}}, target(), {"reasoning": {"enabled": True}}),
        ({"thinking": {"type": "disabled"}}, target(), {"reasoning": {"enabled": False}}),
        (
            {"thinking": {"type": "between_tools"}, "output_config": {"effort": "low"}},
            target(),
            {"reasoning": {"enabled": False}, "verbosity": "low"},
        ),
        ({"output_config": {"effort": "low"}}, target(), {"verbosity": "low"}),
        (
            {"output_config": {"effort": "max"}},
            target("openai/gpt-5-mini"),
            {"reasoning": {"effort": "high"}},
        ),
        (
            {"thinking": {"type": "disabled"}},
            target("openai/gpt-5-mini"),
            {"reasoning": {"effort": "minimal"}},
        ),
        ({"thinking": {"type": "disabled"}}, target("openai/gpt-5.5"), {"reasoning": {"effort": "none"}}),
        ({"thinking": {"type": "adaptive"}}, target("openai/gpt-4o"), {}),
        ({"output_config": {"effort": "low"}}, target("openai/gpt-4o"), {}),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 500}},
            target("anthropic/claude-opus-4.8"),
            {"reasoning": {"enabled": True, "effort": "medium"}},
        ),
        ({"thinking": {"type": "enabled", "budget_tokens": 10}}, PLAIN, {"reasoning_effort": "low"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 990}}, PLAIN, {"reasoning_effort": "high"}),
        ({"thinking": {"type": "adaptive"}}, PLAIN, {}),
        ({"thinking": {"type": "disabled"}}, PLAIN, {}),
        ({"output_config": {"effort": "odd"}}, PLAIN, {"reasoning_effort": "medium"}),
        (
            {"thinking": {"type": "disabled"}},
            target("m", "http://localhost:11434/v1"),
            {"reasoning_effort": "none"},
        ),
    ],
)
def test_thinking_and_effort_are_told_in_the_server_s_words(fields: Any, to: Target, expected: Any) -> None:
    payload = encode(asked(**fields), to).payload
    said = {key: payload[key] for key in ("reasoning", "reasoning_effort", "verbosity") if key in payload}
    assert said == expected


@pytest.mark.parametrize(
    ("url", "model", "thinking", "expected"),
    [
        (
            "https://api.deepseek.com",
            "deepseek-v4",
            "adaptive",
            {"thinking": {"type": "enabled"}, "reasoning_effort": "high"},
        ),
        ("https://api.deepseek.com", "deepseek-v4", "disabled", {"thinking": {"type": "disabled"}}),
        ("https://api.moonshot.ai/v1", "kimi-k2.6", "adaptive", {"thinking": {"type": "enabled"}}),
        ("https://api.mistral.ai/v1", "magistral-medium", "adaptive", {"prompt_mode": "reasoning"}),
        ("https://api.mistral.ai/v1", "magistral-medium", "disabled", {}),
        ("https://dashscope-intl.aliyuncs.com/v1", "qwen3", "adaptive", {"enable_thinking": True}),
        ("https://dashscope-intl.aliyuncs.com/v1", "qwen3", "disabled", {"enable_thinking": False}),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "gemini-3-flash",
            "adaptive",
            {
                "extra_body": {
                    "google": {"thinking_config": {"include_thoughts": True, "thinking_level": "high"}}
                }
            },
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "gemini-2.5-flash",
            "adaptive",
            {"extra_body": {"google": {"thinking_config": {"include_thoughts": True}}}},
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "gemini-2.5-flash",
            "disabled",
            {"reasoning_effort": "none"},
        ),
    ],
)
def test_each_server_has_its_own_switch(url: str, model: str, thinking: str, expected: Any) -> None:
    request = asked(thinking={"type": thinking}, output_config={"effort": "high"})
    payload = encode(request, target(model, url, "p")).payload
    for key in ("model", "messages", "max_tokens", "stream", "stream_options"):
        payload.pop(key, None)
    assert payload == expected


def test_a_budget_goes_to_gemini_as_a_budget() -> None:
    gemini = target("gemini-2.5-flash", "https://generativelanguage.googleapis.com/v1beta/openai", "p")
    payload = encode(asked(thinking={"type": "enabled", "budget_tokens": 600}), gemini).payload
    assert payload["extra_body"]["google"]["thinking_config"]["thinking_budget"] == 600


@pytest.mark.parametrize("thinking", ["adaptive", "disabled"])
def test_a_template_s_switch_is_set(thinking: str) -> None:
    payload = encode(
        asked(thinking={"type": thinking}), with_profile(Profile(reasoning_style="template"))
    ).payload
    assert payload["chat_template_kwargs"] == {"enable_thinking": thinking == "adaptive"}


def test_a_model_without_efforts_that_must_think_is_left_alone() -> None:
    to = with_profile(Profile(reasoning_efforts=(), reasoning_off="lowest"))
    encoded = encode(asked(thinking={"type": "disabled"}), to)
    assert not {"reasoning", "reasoning_effort"} & set(encoded.payload)
    assert lost(encoded) == ["thinking"]


def test_the_last_system_turn_s_effort_counts() -> None:
    request = asked(
        user("hi"),
        {"role": "system", "content": "", "output_config": {"effort": "low"}},
        output_config={"effort": "high"},
    )
    assert encode(request).payload["verbosity"] == "low"


def test_a_forced_choice_turns_thinking_off_where_both_cannot_be() -> None:
    request = asked(tools=[WEATHER], tool_choice={"type": "any"}, thinking={"type": "adaptive"})
    encoded = encode(request)
    assert encoded.payload["reasoning"] == {"enabled": False}
    assert lost(encoded) == ["thinking"]


def test_a_model_that_thinks_by_default_is_told_not_to_where_a_call_is_forced() -> None:
    deepseek = target("deepseek-v4", "https://api.deepseek.com", "deepseek")
    forced = encode(asked(tools=[WEATHER], tool_choice={"type": "any"}), deepseek)
    assert forced.payload["thinking"] == {"type": "disabled"}
    assert lost(forced) == ["thinking"]
    assert "thinking" not in encode(asked(tools=[WEATHER]), deepseek).payload
