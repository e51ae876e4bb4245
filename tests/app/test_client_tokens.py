"""Tokens of further clients: what is kept of one, which names may be used, and what the proxy is given."""

from __future__ import annotations

from datetime import date
from hashlib import sha256

import pytest
from pydantic import SecretStr

from app.client_tokens import TokenRefusal, create_edits, new_client_token, revoke_edits
from app.proxy_config import dangling_names, to_proxy_config
from app.redaction import Redactor
from app.secrets import FoundKey
from app.settings import Settings
from app.settings_document import read_settings
from app.settings_edit import edited
from app.settings_money import BudgetSettings
from app.yaml_document import SettingsError
from gui.spending import TokenDraft
from proxy.config import Budgets, ClientToken, LedgerPolicy, ListPrice

TODAY = date(2026, 11, 22)
ALIAS = b"aliases:\n  big: {candidates: [{provider: one, model: m}]}\n"
SITE = b"workspaces: {site: {root: /home/me/site}}\n"
MADE = "sbx" + "_made-up-for-this-test"


def settings(text: bytes = ALIAS) -> Settings:
    return read_settings(text).settings


def test_a_token_is_kept_as_its_hash_and_a_few_first_characters_only() -> None:
    draft = TokenDraft("my phone", 2.5, None, ("big",))
    token, edits = create_edits(draft, settings(), TODAY, make=lambda: MADE)
    content, after = edited(ALIAS, edits, read_settings)
    assert token == MADE
    assert MADE not in content.decode()
    kept = after.settings.tokens["my phone"]
    assert kept.hash == "sha256:" + sha256(MADE.encode()).hexdigest()
    assert (kept.prefix, kept.created, kept.aliases) == (MADE[:8], "2026-11-22", ("big",))
    assert kept.budgets == BudgetSettings(day_usd=2.5)
    gone, after = edited(content, revoke_edits("my phone", after.settings), read_settings)
    assert after.settings.tokens == {}
    assert b"sha256" not in gone


def test_a_token_may_be_bound_to_a_workspace() -> None:
    _token, edits = create_edits(TokenDraft("ci", workspace="site"), settings(SITE), TODAY)
    _content, after = edited(SITE, edits, read_settings)
    assert after.settings.tokens["ci"].workspace == "site"


def test_every_token_is_another_and_would_be_redacted_in_a_log() -> None:
    tokens = {new_client_token() for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(each) >= 43 for each in tokens)
    assert all(each not in Redactor().text(f"said {each} here") for each in tokens)


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        (TokenDraft("local"), "the name of the first token"),
        (TokenDraft(" x"), "begin or end with a blank"),
        (TokenDraft("ci", aliases=("bgi",)), "did you mean 'big'"),
        (TokenDraft("phone"), "revoke it first"),
        (TokenDraft("ci", workspace="sitte"), "no workspace 'sitte'; did you mean 'site'"),
        (TokenDraft("ci", workspace="elsewhere"), "no workspace 'elsewhere'$"),
    ],
)
def test_what_cannot_be_made_is_refused_in_a_sentence(draft: TokenDraft, why: str) -> None:
    known = ALIAS + f"tokens:\n  phone: {{hash: 'sha256:{'0' * 64}'}}\n".encode() + SITE
    with pytest.raises(TokenRefusal, match=why):
        create_edits(draft, settings(known), TODAY)


def test_revoking_what_is_not_there_suggests_the_near_miss() -> None:
    known = f"tokens:\n  phone: {{hash: 'sha256:{'0' * 64}'}}\n".encode()
    with pytest.raises(TokenRefusal, match="did you mean 'phone'"):
        revoke_edits("phon", settings(known))


def test_budgets_prices_and_tokens_reach_the_proxy() -> None:
    text = f"""
budgets: {{month_usd: 20}}
ledger: {{keep_days: 7, keep_rows: 500}}
providers:
  one:
    base_url: "http://127.0.0.1:1/v1"
    prices: {{input_usd: 0, output_usd: 1.5}}
    model_prices:
      gpt-5-mini: {{input_usd: 0.25, output_usd: 2, cache_read_usd: 0.025, cache_write_usd: 0.5}}
      "gpt-5*": {{input_usd: 1.25, output_usd: 10}}
aliases:
  big: {{candidates: [{{provider: one, model: m}}], budgets: {{day_usd: 0.000001}}}}
tokens:
  ci: {{hash: "sha256:{"ab" * 32}", budgets: {{day_usd: 1, month_usd: 0}}, aliases: [big]}}
routes:
  - {{when: {{client_token: ci}}, use: big}}
"""
    found = settings(text.encode())
    config = to_proxy_config(found, {"one": FoundKey(None, "none needed")}, SecretStr("t"))
    assert config.budgets == Budgets(None, 20_000_000)
    assert config.aliases[0].budgets == Budgets(1, None)
    assert config.server.client_tokens == (ClientToken("ci", "ab" * 32, Budgets(1_000_000, 0), ("big",)),)
    assert config.providers["one"].price == ListPrice(0, 1.5)
    assert config.providers["one"].model_prices == (
        ("gpt-5-mini", ListPrice(0.25, 2, 0.025, 0.5)),
        ("gpt-5*", ListPrice(1.25, 10)),
    )
    assert config.ledger == LedgerPolicy(7, 500)
    assert config.routes[0].when.client_token == ("ci",)


def token(more: str) -> str:
    return f"tokens: {{ci: {{hash: 'sha256:{'0' * 64}', {more}}}}}"


def provider(prices: str) -> str:
    return "providers: {one: {base_url: 'http://127.0.0.1:1/v1', " + prices + "}}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("budgets: {daily_usd: 5}", "no budget 'daily_usd'"),
        ("budgets: {day_usd: -1}", "greater than or equal to 0"),
        ("tokens: {ci: {hash: plain}}", "hash"),
        (f"tokens: {{local: {{hash: 'sha256:{'0' * 64}'}}}}", "the name of the first token"),
        ("tokens: {ci: {}}", "hash"),
        ("budget: {day_usd: 5}", "line 1, column 9: budget: no setting 'budget'; did you mean 'budgets'?"),
        ("aliases: {a: {candidates: [{provider: p, model: m}], Budgets: {day_usd: 1}}}", "mean 'budgets'"),
        (token("budget: {day_usd: 1}"), r"tokens\.ci\.budget: no setting 'budget'; did you mean 'budgets'"),
        (token("alias: [big]"), "did you mean 'aliases'"),
        (provider("price: {input_usd: 1, output_usd: 1}"), "did you mean 'prices'"),
        (provider("model_price: {m: {input_usd: 1, output_usd: 1}}"), "did you mean 'model_prices'"),
        ("day_usd: 5", "stand at the top of the file, in an alias or in a token"),
        (provider("budgets: {day_usd: 5}"), "no setting 'budgets' here"),
        ("prices: {input_usd: 5}", "prices and model_prices stand in a provider"),
        (provider("prices: {input_usd: 1, output_usd: 1, cache_reed_usd: 1}"), "no price 'cache_reed_usd'"),
        (provider("prices: {'gpt-5*': {input_usd: 1, output_usd: 1}}"), "stand in model_prices"),
        (provider("model_prices: {'gpt-5*': {input_usd: 1}}"), "output_usd"),
    ],
)
def test_a_limit_that_would_not_hold_is_an_error_and_not_a_notice(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        read_settings(text.encode())


def test_a_key_that_limits_nothing_by_any_reading_stays_a_notice() -> None:
    (notice,) = read_settings(b"window: {colour: red}").notices
    assert "unknown key 'window.colour'" in notice


def test_names_of_aliases_and_tokens_that_are_not_there_are_told() -> None:
    text = f"""
aliases: {{big: {{candidates: [{{provider: one, model: m}}]}}}}
tokens: {{ci: {{hash: "sha256:{"0" * 64}", aliases: [bigg, big, other]}}}}
routes:
  - {{when: {{client_token: [local, ci, cii, phone]}}, use: big}}
"""
    told = list(dangling_names(settings(text.encode())))
    assert told == [
        "the token ci is held to an alias that is not there: no alias 'bigg'; did you mean 'big'?",
        "the token ci is held to an alias that is not there: no alias 'other' is there",
        "a route to big waits for a client that cannot come: no token 'cii'; did you mean 'ci'?",
        "a route to big waits for a client that cannot come: no token 'phone' is there",
    ]
