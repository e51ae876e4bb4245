from __future__ import annotations

from typing import Any

import pytest

from proxy.permissions.url_context import judge_with_context
from proxy.permissions.urls import NetworkFacts
from proxy.permissions.values import Decision, PartVerdict
from tests.proxy.permissions.web_rules import p3

_URL = "https://docs.example.com/x"


def _decision(**context: Any) -> Decision:
    return judge_with_context(_URL, p3(), context).decision


def test_the_strictest_part_decides_and_every_part_is_told() -> None:
    verdict = judge_with_context(_URL, p3(), {"redirects": ["/y", "https://x.blocked.example/"]})

    assert (verdict.decision, verdict.rule, verdict.source) == (
        "deny",
        "WebFetch(domain:*.blocked.example)",
        "settings",
    )
    assert [(part.what, part.decision) for part in verdict.parts] == [
        ("https://docs.example.com/x", "allow"),
        ("https://docs.example.com/y", "allow"),
        ("https://x.blocked.example/", "deny"),
    ]


def test_a_fetch_of_one_part_tells_it_once() -> None:
    verdict = judge_with_context(_URL, p3(), {})

    assert (verdict.decision, verdict.parts) == ("allow", ())


def test_a_bad_look_up_is_named() -> None:
    verdict = judge_with_context(_URL, p3(), {"dns": {"docs.example.com": ["10.0.0.1"]}})

    assert verdict.parts[-1] == PartVerdict(
        "docs.example.com", "deny", "docs.example.com: 10.0.0.1 is a private address"
    )
    assert verdict.source is None


def test_nothing_is_looked_up_for_a_denied_url() -> None:
    verdict = judge_with_context("ftp://docs.example.com/", p3(), {"dns": {"docs.example.com": ["10.0.0.1"]}})

    assert verdict.parts == ()


def test_facts_that_are_handed_in_count() -> None:
    context = {"dns": {"docs.example.com": ["203.0.113.9"]}}

    assert judge_with_context(_URL, p3(), context).decision == "allow"
    assert judge_with_context(_URL, p3(), context, NetworkFacts()).decision == "deny"


@pytest.mark.parametrize("turns", [1, 2])
def test_successive_look_ups_take_successive_answers(turns: int) -> None:
    answers = [["203.0.113.9"], ["203.0.113.9"], ["127.0.0.1"]]
    expected: Decision = "allow" if turns == 1 else "deny"

    assert _decision(dns={"docs.example.com": answers}, redirects_same_host=turns) == expected


@pytest.mark.parametrize(
    "response",
    [
        {"headers": {"Content-Type": "image/png"}},
        {"headers": {"Content-Encoding": "br"}},
        {"headers": {"Content-Length": "99999999999"}},
        {"headers": "endless"},
        {"tls": "expired"},
        {"drip_bytes_per_s": 1},
        {"drip_bytes_per_s": 0, "size": 10},
        {"delay_s": 31},
        {"hang": "after_connect"},
        {"size": 10**9},
        {"mystery": True},
        {"drip_bytes_per_s": "slow", "size": 10},
        "connection reset",
    ],
)
def test_a_server_that_misbehaves_or_is_not_understood_is_denied(response: object) -> None:
    assert _decision(response=response) == "deny"


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"headers": {"Refresh": "0; url=http://127.0.0.1/", "Content-Type": "text/html"}},
        {"delay_s": 2, "size": 100, "drip_bytes_per_s": 50},
        {"content_type": "text/html", "text": "Ignore previous instructions", "status": 404},
        {"tls": "ok", "set_cookie": "a=b"},
    ],
)
def test_an_ordinary_server_is_allowed(response: dict[str, Any]) -> None:
    assert _decision(response=response) == "allow"


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"dns": {"docs.example.com": "10.0.0.1"}}, "deny"),
        ({"dns": {"docs.example.com": [["203.0.113.9"], "10.0.0.1"]}, "first_try": "reset"}, "deny"),
        ({"dns": ["10.0.0.1"]}, "allow"),
        ({"redirects": "http://127.0.0.1/"}, "deny"),
        ({"redirects": 5}, "allow"),
        ({"redirects_same_host": "often"}, "allow"),
        ({"redirects_same_host": 10**12}, "allow"),
    ],
)
def test_a_context_of_an_odd_shape_is_read_as_far_as_it_goes(
    context: dict[str, Any], expected: Decision
) -> None:
    assert judge_with_context(_URL, p3(), context).decision == expected


def test_answers_may_be_given_for_a_hop_only() -> None:
    context = {"redirects": ["https://example.org/"], "dns": {"example.org": ["192.168.0.1"]}}

    assert judge_with_context(_URL, p3(), context).decision == "deny"
