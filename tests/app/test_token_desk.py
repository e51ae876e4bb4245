"""What the desk says of budgets that come to their end."""

from __future__ import annotations

from datetime import date

from app.token_desk import budget_problems
from proxy.routing.budgets import BudgetState, Limit
from proxy.service.ledger import Spending
from proxy.store.ledger_values import DayTotal

_EMPTY = DayTotal("2026-11-22", "", None)


def _spent(*percent: int) -> Spending:
    limit = Limit(("alias", "big"), "month", 1_000_000)
    standings = tuple(BudgetState(limit, each * 10_000, 0, date(2026, 12, 1)) for each in percent)
    return Spending(_EMPTY, _EMPTY, standings)


def test_a_budget_is_a_problem_from_80_percent_on() -> None:
    found = budget_problems(_spent(79, 80, 100))
    assert [each.title for each in found] == [
        "80 % or more of the monthly budget for alias big is used",
        "The monthly budget for alias big is used up",
    ]
    assert all("2026-12-01" in each.text for each in found)


def test_nobody_is_told_anything_while_no_server_runs() -> None:
    assert budget_problems(None) == ()
