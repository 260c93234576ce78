"""Retry-After, whatever a server writes there."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given, strategies as st

from swruntime.algorithms.retry_after import LONGEST, parse_retry_after

NOW = 1_767_225_600.0
"""2026-01-01 UTC."""


@given(st.integers(0, 10**40), st.sampled_from(("", " ", "\t", "000")))
def test_seconds_up_to_a_day(seconds: int, before: str) -> None:
    assert parse_retry_after(f"{before}{seconds}", now=NOW) == min(float(seconds), LONGEST)


@given(st.integers(-(10**9), 10**9))
def test_a_date_is_so_far_away_as_it_is_and_never_behind(seconds: int) -> None:
    value = format_datetime(datetime.fromtimestamp(NOW + seconds, UTC), usegmt=True)
    assert parse_retry_after(value, now=NOW) == min(max(float(seconds), 0.0), LONGEST)


@given(st.text(max_size=40), st.integers(0, 2**33))
def test_whatever_it_is_it_is_a_time_to_wait_or_nothing(value: str, now: int) -> None:
    said = parse_retry_after(value, now=float(now))
    assert said is None or 0.0 <= said <= LONGEST


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-1", "1.5", "+5", "5s", "٣", "1e3", "Thu, 99 Jan 2026 00:00:00 GMT", "inf", "nan", "0x10"],
)
def test_nonsense_is_nothing(value: str) -> None:
    assert parse_retry_after(value, now=NOW) is None


@given(st.integers(0, 10**5), st.integers(-(10**9), 10**9))
def test_a_date_is_after_the_answers_own_whatever_the_clock_shows(seconds: int, wrong: int) -> None:
    def at(time: float) -> str:
        return format_datetime(datetime.fromtimestamp(time, UTC), usegmt=True)

    said = parse_retry_after(at(NOW + seconds), now=NOW + wrong, date=at(NOW))
    assert said == min(float(seconds), LONGEST)


def test_a_date_that_is_not_one_is_not_asked() -> None:
    value = format_datetime(datetime.fromtimestamp(NOW + 60, UTC), usegmt=True)
    assert parse_retry_after(value, now=NOW, date="today") == 60.0
