"""The circuit breaker: when it opens, who may probe, and what late news may change."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proxy.config import BreakerPolicy
from proxy.routing.circuit_breaker import PROBE_WAIT_S, CircuitBreaker
from proxy.routing.reopening import LASTS_S, Reopening

POLICY = BreakerPolicy(failures=3, failure_share=0.5, window=6, rest_s=10, longest_rest_s=35)
CLOSED = CircuitBreaker()


def failed(breaker: CircuitBreaker, now: float = 0.0, times: int = 1) -> CircuitBreaker:
    for _ in range(times):
        breaker = breaker.failed(breaker.epoch, now, POLICY)
    return breaker


def probing(breaker: CircuitBreaker, now: float) -> CircuitBreaker:
    begun = breaker.begun(now)
    assert begun is not None
    assert begun.state == "half_open"
    return begun


def test_failures_in_a_row_open_it_for_its_rest() -> None:
    assert failed(CLOSED, times=2).state == "closed"
    breaker = failed(CLOSED, 100.0, 3)
    assert (breaker.state, breaker.why) == ("open", "3 failures in a row")
    assert [breaker.rest_s(now) for now in (100.0, 104.0, 110.0, 500.0)] == [10.0, 6.0, 0.0, 0.0]
    assert breaker.begun(109.9) is None


def test_a_success_between_breaks_the_row() -> None:
    breaker = failed(CLOSED, times=2).succeeded(0, POLICY)
    assert failed(breaker, times=2).state == "closed"


def test_half_of_the_last_tries_failing_opens_it_too() -> None:
    breaker = CLOSED
    for _ in range(2):
        breaker = failed(breaker).succeeded(0, POLICY)
    breaker = failed(breaker)
    assert breaker.state == "closed"  # three of five: the window is not full
    breaker = failed(breaker.succeeded(0, POLICY))
    assert (breaker.state, breaker.why) == ("open", "3 of the last 6 tries failed")


def test_failures_that_left_the_window_are_forgotten() -> None:
    breaker = failed(CLOSED)
    for _ in range(6):
        breaker = breaker.succeeded(0, POLICY)
    assert breaker == CLOSED
    assert CLOSED.succeeded(0, POLICY) is CLOSED


def test_after_the_rest_one_request_probes_and_the_others_wait() -> None:
    breaker = probing(failed(CLOSED, times=3), 10.0)
    assert breaker.begun(10.0) is None
    assert breaker.rest_s(10.0) == PROBE_WAIT_S


def test_a_probe_that_is_let_in_closes_it_and_its_content_holds_nothing_against_it() -> None:
    breaker = probing(failed(CLOSED, times=3), 10.0)
    closed = breaker.let_in(breaker.epoch, 10.0, POLICY)
    assert (closed.state, closed.rest_s(10.0), closed.begun(10.0)) == ("closed", 0.0, closed)
    well = closed.succeeded(closed.epoch, POLICY)
    assert (well.failures, well.openings, well.tries) == (0, 0, ())
    assert well.let_in(well.epoch, 11.0, POLICY) is well
    assert failed(well, 20.0, 2).state == "closed"


def test_a_probe_that_is_let_in_and_brings_no_content_opens_it_for_twice_as_long() -> None:
    breaker = probing(failed(CLOSED, times=3), 10.0)
    breaker = breaker.let_in(breaker.epoch, 10.0, POLICY)
    again = breaker.failed(breaker.epoch, 12.0, POLICY)
    assert (again.state, again.rest_s(12.0)) == ("open", 20.0)
    assert breaker.let_in(0, 12.0, POLICY) is breaker


def test_after_a_pause_requests_are_let_back_in_steps() -> None:
    breaker = probing(CLOSED.paused(0, 0.0, 1.0, POLICY), 1.0)
    breaker = breaker.let_in(breaker.epoch, 1.0, POLICY)
    assert [breaker.rest_s(1.0, asking) for asking in range(4)] == [0.0, 0.0, PROBE_WAIT_S, PROBE_WAIT_S]
    assert breaker.begun(1.0, 1) is breaker
    assert breaker.begun(1.0, 2) is None
    for _ in range(2):
        breaker = breaker.let_in(breaker.epoch, 1.0, POLICY)
    assert (breaker.rest_s(1.0, 3), breaker.rest_s(1.0, 4)) == (0.0, PROBE_WAIT_S)
    assert breaker.rest_s(LASTS_S, 99) == 0.0
    limited = breaker.paused(breaker.epoch, 2.0, None, POLICY)
    assert limited.reopening == Reopening(2.0 + LASTS_S, ceiling=2)
    assert failed(breaker, 3.0).state == "closed"  # it had asked for a pause, and was not down


def test_each_probe_that_fails_doubles_the_rest_up_to_the_longest() -> None:
    breaker, now, rests = failed(CLOSED, times=3), 0.0, list[float]()
    for _ in range(4):
        rests.append(breaker.rest_s(now))
        now += rests[-1]
        breaker = failed(probing(breaker, now), now)
    assert rests == [10.0, 20.0, 35.0, 35.0]
    assert breaker.why == "3 failures in a row"
    many = replace(breaker, state="half_open", openings=5000)
    assert failed(many, 0.0).rest_s(0.0) == 35.0


def test_a_probe_whose_client_left_lets_the_next_one_probe() -> None:
    breaker = probing(failed(CLOSED, times=3), 10.0)
    left = breaker.abandoned(breaker.epoch)
    assert left.rest_s(10.0) == 0.0
    assert probing(left, 10.0).epoch > breaker.epoch


def test_a_client_that_left_an_ordinary_try_says_nothing() -> None:
    assert CLOSED.abandoned(0) is CLOSED
    half_open = probing(failed(CLOSED, times=3), 10.0)
    assert half_open.abandoned(0) is half_open


def test_news_of_an_earlier_period_change_nothing() -> None:
    half_open = probing(failed(CLOSED, times=3), 10.0)
    assert half_open.succeeded(0, POLICY) is half_open
    assert half_open.failed(0, 10.0, POLICY) is half_open
    assert half_open.paused(0, 10.0, 60.0, POLICY) is half_open


def test_a_pause_that_the_upstream_asks_for_opens_it_for_so_long() -> None:
    breaker = CLOSED.paused(0, 5.0, 60.0, POLICY)
    assert (breaker.state, breaker.rest_s(5.0), breaker.why) == ("open", 60.0, "it asked for a pause")


def test_pauses_of_requests_that_were_under_way_extend_the_rest_and_never_shorten_it() -> None:
    breaker = CLOSED.paused(0, 5.0, 20.0, POLICY)
    assert breaker.paused(0, 6.0, 30.0, POLICY).until == 36.0
    assert breaker.paused(0, 6.0, 1.0, POLICY).until == 25.0
    assert breaker.paused(0, 6.0, None, POLICY).until == 25.0


def test_a_rest_after_failures_may_be_ended_early_and_then_one_request_probes() -> None:
    breaker = failed(CLOSED, times=3)
    hastened = breaker.hastened(4.0)
    assert (breaker.rest_s(4.0), hastened.rest_s(4.0)) == (6.0, 0.0)
    assert probing(hastened, 4.0).begun(4.0) is None
    assert failed(probing(hastened, 4.0), 4.0).until == 24.0


def test_a_pause_that_the_upstream_asked_for_is_never_ended_early() -> None:
    paused = CLOSED.paused(0, 5.0, 20.0, POLICY)
    assert paused.hastened(6.0) is paused
    asked_later = failed(CLOSED, times=3)
    asked_later = asked_later.paused(asked_later.epoch, 1.0, 30.0, POLICY)
    assert asked_later.hastened(6.0).rest_s(6.0) == 25.0


def test_a_limit_without_a_pause_rests_one_second_and_twice_as_long_each_time_up_to_eight() -> None:
    breaker, now, rests = CLOSED.paused(0, 0.0, None, POLICY), 0.0, list[float]()
    for _ in range(5):
        rests.append(breaker.rest_s(now))
        now += rests[-1]
        breaker = probing(breaker, now)
        breaker = breaker.paused(breaker.epoch, now, None, POLICY)
    assert rests == [1.0, 2.0, 4.0, 8.0, 8.0]


def test_a_pause_that_was_too_short_is_followed_by_longer_ones_than_the_upstream_asks_for() -> None:
    breaker, now, rests = CLOSED.paused(0, 0.0, 0.0, POLICY), 0.0, list[float]()
    for told in (0.0, 1.0, 60.0, 3.0):
        rests.append(breaker.rest_s(now))
        now += rests[-1]
        breaker = probing(breaker, now)
        breaker = breaker.paused(breaker.epoch, now, told, POLICY)
    assert rests == [0.0, 2.0, 4.0, 60.0]


class Requests(RuleBasedStateMachine):
    """Any number of requests that begin and end in any order, as the clock goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = CLOSED
        self.now = 0.0
        self.begun: list[int] = []

    @rule(seconds=st.floats(0, 40))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def one_begins(self) -> None:
        asking = len(self.begun)
        after = self.breaker.begun(self.now, asking)
        assert (after is None) == (self.breaker.rest_s(self.now, asking) > 0)
        if after is not None:
            assert after.state != "open"
            self.breaker = after
            self.begun.append(after.epoch)

    @precondition(lambda self: self.begun)
    @rule(data=st.data(), pause=st.none() | st.floats(0, 100), kind=st.sampled_from("sfpa"))
    def one_ends(self, data: st.DataObject, pause: float | None, kind: str) -> None:
        epoch = self.begun.pop(data.draw(st.integers(0, len(self.begun) - 1)))
        before = self.breaker
        match kind:
            case "s":
                after = before.let_in(epoch, self.now, POLICY).succeeded(epoch, POLICY)
            case "f":
                after = before.failed(epoch, self.now, POLICY)
            case "p":
                after = before.paused(epoch, self.now, pause, POLICY)
            case _:
                after = before.abandoned(epoch)
        assert after.epoch in (before.epoch, before.epoch + 1)
        is_closed = before.state == "half_open" and after.state == "closed"
        assert (after.state == before.state) or after.epoch > before.epoch or is_closed
        if before.state == "open":
            assert after.state == "open"
            assert after.until >= before.until
        self.breaker = after

    @invariant()
    def at_most_one_probes(self) -> None:
        if self.breaker.state == "half_open":
            assert self.begun.count(self.breaker.epoch) == 1

    @invariant()
    def no_rest_is_endless(self) -> None:
        assert self.breaker.rest_s(self.now, 99) <= 100 + 1e-9  # sums of floats
        assert len(self.breaker.tries) <= POLICY.window


TestRequests = Requests.TestCase
