"""What tests of the desktop's loop need besides the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

LIMIT_S = 20


def run(loop: asyncio.AbstractEventLoop, awaitable: Awaitable[T]) -> T:
    """Runs the loop until this is done, but not for ever."""
    return loop.run_until_complete(asyncio.wait_for(awaitable, LIMIT_S))


def nth_call(count: int, then: Callable[[], object]) -> Callable[[], None]:
    """Returns what does something when it is called for the nth time."""
    remaining = count

    def call() -> None:
        nonlocal remaining
        remaining -= 1
        if remaining == 0:
            then()

    return call
