"""Which failures are tried again, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import RetryPolicy
from proxy.messages.errors import ApiError, ClientError, ErrorType, UpstreamError
from proxy.routing.retry import is_outage, may_pass, may_try_next, wait_s

POLICY = RetryPolicy(first_wait_s=1.0, longest_wait_s=8.0)
PASSING = {
    ErrorType.CONFLICT,
    ErrorType.RATE_LIMIT,
    ErrorType.API,
    ErrorType.TIMEOUT,
    ErrorType.OVERLOADED,
}
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
    wrong = kind in {ErrorType.INVALID_REQUEST, ErrorType.REQUEST_TOO_LARGE}
    assert may_try_next(UpstreamError(kind, "x")) is not wrong
    assert may_try_next(ClientError(kind, "this dialect cannot do it"))


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
