"""Places at a provider: so many at once, the others in turns of those who own them."""

from __future__ import annotations

from proxy.service.line import Line, Waiter


def line_of(places: int, busy: int = 0) -> Line:
    line = Line(places)
    for _ in range(busy):
        line.take()
    return line


def waiting(owner: str, *lines: Line) -> Waiter:
    waiter = Waiter(owner)
    for line in lines:
        waiter.join(line)
    return waiter


def served(*waiters: Waiter) -> list[bool]:
    return [each.turn.done() for each in waiters]


async def test_so_many_go_at_once_and_the_next_ones_in_the_order_they_came() -> None:
    line = line_of(2, busy=1)
    assert not line.is_full
    line.take()
    assert line.is_full
    waiters = [waiting("me", line) for _ in range(3)]
    assert line.waiting == 3
    line.leave()
    assert (served(*waiters), line.busy, line.waiting) == ([True, False, False], 2, 2)
    line.leave()
    line.leave()
    assert served(*waiters) == [True, True, True]
    assert line.busy == 2


async def test_owners_take_turns_so_that_one_waits_for_one_request_of_another_and_not_for_ten() -> None:
    line = line_of(1, busy=1)
    many = [waiting("many", line) for _ in range(10)]
    one = waiting("one", line)
    line.leave()
    assert served(many[0], one) == [True, False]
    line.leave()
    assert served(one, many[1]) == [True, False]
    line.leave()
    assert served(many[1], many[2]) == [True, False]


async def test_a_token_with_many_conversations_has_no_more_turns_than_one_with_a_single_one() -> None:
    line = line_of(1, busy=1)
    many = [Waiter("many", f"conversation {number}") for number in range(3)]
    again, one = Waiter("many", "conversation 0"), Waiter("one", "conversation 0")
    for each in (*many, again, one):
        each.join(line)
    in_turn = [many[0], one, many[1], many[2], again]
    for count in range(1, len(in_turn) + 1):
        line.leave()
        assert served(*in_turn) == [number < count for number in range(len(in_turn))]
    assert (line.busy, line.waiting) == (1, 0)


async def test_nobody_overtakes_those_who_wait() -> None:
    line = line_of(1, busy=1)
    waiter = waiting("me", line)
    line.places = 2  # a place more by the settings, but one waits already
    assert line.is_full
    line.leave()
    assert served(waiter) == [True]


async def test_the_first_free_place_of_several_lines_is_taken_and_the_others_go_to_others() -> None:
    one, two = line_of(1, busy=1), line_of(1, busy=1)
    both, later = waiting("me", one, two), waiting("me", one)
    two.leave()
    one.leave()  # before the first one knows of its place
    assert (both.quit(), later.quit()) == (two, one)
    assert (one.busy, two.busy, one.waiting, two.waiting) == (1, 1, 0, 0)


async def test_one_that_waits_no_more_takes_no_place_from_the_others() -> None:
    line = line_of(1, busy=1)
    gone, other, stays = waiting("me", line), waiting("you", line), waiting("me", line)
    assert gone.quit() is None
    assert other.quit() is None
    line.leave()
    assert (served(stays), line.busy, line.waiting) == ([True], 1, 0)


async def test_a_place_that_came_too_late_is_given_on() -> None:
    line = line_of(1, busy=1)
    first, second = waiting("me", line), waiting("me", line)
    line.leave()
    assert first.quit() is line
    line.leave()
    assert (second.quit(), line.busy) == (line, 1)


async def test_who_takes_its_place_keeps_its_position_in_the_lines_that_gave_it_none_meanwhile() -> None:
    one, two, three = (line_of(1, busy=1) for _ in range(3))
    first, behind = waiting("me", one, two, three), waiting("me", three)
    for line in (one, two):
        line.leave()
    assert first.accept() is one
    assert (two.busy, two.waiting) == (0, 0)
    three.leave()
    assert served(first, behind) == [True, False]
    assert first.quit() is three


async def test_a_line_is_joined_once() -> None:
    line = line_of(1, busy=1)
    waiter = waiting("me", line, line)
    assert line.waiting == 1
    assert waiter.quit() is None
    assert line.waiting == 0


async def test_more_places_by_new_settings_let_more_go_at_the_next_leave() -> None:
    line = line_of(1, busy=1)
    waiters = [waiting("me", line) for _ in range(3)]
    line.places = 3
    line.leave()
    assert served(*waiters) == [True, True, True]
    assert line.busy == 3
