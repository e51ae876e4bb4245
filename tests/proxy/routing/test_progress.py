"""What is done about a request: try, wait, probe or give up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import Candidate, RetryPolicy
from proxy.messages.errors import ApiError, ErrorType, UpstreamError
from proxy.routing.progress import GiveUp, Hasten, Progress, Standing, Try, Wait

A, B = Candidate("a", "m"), Candidate("b", "n")
POLICY = RetryPolicy(tries=3, first_wait_s=1.0, longest_wait_s=8.0, total_s=100.0)
BUSY = UpstreamError(ErrorType.OVERLOADED, "busy")
TOO_LONG = UpstreamError(ErrorType.INVALID_REQUEST, "prompt is too long: 9000 tokens > 8000 maximum")
FORBIDDEN = UpstreamError(ErrorType.PERMISSION, "no")
OPEN = Standing(rest_s=5.0, why="breaker open", error=UpstreamError(ErrorType.API, "Nothing listens."))


def ready(_: Candidate) -> Standing:
    return Standing()


def progress(*order: Candidate, policy: RetryPolicy = POLICY) -> Progress:
    return Progress(order, policy, policy.total_s)


def failed(
    before: Progress, candidate: Candidate, error: ApiError, now: float = 0.0, served: int = 0
) -> Progress:
    return before.after_failure(candidate, error, served, now, lambda: 0.0)


def given_up(step: object) -> ApiError:
    assert isinstance(step, GiveUp)
    return step.error


@pytest.mark.parametrize("random", [0.0, 0.5, 0.999])
def test_a_wait_that_the_upstream_asks_for_and_that_is_just_short_enough_is_waited_for(random: float) -> None:
    told = UpstreamError(ErrorType.RATE_LIMIT, "slow down", retry_after_s=POLICY.longest_wait_s - 0.1)
    after = progress(A).after_failure(A, told, 0, 0.0, lambda: random)
    assert isinstance(after.next_step(0.0, ready), Wait)


def test_the_first_candidate_is_tried_first() -> None:
    assert progress(A).next_step(0.0, ready) == Try(A, "the only candidate")
    assert progress(A, B).next_step(0.0, ready) == Try(A, "candidate 1 of 2")


def test_one_that_rests_is_skipped_and_named() -> None:
    standings = {A: Standing(rest_s=12.4, why="breaker open"), B: Standing()}
    assert progress(A, B).next_step(0.0, standings.__getitem__) == Try(
        B, "candidate 2 of 2; skipped a: breaker open 12 s"
    )


def test_a_full_one_gives_way_to_the_next_and_where_all_are_full_their_places_are_waited_for() -> None:
    standings = {A: Standing(is_full=True), B: Standing()}
    step = progress(A, B).next_step(0.0, standings.__getitem__)
    assert step == Try(B, "candidate 2 of 2; skipped a: all its places are taken")
    standings[B] = Standing(is_full=True)
    assert progress(A, B).next_step(200.0, standings.__getitem__) == Wait(math.inf, (A, B))
    standings[B] = replace(OPEN, is_full=True)
    assert progress(A, B).next_step(0.0, standings.__getitem__) == Wait(5.0, (A,))


def test_one_that_had_no_place_for_too_long_is_not_asked_at_all() -> None:
    after = progress(A, B).after_refusal(A, BUSY)
    assert after.next_step(0.0, ready) == Try(B, "candidate 2 of 2; a failed (529 overloaded_error)")
    assert given_up(after.after_refusal(B, BUSY).next_step(0.0, ready)) is BUSY


@pytest.mark.parametrize("error", [BUSY, FORBIDDEN])
def test_one_that_failed_gives_way_to_the_next_at_once(error: ApiError) -> None:
    step = failed(progress(A, B), A, error).next_step(0.0, ready)
    assert step == Try(B, f"candidate 2 of 2; a failed ({error.status} {error.type.value})")


def test_when_all_failed_the_first_is_tried_again_after_its_back_off() -> None:
    after = failed(failed(progress(A, B), A, BUSY), B, BUSY)
    assert after.next_step(0.0, ready) == Wait(0.5)
    assert after.next_step(0.5, ready) == Try(A, "try 2 of it (before: 529 overloaded_error)")


def test_a_candidate_has_so_many_tries_and_no_more() -> None:
    now, step, tries = 0.0, progress(A), 0
    while True:
        following = step.next_step(now, ready)
        if isinstance(following, Wait):
            now += following.seconds
        elif isinstance(following, Try):
            tries += 1
            step = failed(step, A, BUSY, now)
        else:
            break
    assert (tries, given_up(following)) == (3, BUSY)


def test_a_rate_limit_costs_no_try_while_others_are_let_in_and_the_total_time_lasts() -> None:
    limited = UpstreamError(ErrorType.RATE_LIMIT, "slow down")
    now, step = 0.0, progress(A)
    for number in range(20):
        step = failed(step, A, limited, now, served=number)
        now += 4.0
        again = step.next_step(now, ready)
        assert again == Try(A, "try 2 of it (before: 429 rate_limit_error)")
    assert given_up(failed(step, A, limited, 100.0, served=20).next_step(101.0, ready)) is limited


def test_a_rate_limit_is_told_after_all_tries_where_nobody_is_let_in() -> None:
    limited = UpstreamError(ErrorType.RATE_LIMIT, "slow down")
    step = progress(A)
    for now in (0.0, 4.0, 8.0):
        assert isinstance(step.next_step(now, ready), Try)
        step = failed(step, A, limited, now, served=7)
    assert given_up(step.next_step(12.0, ready)) is limited


def test_who_is_told_again_and_again_to_come_later_comes_later_each_time() -> None:
    limited = UpstreamError(ErrorType.RATE_LIMIT, "slow down", retry_after_s=0.0)
    step, waits = progress(A), list[float]()
    for number in range(5):
        step = failed(step, A, limited, served=number)
        following = step.next_step(0.0, ready)
        assert isinstance(following, Wait)
        waits.append(following.seconds)
    assert waits == [0.5, 1.0, 2.0, 4.0, 4.0]


def test_a_rate_limit_is_not_waited_out_where_nothing_is_to_be_repeated() -> None:
    limited = UpstreamError(ErrorType.RATE_LIMIT, "slow down")
    after = failed(progress(A, policy=RetryPolicy(tries=1)), A, limited)
    assert given_up(after.next_step(0.0, ready)) is limited


def test_what_cannot_pass_is_not_tried_again() -> None:
    assert given_up(failed(progress(A), A, FORBIDDEN).next_step(0.0, ready)) is FORBIDDEN


def test_a_longer_pause_than_the_longest_wait_is_left_to_the_client() -> None:
    limited = UpstreamError(ErrorType.RATE_LIMIT, "slow down", retry_after_s=9.0)
    assert given_up(failed(progress(A), A, limited).next_step(0.0, ready)) is limited
    short = UpstreamError(ErrorType.RATE_LIMIT, "slow down", retry_after_s=7.0)
    assert failed(progress(A), A, short).next_step(0.0, ready) == Wait(7.0)


def test_nothing_is_repeated_or_waited_for_after_the_total_time() -> None:
    assert given_up(failed(progress(A), A, BUSY, 101.0).next_step(102.0, ready)) is BUSY
    assert given_up(failed(progress(A), A, BUSY, 99.9).next_step(99.9, ready)) is BUSY
    resting = {A: OPEN, B: OPEN}
    assert given_up(failed(progress(A, B), A, BUSY, 99.9).next_step(99.9, resting.__getitem__)) is BUSY


def test_one_that_was_not_tried_yet_has_its_turn_however_long_the_others_took() -> None:
    after = failed(progress(A, B), A, BUSY, 300.0)
    step = after.next_step(300.0, ready)
    assert step == Try(B, "candidate 2 of 2; a failed (529 overloaded_error)")
    assert given_up(failed(after, B, BUSY, 600.0).next_step(600.0, ready)) is BUSY


def test_a_short_rest_is_waited_for() -> None:
    assert progress(A).next_step(0.0, lambda _: OPEN) == Wait(5.0)


def test_a_probe_of_another_request_is_waited_for_as_long_as_it_may_take() -> None:
    probed = Standing(rest_s=1.0, why="being probed", probe_s=300.0)
    assert progress(A).next_step(250.0, lambda _: probed) == Wait(1.0)
    assert given_up(progress(A).next_step(299.5, lambda _: probed)).status == 529
    short = replace(probed, probe_s=10.0)
    assert progress(A).next_step(99.0, lambda _: short) == Wait(1.0)
    assert given_up(failed(progress(A), A, BUSY).next_step(250.0, lambda _: probed)) is BUSY


def test_where_all_rest_for_long_after_failures_the_one_with_the_shortest_rest_is_probed() -> None:
    standings = {
        A: Standing(rest_s=60.0, why="breaker open", may_hasten=True),
        B: Standing(rest_s=20.0, why="breaker open", may_hasten=True),
    }
    assert progress(A, B).next_step(0.0, standings.__getitem__) == Hasten(B)
    standings[B] = Standing(rest_s=20.0, why="all keys limited")
    assert progress(A, B).next_step(0.0, standings.__getitem__) == Hasten(A)


def test_a_request_that_tried_something_is_told_how_that_failed_instead_of_probing_another() -> None:
    resting = Standing(rest_s=60.0, why="breaker open", may_hasten=True)
    after = failed(progress(A, B), A, FORBIDDEN)
    assert given_up(after.next_step(0.0, lambda _: resting)) is FORBIDDEN


def test_a_key_that_was_refused_costs_no_try() -> None:
    denied = UpstreamError(ErrorType.AUTHENTICATION, "wrong key", should_retry=False)
    after = progress(A).after_refused_key(A, denied)
    assert after.next_step(0.0, ready) == Try(A, "the only candidate (before: 401 authentication_error)")


def test_another_key_has_its_turn_however_late_but_not_one_after_the_other_for_ever() -> None:
    denied = UpstreamError(ErrorType.AUTHENTICATION, "wrong key", should_retry=False)
    limited = UpstreamError(ErrorType.RATE_LIMIT, "slow down", retry_after_s=0.0)
    assert isinstance(progress(A).after_refused_key(A, denied).next_step(300.0, ready), Try)
    assert given_up(progress(A).after_refused_key(A, limited).next_step(300.0, ready)) is limited


def test_where_all_rest_for_long_the_client_is_told_what_they_failed_with_and_when_to_come_back() -> None:
    standings = {A: Standing(rest_s=60.0, why="breaker open"), B: Standing(20.0, "breaker open", BUSY)}
    error = given_up(progress(A, B).next_step(0.0, standings.__getitem__))
    assert error.message == "b is left alone for 20 more seconds (breaker open). It failed with: busy"
    assert (error.type, error.status, error.retry_after_s) == (ErrorType.OVERLOADED, 529, 20.0)
    alone = given_up(progress(A).next_step(0.0, standings.__getitem__))
    assert alone.message == "a is left alone for 60 more seconds (breaker open)."
    assert (alone.type, alone.retry_after_s) == (ErrorType.OVERLOADED, 60.0)


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (UpstreamError(ErrorType.RATE_LIMIT, "x"), ErrorType.RATE_LIMIT),
        (FORBIDDEN, ErrorType.OVERLOADED),
    ],
)
def test_what_the_client_is_told_of_a_rest_is_worth_a_retry(last: ApiError, told: ErrorType) -> None:
    standing = Standing(rest_s=50.0, why="breaker open", error=last)
    assert given_up(progress(A).next_step(0.0, lambda _: standing)).type is told


def test_a_request_too_long_for_one_goes_on_and_probes_the_one_that_rests() -> None:
    after = failed(progress(A, B), A, TOO_LONG)
    assert after.next_step(0.0, ready) == Try(B, "candidate 2 of 2; a failed (400 invalid_request_error)")
    resting = Standing(rest_s=60.0, why="breaker open", may_hasten=True)
    assert after.next_step(0.0, lambda _: resting) == Hasten(B)
    assert given_up(failed(after, B, TOO_LONG).next_step(0.0, ready)) is TOO_LONG


def test_too_long_is_not_told_while_one_that_only_rests_might_take_it() -> None:
    paused = Standing(rest_s=60.0, why="breaker open")
    error = given_up(failed(progress(A, B), A, TOO_LONG).next_step(0.0, lambda _: paused))
    assert (error.type, error.retry_after_s) == (ErrorType.OVERLOADED, 60.0)


errors = st.builds(
    UpstreamError, st.sampled_from(list(ErrorType)), st.just("x"), retry_after_s=st.none() | st.floats(0, 40)
)


@given(st.integers(1, 3), st.integers(1, 4), st.data())
def test_every_request_ends_in_bounded_tries_and_time(count: int, tries: int, data: st.DataObject) -> None:
    order = tuple(Candidate(f"p{index}", "m") for index in range(count))
    policy = RetryPolicy(tries=tries, first_wait_s=1.0, longest_wait_s=8.0, total_s=60.0)
    step, now, tried = Progress(order, policy, 60.0), 0.0, dict.fromkeys(order, 0)
    rests: Mapping[Candidate, float] = {each: data.draw(st.floats(0, 20)) for each in order}

    def standing(each: Candidate) -> Standing:
        return Standing(rest_s=max(0.0, rests[each] - now), why="open")

    while True:
        following = step.next_step(now, standing)
        if isinstance(following, GiveUp):
            break
        if isinstance(following, Wait):
            assert 0 < following.seconds <= policy.longest_wait_s
            now += following.seconds + 1e-9
            continue
        assert rests[following.candidate] <= now
        assert now <= 60.0 or not tried[following.candidate]
        error = data.draw(errors)
        tried[following.candidate] += error.type is not ErrorType.RATE_LIMIT
        assert tried[following.candidate] <= tries
        took = data.draw(st.floats(0, 30))
        now += took
        step = step.after_failure(following.candidate, error, 0, now, lambda: 0.5)
    assert now <= 60.0 + count * 30.0
