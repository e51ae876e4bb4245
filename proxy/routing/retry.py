"""Which failures are worth another try, and how long to wait before it; the random source is handed in."""

from __future__ import annotations

from collections.abc import Callable

from proxy.config import RetryPolicy
from proxy.messages.errors import ApiError, ErrorType, UpstreamError

Random = Callable[[], float]
"""Gives numbers from 0 up to, not including, 1."""

_MAY_PASS = frozenset(
    {
        ErrorType.CONFLICT,
        ErrorType.RATE_LIMIT,
        ErrorType.API,
        ErrorType.TIMEOUT,
        ErrorType.OVERLOADED,
    }
)
"""409, 429, 5xx and 529, time-outs (408), broken connections and empty answers (both are api_error)."""

_SPREAD = 0.1
"""What is added to a wait the upstream asked for, so that waiting requests do not all come back at once."""


def may_pass(error: ApiError) -> bool:
    """Says whether the same request could succeed at the same candidate a little later."""
    return isinstance(error, UpstreamError) and error.type in _MAY_PASS and error.should_retry is not False


def may_try_next(error: ApiError) -> bool:
    """Says whether another candidate could do better: not where the request is wrong for every model."""
    return not (isinstance(error, UpstreamError) and error.status in (400, 413, 422))


def is_outage(error: ApiError) -> bool:
    """Says whether an error tells that the candidate is down, and not that it refuses this request."""
    return may_pass(error) and error.type not in (ErrorType.CONFLICT, ErrorType.RATE_LIMIT)


def wait_s(policy: RetryPolicy, tried: int, error: ApiError, random: Random) -> float:
    """Returns how long to wait before a candidate is tried again.

    Args:
        policy: First and longest wait.
        tried: How often it was tried, at least once.
        error: Its last failure; a wait it asks for is never shortened.
        random: Between half and the whole of the back-off is waited.
    """
    backoff = min(policy.longest_wait_s, policy.first_wait_s * 2.0 ** (tried - 1)) * (0.5 + random() / 2)
    if error.retry_after_s is None:
        return backoff
    return max(backoff, error.retry_after_s * (1 + _SPREAD * random()))
