"""The rules of policy P3 as the engine holds them, and rules from texts, for tests of URLs."""

from __future__ import annotations

from proxy.permissions.values import Decision, Policy, PolicyName, Rule

_P3: dict[Decision, tuple[str, ...]] = {
    "allow": ("domain:docs.example.com", "domain:*.docs.example.net", "domain:example.org"),
    "deny": ("domain:blocked.example", "domain:*.blocked.example"),
}


def fetch_rule(
    effect: Decision, spec: str | None, *, tool: str = "WebFetch", is_exception: bool = False
) -> Rule:
    text = tool if spec is None else f"{tool}({spec})"
    return Rule(effect, text, tool, spec, is_exception=is_exception)


def fetch_policy(*rules: Rule, name: PolicyName = "strict") -> Policy:
    return Policy(name, rules)


def p3(name: PolicyName = "strict") -> Policy:
    rules = (fetch_rule(effect, spec) for effect in ("deny", "allow") for spec in _P3[effect])
    return fetch_policy(*rules, name=name)
