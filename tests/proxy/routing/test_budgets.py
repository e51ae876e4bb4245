"""Budgets: what is let in, what is refused in which words, and how far a limit can be overrun."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from proxy.config import Alias, Budgets, ClientToken, ProxyConfig, ServerConfig
from proxy.context import LOCAL_TOKEN
from proxy.routing.budgets import (
    EVERYTHING,
    Account,
    Charge,
    Limit,
    Scope,
    Standing,
    alert_at,
    all_limits,
    limits_of,
    resets_on,
    usd,
)

TODAY = date(2026, 11, 22)
DAILY = Limit(EVERYTHING, "day", 1_000_000)
CONFIG = ProxyConfig(
    ServerConfig(
        SecretStr("x"),
        client_tokens=(
            ClientToken("ci", "00", Budgets(day_micro_usd=5)),
            ClientToken("phone", "11", Budgets(month_micro_usd=6)),
        ),
    ),
    aliases=(Alias("big", budgets=Budgets(7, 8)), Alias("small")),
    budgets=Budgets(month_micro_usd=9),
)

CHARGES = st.builds(
    Charge,
    day=st.dates(date(2026, 11, 1), date(2026, 12, 31)),
    token=st.sampled_from(["local", "ci"]),
    alias=st.sampled_from([None, "big", "small"]),
    micro_usd=st.integers(0, 10**7),
)


def test_a_request_is_under_the_limits_of_everything_of_its_token_and_of_its_alias() -> None:
    assert limits_of(CONFIG, "ci", "big") == (
        Limit(EVERYTHING, "month", 9),
        Limit(("token", "ci"), "day", 5),
        Limit(("alias", "big"), "day", 7),
        Limit(("alias", "big"), "month", 8),
    )
    assert limits_of(CONFIG, "local", None) == (Limit(EVERYTHING, "month", 9),)
    assert limits_of(replace(CONFIG, budgets=Budgets()), "local", "small") == ()
    assert len(all_limits(CONFIG)) == 5


def test_a_limit_lets_in_until_it_is_reached_and_reservations_count() -> None:
    account = Account()
    charge = Charge(TODAY, "ci", "big", 600_000)
    account.spend(charge)
    assert account.without_room((DAILY,), TODAY) is None
    account.reserve(charge)
    standing = account.without_room((DAILY,), TODAY)
    assert standing is not None
    assert (standing.spent_micro_usd, standing.reserved_micro_usd) == (600_000, 600_000)
    account.release(charge)
    assert account.without_room((DAILY,), TODAY) is None


def test_the_next_day_and_the_next_month_begin_anew() -> None:
    account = Account()
    account.spend(Charge(TODAY, "ci", None, 2_000_000))
    monthly = replace(DAILY, period="month")
    assert account.without_room((DAILY,), TODAY) is not None
    assert account.without_room((DAILY,), TODAY + timedelta(days=1)) is None
    assert account.without_room((monthly,), TODAY + timedelta(days=8)) is not None
    assert account.without_room((monthly,), TODAY + timedelta(days=9)) is None


def test_what_other_tokens_and_aliases_spend_does_not_count() -> None:
    account = Account()
    account.spend(Charge(TODAY, "ci", "big", 100))
    assert account.without_room((Limit(("token", "phone"), "day", 1),), TODAY) is None
    named_alike = (Limit(("alias", "ci"), "day", 1), Limit(("token", "big"), "day", 1))
    assert account.without_room(named_alike, TODAY) is None
    assert account.without_room((Limit(("alias", "big"), "day", 100),), TODAY) is not None


def test_a_budget_of_nothing_lets_nothing_in() -> None:
    assert Account().without_room((replace(DAILY, micro_usd=0),), TODAY) is not None


def test_a_refusal_names_the_budget_what_is_spent_the_limit_and_when_it_begins_anew() -> None:
    account = Account()
    account.spend(Charge(TODAY, "ci", "big", 1_020_000))
    account.reserve(Charge(TODAY, "ci", "big", 1_500))
    refused = account.without_room((Limit(("token", "ci"), "day", 1_000_000),), TODAY)
    assert refused is not None
    assert refused.refusal("ci") == (
        "The daily budget of the token ci is used up: $1.02 spent and $0.0015 reserved of $1.00. It resets "
        "on 2026-11-23 at 00:00 (this machine's time); raise it in the settings of Signalbox to go on before."
    )
    assert refused.refusal(LOCAL_TOKEN) == refused.refusal("ci")
    assert refused.words == "the daily budget of the token ci is used up"
    everything = replace(refused, limit=replace(DAILY, period="month"), reserved_micro_usd=0)
    assert everything.refusal(LOCAL_TOKEN).startswith(
        "The monthly budget for everything is used up: $1.02 spent of $1.00. It resets on "
    )


@pytest.mark.parametrize("scope", [EVERYTHING, ("token", "phone"), ("alias", "ci")])
def test_a_refusal_tells_a_token_no_amounts_that_others_spent(scope: Scope) -> None:
    refused = Standing(Limit(scope, "day", 1_000_000), 1_020_000, 1_500, TODAY)
    told = refused.refusal("ci")
    assert "is used up. It resets on " in told
    assert "$" not in told


def test_a_refusal_for_reservations_says_that_the_money_is_not_gone() -> None:
    account = Account()
    account.reserve(Charge(TODAY, "ci", "big", 6_000_000))
    busy = account.without_room((DAILY,), TODAY)
    assert busy is not None
    assert not busy.is_used_up
    assert busy.refusal(LOCAL_TOKEN) == (
        "The daily budget for everything has no room beside the requests under way: $0.00 spent and $6.00 "
        "reserved of $1.00. Most of what is reserved is free again when they have ended: try again then."
    )


def test_of_two_limits_the_one_that_is_used_up_is_told() -> None:
    account = Account()
    account.spend(Charge(TODAY, "ci", "big", 500_000))
    account.reserve(Charge(TODAY, "ci", "big", 600_000))
    gone = Limit(("alias", "big"), "month", 400_000)
    refused = account.without_room((DAILY, gone), TODAY)
    assert refused is not None
    assert refused.limit == gone


@pytest.mark.parametrize(
    ("today", "day", "month"),
    [
        (date(2026, 11, 22), date(2026, 11, 23), date(2026, 12, 1)),
        (date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 1)),
        (date(2028, 1, 31), date(2028, 2, 1), date(2028, 2, 1)),
    ],
)
def test_a_period_ends_where_the_calendar_says(today: date, day: date, month: date) -> None:
    assert (resets_on("day", today), resets_on("month", today)) == (day, month)


@pytest.mark.parametrize(
    ("micro_usd", "shown"),
    [(0, "$0.00"), (10_000, "$0.01"), (1_500, "$0.0015"), (1_234_567_890, "$1,234.57")],
)
def test_an_amount_is_shown_in_cents_where_cents_say_enough(micro_usd: int, shown: str) -> None:
    assert usd(micro_usd) == shown


def test_what_nobody_asks_for_any_more_is_forgotten() -> None:
    account = Account()
    account.spend(Charge(date(2026, 10, 31), "ci", "big", 5))
    account.spend(Charge(date(2026, 11, 1), "ci", "big", 7))
    account.forget_before(TODAY)
    monthly = Limit(EVERYTHING, "month", 10)
    assert account.standing(monthly, TODAY).spent_micro_usd == 7
    assert account.standing(monthly, date(2026, 10, 31)).spent_micro_usd == 0
    assert account.standing(DAILY, date(2026, 11, 1)).spent_micro_usd == 0


@given(
    limit=st.integers(0, 3_000_000),
    requests=st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1), st.booleans()), max_size=40),
)
def test_a_limit_is_overrun_by_less_than_one_reservation(
    limit: int, requests: list[tuple[int, float, bool]]
) -> None:
    """Requests come in any order, end in any order, and cost at most what was reserved."""
    account, under_way = Account(), list[tuple[Charge, int]]()
    largest = spent = 0
    limits = (replace(DAILY, micro_usd=limit),)
    for most, share, ends_now in requests:
        if account.without_room(limits, TODAY) is None:
            charge = Charge(TODAY, "ci", None, most)
            account.reserve(charge)
            under_way.append((charge, int(most * share)))
            largest = max(largest, most)
        if ends_now and under_way:
            charge, cost = under_way.pop()
            account.release(charge)
            account.spend(replace(charge, micro_usd=cost))
            spent += cost
        committed = spent + sum(charge.micro_usd for charge, _ in under_way)
        assert committed < limit + largest or committed == 0
        standing = account.standing(limits[0], TODAY)
        assert standing.spent_micro_usd + standing.reserved_micro_usd == committed


@given(st.lists(CHARGES, max_size=30))
def test_every_scope_and_period_is_the_sum_of_its_charges(charges: list[Charge]) -> None:
    account = Account()
    for each in charges:
        account.spend(each)
    today = date(2026, 12, 1)
    standing = account.standing(Limit(("token", "ci"), "month", 1), today)
    assert standing.spent_micro_usd == sum(
        each.micro_usd for each in charges if each.token == "ci" and each.day.month == 12
    )
    standing = account.standing(Limit(("alias", "big"), "day", 1), today)
    assert standing.spent_micro_usd == sum(
        each.micro_usd for each in charges if each.alias == "big" and each.day == today
    )
    assert account.standing(DAILY, today).reserved_micro_usd == 0


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0, 499_999, None),
        (0, 500_000, 50),
        (500_000, 799_999, None),
        (0, 900_000, 80),
        (800_000, 1_000_000, 100),
        (1_000_000, 2_000_000, None),
    ],
)
def test_each_step_of_a_budget_is_told_once_and_only_the_highest(
    before: int, after: int, expected: int | None
) -> None:
    assert alert_at(DAILY, before, after) == expected


def test_a_budget_of_nothing_is_no_news() -> None:
    assert alert_at(Limit(EVERYTHING, "day", 0), 0, 5) is None
