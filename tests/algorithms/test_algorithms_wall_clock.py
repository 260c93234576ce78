"""Whatever the clock has shown, what waits for a time of day is due within its own interval from now."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, strategies as st

from swruntime.algorithms import wall_clock

YEARS = 10 * 365 * 86_400.0

TIMES = st.floats(-3e9, 6e9).map(lambda at: float(round(at)))
INTERVALS = st.floats(0, 1e8).map(lambda seconds: float(round(seconds)))


@given(TIMES, INTERVALS, TIMES)
def test_nothing_is_waited_for_longer_than_its_interval(due: float, interval: float, now: float) -> None:
    left = wall_clock.seconds_left(due, interval, now)
    assert 0 <= left <= interval
    if now <= due <= now + interval:
        assert left == due - now


@given(TIMES, INTERVALS, st.lists(st.tuples(TIMES, st.floats(0, 1e7)), min_size=1))
def test_after_any_history_of_the_clock_it_comes_in_time(
    set_at: float, interval: float, history: list[tuple[float, float]]
) -> None:
    """The clock is set again and again, and the process starts anew with each: the wait is not begun again."""
    due = set_at + interval
    for shown, _ in history:
        due = wall_clock.due_at(due, interval, shown)
        assert due <= shown + interval
    shown = history[-1][0]
    assert shown + wall_clock.seconds_left(due, interval, shown) <= shown + interval
    # From here on the clock goes right, and however often it is looked at, the time does not move.
    for passed in (0.0, 1.0, interval):
        assert wall_clock.due_at(due, interval, shown + passed) == due


@given(TIMES, TIMES)
def test_what_is_over_was_not_later_than_now(moment: float, now: float) -> None:
    happened = wall_clock.happened_at(moment, now)
    assert happened <= now
    assert happened in (moment, now)
    assert wall_clock.happened_at(happened, now) == happened
    assert moment > now or happened == moment


@given(TIMES, INTERVALS, TIMES)
def test_what_was_kept_lives_no_longer_than_it_was_to(created: float, life: float, now: float) -> None:
    assume(life > 0)
    expires = wall_clock.expires_at(created + life, created, now)
    assert expires <= max(now, created + 0.0) + life or created <= now
    if created <= now:
        assert expires == created + life
    else:
        assert expires == now + life


@given(TIMES, TIMES)
def test_what_had_expired_when_it_was_made_stays_so(created: float, now: float) -> None:
    assert wall_clock.expires_at(created, created, now) == created
    assert wall_clock.expires_at(created - 1, created, now) == created - 1


@pytest.mark.parametrize("wrong", [-YEARS, YEARS])
def test_ten_years(wrong: float) -> None:
    now = 1_767_225_600.0
    due = now + wrong + 300
    assert wall_clock.seconds_left(due, 300, now) == (0 if wrong < 0 else 300)
    assert wall_clock.due_at(due, 300, now) == (due if wrong < 0 else now + 300)
    assert wall_clock.happened_at(now + wrong, now) == now + min(wrong, 0)
    assert wall_clock.expires_at(now + wrong + 60, now + wrong, now) == (
        now + wrong + 60 if wrong < 0 else now + 60
    )
    assert math.isinf(wall_clock.expires_at(math.inf, now + YEARS, now))
