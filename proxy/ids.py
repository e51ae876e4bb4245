"""Makes ids that nobody can guess and databases like: random, after the time at which they were made."""

from __future__ import annotations

import os
import string
import time

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
"""In the order in which texts sort."""
_TO_BASE62 = bytes(ord(_BASE62[byte % 62]) for byte in range(256))
_UNEVEN = bytes(range(248, 256))
"""Bytes that would make the first letters likelier than the others."""
_TIME_CHARACTERS = 7
"""Of an id: milliseconds since the epoch, up to the year 2081."""
_RANDOM_CHARACTERS = 17
"""The rest: 101 bits."""
_made: list[str] = []


def new_id(prefix: str) -> str:
    """Returns `prefix` and 24 base-62 characters, as Anthropic's ids look (`msg_…`, `req_…`).

    They begin with the time at which they were made, roughly, as Anthropic's do: a database then adds them
    at the end of its index and need not touch all of it.
    """
    while True:
        try:
            return prefix + _made.pop()  # one step, so that no two threads get the same
        except IndexError:
            _make_ids()


def _make_ids() -> None:
    """Makes a hundred ids at once: asking the system for each costs more than the rest of an id."""
    letters = os.urandom(1900).translate(_TO_BASE62, _UNEVEN).decode("ascii")
    left, made_at = time.time_ns() // 10**6, ""
    for _ in range(_TIME_CHARACTERS):
        left, digit = divmod(left, 62)
        made_at = _BASE62[digit] + made_at
    last = len(letters) - _RANDOM_CHARACTERS
    _made.extend(
        made_at + letters[at : at + _RANDOM_CHARACTERS] for at in range(0, last + 1, _RANDOM_CHARACTERS)
    )
