"""Judges a call: deny rules, then ask rules, then allow rules, then the mode; every verdict says why.

The first list with a match decides; how specific a rule is does not matter. A part of a call (a sub-command,
a path, an address) is judged by the module that knows its kind; the strictest part decides.
"""

from __future__ import annotations

from dataclasses import replace

from proxy.permissions import modes, paths, shell, shell_claude_code, shell_strict, urls
from proxy.permissions.accesses import NoAccess, accesses_of
from proxy.permissions.path_names import absolute_text
from proxy.permissions.rules import kind_of, parameter_matches, rules_of
from proxy.permissions.tool_names import governs, matches_name
from proxy.permissions.values import (
    Access,
    AgentAccess,
    CommandAccess,
    Decision,
    PartVerdict,
    PathAccess,
    Place,
    Policy,
    Rule,
    ToolCall,
    UrlAccess,
    Verdict,
    strictest_part,
)
from proxy.permissions.wildcards import wildcard_match
from proxy.permissions.wording import quoted


def judge(call: ToolCall, policy: Policy, place: Place, network: urls.NetworkFacts | None = None) -> Verdict:
    """Returns what may happen with a call, and why; never raises.

    Args:
        call: The tool and its arguments.
        policy: The rules and how they are applied.
        place: Where the call is made.
        network: What must be known to judge an address: stored secrets, servers the settings name.
    """
    if call.cwd:
        place = replace(place, cwd=absolute_text(call.cwd, place.cwd, place.platform))
    verdict = _judged(call, policy, place, network or urls.NetworkFacts())
    if policy.broken is not None and verdict.decision != "deny":
        reason = f"the rules could not be read ({policy.broken}), so everything asks"
        return Verdict("ask", reason, parts=verdict.parts)
    return modes.finished(verdict, policy)


def _judged(call: ToolCall, policy: Policy, place: Place, network: urls.NetworkFacts) -> Verdict:
    """Returns the verdict before the mode's last word."""
    try:
        accesses = accesses_of(call)
    except NoAccess as exc:
        return Verdict("deny", f"{call.tool} cannot be judged: {exc}")
    denied = _rule_for_call(call, accesses, policy, "deny")
    if denied is not None:
        return _by_rule(denied, call.tool)
    parts = tuple(part for access in accesses for part in _parts(access, policy, place, network))
    worst = strictest_part(parts)
    if worst is not None and worst.decision == "deny":
        return _by_part(worst, parts)
    asked = _rule_for_call(call, accesses, policy, "ask")
    if asked is not None:
        return replace(_by_rule(asked, call.tool), parts=_several(parts))
    return _without_prohibition(call, policy, parts, _rule_for_call(call, accesses, policy, "allow"))


def _without_prohibition(
    call: ToolCall, policy: Policy, parts: tuple[PartVerdict, ...], allowed: Rule | None
) -> Verdict:
    """Returns the verdict on a call that no rule denies and no rule for the whole tool asks about."""
    firm = strictest_part(part for part in parts if not part.is_open)
    if firm is not None and firm.decision == "ask":
        return _by_part(firm, parts)
    limit = modes.limit(call, policy)
    if limit is not None:
        return replace(limit, parts=_several(parts))
    if allowed is not None:
        return replace(_by_rule(allowed, call.tool), parts=_several(parts))
    worst = strictest_part(parts)
    if worst is None:
        return modes.by_name(call, policy)
    if worst.decision == "ask" and policy.mode == "bypassPermissions":
        return Verdict("allow", modes.BYPASSED, parts=_several(parts))
    return _by_part(worst, parts)


def _rule_for_call(
    call: ToolCall, accesses: tuple[Access, ...], policy: Policy, effect: Decision
) -> Rule | None:
    """Returns the first rule of an effect that is about the tool as a whole, a parameter or an agent."""
    agents = [access.agent for access in accesses if isinstance(access, AgentAccess)]
    for rule in rules_of(policy, effect):
        kind = kind_of(rule)
        if not matches_name(rule.tool, call.tool):
            if kind == "tool" and policy.name == "strict" and governs(rule.tool, call.tool, effect):
                return rule
            continue
        if kind == "tool" or (kind == "parameter" and parameter_matches(rule, call.input)):
            return rule
        if kind == "agent" and any(wildcard_match(rule.spec or "", agent) for agent in agents):
            return rule
    return None


def _parts(
    access: Access, policy: Policy, place: Place, network: urls.NetworkFacts
) -> tuple[PartVerdict, ...]:
    if isinstance(access, PathAccess):
        return (_file(access, policy, place),)
    if isinstance(access, CommandAccess):
        return _command(access, policy, place)
    if isinstance(access, UrlAccess):
        return (_address(access, policy, network),)
    return ()  # an agent is judged by its name, with the tool


def _file(access: PathAccess, policy: Policy, place: Place) -> PartVerdict:
    return modes.within_workspace(paths.judge(access, policy, place), policy, place)


def _address(access: UrlAccess, policy: Policy, network: urls.NetworkFacts) -> PartVerdict:
    judged = urls.judge_url(access.url, policy, network)
    source = judged.rule.source if judged.rule else None
    return replace(judged.part, source=source, is_open=judged.asks_about == "host" and judged.rule is None)


def _command(access: CommandAccess, policy: Policy, place: Place) -> tuple[PartVerdict, ...]:
    line = shell.parse_line(access.command)
    judged = shell_strict.judge if policy.name == "strict" else shell_claude_code.judge
    verdict = judged(line, policy, place)
    whole = PartVerdict(access.command, verdict.decision, verdict.reason, verdict.rule, verdict.source)
    parts = (*_begun_outside(policy, place), *(verdict.parts or (whole,)))
    return tuple(modes.within_workspace(part, policy, place) for part in parts)


def _begun_outside(policy: Policy, place: Place) -> tuple[PartVerdict, ...]:
    """Returns the objection to a folder that a call names to begin in."""
    if place.workspace is None or place.cwd == place.workspace.root:
        return ()
    part = paths.judge(PathAccess(place.cwd, "list"), policy, place, from_shell=True)
    return (
        ()
        if part.decision == "allow"
        else (replace(part, reason=f"it would begin in {part.what}: {part.reason}"),)
    )


def _by_rule(rule: Rule, tool: str) -> Verdict:
    return Verdict(rule.effect, f"{rule.effect} rule {rule.text} matches {tool}", rule.text, rule.source)


def _by_part(part: PartVerdict, parts: tuple[PartVerdict, ...]) -> Verdict:
    reason = part.reason if part.what in part.reason else f"{quoted(part.what)}: {part.reason}"
    return Verdict(part.decision, reason, part.rule, part.source, _several(parts))


def _several(parts: tuple[PartVerdict, ...]) -> tuple[PartVerdict, ...]:
    return parts if len(parts) > 1 else ()
