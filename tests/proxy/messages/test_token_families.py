"""Which family a model's name belongs to."""

import pytest

from proxy.messages.token_families import family_of


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("claude-sonnet-4-5-20250929", "claude-4-5"),
        ("anthropic/claude-haiku-4.5", "claude-4-5"),
        ("anthropic/claude-3.7-sonnet:thinking", "claude-3"),
        ("claude-sonnet-4-20250514", "claude-3"),
        ("anthropic/claude-sonnet-4", "claude-3"),
        ("claude-opus-4-1", "claude-3"),
        ("claude-opus-4-7", "claude-4-7"),
        ("claude-opus-4-8", "claude-5"),
        ("claude-fable-5-2", "claude-5"),
        ("us.anthropic.claude-opus-4-6-v1:0", "claude-4-5"),
        ("openai/gpt-4o-mini", "gpt-4o-mini"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4.1", "gpt-4-1"),
        ("gpt-4-turbo", "gpt-4"),
        ("gpt-5.4-nano", "gpt-5"),
        ("gpt-5-mini", "gpt-5-first"),
        ("openai/gpt-oss-120b", "gpt-oss"),
        ("google/gemini-2.5-flash", "gemini"),
        ("Qwen/Qwen3-30B-A3B", "qwen"),
        ("z-ai/glm-5-turbo", "glm"),
        ("moonshotai/kimi-k2-instruct-0905", "kimi-k2"),
        ("moonshotai/kimi-k2.5", "kimi"),
        ("deepseek-ai/DeepSeek-R1", "deepseek"),
        ("magistral-medium-latest", "mistral"),
        ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "llama"),
        ("x-ai/grok-code-fast-1", "grok-code"),
        ("x-ai/grok-4", "grok"),
        ("a name nobody has heard of", "other"),
        ("", "other"),
    ],
)
def test_a_name_belongs_to_its_family_whoever_serves_it(model: str, family: str) -> None:
    assert family_of(model).name == family
