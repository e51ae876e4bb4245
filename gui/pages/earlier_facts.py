"""What the ledger says of a request, in words: its attempts and why each was made, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator

from gui import wording
from gui.models.requests import RequestRow
from gui.widgets.facts import Fact
from proxy.store.ledger_values import AttemptRow
from proxy.store.ledger_values import RequestRow as LedgerRow

_SAID_BY = {
    "upstream": "as the provider stated",
    "price list": "by the price list",
    "estimate": "estimated: the provider did not say what was used",
}


def earlier_ways(request: RequestRow, kept: LedgerRow) -> Iterator[Fact]:
    """Yields each attempt with its reason and its end, or that they are still to be read."""
    if request.attempts is None:
        yield "Routed", "…", ""
    for each in request.attempts or ():
        alias = f"{kept.alias} → " if kept.alias else ""
        title = "Routed" if each.n == 1 else "Next attempt"
        yield title, f"{alias}{each.provider} / {each.model}\n{each.reason}\n{_end(each)}", ""
    if request.attempts == ():
        yield "Routed", "No provider was asked", ""


def cost_words(kept: LedgerRow) -> str:
    """Returns what a request cost, and who says so."""
    amount = wording.cost(kept.cost_micro_usd / 1e6)
    if kept.cost_source == "unknown":
        return f"not known: nobody told a price; {amount} counts against budgets"
    if kept.outcome == "interrupted":
        return f"{amount} at most: what was set aside for it counts as spent"
    return f"{amount}, {_SAID_BY[kept.cost_source]}"


def _end(attempt: AttemptRow) -> str:
    took = wording.seconds(attempt.duration_ms / 1000)
    return f"{attempt.outcome} after {took}"
