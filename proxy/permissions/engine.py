"""The engine's front: judge a call, name the tools nobody may call, suggest a rule."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.permissions.judgement import judge
from proxy.permissions.rules import rules_of
from proxy.permissions.suggestions import narrowest_rule
from proxy.permissions.tool_names import matches_name
from proxy.permissions.values import Policy

__all__ = ["judge", "narrowest_rule", "tools_denied_by_name"]


def tools_denied_by_name(policy: Policy, names: Iterable[str]) -> tuple[str, ...]:
    """Returns those tools that a deny rule forbids altogether: a model need not see them."""
    rules = [rule for rule in rules_of(policy, "deny") if rule.spec is None]
    return tuple(name for name in names if any(matches_name(rule.tool, name) for rule in rules))
