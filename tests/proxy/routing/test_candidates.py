"""The order among candidates."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Candidate
from proxy.routing.candidates import ordered

A, B, C = (Candidate(name, "m") for name in "abc")
HEAVY, LIGHT, SAME = Candidate("h", "m", 3.0), Candidate("l", "m", 1.0), Candidate("s", "m", 1.0)


def idle(_: Candidate) -> int:
    return 0


def test_without_weights_the_lists_order_counts_whoever_is_busy() -> None:
    assert ordered((A, B, C), lambda each: 5 if each == A else 0, lambda: 0.99) == (A, B, C)


def test_the_same_candidate_twice_counts_once() -> None:
    assert ordered((A, B, A), idle, lambda: 0.0) == (A, B)


def test_equals_are_drawn_by_weight_and_keep_their_place_in_the_list() -> None:
    assert ordered((A, HEAVY, LIGHT, B), idle, lambda: 0.74) == (A, HEAVY, LIGHT, B)
    assert ordered((A, HEAVY, LIGHT, B), idle, lambda: 0.76) == (A, LIGHT, HEAVY, B)


def test_equals_that_are_no_neighbours_are_not_mixed() -> None:
    assert ordered((LIGHT, A, SAME), idle, lambda: 0.99) == (LIGHT, A, SAME)


def test_of_those_that_weigh_the_same_the_least_busy_goes_first() -> None:
    busy = {LIGHT: 3, SAME: 2, HEAVY: 0}
    assert ordered((LIGHT, SAME), busy.__getitem__, lambda: 0.0) == (SAME, LIGHT)
    assert ordered((LIGHT, SAME, HEAVY), busy.__getitem__, lambda: 0.0) == (SAME, LIGHT, HEAVY)


def test_weights_are_shares_of_the_first_place() -> None:
    random = Random(7)
    first = Counter(ordered((HEAVY, LIGHT), idle, random.random)[0] for _ in range(4000))
    assert 2880 < first[HEAVY] < 3120


candidates = st.builds(
    Candidate, st.sampled_from("abcdef"), st.just("m"), st.none() | st.sampled_from([0.5, 1.0, 1.0, 4.0])
)


@given(st.lists(candidates, max_size=8), st.lists(st.integers(0, 5), min_size=6, max_size=6), st.randoms())
def test_every_candidate_comes_once_and_only_neighbours_with_weights_move(
    listed: list[Candidate], busy: list[int], random: Random
) -> None:
    found = ordered(listed, lambda each: busy["abcdef".index(each.provider)], random.random)
    distinct = list(dict.fromkeys(listed))
    assert sorted(map(repr, found)) == sorted(map(repr, distinct))
    for before, after in zip(distinct, found, strict=True):
        assert (before.weight is None) == (after.weight is None)
        if before.weight is None:
            assert before == after
