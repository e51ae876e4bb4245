from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.permissions.domains import domain_problem, matches_domain, rule_for_host
from tests.proxy.permissions.web_rules import fetch_policy, fetch_rule


@pytest.mark.parametrize(
    ("pattern", "host"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com.", "example.com"),
        ("*.example.com", "a.example.com"),
        ("*.example.com", "a.b.c.example.com"),
        ("*", "anything.example"),
        ("*", "example"),
        ("api.*.com", "api.example.com"),
        ("api-*.example.com", "api-v2.example.com"),
        ("api-*.example.com", "api-.example.com"),
        ("*docs.example.com", "mydocs.example.com"),
        ("*.api-*.example.com", "x.y.api-1.example.com"),
        ("example.*", "example.org"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("*.b\u00fccher.example", "a.xn--bcher-kva.example"),
        ("[2606:4700::1]", "2606:4700::1"),
        ("203.0.113.1", "203.0.113.1"),
    ],
)
def test_a_pattern_means_a_host(pattern: str, host: str) -> None:
    assert matches_domain(pattern, host)


@pytest.mark.parametrize(
    ("pattern", "host"),
    [
        ("example.com", "a.example.com"),
        ("example.com", "example.com.attacker.example"),
        ("example.com", "myexample.com"),
        ("*.example.com", "example.com"),
        ("*.example.com", "aexample.com"),
        ("*.example.com", "com"),
        ("api.*.com", "api.a.b.com"),
        ("api.*.com", "api.com"),
        ("api-*.example.com", "api-a.b.example.com"),
        ("example.*", "example.co.uk"),
        ("*docs.example.com", "my.docs.example.com"),
        ("", "example.com"),
        ("exa mple.com", "example.com"),
        ("*.\u00fc*.example", "a.b.example"),
        ("https://example.com/", "example.com"),
    ],
)
def test_a_pattern_does_not_mean_a_host(pattern: str, host: str) -> None:
    assert not matches_domain(pattern, host)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("https://example.com", "holds more than a host"),
        ("example.com/docs", "holds more than a host"),
        ("example.com:8080", "holds a port"),
        ("exa mple.com", "is not a host name"),
        ("2130706433", "is not a host name"),
    ],
)
def test_a_pattern_that_can_never_match_is_explained(pattern: str, problem: str) -> None:
    assert problem in (domain_problem(pattern) or "")


@pytest.mark.parametrize("pattern", ["example.com", "*.example.com", "*", "[::1]", "127.0.0.1"])
def test_a_pattern_that_can_match_has_no_problem(pattern: str) -> None:
    assert domain_problem(pattern) is None


def test_the_first_rule_of_an_effect_that_means_the_host_is_found() -> None:
    first, second = fetch_rule("allow", "domain:*.example.com"), fetch_rule("allow", "domain:a.example.com")
    policy = fetch_policy(fetch_rule("deny", "domain:a.example.com"), first, second)

    assert rule_for_host(policy, "allow", "a.example.com") is first


@pytest.mark.parametrize(
    ("tool", "spec"), [("WebFetch", None), ("WebFetch", "*"), ("Web*", None), ("*", None)]
)
def test_a_rule_for_the_whole_tool_means_every_host(tool: str, spec: str | None) -> None:
    rule = fetch_rule("deny", spec, tool=tool)

    assert rule_for_host(fetch_policy(rule), "deny", "example.com") is rule


@pytest.mark.parametrize(
    ("tool", "spec"), [("WebSearch", None), ("WebFetch", "prompt:x"), ("Read", "domain:x.y")]
)
def test_rules_about_something_else_mean_no_host(tool: str, spec: str | None) -> None:
    assert rule_for_host(fetch_policy(fetch_rule("deny", spec, tool=tool)), "deny", "x.y") is None


def test_an_exception_lifts_deny_rules_and_is_no_rule_itself() -> None:
    exception = fetch_rule("deny", "domain:ok.example.com", is_exception=True)
    policy = fetch_policy(fetch_rule("deny", "domain:*.example.com"), exception)

    assert rule_for_host(policy, "deny", "ok.example.com") is None
    assert rule_for_host(policy, "deny", "no.example.com") is policy.rules[0]


_LABEL = st.from_regex(r"[a-z][a-z0-9]{0,6}", fullmatch=True)


@given(st.lists(_LABEL, min_size=1, max_size=4), st.lists(_LABEL, min_size=2, max_size=4))
def test_a_leading_star_takes_whole_labels_only(before: list[str], name: list[str]) -> None:
    domain = ".".join(name)

    assert matches_domain(f"*.{domain}", ".".join([*before, domain]))
    assert not matches_domain(f"*.{domain}", domain)
    assert not matches_domain(f"*.{domain}", "x" + domain)
    assert not matches_domain(f"*.{domain}", f"{'.'.join([*before, domain])}.attacker.example")
