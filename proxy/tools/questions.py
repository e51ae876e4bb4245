"""Puts identical calls that wait at the same time to the user as one question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from proxy.permissions.approval import ApprovalAnswer, ApprovalRequest, Approver
from proxy.tasks import spawn


@dataclass(slots=True)
class _Question:
    asking: asyncio.Task[ApprovalAnswer]
    waiting: int = 0


class Questions:
    """The questions that are open now."""

    def __init__(self) -> None:
        self._open: dict[Hashable, _Question] = {}

    async def ask(
        self, key: Hashable, approver: Approver, make: Callable[[], ApprovalRequest]
    ) -> ApprovalAnswer:
        """Returns the answer to a call, from a question that is open already where one has the same key.

        The question is withdrawn when the last one that waits for it is cancelled.

        Args:
            key: Everything that must be equal for one answer to hold for both calls.
            approver: Who asks.
            make: Makes the question; called where none is open.
        """
        question = self._open.get(key)
        if question is None:
            question = _Question(spawn(approver.ask(make()), name="ask for an approval"))
            self._open[key] = question
        question.waiting += 1
        try:
            return await asyncio.shield(question.asking)
        finally:
            question.waiting -= 1
            if not question.waiting or question.asking.done():
                if self._open.get(key) is question:
                    del self._open[key]
                question.asking.cancel()
