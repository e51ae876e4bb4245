"""`WebFetch(domain:...)`: which hosts a rule means, the same under both policies.

Case and one trailing dot do not count, nor does the port. `*.h` means every name below `h` at any depth, not
`h` itself; a `*` elsewhere stays within its label. Labels are compared whole, after the mapping that a URL's
host gets.
"""

from __future__ import annotations

import re

from proxy.permissions.hosts import UrlRefusal, map_name, read_host
from proxy.permissions.tool_names import matches_name
from proxy.permissions.values import Decision, Policy, Rule
from proxy.permissions.wildcards import wildcard_match

TOOL = "WebFetch"
_PREFIX = "domain:"
_STAR_LABEL = re.compile(r"[a-z0-9_*-]+")


def matches_domain(pattern: str, host: str) -> bool:
    """Tells whether a host pattern means a host.

    Args:
        pattern: What stands behind `domain:`.
        host: A canonical host, `Host.name`.
    """
    labels = _pattern_labels(pattern)
    if labels is None:
        return False
    if labels == ["*"]:
        return True
    names = host.split(".")
    if labels[0] == "*":
        return len(names) >= len(labels) and _match_labels(labels[1:], names[len(names) - len(labels) + 1 :])
    return _match_labels(labels, names)


def domain_problem(pattern: str) -> str | None:
    """Returns why a host pattern can never match, as words that follow the rule; None: it can."""
    text = pattern.strip()
    if "://" in text or "/" in text:
        return "holds more than a host: write the host only, without scheme and path"
    if not text.startswith("[") and ":" in text:
        return "holds a port: ports do not count, write the host only"
    if _pattern_labels(pattern) is None:
        return "is not a host name"
    return None


def rule_for_host(policy: Policy, effect: Decision, host: str) -> Rule | None:
    """Returns the first WebFetch rule of an effect that means a host; an exception lifts every deny rule."""
    governing = [rule for rule in policy.rules if _means(rule, host)]
    if effect == "deny" and any(rule.is_exception for rule in governing):
        return None
    return next((rule for rule in governing if rule.effect == effect and not rule.is_exception), None)


def _means(rule: Rule, host: str) -> bool:
    if not matches_name(rule.tool, TOOL):
        return False
    if rule.spec is None or rule.spec == "*":
        return True
    return rule.spec.startswith(_PREFIX) and matches_domain(rule.spec[len(_PREFIX) :], host)


def _pattern_labels(pattern: str) -> list[str] | None:
    text = pattern.strip()
    try:
        if "*" not in text:
            return read_host(text).name.split(".")
        labels = map_name(text).split(".")
        return [label if _STAR_LABEL.fullmatch(label) else read_host(label).name for label in labels]
    except UrlRefusal:
        return None


def _match_labels(patterns: list[str], names: list[str]) -> bool:
    return len(patterns) == len(names) and all(map(wildcard_match, patterns, names))
