"""Reads the rules of a configuration into the policy under which tool calls are judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

from proxy.config import PermissionConfig, RuleSource
from proxy.permissions.rules import Origin, RuleProblem, read_rule
from proxy.permissions.values import Decision, Policy, Rule


@dataclass(frozen=True, slots=True)
class ReadPolicy:
    """A policy, and what of the rules behind it could not be taken."""

    policy: Policy
    problems: tuple[RuleProblem, ...] = ()
    no_bypass_in: frozenset[str | None] = frozenset()
    """Workspaces where the mode bypassPermissions must not be used; None: in none at all."""


def policy_of(config: PermissionConfig) -> ReadPolicy:
    """Returns the policy of a configuration.

    A deny or ask rule that cannot be read makes the whole policy `broken`, so that everything asks: what it
    was to forbid is unknown. An allow rule that cannot be read is left out.
    """
    rules: list[Rule] = []
    problems: list[RuleProblem] = []
    broken = [] if config.broken is None else [config.broken]
    for source in config.sources:
        for effect, text, is_exception in _written(source):
            origin = Origin(source.name, source.anchor)
            found = read_rule(effect, text, origin, is_exception=is_exception)
            if isinstance(found, Rule):
                rules.append(replace(found, workspace=source.workspace))
                continue
            problems.append(found)
            if effect != "allow" and not is_exception:
                broken.append(f'the {effect} rule "{text}" of {source.name} cannot be read')
    policy = Policy(
        config.policy,
        tuple(rules),
        config.mode,
        config.additional_directories,
        config.builtin_read_only,
        "; ".join(broken) or None,
    )
    no_bypass_in = frozenset(source.workspace for source in config.sources if source.forbids_bypass)
    return ReadPolicy(policy, tuple(problems), no_bypass_in)


def _written(source: RuleSource) -> list[tuple[Decision, str, bool]]:
    return [
        *(("deny", text, False) for text in source.deny),
        *(("deny", text, True) for text in source.deny_except),
        *(("ask", text, False) for text in source.ask),
        *(("allow", text, False) for text in source.allow),
    ]
