"""The one place where background tasks are made, so that none is lost and none fails unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

T = TypeVar("T")

_log = structlog.get_logger("proxy.tasks")
_running: set[asyncio.Task[Any]] = set()


def spawn(coroutine: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
    """Starts a task, keeps it referenced until it ends, and logs the exception nobody awaited.

    Args:
        coroutine: What to run.
        name: What the task does, for logs and debuggers.

    Returns:
        The task; cancel it or await it like any other.
    """
    task = asyncio.get_running_loop().create_task(coroutine, name=name)
    _running.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if task.cancelled():
        return
    failure = task.exception()
    if failure is not None:
        _log.error("task_failed", task=task.get_name(), exc_info=failure)
