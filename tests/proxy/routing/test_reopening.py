"""How many requests at once are let back to a candidate that refused some for their number."""

from __future__ import annotations

from proxy.routing.reopening import LASTS_S, MOST, Reopening, refused


def rooms(steps: Reopening | None, count: int) -> list[int]:
    """The room after each of so many requests that were let in; 0: there is no limit any more."""
    found: list[int] = []
    for _ in range(count):
        steps = None if steps is None else steps.after_one(1.0)
        found.append(0 if steps is None else steps.room)
    return found


def test_each_step_is_twice_as_large_once_all_of_the_one_before_were_let_in() -> None:
    assert rooms(refused(None, 0.0), 7) == [2, 2, 4, 4, 4, 4, 8]
    assert rooms(Reopening(LASTS_S, room=MOST), MOST)[-2:] == [MOST, 0]


def test_above_what_was_refused_before_it_goes_one_by_one_and_slowly() -> None:
    steps = Reopening(LASTS_S, room=8).after_refusal(2.0)
    assert steps == Reopening(2.0 + LASTS_S, ceiling=4)
    assert rooms(steps, 3 + 31) == [2, 2, *[4] * 32]
    assert rooms(steps, 3 + 32)[-1] == 5
    assert Reopening(LASTS_S, room=5, ceiling=4).after_refusal(2.0).ceiling == 4


def test_a_refusal_within_what_was_let_in_before_halves_it_and_one_of_a_single_request_does_not() -> None:
    assert Reopening(LASTS_S, room=4, ceiling=4).after_refusal(0.0).ceiling == 2
    assert refused(Reopening(LASTS_S, room=1, ceiling=4), 0.0).ceiling == 4


def test_a_minute_after_the_last_refusal_there_is_no_limit_any_more() -> None:
    steps = refused(None, 5.0)
    assert steps.after_one(64.0) is not None
    assert steps.after_one(65.0) is None
