"""Several keys of one provider."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from proxy.config import ProviderConfig
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.routing.keys import (
    LIMITED_REST_S,
    REFUSED_REST_S,
    KeyRests,
    concerns_key,
    keys_of,
    with_key,
)

FIRST, SECOND = SecretStr("first"), SecretStr("second")


def provider(*further: SecretStr, key: SecretStr | None = FIRST) -> ProviderConfig:
    return ProviderConfig(
        "box", "openai-chat", "https://box.example", key, key_missing="gone", further_keys=further
    )


def refused(kind: ErrorType = ErrorType.AUTHENTICATION, retry_after_s: float | None = None) -> UpstreamError:
    return UpstreamError(kind, "x", retry_after_s=retry_after_s)


def test_the_first_key_is_taken_until_it_rests_and_again_after_its_rest() -> None:
    rests = KeyRests()
    assert rests.pick(2, 0.0) == 0
    rests = rests.after(0, refused(ErrorType.RATE_LIMIT, retry_after_s=30), 0.0)
    assert [rests.pick(2, now) for now in (0.0, 29.9, 30.0)] == [1, 1, 0]


@pytest.mark.parametrize("kind", [ErrorType.AUTHENTICATION, ErrorType.BILLING])
def test_a_refused_key_rests_long(kind: ErrorType) -> None:
    rests = KeyRests().after(0, refused(kind, retry_after_s=1), 0.0)
    assert rests.pick(2, REFUSED_REST_S - 1) == 1
    assert rests.pick(2, REFUSED_REST_S) == 0


def test_a_limited_key_without_a_pause_rests_a_little() -> None:
    rests = KeyRests().after(0, refused(ErrorType.RATE_LIMIT), 0.0)
    assert rests.soonest_s(0.0) == LIMITED_REST_S


@pytest.mark.parametrize(
    "kind", sorted(set(ErrorType) - {ErrorType.AUTHENTICATION, ErrorType.BILLING, ErrorType.RATE_LIMIT})
)
def test_other_errors_do_not_concern_the_key(kind: ErrorType) -> None:
    assert not concerns_key(refused(kind))
    assert KeyRests().after(0, refused(kind), 0.0) == KeyRests()


def test_where_all_were_refused_the_one_that_rests_shortest_is_better_than_none() -> None:
    rests = KeyRests().after(1, refused(), 0.0).after(0, refused(), 5.0)
    assert rests.pick(2, 10.0) == 1


def test_where_one_is_only_limited_it_is_waited_for() -> None:
    rests = KeyRests().after(0, refused(), 0.0).after(1, refused(ErrorType.RATE_LIMIT, retry_after_s=9), 0.0)
    assert rests.pick(2, 4.0) is None
    assert rests.soonest_s(4.0) == 5.0


def test_the_keys_of_a_provider_are_its_key_and_the_further_ones() -> None:
    assert keys_of(provider()) == (FIRST,)
    assert keys_of(provider(key=None)) == (None,)
    assert keys_of(provider(SECOND)) == (FIRST, SECOND)
    assert keys_of(provider(SECOND, key=None)) == (SECOND,)


def test_a_provider_is_called_with_one_key() -> None:
    plain = provider()
    assert with_key(plain, 0) is plain
    keyed = with_key(provider(SECOND), 1)
    assert (keyed.key, keyed.further_keys, keyed.key_missing) == (SECOND, (), None)


answers = st.tuples(
    st.integers(0, 3),
    st.sampled_from(list(ErrorType)),
    st.none() | st.floats(0, 100),
    st.floats(0, 1000),
)


@given(st.lists(answers), st.floats(0, 3000))
def test_a_key_that_rests_is_taken_only_where_all_were_refused(
    told: list[tuple[int, ErrorType, float | None, float]], now: float
) -> None:
    rests = KeyRests()
    for index, kind, pause, at in told:
        rests = rests.after(index, UpstreamError(kind, "x", retry_after_s=pause), at)
    picked = rests.pick(4, now)
    resting = {index: rest for index, rest in rests.rests.items() if rest.until > now}
    if picked is None:
        assert len(resting) == 4
        assert rests.soonest_s(now) > 0
    elif picked in resting:
        assert all(rest.is_refused for rest in resting.values())
        assert len(resting) == 4
    else:
        assert set(range(picked)) <= set(resting)


def test_a_limited_key_rests_a_second_even_where_it_may_come_back_at_once() -> None:
    rests = KeyRests().after(0, refused(ErrorType.RATE_LIMIT, retry_after_s=0.0), 5.0)
    assert (rests.pick(1, 5.9), rests.pick(1, 6.0)) == (None, 0)
