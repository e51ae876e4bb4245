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
