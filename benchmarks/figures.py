"""Medians, spreads and ratios. Two contestants are compared round by round, never by their separate medians."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import attrs


@attrs.frozen
class Sample:
    """One run of a contestant. What could not be measured is None."""

    wall: float
    """Seconds of the clock."""
    cpu: float | None = None
    """Seconds of the processor, user and system, of all its processes."""
    rss: int | None = None
    """The most memory that its largest process had resident, in bytes."""


@attrs.frozen
class Spread:
    """The median of several values, and between what they lie."""

    median: float
    least: float
    most: float


@attrs.frozen
class Comparison:
    """One contestant divided by another, or the seconds that it takes more, over the rounds that both ran."""

    wall: Spread
    cpu: Spread | None


def spread(values: Sequence[float]) -> Spread:
    """Raises ValueError where there is not a single value."""
    if not values:
        raise ValueError("a spread of no values; expected at least one")
    return Spread(statistics.median(values), min(values), max(values))


def ratios(ours: Sequence[Sample], theirs: Sequence[Sample]) -> Comparison:
    """`ours` divided by `theirs`, pair by pair. Raises ValueError where they did not run equally often."""
    return _compared(ours, theirs, lambda a, b: a / b)


def differences(ours: Sequence[Sample], theirs: Sequence[Sample]) -> Comparison:
    """Seconds that `ours` takes more than `theirs`, pair by pair. Raises ValueError as `ratios` does."""
    return _compared(ours, theirs, lambda a, b: a - b)


def _compared(
    ours: Sequence[Sample], theirs: Sequence[Sample], by: Callable[[float, float], float]
) -> Comparison:
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} runs against {len(theirs)}; expected as many of each")
    processor = [
        by(a.cpu, b.cpu)
        for a, b in zip(ours, theirs, strict=True)
        # A clock that ticks every 10 ms says 0 of what is short: nothing is to be divided by that.
        if a.cpu is not None and b.cpu
    ]
    return Comparison(
        spread([by(a.wall, b.wall) for a, b in zip(ours, theirs, strict=True)]),
        spread(processor) if len(processor) == len(ours) else None,
    )
