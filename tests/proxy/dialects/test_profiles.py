"""What is known of servers and models."""

from __future__ import annotations

from typing import get_args

import pytest
import yaml

import resources
from app.settings import ServerKind
from proxy.dialects.base import Dialect
from proxy.dialects.openai_chat import OpenAIChatDialect
from proxy.dialects.profiles import Profile, profile_for, read_entries
from proxy.dialects.registry import dialect_for


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://OpenRouter.ai/api/v1/", "openrouter"),
        ("https://eu.openrouter.ai/api/v1", "openrouter"),
        ("http://127.0.0.1:8102/api/v1", "openrouter"),
        ("http://localhost:8102/api/v1", "openrouter"),
        ("http://[::1]:8102/api/v1", "openrouter"),
        ("http://localhost:1234/api/v1", "lmstudio"),
        ("https://chat.example/api/v1", "generic"),
        ("http://192.168.1.7:3000/api/v1", "generic"),
        ("https://127.0.0.1.example/api/v1", "generic"),
        ("https://user@api.openai.com/v1", "openai"),
        ("https://x.openai.azure.com/openai/v1/", "azure"),
        ("https://api.deepseek.com", "deepseek"),
        ("http://localhost:11434/v1", "ollama"),
        ("http://127.0.0.1:8000/v1", "generic"),
        ("https://openrouter.ai.evil.example/v1", "generic"),
    ],
)
def test_a_server_is_known_by_its_address(url: str, server: str) -> None:
    assert profile_for(url, "some-model").server == server


@pytest.mark.parametrize("kind", ["openrouter", "openai", "perplexity"])
def test_a_server_whose_kind_is_told_has_that_ones_fields_whatever_its_address(kind: str) -> None:
    own = {"openrouter": "https://openrouter.ai/api/v1", "openai": "https://api.openai.com/v1"}
    known = profile_for(own.get(kind, "https://api.perplexity.ai"), "claude-opus-4.6")
    assert profile_for("http://localhost:11434/v1", "claude-opus-4.6", kind) == known


def test_a_server_on_this_machine_need_not_be_taken_for_openrouter() -> None:
    known = profile_for("http://127.0.0.1:3000/api/v1", "whatever", "generic")
    assert known == Profile(family="whatever")


def test_each_kind_of_server_can_be_told_in_the_settings() -> None:
    named = {each["name"] for each in yaml.safe_load(resources.read_text("model_profiles.yaml"))["servers"]}
    assert named | {"generic"} == set(get_args(ServerKind))


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("anthropic/claude-sonnet-4.5", "claude"),
        ("claude-sonnet-4-5", "claude"),
        ("~anthropic/claude-sonnet-latest", "claude"),
        ("anthropic/claude-3.7-sonnet:thinking", "claude"),
        ("openai/gpt-5-mini", "gpt"),
        ("openai/gpt-oss-120b", "gpt-oss"),
        ("google/gemini-3-pro", "gemini"),
        ("vendor/Unheard-Of.1", "unheard-of-1"),
    ],
)
def test_a_model_is_known_by_its_name(model: str, family: str) -> None:
    assert profile_for("https://openrouter.ai/api/v1", model).family == family


@pytest.mark.parametrize(
    ("model", "limit", "sampling", "budget", "prefill"),
    [
        ("claude-3-5-haiku", 8192, True, True, "native"),
        ("claude-3-haiku", 4096, True, True, "native"),
        ("claude-3.7-sonnet", 64000, True, True, "native"),
        ("claude-sonnet-4", 64000, True, True, "native"),
        ("claude-opus-4.1", 32000, True, True, "native"),
        ("claude-sonnet-4.5", 64000, True, True, "native"),
        ("claude-opus-4.6", 128000, True, True, "refused"),
        ("claude-opus-4.8", 128000, False, False, "refused"),
        ("claude-sonnet-5", 128000, False, False, "refused"),
        ("claude-haiku-5.5", 128000, False, False, "refused"),
    ],
)
def test_the_table_of_claude_models(
    model: str, limit: int, sampling: bool, budget: bool, prefill: str
) -> None:
    known = profile_for("https://openrouter.ai/api/v1", f"anthropic/{model}")
    assert (known.max_output_tokens, known.temperature, known.prefill) == (limit, sampling, prefill)
    assert known.reasoning_budget is budget
    assert known.cache_control == "anthropic"


def test_cache_hints_and_signatures_are_facts_of_the_route_not_of_the_model() -> None:
    elsewhere = profile_for("https://gateway.example/v1", "claude-sonnet-4")
    assert (elsewhere.cache_control, elsewhere.claude_signatures) == ("none", False)


def test_an_unknown_model_at_an_unknown_server_is_taken_for_modest() -> None:
    assert profile_for("http://10.0.0.7:9000/v1", "whatever") == Profile(family="whatever")


def test_every_dialect_of_the_settings_has_its_translator() -> None:
    paths = [dialect_for(name).path for name in ("openai-chat", "demo", "anthropic-messages")]
    assert paths == ["/chat/completions", "/chat/completions", "/v1/messages"]


def test_the_dialect_is_what_the_contract_says() -> None:
    dialect: Dialect = OpenAIChatDialect()
    assert dialect.path == "/chat/completions"


@pytest.mark.parametrize(
    "where", [{"flags": {"cache_contol": "none"}}, {"at": {"openai": {"cache_contol": "none"}}}]
)
def test_a_misspelt_flag_is_named(where: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="odd has no flag 'cache_contol'"):
        list(read_entries([{"name": "odd", "match": ["*"], **where}]))
