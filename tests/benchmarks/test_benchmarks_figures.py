"""Medians, spreads and ratios: of pairs, never of medians. No time is asserted, here or in the other files."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from benchmarks.figures import Sample, Spread, differences, ratios, spread

times = st.floats(0.001, 1000)


def test_a_spread_of_an_odd_and_of_an_even_number() -> None:
    assert spread([3.0, 1.0, 10.0]) == Spread(3.0, 1.0, 10.0)
    assert spread([4.0, 1.0]) == Spread(2.5, 1.0, 4.0)
    assert spread([7.0]) == Spread(7.0, 7.0, 7.0)


def test_a_spread_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        spread([])


def test_a_ratio_is_the_median_of_the_pairs_and_not_the_ratio_of_the_medians() -> None:
    ours = [Sample(1.0, 1.0), Sample(6.0, 3.0), Sample(3.0, 2.0)]
    theirs = [Sample(1.0, 2.0), Sample(2.0, 1.0), Sample(6.0, 1.0)]
    found = ratios(ours, theirs)
    assert found.wall == Spread(1.0, 0.5, 3.0)  # of the medians it would be 1.5
    assert found.cpu == Spread(2.0, 0.5, 3.0)


def test_a_difference_is_of_the_pairs_too() -> None:
    found = differences([Sample(5.0, 2.0), Sample(9.0, 4.0)], [Sample(1.0, 1.0), Sample(1.0, 1.0)])
    assert found.wall == Spread(6.0, 4.0, 8.0)
    assert found.cpu == Spread(2.0, 1.0, 3.0)


def test_who_did_not_run_as_often_is_not_compared() -> None:
    with pytest.raises(ValueError, match="2 runs against 1"):
        ratios([Sample(1.0), Sample(1.0)], [Sample(1.0)])


@pytest.mark.parametrize("theirs", [None, 0.0])
def test_a_processor_time_that_is_not_known_or_too_short_for_the_clock_gives_no_ratio(
    theirs: float | None,
) -> None:
    found = ratios([Sample(1.0, 1.0)] * 2, [Sample(1.0, 1.0), Sample(1.0, theirs)])
    assert found.wall == Spread(1.0, 1.0, 1.0)
    assert found.cpu is None


@given(st.lists(times, min_size=1))
def test_a_median_lies_within_its_spread(values: list[float]) -> None:
    found = spread(values)
    assert found.least <= found.median <= found.most
    assert {found.least, found.most} <= set(values)


@given(st.lists(times, min_size=1))
def test_whoever_is_compared_with_itself_takes_once_as_long(values: list[float]) -> None:
    samples = [Sample(value, value) for value in values]
    found = ratios(samples, samples)
    assert found.wall == found.cpu == Spread(1.0, 1.0, 1.0)
