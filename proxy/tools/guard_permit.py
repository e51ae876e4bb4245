"""Judges again, right before a file is used, what was judged when the tool was called."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from proxy.permissions.path_rules import is_under
from proxy.permissions.paths import Operation, judge_facts
from proxy.permissions.values import PathFacts, Place, Policy
from proxy.tools.guard_values import Judge


@dataclass(slots=True, eq=False)
class Lookout:
    """Remembers what the engine saw of the paths of a call while it judged it."""

    look: Callable[[str], PathFacts]
    seen: list[PathFacts] = field(default_factory=list[PathFacts])

    def __call__(self, path: str) -> PathFacts:
        """Looks, and remembers; for `Place.look`."""
        facts = self.look(path)
        self.seen.append(facts)
        return facts

    @classmethod
    def at(cls, place: Place) -> tuple[Place, Lookout]:
        """Returns the place with eyes that remember."""
        lookout = cls(place.look)
        eyes = place.look_for_rules or place.look
        return replace(place, look=lookout, look_for_rules=eyes), lookout


def permit(policy: Policy, place: Place, seen: Iterable[PathFacts]) -> Judge:
    """Returns the judge of a call that was allowed, by whatever means.

    What the rules allow is allowed. What only asks was answered for the call: it is allowed if it is one of
    the paths that were seen then and still leads to the same place, or lies in a folder that was seen, where
    nothing but a missing rule asks. What the rules deny stays denied.

    Args:
        policy: The rules now.
        place: Where the call runs.
        seen: What the paths of the call were when it was judged.
    """
    answered = tuple(seen)

    def judge(facts: PathFacts, operation: Operation) -> str | None:
        verdict = judge_facts(facts, operation, policy, place)
        if verdict.decision == "allow":
            return None
        if verdict.decision == "ask":
            if any(_is_same(facts, each) for each in answered):
                return None
            if verdict.is_open and any(_is_below(facts, each) for each in answered):
                return None
        return verdict.reason

    return judge


def _is_same(facts: PathFacts, seen: PathFacts) -> bool:
    same_way = (facts.lexical, facts.real, facts.via) == (seen.lexical, seen.real, seen.via)
    return same_way and facts.links <= max(seen.links, 1)


def _is_below(facts: PathFacts, seen: PathFacts) -> bool:
    return seen.kind == "folder" and is_under(facts.real, seen.real)
