"""Which candidates are left out because they cost more than the first choice, and in which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Candidate
from proxy.messages.errors import ClientError, ErrorType, UpstreamError
from proxy.routing.aliases import Route
from proxy.routing.dearness import Dearer, Rates, dearer_of, naming_dearer, without_dearer

A, B, C = (Candidate(name, "m") for name in "abc")
HALF, OTHER_HALF = Candidate("h", "m", 1.0), Candidate("o", "m", 1.0)
CHEAP, DEAR = Rates(1, 2), Rates(3, 15)


def left(*candidates: tuple[Candidate, Rates | None]) -> tuple[tuple[Candidate, ...], str]:
    """What is left of a route through these candidates, and its reason."""
    rates = dict(candidates)
    found = without_dearer(Route("big", "big", tuple(rates), "why"), rates.__getitem__)
    return found.candidates, found.reason


def test_a_dearer_one_is_left_out_and_the_reason_says_so() -> None:
    assert left((A, CHEAP), (B, DEAR), (C, CHEAP)) == (
        (A, C),
        "why; skipped b/m: dearer ($3/$15 a million tokens; $1/$2 a million tokens)",
    )


@pytest.mark.parametrize("rates", [Rates(1.1, 0), Rates(0, 2.1), Rates(0, 0, 0.01)])
def test_each_kind_of_price_can_make_it_dearer(rates: Rates) -> None:
    assert left((A, CHEAP), (B, rates))[0] == (A,)


def test_a_price_of_each_request_is_told_with_the_others() -> None:
    assert "($0/$0 a million tokens and $0.01 a request; " in left((A, CHEAP), (B, Rates(0, 0, 0.01)))[1]


@pytest.mark.parametrize("rates", [CHEAP, Rates(0, 0), None])
def test_what_costs_no_more_or_nobody_knows_stays(rates: Rates | None) -> None:
    assert left((A, CHEAP), (B, rates)) == ((A, B), "why")


def test_nothing_is_compared_with_a_first_choice_that_nobody_prices() -> None:
    assert left((A, None), (B, DEAR)) == ((A, B), "why")
    assert left((HALF, CHEAP), (OTHER_HALF, None), (B, DEAR))[0] == (HALF, OTHER_HALF, B)


def test_those_that_share_the_first_place_are_all_the_users_choice() -> None:
    most = Rates(30, 150)
    assert left((HALF, CHEAP), (OTHER_HALF, DEAR), (B, DEAR), (C, most))[0] == (HALF, OTHER_HALF, B)


def named(*candidates: tuple[Candidate, Rates | None]) -> str:
    """What a client is told whom nobody of such a route served."""
    rates = dict(candidates)
    route = without_dearer(Route("big", "big", tuple(rates), "why"), rates.__getitem__)
    return naming_dearer(UpstreamError(ErrorType.OVERLOADED, "busy"), route).message


def test_who_was_not_asked_is_named_to_a_client_whom_nobody_served() -> None:
    most = Candidate("b", "other")
    assert named((A, CHEAP), (B, CHEAP)) == "busy"
    assert named((A, CHEAP), (B, DEAR), (most, DEAR)) == (
        "busy\n\nSignalbox did not ask b/m and b/other, which cost more than the first choice of the alias "
        "big. To have them asked in such a case, set fall_back_to_dearer: true for this alias."
    )


def test_where_no_upstream_failed_nobody_else_is_named() -> None:
    used_up = ClientError(ErrorType.RATE_LIMIT, "the budget is used up")
    assert naming_dearer(used_up, Route("big", "big", (A,), "why", dearer=(B,))) is used_up


def test_an_error_that_names_others_keeps_all_else_it_said() -> None:
    route = Route("big", "big", (A,), "why", dearer=(B,))
    refused = UpstreamError(
        ErrorType.RATE_LIMIT, "later", status=430, retry_after_s=3, should_retry=False, details={"a": 1}
    )
    told = naming_dearer(refused, route)
    assert isinstance(told, UpstreamError)
    assert (told.type, told.status, told.retry_after_s, told.should_retry, told.details) == (
        ErrorType.RATE_LIMIT, 430, 3, False, {"a": 1},
    )  # fmt: skip


def test_what_is_dearer_is_told_with_what_it_is_compared_with() -> None:
    rates = {HALF: CHEAP, OTHER_HALF: CHEAP, B: DEAR, C: CHEAP}
    assert dearer_of(tuple(rates), rates.__getitem__) == (
        Dearer(B, (HALF, OTHER_HALF), "$3/$15 a million tokens", "$1/$2 a million tokens"),
    )


RATES = st.one_of(st.none(), st.builds(Rates, *[st.integers(0, 3).map(float)] * 3))


@given(st.lists(st.tuples(st.sampled_from([None, 1.0]), RATES), min_size=1, max_size=6))
def test_the_first_choice_stays_the_order_stays_and_what_goes_is_named(
    drawn: list[tuple[float | None, Rates | None]],
) -> None:
    rates = {Candidate(str(number), "m", weight): each for number, (weight, each) in enumerate(drawn)}
    kept, reason = left(*rates.items())
    gone = [each for each in rates if each not in kept]
    assert kept[0] == next(iter(rates))
    assert [each for each in rates if each in kept] == list(kept)
    assert reason.count("skipped") == len(gone)
    for each in gone:
        assert rates[each] is not None
        assert f"skipped {each.provider}/m" in reason
