"""Judges each file a running call opens: the call as a whole was allowed, and may not reach further."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proxy.permissions import paths
from proxy.permissions.accesses import NoAccess, accesses_of
from proxy.permissions.path_names import absolute_text
from proxy.permissions.path_patterns import TooManyAlternatives, expand_braces, fixed_folder
from proxy.permissions.values import PathAccess, PathFacts, Place, Policy, ToolCall
from proxy.tools.guard_values import Judge


@dataclass(frozen=True, slots=True)
class Consented:
    """Where the paths led that a call names, when it was allowed."""

    real: frozenset[str]

    def covers(self, facts: PathFacts, *, below: bool) -> bool:
        """Tells whether a path is one of them, or lies below one."""
        if facts.real in self.real:
            return True
        return below and any(facts.real.startswith(f"{each.rstrip('/')}/") for each in self.real)


def consented_paths(call: ToolCall, place: Place) -> Consented:
    """Returns where the paths lead that a call names; looks at the disk."""
    try:
        accesses = accesses_of(call)
    except NoAccess:
        return Consented(frozenset())
    named = [each for access in accesses if isinstance(access, PathAccess) for each in _named(access)]
    looked = {absolute_text(each, place.cwd, place.platform) for each in named}
    return Consented(frozenset(place.look(each).real for each in looked))


def use_judge(policy: Callable[[], Policy], place: Place, consented: Consented) -> Judge:
    """Returns the judge of what an allowed call opens.

    What the rules allow may be opened; what they would ask about, where the call named that very path; what
    no rule speaks of, also below a folder that the call named. Rules that came after the call was allowed
    count.

    Args:
        policy: The rules in force at the moment of use.
        place: Where the call was judged.
        consented: What it named, where that led then.
    """

    def judge(facts: PathFacts, operation: paths.Operation) -> str | None:
        verdict = paths.judge_facts(facts, operation, policy(), place)
        if verdict.decision == "allow":
            return None
        if verdict.decision == "ask" and consented.covers(facts, below=verdict.is_open):
            return None
        return verdict.reason

    return judge


def _named(access: PathAccess) -> list[str]:
    if access.operation != "search":
        return [access.path]
    try:
        return [fixed_folder(each) for each in expand_braces(access.path)]
    except TooManyAlternatives:
        return []
