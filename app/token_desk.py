"""The desk's part about money: tokens of clients, what was spent, and how the budgets stand."""

from __future__ import annotations

from datetime import date

from pydantic import SecretStr

from app.client_tokens import TokenRefusal, create_edits, revoke_edits
from app.configuration import Configuration
from app.provider_desk import DeskRefusal
from app.settings_edit import Edit
from gui.desk import Problem
from gui.spending import BudgetView, SpendingView, TokenDraft, TokenView
from proxy.routing.budgets import BudgetState
from proxy.service.ledger import Spending
from proxy.store.ledger_values import DayTotal

_NEARLY = 80
"""Percent of a budget from which the window says so."""


class TokenDesk:
    """Answers about tokens from memory, and turns changes into edits."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def views(self, spending: Spending | None) -> tuple[TokenView, ...]:
        """Returns the tokens in file order, with what each spent as far as that is known."""
        used = {} if spending is None else {each.token: each for each in spending.by_token}
        found: list[TokenView] = []
        for name, token in self._configuration.settings.tokens.items():
            total = used.get(name)
            view = TokenView(
                name=name,
                prefix=token.prefix,
                created=token.created,
                aliases=token.aliases,
                day_usd=token.budgets.day_usd,
                month_usd=token.budgets.month_usd,
                last_used=total.day if total else None,
                month_cost_usd=_known_usd(total) if total else 0.0,
                workspace=token.workspace,
            )
            found.append(view)
        return tuple(found)

    def create_edits(self, draft: TokenDraft, today: date) -> tuple[SecretStr, list[Edit]]:
        """Returns a new token and the edits that make it known.

        Raises:
            DeskRefusal: It cannot be made.
        """
        try:
            token, edits = create_edits(draft, self._configuration.settings, today)
        except TokenRefusal as exc:
            raise DeskRefusal(str(exc)) from exc
        return SecretStr(token), edits

    def revoke_edits(self, name: str) -> list[Edit]:
        """Returns the edits that make a token worthless.

        Raises:
            DeskRefusal: There is none of that name.
        """
        try:
            return revoke_edits(name, self._configuration.settings)
        except TokenRefusal as exc:
            raise DeskRefusal(str(exc)) from exc


def spending_view(spending: Spending | None) -> SpendingView | None:
    """Returns what was spent as the window shows it."""
    if spending is None:
        return None
    today = spending.today
    return SpendingView(
        requests=today.requests,
        input_tokens=today.input_tokens + today.cache_read_tokens + today.cache_write_tokens,
        output_tokens=today.output_tokens,
        cost_usd=_known_usd(today),
        is_estimate=today.estimated_micro_usd > 0,
        unpriced_usd=today.unknown_micro_usd / 1e6,
        month_cost_usd=_known_usd(spending.month),
        budgets=tuple(_budget(each) for each in spending.budgets),
    )


def budget_problems(spending: Spending | None) -> tuple[Problem, ...]:
    """Returns what to tell of budgets that are nearly or wholly used up."""
    return () if spending is None else tuple(filter(None, map(_problem, spending.budgets)))


def _problem(standing: BudgetState) -> Problem | None:
    view = _budget(standing)
    used = standing.spent_micro_usd * 100 // max(1, standing.limit.micro_usd)
    if used < _NEARLY:
        return None
    period = "daily" if view.period == "day" else "monthly"
    resets = f"It begins anew on {standing.resets_on.isoformat()}"
    if used >= 100:
        text = f"Requests under it are refused. {resets}; raise it in the settings to go on before."
        return Problem(f"The {period} budget for {view.name} is used up", text, "home")
    text = f"When it is used up, requests under it are refused. {resets}."
    return Problem(f"{_NEARLY} % or more of the {period} budget for {view.name} is used", text, "home")


def _known_usd(total: DayTotal) -> float:
    return (total.micro_usd - total.unknown_micro_usd) / 1e6


def _budget(standing: BudgetState) -> BudgetView:
    kind, name = standing.limit.scope
    return BudgetView(
        name="everything" if kind == "all" else f"{kind} {name}",
        period=standing.limit.period,
        limit_usd=standing.limit.micro_usd / 1e6,
        spent_usd=standing.spent_micro_usd / 1e6,
        reserved_usd=standing.reserved_micro_usd / 1e6,
        resets_on=standing.resets_on.isoformat(),
        is_used_up=standing.is_used_up,
    )
