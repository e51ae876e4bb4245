"""Places at a provider: so many at once, the others in the order they came."""

from __future__ import annotations

import asyncio

import pytest

from proxy.service.line import Line
from proxy.tasks import spawn


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_so_many_go_at_once_and_the_next_ones_in_the_order_they_came() -> None:
    line, order = Line(), list[int]()

    async def go(number: int) -> None:
        assert await line.enter(2, 5)
        order.append(number)

    tasks = [spawn(go(number), name="go") for number in range(5)]
    await settle()
    assert (order, line.busy) == ([0, 1], 2)
    line.leave(2)
    await settle()
    assert (order, line.busy) == ([0, 1, 2], 2)
    line.leave(2)
    line.leave(2)
    await settle()
    assert order == [0, 1, 2, 3, 4]
    await asyncio.gather(*tasks)


async def test_nobody_overtakes_those_who_wait() -> None:
    line = Line()
    assert await line.enter(1, 5)
    waiting = spawn(line.enter(1, 5), name="wait")
    await settle()
    assert not await line.enter(2, 0.001)  # a place more by the settings, but one waits already
    line.leave(1)
    assert await waiting


async def test_one_that_waited_too_long_leaves_the_line() -> None:
    line = Line()
    assert await line.enter(1, 5)
    assert not await line.enter(1, 0.001)
    line.leave(1)
    assert line.busy == 0


@pytest.mark.parametrize("has_its_turn", [False, True])
async def test_one_that_is_cancelled_takes_no_place_from_the_others(has_its_turn: bool) -> None:
    line = Line()
    assert await line.enter(1, 5)
    first, second = (spawn(line.enter(1, 5), name="wait") for _ in range(2))
    await settle()
    if has_its_turn:
        line.leave(1)  # the first one has the place now, and is cancelled before it knows
    first.cancel()
    await settle()
    if not has_its_turn:
        line.leave(1)
    assert await second
    assert line.busy == 1


async def test_more_places_by_new_settings_let_more_go_at_the_next_leave() -> None:
    line = Line()
    assert await line.enter(1, 5)
    waiting = [spawn(line.enter(1, 5), name="wait") for _ in range(3)]
    await settle()
    line.leave(3)
    assert await asyncio.gather(*waiting) == [True, True, True]
    assert line.busy == 3
