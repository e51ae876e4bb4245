"""Moments are kept in whole microseconds, and come back to the microsecond."""

from __future__ import annotations

from datetime import datetime, timezone

from proxy.service.moments import moment_of, read_us


def test_a_clock_is_read_in_microseconds() -> None:
    assert read_us(lambda: 1.2345678) == 1_234_567


def test_a_kept_moment_comes_back_to_the_microsecond_however_late_it_is() -> None:
    late = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone.utc)
    kept = (late - moment_of(0)).days * 86_400_000_000 + 86_399_999_999
    assert moment_of(kept) == late
    assert moment_of(1) == datetime(1970, 1, 1, microsecond=1, tzinfo=timezone.utc)
