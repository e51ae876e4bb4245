"""Leaves out candidates that cost more than the one an alias names first, unless the alias wants them too.

The rules:

1. What is listed first is what the user pays for: the first candidate, or all that share its place by weight.
2. A later one whose list price for input, output or a request is above theirs is left out.
3. A price that nobody knows is compared with nothing: that candidate stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from proxy.config import Candidate
from proxy.messages.errors import ApiError, UpstreamError
from proxy.routing.aliases import Route


@dataclass(frozen=True, slots=True)
class Rates:
    """What a model costs by its list, in US dollars."""

    input: float
    """A million tokens."""
    output: float
    request: float = 0.0


@dataclass(frozen=True, slots=True)
class Dearer:
    """A candidate that costs more than the first choice of its alias."""

    candidate: Candidate
    than: tuple[Candidate, ...]
    """The first choice: one, or all that share its place."""
    costs: str
    """What the candidate costs, in words."""
    first_costs: str


RatesOf = Callable[[Candidate], Rates | None]
"""Returns a candidate's rates; None: nobody knows them."""


def without_dearer(route: Route, rates_of: RatesOf) -> Route:
    """Returns the route without what is dearer than its first choice, and says so in its reason."""
    dearer = dearer_of(route.candidates, rates_of)
    if not dearer:
        return route
    skipped = [
        f"skipped {each.candidate.provider}/{each.candidate.model}: dearer ({each.costs}; {each.first_costs})"
        for each in dearer
    ]
    gone = {each.candidate for each in dearer}
    kept = tuple(each for each in route.candidates if each not in gone)
    reason = "; ".join([route.reason, *skipped])
    return replace(route, candidates=kept, reason=reason, dearer=tuple(each.candidate for each in dearer))


def naming_dearer(error: ApiError, route: Route) -> ApiError:
    """Returns what a client is told whom nobody served: also who was not asked, and what would allow it.

    Where it was no upstream that failed (a budget, the disk), nobody else would have done better.
    """
    if not route.dearer or not isinstance(error, UpstreamError):
        return error
    names = " and ".join(dict.fromkeys(f"{each.provider}/{each.model}" for each in route.dearer))
    costs, them = ("costs", "it") if len(route.dearer) == 1 else ("cost", "them")
    return error.saying(
        f"{error.message}\n\n"
        f"Signalbox did not ask {names}, which {costs} more than the first choice of the alias "
        f"{route.alias}. To have {them} asked in such a case, set fall_back_to_dearer: true for this alias."
    )


def dearer_of(candidates: Sequence[Candidate], rates_of: RatesOf) -> tuple[Dearer, ...]:
    """Returns the candidates that cost more than the first choice among them."""
    chosen = _first_choice(candidates)
    most = _most([rates_of(each) for each in chosen])
    if most is None:
        return ()
    rest = [(each, rates_of(each)) for each in candidates[len(chosen) :]]
    return tuple(
        Dearer(each, chosen, _words(rates), _words(most))
        for each, rates in rest
        if rates is not None and _is_dearer(rates, most)
    )


def _first_choice(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    equals = tuple(takewhile(lambda each: each.weight is not None, candidates))
    return equals or tuple(candidates[:1])


def _most(rates: Sequence[Rates | None]) -> Rates | None:
    known = [each for each in rates if each is not None]
    if len(known) < len(rates):
        return None
    return Rates(
        max(each.input for each in known),
        max(each.output for each in known),
        max(each.request for each in known),
    )


def _is_dearer(rates: Rates, than: Rates) -> bool:
    return rates.input > than.input or rates.output > than.output or rates.request > than.request


def _words(rates: Rates) -> str:
    per_request = f" and ${rates.request:g} a request" if rates.request else ""
    return f"${rates.input:g}/${rates.output:g} a million tokens{per_request}"
