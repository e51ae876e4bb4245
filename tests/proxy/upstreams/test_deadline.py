"""The time until an upstream's answer begins is limited, with and without a task of its own."""

from __future__ import annotations

import asyncio

import pytest

from proxy.upstreams.deadline import within


async def test_work_that_ends_in_time_gives_its_result() -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    assert await within(5.0, work()) == "done"


async def test_work_that_takes_too_long_is_cancelled() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(asyncio.TimeoutError):
        await within(0.001, work())
    assert ended.is_set()


async def test_a_client_that_leaves_meanwhile_cancels_the_work_and_is_no_time_out() -> None:
    began = asyncio.Event()

    async def work() -> None:
        began.set()
        await asyncio.Event().wait()

    waiting = asyncio.ensure_future(within(60.0, work()))
    await began.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
