"""Which failures are tried again, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import RetryPolicy
from proxy.messages.errors import ApiError, ClientError, ErrorType, UpstreamError
from proxy.routing.retry import as_told, is_outage, is_too_long, may_pass, may_try_next, most_useful, wait_s

POLICY = RetryPolicy(first_wait_s=1.0, longest_wait_s=8.0)
PASSING = {
    ErrorType.CONFLICT,
    ErrorType.RATE_LIMIT,
    ErrorType.API,
    ErrorType.TIMEOUT,
    ErrorType.OVERLOADED,
}
SMALL = UpstreamError(ErrorType.INVALID_REQUEST, "prompt is too long: 9000 tokens > 8000 maximum")
LARGE = UpstreamError(
    ErrorType.INVALID_REQUEST,
    "input length and `max_tokens` exceed context limit: 190000 + 21333 > 200000, decrease",
)
HUGE = UpstreamError(ErrorType.REQUEST_TOO_LARGE, "Request too large")
UNPROCESSABLE = UpstreamError(ErrorType.INVALID_REQUEST, "what is this?", status=422)
BUSY = UpstreamError(ErrorType.OVERLOADED, "busy")
FORBIDDEN = UpstreamError(ErrorType.PERMISSION, "no")
randoms = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize("kind", list(ErrorType))
def test_only_what_may_pass_is_tried_again(kind: ErrorType) -> None:
    assert may_pass(UpstreamError(kind, "x")) is (kind in PASSING)
    assert not may_pass(UpstreamError(kind, "x", should_retry=False))
    assert not may_pass(ClientError(kind, "x"))
    assert not may_pass(ApiError(kind, "an error of our own"))


@pytest.mark.parametrize("kind", list(ErrorType))
def test_a_limit_and_a_conflict_are_no_outage(kind: ErrorType) -> None:
    expected = kind in PASSING - {ErrorType.CONFLICT, ErrorType.RATE_LIMIT}
    assert is_outage(UpstreamError(kind, "x")) is expected


@pytest.mark.parametrize("kind", list(ErrorType))
def test_what_is_wrong_for_every_model_goes_to_no_other_candidate(kind: ErrorType) -> None:
    assert may_try_next(UpstreamError(kind, "x")) is (kind is not ErrorType.INVALID_REQUEST)
    assert may_try_next(ClientError(kind, "this dialect cannot do it"))


@pytest.mark.parametrize("error", [SMALL, LARGE, HUGE, UNPROCESSABLE])
def test_what_is_too_long_or_odd_for_one_candidate_goes_to_the_others(error: ApiError) -> None:
    assert may_try_next(error)
    assert is_too_long(error) is (error is not UNPROCESSABLE)


def test_the_most_useful_error_is_one_worth_a_retry_else_the_first() -> None:
    lost = ClientError(ErrorType.NOT_FOUND, "x")
    assert most_useful([FORBIDDEN, BUSY, lost]) is BUSY
    assert most_useful([FORBIDDEN, lost]) is FORBIDDEN


def test_too_long_is_told_where_all_said_so_and_by_the_largest_window() -> None:
    assert most_useful([SMALL, FORBIDDEN]) is FORBIDDEN
    assert most_useful([SMALL, BUSY]) is BUSY
    assert most_useful([HUGE, SMALL, LARGE]) is LARGE
    assert most_useful([HUGE]) is HUGE


def test_a_422_is_told_as_the_400_by_whose_wording_clients_negotiate() -> None:
    told = as_told(UNPROCESSABLE)
    assert (told.status, told.type, told.message) == (400, ErrorType.INVALID_REQUEST, "what is this?")
    assert as_told(SMALL) is SMALL


@given(tried=st.integers(1, 50), random=randoms)
def test_the_back_off_doubles_up_to_the_longest_wait_and_is_spread(tried: int, random: float) -> None:
    error = UpstreamError(ErrorType.API, "x")
    full = min(8.0, 2.0 ** (tried - 1))
    assert full / 2 <= wait_s(POLICY, tried, error, lambda: random) <= full


@given(asked=st.floats(0, 1e5), tried=st.integers(1, 9), random=randoms)
def test_a_wait_that_the_upstream_asks_for_is_never_shortened(
    asked: float, tried: int, random: float
) -> None:
    error = UpstreamError(ErrorType.RATE_LIMIT, "x", retry_after_s=asked)
    waited = wait_s(POLICY, tried, error, lambda: random)
    assert asked <= waited <= max(8.0, asked * 1.1)
