"""What a client's token may use."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from proxy.config import Alias, Candidate, ClientToken, ProviderConfig, ProxyConfig, ServerConfig
from proxy.context import LOCAL_TOKEN
from proxy.messages.errors import ClientError, ErrorType
from proxy.routing.aliases import resolve
from proxy.routing.token_limits import check_token_use, may_use, visible_to

CONFIG = ProxyConfig(
    ServerConfig(
        SecretStr("t"),
        client_tokens=(ClientToken("limited", "00", aliases=("small",)), ClientToken("free", "11")),
    ),
    {"box": ProviderConfig("box", "openai-chat", "https://box.example")},
    tuple(Alias(name, (), (Candidate("box", name),)) for name in ("big", "small")),
    "box",
)


@pytest.mark.parametrize(
    ("token", "model"),
    [(LOCAL_TOKEN, "big"), (LOCAL_TOKEN, "any/model"), ("free", "any/model"), ("limited", "small")],
)
def test_a_token_may_use_what_it_is_given(token: str, model: str) -> None:
    check_token_use(CONFIG, token, resolve(CONFIG, model))


@pytest.mark.parametrize(
    ("model", "leads"),
    [("big", "'big' leads to the alias big"), ("any/model", "'any/model' leads to no alias")],
)
def test_a_limited_token_is_refused_all_else_with_a_sentence(model: str, leads: str) -> None:
    with pytest.raises(ClientError, match=f"the token limited may use small only; {leads}") as caught:
        check_token_use(CONFIG, "limited", resolve(CONFIG, model))
    assert caught.value.type is ErrorType.PERMISSION


@pytest.mark.parametrize(
    ("token", "may"), [(LOCAL_TOKEN, True), ("free", True), ("limited", False), ("lost", True)]
)
def test_whether_a_token_may_take_a_route_is_known_without_a_refusal(token: str, may: bool) -> None:
    assert may_use(CONFIG, token, resolve(CONFIG, "big")) is may


def test_a_token_that_was_revoked_in_the_meantime_is_refused() -> None:
    with pytest.raises(ClientError, match="The token lost was revoked") as caught:
        check_token_use(CONFIG, "lost", resolve(CONFIG, "small"))
    assert caught.value.type is ErrorType.AUTHENTICATION


def test_lists_show_a_token_only_what_it_may_use() -> None:
    assert [alias.name for alias in visible_to(CONFIG, "limited").aliases] == ["small"]
    assert visible_to(CONFIG, "limited").unknown_models is None
    assert visible_to(CONFIG, "free") is visible_to(CONFIG, LOCAL_TOKEN) is CONFIG
