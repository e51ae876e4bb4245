"""Finds rules that do nothing, mean more than they look, or are about what Signalbox does not decide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from proxy.permissions.command_patterns import PREFIX, command_matches, read_pattern
from proxy.permissions.domains import domain_problem
from proxy.permissions.risky_programs import NEVER_AUTOMATIC, PARSED, runs_code
from proxy.permissions.rules import DOMAIN, RAW_PARAMETERS, RuleProblem, kind_of
from proxy.permissions.tool_names import (
    EDIT_TOOLS,
    FILE_TOOLS,
    KNOWN_TOOLS,
    OUT_OF_SCOPE,
    is_mcp,
    matches_name,
)
from proxy.permissions.values import Rule
from proxy.permissions.wildcards import literal_parts

_OPERATORS = re.compile(r"&&|\|\||[;|&\n]")
_ASSIGNMENT = re.compile(r"(?:[A-Za-z_]\w*=\S* )+")
_SYSTEM_FOLDERS = re.compile(
    r"/(?:bin|boot|dev|etc|home|lib|media|mnt|opt|private|proc|root|run|sbin|srv|sys|tmp|usr|var|Users|"
    r"Library|Volumes|Applications|[A-Za-z])(?:/|$)"
)


def problems_of(rules: Sequence[Rule]) -> tuple[RuleProblem, ...]:
    """Returns what people should know of these rules, in their order; at most one problem a rule."""
    found = (problem_of(rule) or _shadow(rule, rules) for rule in rules)
    return tuple(problem for problem in found if problem is not None)


def problem_of(rule: Rule) -> RuleProblem | None:
    """Returns what people should know of a rule by itself."""
    return next(_problems(rule), None)


def _problems(rule: Rule) -> Iterator[RuleProblem]:
    yield from _tool_problems(rule)
    kind = kind_of(rule)
    if kind == "inert":
        yield _inert(rule)
    elif kind == "command":
        yield from _command_problems(rule, rule.spec or "")
    elif kind == "path":
        yield from _path_problems(rule, rule.spec or "")
    elif kind == "domain":
        wrong = domain_problem((rule.spec or "")[len(DOMAIN) :])
        if wrong is not None:
            yield _problem(rule, f"{rule.text} does nothing: the domain {wrong}.", None)
    elif kind == "tool" and rule.effect == "allow" and rule.tool == "Bash":
        yield _problem(rule, f"{rule.text} allows every command, whatever it does.", None, is_broad=True)


def _tool_problems(rule: Rule) -> Iterator[RuleProblem]:
    if rule.tool in OUT_OF_SCOPE:
        what = OUT_OF_SCOPE[rule.tool]
        text = f"{rule.text} is about {what}: that is decided by the client, not by Signalbox."
        yield RuleProblem(rule.text, text, None, "scope", rule.effect)
    elif not is_mcp(rule.tool) and not any(matches_name(rule.tool, known) for known in KNOWN_TOOLS):
        near = get_close_matches(rule.tool, sorted(KNOWN_TOOLS | {"Task"}), n=1, cutoff=0.75)
        folded = {name.casefold(): name for name in KNOWN_TOOLS}.get(rule.tool.casefold())
        name = folded or (near[0] if near else None)
        fix = None if name is None else name if rule.spec is None else f"{name}({rule.spec})"
        text = f'Permission {rule.effect} rule "{rule.text}" matches no known tool — check for typos.'
        yield _problem(rule, text, fix)


def _inert(rule: Rule) -> RuleProblem:
    spec = rule.spec or ""
    name, _, value = spec.partition(":")
    start = f'Permission {rule.effect} rule "{rule.text}"'
    if name in RAW_PARAMETERS and value:
        fix = _without_parameter(rule.tool, name, value)
        text = f"{start} compares {name} as a raw string and will not match — use {fix} instead."
        return _problem(rule, text, fix)
    if rule.tool in FILE_TOOLS:
        family = "Edit" if rule.tool in EDIT_TOOLS else "Read"
        text = (
            f"{rule.text} is not matched by file permission checks — only {family}(path) rules are. "
            f"Use {family}({spec}) instead."
        )
        return _problem(rule, text, f"{family}({spec})")
    if rule.tool == "Monitor":
        return _problem(
            rule, f"{rule.text} does nothing — use Bash({spec}), which covers Monitor.", f"Bash({spec})"
        )
    if rule.tool == "WebFetch":
        fix = _domain_rule(spec)
        return _problem(rule, f"{rule.text} does nothing: WebFetch takes domain:host — use {fix}.", fix)
    if rule.effect == "allow" and value:
        text = f"{rule.text} does nothing: only deny and ask rules can be about a parameter."
        return _problem(rule, text, None)
    return _problem(rule, f"{rule.text} does nothing: {rule.tool} takes nothing in brackets.", rule.tool)


def _without_parameter(tool: str, name: str, value: str) -> str:
    if name == "url":
        return _domain_rule(value)
    if name == "command":
        return f"Bash({value.strip()})"
    return f"{'Edit' if tool in EDIT_TOOLS else 'Read'}({value.strip()})"


def _domain_rule(text: str) -> str:
    host = re.sub(r"^[a-z*]+://", "", text.strip(), flags=re.IGNORECASE).partition("/")[0].partition(":")[0]
    return f"WebFetch({DOMAIN}{host})" if host.strip("*") else "WebFetch"


def _command_problems(rule: Rule, spec: str) -> Iterator[RuleProblem]:
    pattern = read_pattern(spec)
    before_end = spec.rstrip().removesuffix(PREFIX)
    if PREFIX in before_end:
        fix = f"Bash({before_end.replace(PREFIX, ' *')}{spec[len(before_end) :]})"
        text = f"{rule.text} will not match: ':*' stands for any arguments only at the end — use {fix}."
        yield _problem(rule, text, fix)
    if _OPERATORS.search(spec):
        text = (
            f"{rule.text} does nothing: rules are compared with each command of a line, never with several."
        )
        yield _problem(rule, text, None)
    assigned = _ASSIGNMENT.match(spec)
    if assigned is not None:
        fix = f"Bash({spec[assigned.end() :]})"
        text = f"{rule.text} does nothing: assignments before a command are taken off first — use {fix}."
        yield _problem(rule, text, fix)
    if rule.effect == "allow":
        yield from _broad_command(rule, pattern.text, with_arguments=pattern.with_arguments)


def _broad_command(rule: Rule, text: str, *, with_arguments: bool) -> Iterator[RuleProblem]:
    parts = literal_parts(text)
    program = parts[0].partition(" ")[0]
    if program in NEVER_AUTOMATIC and (" " in parts[0] or len(parts) == 1):
        what = f"{rule.text} does nothing: what '{program}' starts cannot be checked, so it always asks."
        yield _problem(rule, what, None)
    elif not parts[0]:
        what = f"{rule.text} begins with a wildcard, so it means every program, whatever its arguments."
        yield _problem(rule, what, None, is_broad=True)
    elif len(parts) > 2 or (len(parts) == 2 and parts[1]):
        what = (
            f"{rule.text} has a wildcard before the rest of the command, so it also matches any options "
            "inserted at that position."
        )
        yield _problem(rule, what, None, is_broad=True)
    elif len(parts) == 2:
        what = f"{rule.text} also matches commands that only begin like this, such as '{parts[0]}x'."
        yield _problem(rule, what, f"Bash({parts[0].rstrip()}:*)", is_broad=True)
    elif with_arguments and program not in PARSED and runs_code(text):
        what = f"{rule.text} allows whatever '{program}' is told to run."
        yield _problem(rule, what, None, is_broad=True)


def _path_problems(rule: Rule, spec: str) -> Iterator[RuleProblem]:
    if spec.startswith("/") and not spec.startswith("//") and _SYSTEM_FOLDERS.match(spec):
        fix = f"{rule.tool}(/{spec})"
        base = rule.anchor or "the working directory"
        text = f"{rule.text} means {spec} below {base}, not the absolute path — for that use {fix}."
        yield _problem(rule, text, fix)


def _shadow(rule: Rule, rules: Sequence[Rule]) -> RuleProblem | None:
    """Returns the problem of a rule that another one always goes before."""
    if rule.is_exception:
        return None
    stronger = {"deny": (), "ask": ("deny",), "allow": ("deny", "ask")}[rule.effect]
    for other in rules:
        if other.effect in stronger and not other.is_exception and _covers(other, rule):
            text = f"{rule.text} does nothing: the {other.effect} rule {other.text} goes before it."
            return _problem(rule, text, None)
    return None


def _covers(stronger: Rule, weaker: Rule) -> bool:
    if stronger.spec is None:
        return matches_name(stronger.tool, weaker.tool) and "*" not in weaker.tool
    if (stronger.tool, stronger.spec) == (weaker.tool, weaker.spec):
        return kind_of(stronger) != "parameter"
    if kind_of(stronger) != "command" or kind_of(weaker) != "command":
        return False
    pattern = read_pattern(weaker.spec or "")
    samples = [pattern.text, f"{pattern.text} \x00"] if pattern.with_arguments else [pattern.text]
    return "*" not in pattern.text and all(command_matches(stronger.spec, each) for each in samples)


def _problem(rule: Rule, text: str, fix: str | None, *, is_broad: bool = False) -> RuleProblem:
    return RuleProblem(rule.text, text, fix, "broader" if is_broad else "nothing", rule.effect)
