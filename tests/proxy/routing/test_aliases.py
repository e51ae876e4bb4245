"""Turning a model name into candidates."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from proxy.config import Alias, Candidate, ProviderConfig, ProxyConfig, ServerConfig
from proxy.messages.errors import ClientError, ErrorType
from proxy.routing.aliases import DEMO_PROVIDER, resolve

SONNET = Candidate("router", "anthropic/claude-sonnet-4")
HAIKU = Candidate("router", "anthropic/claude-3.7-sonnet")
ALIASES = (
    Alias("big", ("claude-*opus*", "claude-*sonnet*"), (SONNET, Candidate("local", "qwen"))),
    Alias("small", ("claude-*haiku*", "claude-*"), (HAIKU,)),
    Alias("lost", (), (Candidate("gone", "x"),)),
)


def config(unknown: str | None = None, *, has_providers: bool = True) -> ProxyConfig:
    router = ProviderConfig("router", "openai-chat", "https://router.example/v1")
    return ProxyConfig(
        ServerConfig(SecretStr("t")), {"router": router} if has_providers else {}, ALIASES, unknown
    )


def test_an_exact_alias_wins_and_candidates_without_a_provider_are_left_out() -> None:
    route = resolve(config(), "big")
    assert (route.alias, route.candidates) == ("big", (SONNET,))
    assert route.reason == "'big' is the alias big"


def test_the_first_match_in_file_order_wins_and_the_reason_names_it() -> None:
    route = resolve(config(), "claude-sonnet-5-5")
    assert (route.alias, route.reason) == (
        "big",
        "'claude-sonnet-5-5' matches claude-*sonnet* of the alias big",
    )
    assert resolve(config(), "claude-haiku-4-5").alias == "small"
    assert resolve(config(), "claude-next").alias == "small"


def test_an_unknown_name_goes_as_it_is_where_the_settings_say_so() -> None:
    route = resolve(config("router"), "openai/gpt-5-mini")
    assert (route.alias, route.candidates) == (None, (Candidate("router", "openai/gpt-5-mini"),))


def test_a_leading_openrouter_is_understood() -> None:
    assert resolve(config("router"), "openrouter/a/b").candidates == (Candidate("router", "a/b"),)
    assert resolve(config("router"), "openrouter/auto").candidates == (
        Candidate("router", "openrouter/auto"),
    )


def test_an_unknown_name_is_a_404_with_the_near_miss() -> None:
    with pytest.raises(ClientError, match=r"model: bgi \(did you mean 'big'\?\)") as caught:
        resolve(config(), "bgi")
    assert caught.value.type is ErrorType.NOT_FOUND
    with pytest.raises(ClientError, match=r"^model: zzzz$"):
        resolve(config(), "zzzz")


def test_an_alias_whose_providers_are_all_unknown_is_a_404_that_names_them() -> None:
    with pytest.raises(ClientError, match="it names: gone"):
        resolve(config("router"), "lost")


def test_an_alias_is_also_served_under_the_name_that_claude_code_lists() -> None:
    route = resolve(config(), "claude-big")
    assert (route.alias, route.reason) == ("big", "'claude-big' is the alias big as clients list it")


@pytest.mark.parametrize(
    "name", ["a\nb", "\x1b[2Jbig", "\u202egib", "big\0", "../../admin", "a/../b", "x" * 257]
)
def test_what_cannot_be_a_models_name_is_a_400(name: str) -> None:
    for unknown in (None, "router"):
        with pytest.raises(ClientError, match="not a possible name") as caught:
            resolve(config(unknown), name)
        assert caught.value.status == 400


def test_without_any_provider_the_demo_answers_to_every_name() -> None:
    assert resolve(config(has_providers=False), "anything").candidates == (Candidate(DEMO_PROVIDER, "demo"),)
