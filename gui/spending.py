"""What the window is told of money: what was spent, how budgets stand, clients' tokens, dearer models."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DearerView:
    """A candidate that costs more than the first choice of its alias."""

    candidate: str
    """As the table of aliases names it."""
    than: str
    """The first choice likewise; all that share its place."""
    costs: str
    """In words: `$15/$75 a million tokens`."""
    first_costs: str


@dataclass(frozen=True, slots=True)
class PricesChanged:
    """A provider's list of models was read: what is dearer can be another matter now; ask `dearer()`."""


@dataclass(frozen=True, slots=True)
class BudgetView:
    """A budget and how it stands."""

    name: str
    """What it is for, in words: `everything`, `alias big`, `token phone`."""
    period: str
    """`day` or `month`."""
    limit_usd: float
    spent_usd: float
    reserved_usd: float
    """Of requests under way, at most."""
    resets_on: str
    """The day on which it begins anew, such as 2026-12-01."""
    is_used_up: bool


@dataclass(frozen=True, slots=True)
class SpendingView:
    """What today and this month cost."""

    requests: int
    """This and the next three are today's."""
    input_tokens: int
    """Those from and for caches included."""
    output_tokens: int
    cost_usd: float
    """Without requests whose price nobody knows."""
    is_estimate: bool
    """A part of it comes from guessed tokens."""
    unpriced_usd: float
    """What today's requests of unknown price count against budgets with."""
    month_cost_usd: float
    """As `cost_usd`."""
    budgets: tuple[BudgetView, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenView:
    """A client's token; never the token itself."""

    name: str
    prefix: str
    """Its first characters."""
    created: str
    aliases: tuple[str, ...]
    """The only ones it may use; empty: all models."""
    day_usd: float | None = None
    month_usd: float | None = None
    last_used: str | None = None
    """The last day of this month on which it was used."""
    month_cost_usd: float = 0.0
    workspace: str | None = None
    """Where its requests work; None: in the default workspace."""


@dataclass(frozen=True, slots=True)
class TokenDraft:
    """What the user typed to make a token."""

    name: str
    day_usd: float | None = None
    month_usd: float | None = None
    aliases: tuple[str, ...] = ()
    workspace: str | None = None
    """Where its requests work; None: in the default workspace."""
