"""A run under a clock that jumps, and with the same order of tasks every time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar, TypeVarTuple

import trio
import trio.testing
from trio._core import _run as scheduler

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def run(
    async_fn: Callable[[*Ts], Awaitable[T]],
    *args: *Ts,
    clock: trio.abc.Clock | None = None,
    instruments: Sequence[trio.abc.Instrument] = (),
) -> T:
    """`trio.run` under a virtual clock of its own, which jumps to the next deadline whenever every task waits.

    For a body of `@given`, where a fixture such as pytest-trio's `autojump_clock` would be shared between
    examples. `clock`: another one, where it is not None.
    """
    if clock is None:
        clock = trio.testing.MockClock(autojump_threshold=0)
    return trio.run(async_fn, *args, clock=clock, instruments=instruments)


# Trio runs the tasks that are ready in random order, so that nobody comes to rely on one. For tests of this kind
# it can sort and shuffle them with a generator of its own instead; pytest-trio switches that on, but only in a
# session with Hypothesis, and only Hypothesis seeds the generator. There is no public name for either, so both are
# taken by their private ones; a test fails when Trio renames them.
_SWITCH = "_ALLOW_DETERMINISTIC_SCHEDULING"
_GENERATOR = "_r"


class _Held:
    """How many hold the scheduler, and what to give back after the last. It is the process's: so is Trio's."""

    count = 0
    switch = False
    state: object = None


@contextmanager
def deterministic_scheduling(seed: int) -> Iterator[None]:
    """While the block runs, Trio's order of tasks follows from `seed` and what they do. Nests, in any order."""
    generator = getattr(scheduler, _GENERATOR)
    if _Held.count == 0:
        _Held.switch, _Held.state = getattr(scheduler, _SWITCH), generator.getstate()
    _Held.count += 1
    setattr(scheduler, _SWITCH, True)
    generator.seed(seed)
    try:
        yield
    finally:
        _Held.count -= 1
        if _Held.count == 0:
            setattr(scheduler, _SWITCH, _Held.switch)
            generator.setstate(_Held.state)
