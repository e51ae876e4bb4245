"""Runs the calls of one answer: side by side where they change nothing, else in their order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

from proxy.messages.message import JsonObject
from proxy.service.own_tools import ModelCall, OwnTool
from proxy.tasks import spawn

_TOO_LATE = "The time that tools may take in one request is used up."


async def run_calls(
    calls: Sequence[ModelCall], tools: Mapping[str, OwnTool], patience_s: float
) -> AsyncGenerator[tuple[ModelCall, JsonObject], None]:
    """Yields each call with its result block, in the order of the calls; cancelled calls end with it.

    Args:
        calls: The calls of one answer.
        tools: Who runs them, by name.
        patience_s: What is not done after so many seconds is given up.
    """
    now = asyncio.get_running_loop().time
    until = now() + patience_s
    for group in _groups(calls, tools):
        if now() >= until:
            for call in group:
                yield call, tools[call.name].refused(call, _TOO_LATE)
            continue
        running = [spawn(tools[call.name].run(call), name=f"run {call.name}") for call in group]
        try:
            await asyncio.wait(running, timeout=max(0.0, until - now()))
            for call, task in zip(group, running, strict=True):
                late = not task.done()
                yield call, tools[call.name].refused(call, _TOO_LATE) if late else task.result()
        finally:
            await _ended(running)


def _groups(calls: Sequence[ModelCall], tools: Mapping[str, OwnTool]) -> list[list[ModelCall]]:
    """Neighbours that may run side by side are one group; every other call is its own."""
    groups: list[list[ModelCall]] = []
    may_join = False
    for call in calls:
        is_free = tools[call.name].may_run_beside_others
        if is_free and may_join:
            groups[-1].append(call)
        else:
            groups.append([call])
        may_join = is_free
    return groups


async def _ended(running: Sequence[asyncio.Task[JsonObject]]) -> None:
    """Cancels what still runs and waits until it has ended, so that no tool outlives its request."""
    left = [task for task in running if not task.done()]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
