"""One write at a time: soon, at once, and again where the disk did not take it."""

from __future__ import annotations

import asyncio

from proxy.service.disk_writer import MANY, DiskWriter


class Owner:
    """Writes when told that the disk is free, and counts."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.begun = self.ended = 0
        self.writer = DiskWriter(self.write, name="write", ended=self.end)

    async def write(self) -> None:
        self.begun += 1
        await self.free.wait()

    def end(self) -> None:
        self.ended += 1


async def test_one_write_runs_at_a_time_and_its_end_is_told_when_the_next_may_begin() -> None:
    owner = Owner()
    owner.writer.now()
    owner.writer.now()
    await asyncio.sleep(0)
    assert (owner.begun, owner.writer.is_writing) == (1, True)
    owner.free.set()
    await owner.writer.settle()
    assert (owner.begun, owner.ended, owner.writer.is_writing) == (1, 1, False)
    owner.writer.now()
    await owner.writer.settle()
    assert owner.begun == 2


async def test_what_was_added_waits_for_others_until_many_wait() -> None:
    owner = Owner()
    owner.free.set()
    for waiting in range(1, MANY):
        owner.writer.added(waiting)
    assert not owner.writer.is_writing
    owner.writer.added(MANY)
    assert owner.writer.is_writing
    await owner.writer.close()
