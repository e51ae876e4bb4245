"""Which failures are worth another try or candidate, how long to wait before it, and which one is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

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

_TOO_LONG = ("prompt is too long", "input length and `max_tokens` exceed context limit")
"""How the API begins to say it, and so our dialects, whatever words the upstream had for it."""
_WINDOW = re.compile(r"> (\d+)")
_UNPROCESSABLE = 422

_SPREAD = 0.1
"""What is added to a wait the upstream asked for, so that waiting requests do not all come back at once."""


def may_pass(error: ApiError) -> bool:
    """Says whether the same request could succeed at the same candidate a little later."""
    return isinstance(error, UpstreamError) and error.type in _MAY_PASS and error.should_retry is not False


def may_try_next(error: ApiError) -> bool:
    """Says whether another candidate could do better: not where the request is wrong for every model.

    A 422 is a server's own idea of what requests look like, and another server has another one.
    """
    return not isinstance(error, UpstreamError) or error.status != 400 or is_too_long(error)


def is_too_long(error: ApiError) -> bool:
    """Says whether the request is too large for the candidate: the next one may have a larger window."""
    if error.type is ErrorType.INVALID_REQUEST:
        return error.message.startswith(_TOO_LONG)
    return error.type is ErrorType.REQUEST_TOO_LARGE


def most_useful(errors: Sequence[ApiError]) -> ApiError:
    """Returns the error to tell when all failed: one worth a retry if there is one, else the first.

    That the request is too long is told only where all said so, and then by the largest window: clients
    compact the conversation to what they read there.
    """
    for each in errors:
        if each.status in (408, 409, 429) or each.status >= 500:
            return each
    return next((each for each in errors if not is_too_long(each)), None) or max(errors, key=_window)


def as_told(error: ApiError) -> ApiError:
    """Returns an error with a status that the API has: clients negotiate by the wording of a 400."""
    if error.status != _UNPROCESSABLE:
        return error
    return UpstreamError(
        error.type,
        error.message,
        retry_after_s=error.retry_after_s,
        should_retry=error.should_retry,
        details=error.details,
    )


def _window(error: ApiError) -> int:
    told = _WINDOW.search(error.message)
    return int(told.group(1)) if told else 0


def is_outage(error: ApiError) -> bool:
    """Says whether an error tells that the candidate is down, and not that it refuses this request."""
    return may_pass(error) and error.type not in (ErrorType.CONFLICT, ErrorType.RATE_LIMIT)


def wait_s(policy: RetryPolicy, tried: int, error: ApiError, random: Random) -> float:
    """Returns how long to wait before a candidate is tried again.

    Args:
        policy: First and longest wait.
        tried: How often it was tried, at least once.
        error: Its last failure; a wait it asks for is never shortened, nor made too long to be waited for.
        random: Between half and the whole of the back-off is waited.
    """
    backoff = min(policy.longest_wait_s, policy.first_wait_s * 2.0 ** (tried - 1)) * (0.5 + random() / 2)
    told = error.retry_after_s
    if told is None:
        return backoff
    spread = told * _SPREAD
    if told <= policy.longest_wait_s:
        spread = min(spread, policy.longest_wait_s - told)
    return max(backoff, told + spread * random())
