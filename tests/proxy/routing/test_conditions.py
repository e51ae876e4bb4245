"""Rules that choose the alias by what a request is like."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from proxy.config import (
    Alias,
    Candidate,
    ClientToken,
    Conditions,
    ProviderConfig,
    ProxyConfig,
    RouteRule,
    ServerConfig,
)
from proxy.messages.errors import ClientError
from proxy.messages.request import parse_request
from proxy.routing.aliases import DEMO_PROVIDER, Route, resolve
from proxy.routing.conditions import Asked, class_of, outlook, route_of

NAMES = ("big", "small", "long", "eyes")
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
WEB_SEARCH = {"type": "web_search_20250305", "name": "web_search"}
OWN_TOOL = {"name": "web_search", "input_schema": {"type": "object"}}


PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}}
WORDS = {"type": "document", "source": {"type": "content", "content": "image"}}


def document(*blocks: Any) -> Any:
    return {"type": "document", "source": {"type": "content", "content": list(blocks)}}


def config(*rules: RouteRule, has_providers: bool = True) -> ProxyConfig:
    provider = ProviderConfig("box", "openai-chat", "https://box.example")
    aliases = tuple(Alias(name, (), (Candidate("box", f"m-{name}"),)) for name in NAMES)
    return ProxyConfig(
        ServerConfig(SecretStr("t")), {"box": provider} if has_providers else {}, aliases, routes=rules
    )


def asked(tokens: int | None = 0, told: str | None = None, **body: Any) -> Asked:
    def count() -> int:
        assert tokens is not None, "nobody asked for the tokens"
        return tokens

    request = {"model": "big", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}], **body}
    return Asked(parse_request(request), told, count)


def routed(when: Conditions, request: Asked) -> Route | None:
    """The route if the rule holds; else it is the name's own."""
    route = route_of(config(RouteRule(when, "long")), request)
    return None if route == resolve(config(), request.request.model) else route


def content(*blocks: Any) -> list[Any]:
    return [{"role": "user", "content": list(blocks)}]


def test_the_first_rule_that_holds_chooses_the_alias_and_says_why() -> None:
    rules = (
        RouteRule(Conditions(has_image=True), "eyes"),
        RouteRule(Conditions(min_tokens=60_000), "long"),
        RouteRule(Conditions(min_tokens=50_000), "small"),
    )
    route = route_of(config(*rules), asked(71_240))
    assert (route.asked, route.alias, route.candidates) == ("big", "long", (Candidate("box", "m-long"),))
    assert route.reason == "rule 2 sends 'big' to long: about 71,240 tokens are at least 60,000"


def test_without_a_rule_that_holds_the_name_decides() -> None:
    assert routed(Conditions(min_tokens=60_000), asked(59_999)) is None


@pytest.mark.parametrize(
    ("when", "body"),
    [
        (Conditions(has_tools=True), {"tools": [OWN_TOOL]}),
        (Conditions(has_tools=False), {"tools": []}),
        (Conditions(has_tools=False), {}),
        (Conditions(has_web_search=True), {"tools": [OWN_TOOL, WEB_SEARCH]}),
        (Conditions(has_web_search=False), {"tools": [OWN_TOOL]}),
        (Conditions(thinking=True), {"thinking": {"type": "adaptive"}}),
        (Conditions(thinking=False), {"thinking": {"type": "disabled"}}),
        (Conditions(thinking=False), {}),
        (Conditions(has_image=True), {"messages": content(IMAGE)}),
        (
            Conditions(has_image=True),
            {
                "messages": content(
                    {"type": "tool_result", "tool_use_id": "t", "content": "words"},
                    {"type": "tool_result", "tool_use_id": "u", "content": [IMAGE]},
                )
            },
        ),
        (Conditions(has_image=True), {"messages": content(document(IMAGE))}),
        (
            Conditions(has_image=True),
            {"messages": content({"type": "tool_result", "tool_use_id": "t", "content": [document(IMAGE)]})},
        ),
        (Conditions(has_image=False), {"messages": content({"type": "text", "text": "x"})}),
        (Conditions(has_image=False), {"messages": content(document({"type": "text", "text": "x"}))}),
        (Conditions(has_image=False), {"messages": content(PDF, WORDS)}),
        (Conditions(model=("claude-*", "b?g")), {}),
        (Conditions(), {}),
    ],
)
def test_a_condition_that_holds(when: Conditions, body: Any) -> None:
    assert routed(when, asked(None, **body)) is not None


@pytest.mark.parametrize(
    ("when", "body"),
    [
        (Conditions(has_tools=True), {}),
        (Conditions(has_tools=False), {"tools": [OWN_TOOL]}),
        (Conditions(has_web_search=True), {"tools": [OWN_TOOL]}),
        (Conditions(thinking=True), {"thinking": {"type": "disabled"}}),
        (Conditions(has_image=True), {"messages": content({"type": "text", "text": "x"})}),
        (Conditions(has_image=False), {"messages": content(IMAGE)}),
        (Conditions(model=("claude-*",)), {}),
        (Conditions(request_class=("auxiliary",)), {}),
    ],
)
def test_a_condition_that_does_not_hold(when: Conditions, body: Any) -> None:
    assert routed(when, asked(None, **body)) is None


def test_all_conditions_of_a_rule_must_hold_and_all_are_named() -> None:
    when = Conditions(min_tokens=5, has_tools=True, thinking=False, model=("b*",), request_class=("main",))
    route = routed(when, asked(7, "main", tools=[OWN_TOOL]))
    assert route is not None
    assert route.reason == (
        "rule 1 sends 'big' to long: the model matches b* and the request class is main and it has tools "
        "and it has no thinking and about 7 tokens are at least 5"
    )
    assert routed(when, asked(None, "main")) is None


def test_a_rule_without_conditions_holds_for_every_request() -> None:
    route = routed(Conditions(), asked(None))
    assert route is not None
    assert route.reason.endswith("every request")


@pytest.mark.conformance("clients.routing-by-hint")
@pytest.mark.parametrize("told", ["auxiliary", " Auxiliary "])
def test_the_request_class_is_what_the_client_says(told: str) -> None:
    assert routed(Conditions(request_class=("compaction", "auxiliary")), asked(None, told)) is not None


@pytest.mark.parametrize(
    ("system", "told", "expected"),
    [
        ("x-anthropic-billing-header: cc_version=2; cc_is_subagent=true;", None, "subagent"),
        ("x-anthropic-billing-header: cc_version=2; cc_is_subagent=true;", "main", "main"),
        ("x-anthropic-billing-header: cc_version=2;", None, None),
        ("Write cc_is_subagent=true into a file.", None, None),
        ([], None, None),
    ],
)
def test_a_subagent_is_known_by_its_system_prompt_too(
    system: Any, told: str | None, expected: str | None
) -> None:
    assert class_of(asked(system=system).request, told) == expected


def test_a_name_that_cannot_be_one_is_refused_before_any_rule() -> None:
    with pytest.raises(ClientError, match="not a possible name"):
        route_of(config(RouteRule(Conditions(), "long")), asked(model="a\nb"))


def test_without_any_provider_the_demo_answers_whatever_the_rules_say() -> None:
    rules = config(RouteRule(Conditions(min_tokens=1), "long"), has_providers=False)
    assert route_of(rules, asked(None)).candidates == (Candidate(DEMO_PROVIDER, "demo"),)


flags = st.none() | st.booleans()
conditions = st.builds(
    Conditions,
    min_tokens=st.none() | st.integers(1, 10),
    has_image=flags,
    has_tools=flags,
    has_web_search=flags,
    thinking=flags,
    request_class=st.sampled_from([(), ("main",), ("auxiliary", "main")]),
    model=st.sampled_from([(), ("b*",), ("claude-*",)]),
)


def drawn(tokens: int, told: str | None, tools: Any, thinking: Any, image: bool) -> Asked:
    blocks = content(IMAGE) if image else content({"type": "text", "text": "x"})
    return asked(tokens, told, tools=tools, thinking=thinking, messages=blocks)


requests = st.builds(
    drawn,
    st.integers(0, 12),
    st.sampled_from([None, "main", "auxiliary"]),
    st.sampled_from([None, [OWN_TOOL], [WEB_SEARCH]]),
    st.sampled_from([None, {"type": "enabled", "budget_tokens": 1024}, {"type": "disabled"}]),
    st.booleans(),
)


@given(st.lists(st.builds(RouteRule, conditions, st.sampled_from(NAMES)), max_size=4), requests)
def test_a_rule_behind_the_one_that_holds_never_matters(rules: list[RouteRule], request: Asked) -> None:
    route = route_of(config(*rules), request)
    if not route.reason.startswith("rule "):
        assert all(routed(rule.when, request) is None for rule in rules)
        return
    number = int(route.reason.split()[1])
    assert route.alias == rules[number - 1].use
    assert route_of(config(*rules[:number]), request) == route
    assert all(routed(rule.when, request) is None for rule in rules[: number - 1])


def test_a_clients_token_can_choose_the_alias() -> None:
    when = Conditions(client_token=("ci", "bot"))
    named = replace(asked(), token_name="bot")
    route = routed(when, named)
    assert route is not None
    assert route.alias == "long"
    assert "the token is bot" in route.reason
    assert routed(when, asked()) is None


def test_a_rule_that_leads_to_what_a_token_may_not_use_is_none_for_it() -> None:
    rules = config(RouteRule(Conditions(), "long"), RouteRule(Conditions(), "small"))
    limited = ServerConfig(SecretStr("t"), client_tokens=(ClientToken("ci", "00", aliases=("small", "big")),))
    named = replace(asked(), token_name="ci")
    assert (
        route_of(replace(rules, server=limited), named).reason == "rule 2 sends 'big' to small: every request"
    )
    only = config(RouteRule(Conditions(), "long"))
    assert route_of(replace(only, server=limited), named) == resolve(only, "big")


def test_the_outlook_of_a_name_is_the_first_rule_that_asks_nothing_else_or_its_alias() -> None:
    rules = (RouteRule(Conditions(model=("x*",)), "eyes"), RouteRule(Conditions(model=("b*",)), "long"))
    found = outlook(config(*rules, RouteRule(Conditions(), "small")), "big")
    assert (found.route.alias, found.route.asked, found.exceptions) == ("long", "big", ())
    assert found.route.reason == "rule 2 sends 'big' to long: the model matches b*"
    every = outlook(config(RouteRule(Conditions(), "small")), "big")
    assert every.route.reason == "rule 1 sends 'big' to small: every request"
    assert outlook(config(), "big").route == resolve(config(), "big")
    assert outlook(config(*rules, has_providers=False), "big").route.candidates[0].provider == DEMO_PROVIDER


def test_the_outlook_names_the_rules_that_send_some_requests_elsewhere() -> None:
    when = Conditions(
        min_tokens=60_000, has_image=True, thinking=False, request_class=("a", "b"), client_token=("ci",)
    )
    wishes = (
        "the token is ci",
        "the request class is a or b",
        "it has no thinking",
        "it has pictures",
        "it has at least 60,000 tokens",
    )
    found = outlook(config(RouteRule(when, "long"), RouteRule(Conditions(has_tools=True), "eyes")), "big")
    assert found.route == resolve(config(), "big")
    assert found.exceptions == (
        f"rule 1 sends it to long where {' and '.join(wishes)}",
        "rule 2 sends it to eyes where it has tools",
    )
