"""Claude Code's settings files: which of their rules work here, and how rules are written back into them.

A file of a project may only tighten until the project is trusted: its deny and ask rules count, what it
allows, opens or sets does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from proxy.permissions.json_edits import CannotEdit, NotJson, with_list
from proxy.permissions.json_spans import plain, read_spans
from proxy.permissions.rule_problems import problem_of, problems_of
from proxy.permissions.rules import EFFECTS, Origin, RuleProblem, RuleSet, read_permissions
from proxy.permissions.values import Decision, Rule

__all__ = ["CannotEdit", "ClaudeFile", "FileScope", "NotJson", "RuleFinding", "read_file", "with_rules"]

FileScope = Literal["user", "project", "local"]
"""`~/.claude/settings.json`; a project's `.claude/settings.json`; its `.claude/settings.local.json`."""
RuleState = Literal["works", "broader", "nothing", "scope", "invalid", "untrusted"]


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """One rule of a file, and what becomes of it here."""

    effect: Decision
    text: str
    state: RuleState
    remark: str = ""
    """Why it does not simply work; empty where it does."""
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class ClaudeFile:
    """A settings file, read."""

    rules: RuleSet
    """What counts of it."""
    findings: tuple[RuleFinding, ...] = ()
    """Each rule, in the file's order within each list."""
    remarks: tuple[str, ...] = ()
    """What else of its permissions is not taken over."""
    error: str | None = None
    """Why nothing of it could be read; then `rules` is broken."""


def read_file(text: str, scope: FileScope, path: str, origin: Origin, *, is_trusted: bool) -> ClaudeFile:
    """Reads a settings file's permissions.

    Args:
        text: The file.
        scope: Which file it is.
        path: Where it is, for people.
        origin: `folder` is the project's root, `home` the user's; its source and anchor are set here.
        is_trusted: The user trusts the project; without meaning for the user's own file.
    """
    anchor = {"user": f"{origin.home.rstrip('/')}/.claude", "project": origin.folder, "local": ""}[scope]
    origin = replace(origin, source=path, anchor=anchor)
    try:
        data = plain(read_spans(text)) if text.strip("\ufeff \t\r\n") else dict[str, object]()
    except NotJson as exc:
        return ClaudeFile(RuleSet(broken=f"{path}: {exc}"), error=str(exc))
    if not isinstance(data, Mapping):
        return ClaudeFile(RuleSet(broken=f"{path} is no object"), error="settings are an object: { … }")
    read = read_permissions(cast("Mapping[str, object]", data).get("permissions"), origin)
    counts = scope == "user" or is_trusted
    findings = tuple(_findings(read, counts=counts))
    remarks = [problem.text for problem in read.problems if problem.effect is None]
    if not counts:
        read, refused = _tightened(read)
        remarks += refused
    return ClaudeFile(read, findings, tuple(remarks))


def with_rules(text: str, lists: Mapping[Decision, Sequence[str]]) -> str:
    """Returns a settings file's text with these rules in its lists; lists not named stay as they are.

    Rules that stay keep their place and every byte; new ones come last.

    Raises:
        NotJson: The file is no JSON.
        CannotEdit: Its layout does not allow the change.
    """
    for effect in reversed(EFFECTS):
        if effect in lists:
            text = with_list(text, ("permissions", effect), lists[effect])
    return text


def _findings(read: RuleSet, *, counts: bool) -> list[RuleFinding]:
    shadowed = {(problem.effect, problem.rule): problem for problem in problems_of(read.rules)}
    found = [_finding(rule, shadowed, counts=counts) for rule in read.rules]
    found += [
        RuleFinding(problem.effect, problem.rule, "invalid", problem.text, problem.fix)
        for problem in read.problems
        if problem.effect is not None
    ]
    return found


def _finding(
    rule: Rule, shadowed: Mapping[tuple[str | None, str], RuleProblem], *, counts: bool
) -> RuleFinding:
    if rule.effect == "allow" and not counts:
        remark = "The project is not trusted: what it allows does not count."
        return RuleFinding(rule.effect, rule.text, "untrusted", remark)
    problem = problem_of(rule) or shadowed.get((rule.effect, rule.text))
    if problem is None:
        return RuleFinding(rule.effect, rule.text, "works")
    return RuleFinding(rule.effect, rule.text, problem.kind, problem.text, problem.fix)


def _tightened(read: RuleSet) -> tuple[RuleSet, list[str]]:
    """Returns what counts of an untrusted project's rules, and what was left out."""
    refused: list[str] = []
    if read.additional_directories:
        refused.append("additionalDirectories does not count: the project is not trusted.")
    if read.mode is not None:
        refused.append("defaultMode does not count: the project is not trusted.")
    kept = tuple(rule for rule in read.rules if rule.effect != "allow" and not rule.is_exception)
    return replace(read, rules=kept, mode=None, additional_directories=()), refused
