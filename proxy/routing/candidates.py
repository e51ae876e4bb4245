"""Puts the candidates of a request in the order in which they are tried.

The order is the list's. Neighbours with a weight are equals, among whom a weighted draw decides; of those
that weigh the same, the one with the fewest requests under way takes the drawn one's turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proxy.config import Candidate
from proxy.routing.retry import Random


def ordered(
    candidates: Sequence[Candidate], in_flight: Callable[[Candidate], int], random: Random
) -> tuple[Candidate, ...]:
    """Returns the candidates in the order in which they are tried.

    Args:
        candidates: As the alias lists them; the same one twice counts once.
        in_flight: How many requests a candidate is answering.
        random: Draws among equals.
    """
    if len(candidates) == 1:
        return tuple(candidates)
    found: list[Candidate] = []
    equals: list[Candidate] = []
    for candidate in dict.fromkeys(candidates):
        if candidate.weight is None:
            found += _drawn(equals, in_flight, random)
            equals = []
            found.append(candidate)
        else:
            equals.append(candidate)
    return (*found, *_drawn(equals, in_flight, random))


def _drawn(
    equals: Sequence[Candidate], in_flight: Callable[[Candidate], int], random: Random
) -> list[Candidate]:
    left, found = list(equals), list[Candidate]()
    while left:
        drawn = _draw(left, random)
        same = [each for each in left if each.weight == drawn.weight]
        least = min(in_flight(each) for each in same)
        if in_flight(drawn) > least:
            drawn = next(each for each in same if in_flight(each) == least)
        left.remove(drawn)
        found.append(drawn)
    return found


def _draw(left: Sequence[Candidate], random: Random) -> Candidate:
    point = random() * sum(each.weight or 0.0 for each in left)
    for each in left[:-1]:
        point -= each.weight or 0.0
        if point < 0:
            return each
    return left[-1]
