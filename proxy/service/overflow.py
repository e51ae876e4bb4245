"""Gives an upstream's "too long" the numbers by which clients know how much to compact.

Claude Code acts on `prompt is too long: N tokens > M maximum` and reads both numbers; many upstreams say
neither.
"""

from __future__ import annotations

import re

from proxy.messages.errors import ErrorType, UpstreamError

_TOO_LONG = "prompt is too long"
_WITH_NUMBERS = re.compile(_TOO_LONG + r": \d+ tokens > \d+ maximum")


def lacks_numbers(error: UpstreamError) -> bool:
    """Whether the error is an overflow that does not say how large prompt and window are."""
    return (
        error.type is ErrorType.INVALID_REQUEST
        and error.message.startswith(_TOO_LONG)
        and _WITH_NUMBERS.search(error.message) is None
    )


def with_numbers(error: UpstreamError, tokens: int, maximum: int) -> UpstreamError:
    """Returns the error with the numbers; a prompt that was refused counts as longer than the window."""
    return error.saying(f"{_TOO_LONG}: {max(tokens, maximum + 1)} tokens > {maximum} maximum")
