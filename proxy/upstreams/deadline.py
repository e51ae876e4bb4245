"""Ends what takes too long, without a task of its own where Python can: one for each request is dear."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")

if sys.version_info >= (3, 11):

    async def within(seconds: float, work: Awaitable[T]) -> T:
        """Returns what the work returns.

        Raises:
            TimeoutError: It took longer; it was cancelled.
        """
        async with asyncio.timeout(seconds):
            return await work

else:

    async def within(seconds: float, work: Awaitable[T]) -> T:
        """Returns what the work returns.

        Raises:
            asyncio.TimeoutError: It took longer; it was cancelled.
        """
        return await asyncio.wait_for(work, seconds)
