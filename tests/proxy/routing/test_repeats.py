"""The same request again and again: what counts, when it asks, and how long an answer holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import LoopGuardPolicy
from proxy.routing.repeats import MOST_KEPT, Repeated, Repeats, is_probe, key_of

POLICY = LoopGuardPolicy(repeats=3, per_s=60)
KEY, OTHER = key_of("local", "big", b"{}"), key_of("local", "big", b"[]")


def after(*times: float, key: int = KEY, policy: LoopGuardPolicy = POLICY) -> Repeats[float]:
    """A guard that saw answers at these times; each is billed its time."""
    repeats = Repeats[float]()
    for at in times:
        repeats.answered(key, policy, at, at)
    return repeats


def test_as_many_as_the_policy_says_pass_and_the_next_one_asks_with_what_they_cost() -> None:
    assert after(0, 1).judge(KEY, POLICY, 2) is None
    assert after(0, 1, 2).judge(KEY, POLICY, 3) == Repeated((0, 1, 2), is_refused=False)


def test_what_was_answered_too_long_ago_counts_no_more() -> None:
    repeats = after(0, 1, 2)
    assert repeats.judge(KEY, POLICY, 59.9) is not None
    assert repeats.judge(KEY, POLICY, 60) is None


def test_a_request_that_differs_asks_nothing() -> None:
    assert after(0, 1, 2).judge(OTHER, POLICY, 3) is None


@pytest.mark.parametrize(
    ("token", "alias", "body"), [("ci", "big", b"{}"), ("local", None, b"{}"), ("local", "big", b"{ }")]
)
def test_token_alias_and_each_byte_make_another_request(token: str, alias: str | None, body: bytes) -> None:
    assert key_of(token, alias, body) != KEY
    assert key_of("local", "big", bytes(bytearray(b"{}"))) == KEY


def test_once_is_enough_where_the_policy_says_so() -> None:
    policy = LoopGuardPolicy(repeats=1, per_s=5)
    assert after(0, policy=policy).judge(KEY, policy, 1) == Repeated((0,), is_refused=False)


def test_a_refused_request_is_refused_until_it_has_not_come_for_the_policys_time() -> None:
    repeats = after(0, 1, 2)
    repeats.refuse(KEY, 3)
    for now in (4, 60, 110, 169):
        found = repeats.judge(KEY, POLICY, now)
        assert found is not None
        assert found.is_refused
    assert repeats.judge(KEY, POLICY, 230) is None
    assert not repeats.has_refused(POLICY, 230)


def test_a_request_that_was_never_answered_can_be_refused_too() -> None:
    repeats = Repeats[float]()
    repeats.refuse(KEY, 0)
    assert repeats.judge(KEY, POLICY, 1) == Repeated((), is_refused=True)
    assert repeats.judge(OTHER, POLICY, 1) is None
    assert repeats.has_refused(POLICY, 1)


def test_an_allowed_request_asks_nothing_until_its_while_is_over() -> None:
    repeats = after(0, 1, 2)
    repeats.refuse(KEY, 3)
    repeats.allow(KEY, until=600)
    for at in (500, 550, 590):
        assert repeats.judge(KEY, POLICY, at) is None
        repeats.answered(KEY, POLICY, at, at)
    assert repeats.judge(KEY, POLICY, 599) is None
    assert repeats.judge(KEY, POLICY, 600) is None  # that of second 500 is too old, and two are too few
    repeats.answered(KEY, POLICY, 600, 600)
    assert repeats.judge(KEY, POLICY, 601) == Repeated((550, 590, 600), is_refused=False)


def test_only_the_latest_requests_are_remembered() -> None:
    repeats = after(0, 1, 2)
    for number in range(MOST_KEPT):
        repeats.answered(key_of("ci", None, b"%d" % number), POLICY, 3, 3)
        repeats.refuse(number, 3)
        repeats.allow(-number - 1, 9)
    assert len(repeats) == MOST_KEPT
    assert repeats.judge(KEY, POLICY, 4) is None  # forgotten
    repeats.refuse(MOST_KEPT, 3)
    repeats.allow(-MOST_KEPT - 1, 9)
    assert repeats.judge(0, POLICY, 4) is None


def test_what_is_too_old_leaves_with_the_next_answer() -> None:
    repeats = after(0, 1)
    repeats.answered(OTHER, POLICY, 30, 30)
    assert len(repeats) == 2
    repeats.answered(key_of("ci", None, b""), POLICY, 62, 62)
    assert len(repeats) == 2  # OTHER and the new one


@pytest.mark.parametrize(
    ("max_tokens", "size", "told"), [(1, 4096, True), (0, 10, True), (2, 10, False), (1, 4097, False)]
)
def test_a_probe_asks_for_one_token_with_a_small_body(max_tokens: int, size: int, *, told: bool) -> None:
    assert is_probe(max_tokens, b"x" * size) is told


@given(
    gaps=st.lists(st.floats(0, 50), max_size=40),
    number=st.integers(1, 6),
    per_s=st.floats(1, 100),
)
def test_whatever_comes_when_no_more_pass_within_the_time_than_the_policy_lets(
    gaps: list[float], number: int, per_s: float
) -> None:
    policy, repeats = LoopGuardPolicy(number, per_s), Repeats[None]()
    passed, now = list[float](), 0.0
    for gap in gaps:
        now += gap
        if repeats.judge(KEY, policy, now) is None:
            passed.append(now)
            repeats.answered(KEY, policy, now, None)
    for first, beyond in zip(passed, passed[number:], strict=False):
        assert first <= beyond - per_s


@given(st.lists(st.tuples(st.sampled_from([KEY, OTHER]), st.floats(0, 30)), max_size=40))
def test_one_requests_answers_never_count_for_another(seen: list[tuple[int, float]]) -> None:
    together, alone, now = Repeats[float](), Repeats[float](), 0.0
    for key, gap in seen:
        now += gap
        together.answered(key, POLICY, now, now)
        if key == KEY:
            alone.answered(key, POLICY, now, now)
        assert together.judge(KEY, POLICY, now) == alone.judge(KEY, POLICY, now)
