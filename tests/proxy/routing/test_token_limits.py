"""What a client's token may use."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import SecretStr

from proxy.config import Alias, Candidate, ClientToken, ProviderConfig, ProxyConfig, ServerConfig
from proxy.context import LOCAL_TOKEN, Owner
from proxy.messages.errors import ClientError, ErrorType
from proxy.routing.aliases import resolve
from proxy.routing.token_limits import (
    check_token_use,
    may_use,
    owner_of,
    resolve_for,
    visible_to,
)

CONFIG = ProxyConfig(
    ServerConfig(
        SecretStr("t"),
        client_tokens=(
            ClientToken("limited", "00", aliases=("small",)),
            ClientToken("free", "11", workspace="site"),
        ),
    ),
    {"box": ProviderConfig("box", "openai-chat", "https://box.example")},
    (
        Alias("big", ("claude-x",), (Candidate("box", "big"),)),
        Alias("small", (), (Candidate("box", "small"),)),
    ),
    "box",
)


@pytest.mark.parametrize(
    ("token", "model"),
    [(LOCAL_TOKEN, "big"), (LOCAL_TOKEN, "any/model"), ("free", "any/model"), ("limited", "small")],
)
def test_a_token_may_use_what_it_is_given(token: str, model: str) -> None:
    check_token_use(CONFIG, token, resolve(CONFIG, model))


@pytest.mark.parametrize("model", ["big", "claude-x", "any/model"])
def test_a_limited_token_is_refused_all_else_with_a_sentence_that_names_none_of_it(model: str) -> None:
    with pytest.raises(ClientError) as caught:
        check_token_use(CONFIG, "limited", resolve(CONFIG, model))
    assert caught.value.type is ErrorType.PERMISSION
    assert caught.value.message == (
        f"model: the token limited may use small only, and '{model}' leads to none of these."
    )


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


@pytest.mark.parametrize(
    ("token", "message"),
    [(LOCAL_TOKEN, "model: bigg (did you mean 'big'?)"), ("limited", "model: bigg"), ("lost", "model: bigg")],
)
def test_no_alias_is_suggested_to_a_token_that_may_not_use_it(token: str, message: str) -> None:
    with pytest.raises(ClientError) as caught:
        resolve_for(replace(CONFIG, unknown_models=None), token, "bigg")
    assert caught.value.message == message
    assert resolve_for(CONFIG, token, "big") == resolve(CONFIG, "big")


@pytest.mark.parametrize(
    ("token", "owner"),
    [
        (LOCAL_TOKEN, Owner()),
        ("limited", Owner("limited")),
        ("free", Owner("free", "site")),
        ("lost", Owner("lost")),
    ],
)
def test_a_token_asks_for_itself_and_for_its_workspace(token: str, owner: Owner) -> None:
    assert owner_of(CONFIG, token) == owner


@pytest.mark.parametrize(
    ("owner", "maker", "has"),
    [
        (Owner(), Owner(), True),
        (Owner(), Owner("ci"), False),
        (Owner("ci"), Owner("phone"), False),
        (Owner("ci", "site"), Owner("phone", "site"), True),
        (Owner("ci", "site"), Owner("ci", "shop"), False),
        (Owner("ci", "site"), Owner("phone"), False),
        (Owner("ci"), Owner("ci", "site"), False),
        (Owner("ci", "site"), Owner("ci"), True),
    ],
)
def test_what_a_token_made_is_there_for_itself_or_for_its_workspace(
    owner: Owner, maker: Owner, *, has: bool
) -> None:
    assert owner.has(maker) is has
