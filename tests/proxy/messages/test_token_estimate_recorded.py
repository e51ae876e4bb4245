"""Estimates held against the input tokens that real upstreams counted."""

from pathlib import Path

import pytest

from benchmarks.count_tokens import (
    MEDIAN_LIMIT,
    P90_LIMIT,
    error_of,
    is_within_limits,
    plain_error_of,
    quantile,
)
from benchmarks.inputs.recorded_counts import LeftOut, Recorded, read_recordings


@pytest.fixture(scope="module")
def recordings(shared_data: Path) -> list[Recorded | LeftOut]:
    return read_recordings(shared_data / "recordings")


def _halves(recordings: list[Recorded | LeftOut]) -> tuple[list[Recorded], list[Recorded]]:
    usable = [each for each in recordings if isinstance(each, Recorded)]
    return [each for each in usable if not each.is_judged], [each for each in usable if each.is_judged]


def test_the_judged_half_of_the_recordings_is_within_the_limits(recordings: list[Recorded | LeftOut]) -> None:
    assert is_within_limits(_halves(recordings)[1])
    assert (MEDIAN_LIMIT, P90_LIMIT) == (0.05, 0.15)


def test_it_is_so_without_the_recordings_that_alone_taught_a_constant(
    recordings: list[Recorded | LeftOut],
) -> None:
    fitted, judged = _halves(recordings)
    assert not any(each.is_only_witness for each in fitted)
    assert is_within_limits([each for each in judged if not each.is_only_witness])


def test_estimates_are_ten_times_nearer_than_characters_by_four(recordings: list[Recorded | LeftOut]) -> None:
    judged = _halves(recordings)[1]
    ours, plain = [error_of(each) for each in judged], [plain_error_of(each) for each in judged]
    assert quantile(ours, 0.5) * 10 < quantile(plain, 0.5)


def test_the_halves_are_about_equal_and_most_recordings_with_a_count_are_in_them(
    recordings: list[Recorded | LeftOut],
) -> None:
    fitted, judged = _halves(recordings)
    assert len(fitted) + len(judged) >= 100
    assert min(len(fitted), len(judged)) >= 45


def test_every_recording_left_out_says_why(recordings: list[Recorded | LeftOut]) -> None:
    assert all(each.reason for each in recordings if isinstance(each, LeftOut))


def test_the_quantile_lies_between_neighbours() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([0.0, 1.0], 0.9) == pytest.approx(0.9)
