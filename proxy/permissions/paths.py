"""Judges what may be done with a path.

The order, the first hit decides: refused as text; devices; deny rules; our own files; places the policy
closes; protected names; ask rules; hard links and names that hide what is written; allow rules; what the
policy says where no rule does. The mode `acceptEdits` is applied here; the others are the engine's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, TypeAlias

from proxy.permissions.path_names import (
    absolute_text,
    ends_in_dots_or_blanks,
    has_bidi_controls,
    lexical_refusal,
    parts_of,
    trimmed_names,
)
from proxy.permissions.path_patterns import (
    TooManyAlternatives,
    climbs_after_wildcard,
    expand_braces,
    fixed_folder,
    has_wildcard,
)
from proxy.permissions.path_rules import (
    closes_folder,
    comparison,
    folders_of,
    folds_for_inside,
    folds_for_refusal,
    is_under,
    match,
    names_of,
    real_folder,
)
from proxy.permissions.protected import OWN_FOLDER, protected_name
from proxy.permissions.values import (
    Decision,
    PartVerdict,
    PathAccess,
    PathFacts,
    Place,
    Policy,
    Rule,
    strictest,
)

__all__ = ["Operation", "judge", "judge_facts", "lexical_refusal", "match", "zone_of"]

Operation: TypeAlias = Literal["read", "write", "list", "search"]
Zone: TypeAlias = Literal["inside", "read-only", "outside"]

_MAX_GLOB_FOLDERS = 200
"""Places that the alternatives of one glob begin in; each is looked at."""
_SPECIAL = ("/proc", "/dev", "/.vol")


@dataclass(frozen=True, slots=True)
class _Case:
    """One path under judgement."""

    what: str
    facts: PathFacts
    operation: Operation
    policy: Policy
    place: Place
    zone: Zone
    from_shell: bool

    def deny(self, reason: str, rule: Rule | None = None) -> PartVerdict:
        return self._verdict("deny", reason, rule)

    def ask(self, reason: str, rule: Rule | None = None, *, is_open: bool = False) -> PartVerdict:
        return self._verdict("ask", reason, rule, is_open=is_open)

    def allow(self, reason: str, rule: Rule | None = None) -> PartVerdict:
        return self._verdict("allow", reason, rule)

    def _verdict(
        self, decision: Decision, reason: str, rule: Rule | None, *, is_open: bool = False
    ) -> PartVerdict:
        if rule is None:
            return PartVerdict(self.what, decision, reason, is_open=is_open)
        return PartVerdict(self.what, decision, reason, rule.text, rule.source)


def judge(access: PathAccess, policy: Policy, place: Place, *, from_shell: bool = False) -> PartVerdict:
    """Judges an access to a path as a tool call names it.

    Args:
        access: What is to be done; the path of a search may hold wildcards and braces.
        policy: The rules and the mode.
        place: Where; `place.look` is asked with absolute paths only.
        from_shell: The path is a word of a command: folders and files may stand for each other, and under
            `strict` what lies outside asks and what lies inside may be read without a rule.
    """
    if access.operation == "search" and has_wildcard(access.path):
        return _judge_glob(access, policy, place, from_shell=from_shell)
    if access.path == "" and access.operation in {"list", "search"}:
        return judge_facts(place.look(place.cwd), access.operation, policy, place, from_shell=from_shell)
    refusal = lexical_refusal(access.path, place.platform)
    if refusal is not None:
        return PartVerdict(access.path, "deny", refusal)
    if place.platform == "windows" and ends_in_dots_or_blanks(access.path):
        return _judge_trimmed(access, policy, place, from_shell=from_shell)
    facts = place.look(absolute_text(access.path, place.cwd, place.platform))
    return judge_facts(facts, access.operation, policy, place, what=access.path, from_shell=from_shell)


def judge_facts(
    facts: PathFacts,
    operation: Operation,
    policy: Policy,
    place: Place,
    *,
    what: str | None = None,
    from_shell: bool = False,
) -> PartVerdict:
    """Judges an access to a path that was looked at; the guard does so again with what it has opened.

    Args:
        facts: What the path is.
        operation: What is to be done.
        policy: The rules and the mode.
        place: Where.
        what: The path as people know it; None: `facts.given`.
        from_shell: See `judge`.
    """
    zone = zone_of(facts.real, policy, place)
    case = _Case(facts.given if what is None else what, facts, operation, policy, place, zone, from_shell)
    return next(verdict for step in _STEPS if (verdict := step(case)) is not None)


def zone_of(path: str, policy: Policy, place: Place) -> Zone:
    """Says whether a real path lies in the workspace or an additional folder, or where one may only read."""
    folds = folds_for_inside(place)
    if place.workspace is None:
        return "outside"
    for folder in (place.workspace.root, *policy.additional_directories):
        if is_under(path, folder, folds_case=folds) and not _is_nearer(path, folder, place, folds=folds):
            return "inside"
    if any(is_under(path, folder, folds_case=folds) for folder in _real_folders(policy, place)):
        return "inside"
    if any(is_under(path, folder, folds_case=folds) for folder in place.workspace.read_only):
        return "read-only"
    return "outside"


@lru_cache(maxsize=64)
def _real_folders(policy: Policy, place: Place) -> tuple[str, ...]:
    """Returns where additional folders really are; kept for as long as the place, as compiled rules are."""
    return tuple(real_folder(place, each) for each in policy.additional_directories)


@lru_cache(maxsize=64)
def _own_folders(place: Place) -> tuple[str, ...]:
    """Returns our own folders, as they are named and where they really are."""
    return (*place.own_paths, *(real_folder(place, each) for each in place.own_paths))


def _is_nearer(path: str, folder: str, place: Place, *, folds: bool) -> bool:
    """Says whether a read-only folder within `folder` holds the path."""
    read_only = () if place.workspace is None else place.workspace.read_only
    return any(
        is_under(path, each, folds_case=folds) and is_under(each, folder, folds_case=folds) and each != folder
        for each in read_only
    )


# Before the machine is asked ------------------------------------------------------------------


def _judge_glob(access: PathAccess, policy: Policy, place: Place, *, from_shell: bool) -> PartVerdict:
    """Judges each folder that a glob begins in, and the text itself where it names what is there."""
    text = access.path
    try:
        alternatives = expand_braces(text.replace("\\", "/") if place.platform == "windows" else text)
    except TooManyAlternatives as error:
        return PartVerdict(text, "deny", str(error))
    if any(climbs_after_wildcard(each) for each in alternatives):
        return PartVerdict(text, "deny", "`..` after a wildcard is refused")
    folders = dict.fromkeys(map(fixed_folder, alternatives))
    if len(folders) > _MAX_GLOB_FOLDERS:
        return PartVerdict(text, "deny", f"braces stand for more than {_MAX_GLOB_FOLDERS} places")
    verdicts: list[PartVerdict] = []
    for folder in folders:
        verdict = judge(PathAccess(folder, "search"), policy, place, from_shell=from_shell)
        verdicts.append(replace(verdict, what=text))
    if lexical_refusal(text, place.platform) is None:
        facts = place.look(absolute_text(text, place.cwd, place.platform))
        if facts.kind != "missing":
            verdicts.append(judge_facts(facts, "search", policy, place, what=text, from_shell=from_shell))
    decisions: list[Decision] = [each.decision for each in verdicts]
    worst = strictest(*decisions)
    return next(each for each in verdicts if each.decision == worst)


def _judge_trimmed(access: PathAccess, policy: Policy, place: Place, *, from_shell: bool) -> PartVerdict:
    """Judges a path whose names Windows would cut: refused, or as strict as the name it would become."""
    trimmed = PathAccess(trimmed_names(access.path), access.operation)
    verdict = replace(judge(trimmed, policy, place, from_shell=from_shell), what=access.path)
    if verdict.decision == "allow" or verdict.is_open:
        return PartVerdict(access.path, "deny", "Windows would cut the dots or blanks at the end of a name")
    return verdict


# The steps, in order --------------------------------------------------------------------------


def _special(case: _Case) -> PartVerdict | None:
    facts = case.facts
    if facts.kind == "other":
        return case.deny("it is no file and no folder, or it cannot be looked at")
    if case.zone == "outside" and any(is_under(name, each) for name in names_of(facts) for each in _SPECIAL):
        return case.deny("devices and the insides of processes are no files")
    return None


def _kind(case: _Case) -> PartVerdict | None:
    if case.from_shell:
        return None
    if case.facts.kind == "folder" and case.operation in {"read", "write"}:
        return case.deny("it is a folder, not a file")
    if case.facts.kind != "folder" and _ends_as_folder(case.what, case.place):
        names_file = case.facts.kind == "file" or case.operation in {"read", "write"}
        return case.deny("a file is not written with a slash at its end") if names_file else None
    return None


def _ends_as_folder(text: str, place: Place) -> bool:
    path = text.replace("\\", "/") if place.platform == "windows" else text
    return path.endswith(("/", "/."))


def _denied(case: _Case) -> PartVerdict | None:
    if _begins_with_variable(case):
        return None
    for rule in _rules(case, "deny"):
        lifted = (match(each, case.facts, case.place) for each in _exceptions(case, rule))
        if _is_about(rule, case) and not any(lifted):
            return case.deny(f"deny rule {rule.text} matches", rule)
    return None


def _begins_with_variable(case: _Case) -> bool:
    """Says whether a path to be read begins with a variable that nobody expands, and nothing is there.

    It means a file elsewhere, to which it does not lead; no rule need keep its reader from hearing so.
    """
    return case.operation != "write" and case.facts.kind == "missing" and case.what.startswith("$")


def _own(case: _Case) -> PartVerdict | None:
    folds = folds_for_refusal(case.place)
    for name in names_of(case.facts):
        if any(is_under(name, each, folds_case=folds) for each in _own_folders(case.place)):
            return case.deny("it belongs to Signalbox itself")
        if OWN_FOLDER in _compared(name, case):
            return case.deny(f"{OWN_FOLDER} belongs to Signalbox itself")
    return None


def _closed(case: _Case) -> PartVerdict | None:
    writes = case.operation == "write"
    if case.place.workspace is None:
        if case.policy.name == "strict":
            return case.deny("there is no workspace")
        return None
    if case.zone == "read-only" and writes:
        return case.deny("this folder may only be read")
    if case.zone == "outside" and not case.from_shell:
        if case.policy.name == "strict":
            return case.deny("it lies outside the workspace")
        names = names_of(case.facts)
        if writes and any(zone_of(name, case.policy, case.place) != "outside" for name in names):
            return case.deny("a link leads out of the workspace")
    return None


def _protected(case: _Case) -> PartVerdict | None:
    if case.operation != "write":
        return None
    frees_worktrees = case.policy.name == "claude-code"
    for name in names_of(case.facts):
        found = protected_name(_compared(name, case), frees_worktrees=frees_worktrees)
        if found is not None:
            return case.ask(f"{found} can change what programs do: writing it is always asked about")
    return None


def _asked(case: _Case) -> PartVerdict | None:
    for rule in _rules(case, "ask"):
        if _is_about(rule, case):
            return case.ask(f"ask rule {rule.text} matches", rule)
    return None


def _hidden(case: _Case) -> PartVerdict | None:
    if case.operation != "write":
        return None
    if case.facts.kind == "file" and case.facts.links > 1:
        return case.ask("the file has further names (hard links), perhaps outside the workspace")
    if has_bidi_controls(case.what):
        return case.ask("the name holds characters that change the direction it is shown in")
    return None


def _allowed(case: _Case) -> PartVerdict | None:
    tools = {"Edit"} if case.operation == "write" else {"Read", "Edit"}
    for rule in case.policy.rules:
        is_candidate = rule.effect == "allow" and rule.tool in tools and rule.spec is not None
        if is_candidate and match(rule, case.facts, case.place):
            return case.allow(f"allow rule {rule.text} matches", rule)
    return None


def _default(case: _Case) -> PartVerdict:
    if case.place.workspace is None:
        return case.ask("there is no workspace", is_open=False)
    if case.zone == "outside":
        return case.ask("it lies outside the workspace", is_open=True)
    if case.operation == "write":
        if case.policy.mode == "acceptEdits":
            return case.allow("it lies in the workspace, and edits are accepted")
        return case.ask("no rule says whether it may be written", is_open=True)
    if case.zone == "read-only" or case.policy.name == "claude-code" or case.from_shell:
        return case.allow("it lies in the workspace")
    return case.ask("no rule says whether it may be read", is_open=True)


_STEPS: tuple[Callable[[_Case], PartVerdict | None], ...] = (
    _special,
    _kind,
    _denied,
    _own,
    _closed,
    _protected,
    _asked,
    _hidden,
    _allowed,
    _default,
)


def _rules(case: _Case, effect: Decision) -> Iterator[Rule]:
    """Yields the rules of an effect about such an operation; what may not be read may not be written."""
    tools = {"Read"}
    if case.operation == "write":
        tools = {"Edit", "Read"} if effect == "deny" else {"Edit"}
    for rule in case.policy.rules:
        if rule.effect == effect and not rule.is_exception and rule.tool in tools and rule.spec is not None:
            yield rule


def _exceptions(case: _Case, denied_by: Rule) -> Iterator[Rule]:
    for rule in case.policy.rules:
        if rule.is_exception and rule.tool == denied_by.tool:
            yield rule


def _is_about(rule: Rule, case: _Case) -> bool:
    if match(rule, case.facts, case.place):
        return True
    lists = case.operation in {"list", "search"} and case.facts.kind != "file"
    return lists and closes_folder(rule, case.facts, case.place)


def _compared(name: str, case: _Case) -> tuple[str, ...]:
    """Returns a path's names below the workspace's folder it is in, as protected names are compared."""
    folds, drops = comparison(case.place, opens=False)
    names = parts_of(name, folds_case=folds, drops_ignorables=drops)
    for folder in (*folders_of(case.place), *case.policy.additional_directories):
        above = parts_of(folder, folds_case=folds, drops_ignorables=drops)
        if names[: len(above)] == above:
            return names[len(above) :]
    return names
