"""Judges what a fetch would request: the URL, the addresses its name has, and every redirect on the way.

What makes a URL dangerous in itself refuses it whatever the rules say; then the rules on its host decide
(deny, ask, allow), and a URL whose form needs a second look is asked about even where its host is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from proxy.permissions import addresses
from proxy.permissions.domains import rule_for_host
from proxy.permissions.hosts import UrlRefusal, internal_reason
from proxy.permissions.url_secrets import find_secret
from proxy.permissions.url_syntax import Target, is_local, read_url, resolve
from proxy.permissions.values import Decision, PartVerdict, Policy, Rule

MAX_HOPS = 5
MAX_QUERY_CHARS = 1000


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What a judgement must know besides the rules."""

    secrets: tuple[str, ...] = ()
    """Stored keys and tokens: no URL may carry one."""
    local_hosts: frozenset[str] = frozenset()
    """`host` or `host:port` that the user's settings name although they are special, such as a server on this
    machine. Plain http is kept there and any address taken; the rules still decide."""
    public: tuple[addresses.Network, ...] = ()
    """Networks that count as public although the table says otherwise."""
    own_addresses: frozenset[str] = frozenset()
    """Of this machine's interfaces."""


@dataclass(frozen=True, slots=True)
class UrlVerdict:
    """The verdict on one URL with what would be requested."""

    part: PartVerdict
    target: Target | None = None
    """None: it could not be read."""
    rule: Rule | None = None
    """The rule that decided."""
    asks_about: Literal["host", "place", "query"] | None = None
    """What `ask` is about: the host, which no rule allows or one says to ask about; the place, as its port is
    odd or it is an address; or the query. Neither a rule nor a mode replaces a look at the latter two."""

    @property
    def decision(self) -> Decision:
        """The part's decision."""
        return self.part.decision


_NO_FACTS = NetworkFacts()


def judge_url(url: str, policy: Policy, facts: NetworkFacts = _NO_FACTS) -> UrlVerdict:
    """Judges a URL before anything is looked up."""
    try:
        target = read_url(url, facts.local_hosts)
    except UrlRefusal as refusal:
        return _refused(url, str(refusal))
    return _judge_target(url, target, policy, facts)


def judge_hop(
    location: str, source: Target, hop: int, policy: Policy, facts: NetworkFacts = _NO_FACTS
) -> UrlVerdict:
    """Judges a redirect like a new URL.

    Args:
        location: The `Location` header.
        source: What answered with it.
        hop: Its number, from 1.
        policy: The rules.
        facts: What else must be known.

    Returns:
        `allow`: follow; `ask`: do not, but hand the target back; `deny`: neither. Where `source` was asked
        about and allowed, another page of the same host and port needs no second question.
    """
    if hop > MAX_HOPS:
        return _refused(location, f"there were more than {MAX_HOPS} redirects")
    try:
        target = resolve(location, source, facts.local_hosts)
    except UrlRefusal as refusal:
        return _refused(location, str(refusal))
    if is_local(target, facts.local_hosts) and not is_local(source, facts.local_hosts):
        return _refused(target.url, "the redirect leads from elsewhere to a host of the user's own", target)
    verdict = _judge_target(f"{location} {target.url}", target, policy, facts)
    is_same_place = (target.scheme, target.host, target.port) == (source.scheme, source.host, source.port)
    if verdict.asks_about in {"host", "place"} and is_same_place:
        part = replace(verdict.part, decision="allow", reason="the redirect stays with the same host")
        return UrlVerdict(part, target, verdict.rule)
    return verdict


def judge_addresses(target: Target, answers: Iterable[str], facts: NetworkFacts = _NO_FACTS) -> str | None:
    """Returns why no answer of one look-up of a target's name may be connected to; None: each may."""
    if is_local(target, facts.local_hosts):
        return None
    refusal = addresses.judge_addresses(answers, public=facts.public, own=facts.own_addresses)
    return None if refusal is None else f"{target.host.shown}: {refusal}"


def _judge_target(text: str, target: Target, policy: Policy, facts: NetworkFacts) -> UrlVerdict:
    denied = _hard_refusal(text, target, facts)
    if denied is not None:
        return _refused(target.url, denied, target)
    rule = rule_for_host(policy, "deny", target.host.name)
    if rule is not None:
        return _ruled(target, rule, "deny")
    if target.query_chars > MAX_QUERY_CHARS:
        reason = f"the query is longer than {MAX_QUERY_CHARS:,} characters"
        return UrlVerdict(PartVerdict(target.url, "ask", reason), target, None, "query")
    odd = _odd_place(target, facts)
    if odd is not None:
        return UrlVerdict(PartVerdict(target.url, "ask", odd), target, None, "place")
    for effect in ("ask", "allow"):
        rule = rule_for_host(policy, effect, target.host.name)
        if rule is not None:
            return _ruled(target, rule, effect)
    unknown = PartVerdict(target.url, "ask", f"no rule is about {_name(target)}")
    return UrlVerdict(unknown, target, None, "host")


def _hard_refusal(text: str, target: Target, facts: NetworkFacts) -> str | None:
    leak = find_secret(text, facts.secrets)
    if leak is not None or is_local(target, facts.local_hosts):
        return leak
    address = target.host.address
    if address is not None:
        return addresses.judge_address(address, public=facts.public, own=facts.own_addresses)
    return internal_reason(target.host)


def _odd_place(target: Target, facts: NetworkFacts) -> str | None:
    if is_local(target, facts.local_hosts):
        return None
    if target.host.address is not None:
        return f"{target.host.shown} is an address, not a name"
    if not target.has_default_port:
        plain = ", unencrypted" if target.scheme == "http" else ""
        return f"port {target.port} is not the usual one of {target.scheme}{plain}"
    return None


def _name(target: Target) -> str:
    host = target.host
    if host.address is not None or host.shown == host.name:
        return host.shown
    return f"{host.shown} ({host.name})"


def _ruled(target: Target, rule: Rule, effect: Literal["deny", "ask", "allow"]) -> UrlVerdict:
    part = PartVerdict(target.url, effect, f"{effect} rule {rule.text} is about {_name(target)}", rule.text)
    return UrlVerdict(part, target, rule, "host" if effect == "ask" else None)


def _refused(what: str, reason: str, target: Target | None = None) -> UrlVerdict:
    return UrlVerdict(PartVerdict(what, "deny", reason), target)
