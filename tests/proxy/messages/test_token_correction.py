"""The running ratio of real counts to estimates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.messages.token_correction import FEWEST_TOKENS, MOST_MODELS, TokenCorrection


def _after(*pairs: tuple[int, int], model: str = "m") -> TokenCorrection:
    correction = TokenCorrection()
    for estimated, actual in pairs:
        correction = correction.observe(model, estimated, actual)
    return correction


def test_a_model_never_observed_keeps_its_estimate() -> None:
    assert _after((1000, 1500), model="other").corrected("m", 1000) == 1000


def test_many_observations_bring_the_estimate_to_what_was_counted() -> None:
    assert _after(*[(1000, 1300)] * 100).corrected("m", 1000) == pytest.approx(1300, rel=0.01)


def test_one_observation_moves_the_estimate_only_part_of_the_way() -> None:
    assert 1000 < _after((1000, 1300)).corrected("m", 1000) < 1150


def test_an_observation_beyond_double_counts_as_double() -> None:
    assert _after((1000, 90_000)) == _after((1000, 2000))


def test_a_change_of_the_upstreams_counting_is_followed() -> None:
    assert _after(*[(1000, 1300)] * 100, *[(1000, 900)] * 100).corrected("m", 1000) == pytest.approx(
        900, rel=0.02
    )


@pytest.mark.parametrize("pair", [(FEWEST_TOKENS - 1, 5000), (5000, FEWEST_TOKENS - 1), (0, 0), (-5, -5)])
def test_short_requests_and_missing_counts_teach_nothing(pair: tuple[int, int]) -> None:
    assert _after(pair) == TokenCorrection()


def test_only_the_models_observed_last_are_kept() -> None:
    correction = TokenCorrection()
    for number in range(MOST_MODELS + 1):
        correction = correction.observe(f"m{number}", 1000, 2000)
    assert len(correction.seen) == MOST_MODELS
    assert correction.corrected("m0", 1000) == 1000
    assert correction.corrected(f"m{MOST_MODELS}", 1000) > 1000


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), max_size=40), st.integers(1, 10**6))
def test_a_correction_never_goes_beyond_half_or_double(pairs: list[tuple[int, int]], estimate: int) -> None:
    corrected = _after(*pairs).corrected("m", estimate)
    assert max(1, estimate // 2) <= corrected <= estimate * 2 + 1
