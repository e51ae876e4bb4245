"""What the ledger says of a request, in words: its attempts, and why each was made."""

from __future__ import annotations

from collections.abc import Iterator

from gui import wording
from gui.models.requests import RequestRow
from gui.widgets.facts import Fact
from proxy.store.ledger_values import AttemptRow
from proxy.store.ledger_values import RequestRow as LedgerRow


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


def _end(attempt: AttemptRow) -> str:
    took = wording.seconds(attempt.duration_ms / 1000)
    return f"{attempt.outcome} after {took}"
