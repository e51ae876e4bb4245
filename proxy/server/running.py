"""The requests that are being answered, and what their clients are told where a stop cuts them off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import web

from proxy.messages.errors import ApiError, ErrorType
from proxy.server.call import Call

_TELL_S = 0.5
"""How long a client that hardly reads may take to be told."""
_STOPPED = "Signalbox stopped before this was answered; ask again once it runs."

Told = tuple[web.StreamResponse, int]
"""An answer and the status that it has."""


class Running:
    """One task a request."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()
        self._cut: set[asyncio.Task[object]] = set()

    def __len__(self) -> int:
        """How many requests are being answered."""
        return len(self._tasks)

    def begins(self) -> asyncio.Task[object]:
        """The task that runs answers a request from now on."""
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._tasks.add(task)
        return task

    def ends(self, task: asyncio.Task[object]) -> None:
        """It does no more."""
        self._tasks.discard(task)
        self._cut.discard(task)

    async def drain(self, timeout_s: float) -> None:
        """Waits until those that run now have ended."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout_s)

    def cut(self) -> None:
        """Ends them; whoever was ended already is left to tell its client."""
        for task in self._tasks - self._cut:
            self._cut.add(task)
            task.cancel()

    async def tell_cut(
        self, call: Call, told: Callable[[Call, ApiError], Awaitable[web.StreamResponse]]
    ) -> Told | None:
        """Tells the client that we stop, where that is why the current task was cancelled.

        Args:
            call: What it answers.
            told: Returns the answer for an error, where none has begun.

        Returns:
            The answer; None where the client left, or was told nothing that could be wrong now.
        """
        transport = call.request.transport
        is_ours = asyncio.current_task() in self._cut
        if not is_ours or call.record is None or transport is None or transport.is_closing():
            return None
        error = ApiError(ErrorType.OVERLOADED, _STOPPED, should_retry=True)
        if call.stream is None or not call.stream.has_begun:
            return await told(call, error), error.status
        if call.stream.has_ended:
            last = call.stream.finish()
        else:
            call.record.error = error
            last = call.stream.fail({**error.body(call.context.request_id)})
        try:
            response = await asyncio.wait_for(last, _TELL_S)
        except (asyncio.TimeoutError, asyncio.CancelledError, ConnectionError):
            return None
        return response, response.status
