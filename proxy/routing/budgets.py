"""Judges whether a request may still be paid for: what is spent and reserved, against the limits it is under.

The rules:

1. A request counts for its day and its month; in each for everything, for its token and for its alias.
2. It is let in while what was spent and what is reserved stay below every limit. Then the most it can cost is
   reserved at once: however many come together, a limit is overrun by at most one request's reservation.
   Where only reservations stand in its way, there is room again when the requests they belong to have ended.
3. What it really cost takes the place of the reservation when it has ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from proxy.config import Budgets, ProxyConfig
from proxy.context import LOCAL_TOKEN

Period = Literal["day", "month"]
Scope = tuple[Literal["all", "token", "alias"], str]
"""What a limit is for; the name is empty for everything together."""

EVERYTHING: Scope = ("all", "")


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount, and what it counts for."""

    day: date
    """In the user's time zone."""
    token: str
    alias: str | None
    """None: the name was passed on as it was."""
    micro_usd: int


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be spent in a period."""

    scope: Scope
    period: Period
    micro_usd: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A limit and what counts against it now."""

    limit: Limit
    spent_micro_usd: int
    reserved_micro_usd: int
    resets_on: date
    """The first day on which it begins anew."""

    @property
    def is_used_up(self) -> bool:
        """The money is gone."""
        return self.spent_micro_usd >= self.limit.micro_usd

    @property
    def has_room(self) -> bool:
        """A further request may begin."""
        return self.spent_micro_usd + self.reserved_micro_usd < self.limit.micro_usd

    @property
    def words(self) -> str:
        """Why nothing more is let in, as a part of a sentence: which budget, and what is wrong with it."""
        period = "daily" if self.limit.period == "day" else "monthly"
        wrong = "is used up" if self.is_used_up else "has no room beside the requests under way"
        return f"the {period} budget {_of(self.limit.scope)} {wrong}"

    def refusal(self, token: str) -> str:
        """Returns the sentences for the client: which budget, spent, limit, and when there is room again.

        Args:
            token: The client's. What others spend is told to the first one's alone.
        """
        reserved = f" and {usd(self.reserved_micro_usd)} reserved" if self.reserved_micro_usd else ""
        if self.is_used_up:
            again = (
                f"It resets on {self.resets_on.isoformat()} at 00:00 (this machine's time); raise it in the "
                "settings of Signalbox to go on before."
            )
        else:
            again = "Most of what is reserved is free again when they have ended: try again then."
        amounts = f": {usd(self.spent_micro_usd)} spent{reserved} of {usd(self.limit.micro_usd)}"
        is_told = token == LOCAL_TOKEN or self.limit.scope == ("token", token)
        return f"T{self.words[1:]}{amounts if is_told else ''}. {again}"


ALERTS_AT = (50, 80, 100)
"""Percent of a limit at which its owner is told."""


def alert_at(limit: Limit, before_micro_usd: int, after_micro_usd: int) -> int | None:
    """Returns the highest of `ALERTS_AT` that spending has reached with its last step; None: no new one."""
    reached = [
        percent
        for percent in ALERTS_AT
        if before_micro_usd * 100 < limit.micro_usd * percent <= after_micro_usd * 100
    ]
    return reached[-1] if reached else None


def limits_of(config: ProxyConfig, token: str, alias: str | None) -> tuple[Limit, ...]:
    """Returns every limit that a request with this token for this alias is under."""
    found = list(_limits(EVERYTHING, config.budgets))
    for each in config.server.client_tokens:
        if each.name == token:
            found += _limits(("token", token), each.budgets)
    for each in config.aliases:
        if each.name == alias:
            found += _limits(("alias", each.name), each.budgets)
    return tuple(found)


def all_limits(config: ProxyConfig) -> tuple[Limit, ...]:
    """Returns every limit there is, the one for everything first."""
    found = list(_limits(EVERYTHING, config.budgets))
    for token in config.server.client_tokens:
        found += _limits(("token", token.name), token.budgets)
    for alias in config.aliases:
        found += _limits(("alias", alias.name), alias.budgets)
    return tuple(found)


class Account:
    """What was spent and what is reserved, by scope and period. A value in motion: no clock, no disk."""

    def __init__(self) -> None:
        self._spent: Counter[tuple[Scope, str]] = Counter()
        self._reserved: Counter[tuple[Scope, str]] = Counter()

    def spend(self, charge: Charge) -> None:
        """Counts an amount as spent."""
        for key in _keys(charge):
            self._spent[key] += charge.micro_usd

    def reserve(self, charge: Charge) -> None:
        """Counts an amount as reserved."""
        for key in _keys(charge):
            self._reserved[key] += charge.micro_usd

    def release(self, charge: Charge) -> None:
        """Takes a reservation back."""
        for key in _keys(charge):
            self._reserved[key] -= charge.micro_usd
            if not self._reserved[key]:
                del self._reserved[key]

    def standing(self, limit: Limit, today: date) -> Standing:
        """Returns how a limit stands today."""
        key = (limit.scope, _period_key(limit.period, today))
        return Standing(limit, self._spent[key], self._reserved[key], resets_on(limit.period, today))

    def without_room(self, limits: tuple[Limit, ...], today: date) -> Standing | None:
        """Returns the limit that lets nothing more in, or None; of several, one that is used up."""
        standings = (self.standing(each, today) for each in limits)
        full = [each for each in standings if not each.has_room]
        return next((each for each in full if each.is_used_up), full[0]) if full else None

    def forget_before(self, day: date) -> None:
        """Drops days before this one and months before its month, for which nobody asks any more."""
        oldest = {10: day.isoformat(), 7: day.isoformat()[:7]}
        for key in [each for each in self._spent if each[1] < oldest[len(each[1])]]:
            del self._spent[key]


def resets_on(period: Period, today: date) -> date:
    """Returns the first day of the next period."""
    if period == "day":
        return today + timedelta(days=1)
    return (today.replace(day=1) + timedelta(days=32)).replace(day=1)


def usd(micro_usd: int) -> str:
    """Returns an amount for people: cents, and more digits only where cents would say nothing."""
    digits = 2 if micro_usd % 10_000 == 0 or micro_usd >= 1_000_000 else 4
    return f"${micro_usd / 1_000_000:,.{digits}f}"


def _limits(scope: Scope, budgets: Budgets) -> Iterator[Limit]:
    if budgets.day_micro_usd is not None:
        yield Limit(scope, "day", budgets.day_micro_usd)
    if budgets.month_micro_usd is not None:
        yield Limit(scope, "month", budgets.month_micro_usd)


def _keys(charge: Charge) -> tuple[tuple[Scope, str], ...]:
    return _keys_of(charge.token, charge.alias, charge.day)


@lru_cache(maxsize=64)
def _keys_of(token: str, alias: str | None, day: date) -> tuple[tuple[Scope, str], ...]:
    scopes: list[Scope] = [EVERYTHING, ("token", token)]
    if alias is not None:
        scopes.append(("alias", alias))
    periods = (_period_key("day", day), _period_key("month", day))
    return tuple((scope, period) for scope in scopes for period in periods)


def _period_key(period: Period, day: date) -> str:
    return day.isoformat() if period == "day" else day.isoformat()[:7]


def _of(scope: Scope) -> str:
    kind, name = scope
    return "for everything" if kind == "all" else f"of the {kind} {name}"
