"""Waits that somebody may cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from proxy.mcp.surroundings import Sleep
from proxy.mcp.values import McpProblem
from proxy.tasks import spawn

T = TypeVar("T")


async def until(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Returns what work returns; None where it was stopped before, and then the work is cancelled.

    Raises:
        McpProblem: The work's own.
    """
    task = spawn(_caught(work), name="work for an MCP server")
    stopped = spawn(stop.wait(), name="wait for an MCP server to be stopped")
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            return None
        result = task.result()
    finally:
        stopped.cancel()
        task.cancel()
    if isinstance(result, McpProblem):
        raise result
    return result


async def slept(sleep: Sleep, seconds: float) -> None:
    """Sleeps, as a coroutine that can be a task."""
    await sleep(seconds)


async def _caught(work: Coroutine[Any, Any, T]) -> T | McpProblem:
    """Returns a problem as a value: a task that raises would be logged as a fault of ours."""
    try:
        return await work
    except McpProblem as problem:
        return problem
