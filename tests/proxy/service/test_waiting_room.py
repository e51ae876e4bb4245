"""Who waits is woken once, or gives up and leaves nothing behind."""

from __future__ import annotations

import asyncio
from typing import Any

from proxy.service.waiting_room import WaitingRoom


async def test_all_who_wait_look_again_in_the_order_in_which_they_came() -> None:
    room, woken = WaitingRoom(), list[int]()

    async def wait(number: int) -> None:
        assert await room.is_woken_in(10)
        woken.append(number)

    waiting = [asyncio.ensure_future(wait(number)) for number in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    room.wake()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert woken == [0, 2]


async def test_who_comes_when_others_were_woken_gives_way_to_them() -> None:
    room, looked = WaitingRoom(), list[str]()

    async def wait() -> None:
        await room.is_woken_in(10)
        looked.append("waited")

    async def come() -> None:
        await room.give_way()
        looked.append("came")

    await come()
    waiting = [asyncio.ensure_future(wait()) for _ in range(3)]
    await asyncio.sleep(0)
    coming = asyncio.ensure_future(come())
    room.wake()
    waiting[0].cancel()  # its turn came too late
    await asyncio.gather(coming, *waiting[1:])
    assert looked == ["came", "waited", "waited", "came"]


async def test_who_gives_up_or_has_no_time_left_is_told_so() -> None:
    room = WaitingRoom()
    assert not await room.is_woken_in(0)
    assert not await room.is_woken_in(0.001)
    leaving = asyncio.ensure_future(room.is_woken_in(10))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait({leaving})
    kept: Any = room
    assert kept._waiters == []
    room.wake()
    assert not await room.is_woken_in(0.001)
