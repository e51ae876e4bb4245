"""Background tasks."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from proxy.tasks import spawn


async def fail() -> None:
    raise LookupError("lost")


async def test_a_task_gives_its_result_and_its_name() -> None:
    async def work() -> int:
        return 7

    task = spawn(work(), name="work")
    assert (task.get_name(), await task) == ("work", 7)


async def test_a_failure_nobody_awaits_is_logged_with_the_tasks_name() -> None:
    with capture_logs() as logs:
        task = spawn(fail(), name="failing")
        await asyncio.wait([task])
        await asyncio.sleep(0)
    assert [(line["event"], line["task"], line["exc_info"]) for line in logs] == [
        ("task_failed", "failing", task.exception())
    ]


async def test_a_cancelled_task_is_no_failure() -> None:
    with capture_logs() as logs:
        task = spawn(asyncio.Event().wait(), name="waiting")
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert logs == []
