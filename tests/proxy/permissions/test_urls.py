from __future__ import annotations

from proxy.permissions.addresses import as_network
from proxy.permissions.url_syntax import read_url
from proxy.permissions.urls import MAX_HOPS, NetworkFacts, judge_addresses, judge_hop, judge_url
from proxy.permissions.values import Decision, PartVerdict
from tests.proxy.permissions.web_rules import fetch_policy, fetch_rule, p3

_SECRET = "0123456789" + "abcdefghij"
_LOCAL = NetworkFacts(local_hosts=frozenset({"localhost:8000", "127.0.0.1", "[::1]:9000"}))


def _decision(url: str, facts: NetworkFacts | None = None) -> Decision:
    return judge_url(url, p3(), facts or NetworkFacts()).decision


def test_an_allowed_host_is_allowed_by_its_rule() -> None:
    verdict = judge_url("http://docs.example.com/x", p3())

    assert verdict.part == PartVerdict(
        "https://docs.example.com/x",
        "allow",
        "allow rule WebFetch(domain:docs.example.com) is about docs.example.com",
        "WebFetch(domain:docs.example.com)",
    )
    assert (verdict.rule, verdict.asks_about) == (p3().rules[2], None)


def test_a_host_without_a_rule_is_asked_about() -> None:
    verdict = judge_url("https://other.example/", p3())

    assert verdict.part == PartVerdict("https://other.example/", "ask", "no rule is about other.example")
    assert verdict.asks_about == "host"


def test_an_international_name_is_shown_in_both_forms() -> None:
    verdict = judge_url("https://d\u043ecs.example.com/", p3())

    assert verdict.part.reason == "no rule is about d\u043ecs.example.com (xn--dcs-sed.example.com)"


def test_a_denied_host_is_denied_by_its_rule_whatever_else_is_odd() -> None:
    verdict = judge_url("https://x.blocked.example:8443/?" + "a" * 1100, p3())

    assert (verdict.decision, verdict.part.rule) == ("deny", "WebFetch(domain:*.blocked.example)")


def test_an_ask_rule_goes_before_an_allow_rule() -> None:
    policy = fetch_policy(fetch_rule("allow", None), fetch_rule("ask", "domain:example.org"))
    verdict = judge_url("https://example.org/", policy)

    assert (verdict.decision, verdict.asks_about) == ("ask", "host")
    assert judge_url("https://example.com/", policy).decision == "allow"


def test_the_form_of_a_url_is_asked_about_although_its_host_is_allowed() -> None:
    everything = fetch_policy(fetch_rule("allow", None))
    for url, reason, about in (
        ("https://example.org:8443/", "port 8443 is not the usual one of https", "place"),
        ("http://example.org:8080/", "port 8080 is not the usual one of http, unencrypted", "place"),
        ("https://8.8.8.8/", "8.8.8.8 is an address, not a name", "place"),
        ("https://example.org/?" + "a" * 1000, "the query is longer than 1,000 characters", "query"),
    ):
        verdict = judge_url(url, everything)
        assert (verdict.decision, verdict.part.reason, verdict.asks_about) == ("ask", reason, about)


def test_what_cannot_be_read_has_no_target() -> None:
    verdict = judge_url("https://a@docs.example.com/", p3())

    assert (verdict.decision, verdict.target) == ("deny", None)
    assert verdict.part.what == "https://a@docs.example.com/"


def test_a_stored_secret_is_denied_at_allowed_hosts_too() -> None:
    facts = NetworkFacts(secrets=(_SECRET,), local_hosts=frozenset({"localhost:8000"}))

    assert _decision(f"https://docs.example.com/{_SECRET}", facts) == "deny"
    assert _decision(f"http://localhost:8000/{_SECRET}", facts) == "deny"


def test_a_special_address_or_internal_name_is_denied_whatever_the_rules_say() -> None:
    everything = fetch_policy(fetch_rule("allow", None))

    assert judge_url("http://127.0.0.1/", everything).part.reason == "127.0.0.1 is a loopback address"
    assert judge_url("http://nas.local/", everything).decision == "deny"


def test_an_address_of_this_machine_is_denied() -> None:
    assert _decision("https://8.8.8.8/", NetworkFacts(own_addresses=frozenset({"8.8.8.8"}))) == "deny"


def test_hosts_the_settings_name_are_judged_by_the_rules_alone() -> None:
    policy = fetch_policy(fetch_rule("allow", "domain:localhost"), fetch_rule("deny", "domain:127.0.0.1"))

    assert judge_url("http://localhost:8000/x", policy, _LOCAL).decision == "allow"
    assert judge_url("http://localhost:8001/x", policy, _LOCAL).decision == "deny"
    assert judge_url("http://127.0.0.1/x", policy, _LOCAL).decision == "deny"
    assert judge_url("http://[::1]:9000/x", policy, _LOCAL).decision == "ask"
    assert judge_url("http://localhost:8000/?" + "a" * 1001, policy, _LOCAL).decision == "ask"


def test_all_answers_of_a_look_up_are_judged() -> None:
    target = read_url("https://docs.example.com/")

    assert judge_addresses(target, ["8.8.8.8"]) is None
    assert judge_addresses(target, ["8.8.8.8", "::1"]) == "docs.example.com: ::1 is a loopback address"
    facts = NetworkFacts(public=(as_network("10.0.0.0/8"),))
    assert judge_addresses(target, ["10.0.0.1"], facts) is None


def test_hosts_the_settings_name_may_have_any_address() -> None:
    target = read_url("http://localhost:8000/", _LOCAL.local_hosts)

    assert judge_addresses(target, ["127.0.0.1"], _LOCAL) is None


def test_a_redirect_within_an_asked_host_needs_no_second_question() -> None:
    source = read_url("https://other.example/a")
    verdict = judge_hop("/b", source, 1, p3())

    assert verdict.part == PartVerdict(
        "https://other.example/b", "allow", "the redirect stays with the same host"
    )


def test_a_redirect_to_another_host_or_port_is_asked_about() -> None:
    source = read_url("https://other.example/a")

    assert judge_hop("https://www.other.example/b", source, 1, p3()).decision == "ask"
    assert judge_hop("https://other.example:444/b", source, 1, p3()).decision == "ask"
    assert judge_hop("/b?" + "a" * 1001, source, 1, p3()).decision == "ask"


def test_a_redirect_within_an_asked_port_needs_no_second_question() -> None:
    source = read_url("https://docs.example.com:8443/a")

    assert judge_hop("/b", source, 1, p3()).decision == "allow"
    assert judge_hop("https://docs.example.com:8444/b", source, 1, p3()).decision == "ask"


def test_redirects_are_counted() -> None:
    source = read_url("https://docs.example.com/a")

    assert judge_hop("/b", source, MAX_HOPS, p3()).decision == "allow"
    verdict = judge_hop("/b", source, MAX_HOPS + 1, p3())
    assert (verdict.decision, verdict.target) == ("deny", None)


def test_a_redirect_that_cannot_be_read_is_denied() -> None:
    source = read_url("https://docs.example.com/a")

    assert judge_hop("http://docs.example.com/", source, 1, p3()).part.reason == (
        "the redirect leads from https down to http"
    )


def test_a_redirect_from_elsewhere_to_a_host_of_the_users_own_is_denied() -> None:
    everything = fetch_policy(fetch_rule("allow", None))
    facts = NetworkFacts(local_hosts=frozenset({"localhost:8000", "127.0.0.1:8000"}))
    own, other = read_url("http://localhost:8000/", facts.local_hosts), read_url("http://example.org:8080/")

    assert judge_hop("http://localhost:8000/x", other, 1, everything, facts).decision == "deny"
    assert judge_hop("http://127.0.0.1:8000/x", own, 1, everything, facts).decision == "allow"


def test_a_redirect_with_a_secret_is_denied_even_in_its_fragment() -> None:
    source = read_url("https://docs.example.com/a")

    assert judge_hop(f"/b#{_SECRET}", source, 1, p3(), NetworkFacts(secrets=(_SECRET,))).decision == "deny"
