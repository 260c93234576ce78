"""Waiting outside Trio: a thread, a socket, a process.

Under a test's virtual clock Trio jumps ahead as soon as every task waits. It cannot see a thread that is
still busy on our behalf; so whoever waits for one says so, and the clock holds meanwhile.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import trio

_held: WeakKeyDictionary[trio.abc.Clock, tuple[int, float]] = WeakKeyDictionary()


@contextmanager
def outside_trio() -> Iterator[None]:
    """While the block runs, a virtual clock (`trio.testing.MockClock`) does not jump. Nests, and is re-entrant."""
    testing = sys.modules.get("trio.testing")
    clock = trio.lowlevel.current_clock()
    if testing is None or not isinstance(clock, testing.MockClock):
        yield
        return
    count, threshold = _held.get(clock, (0, clock.autojump_threshold))
    _held[clock] = (count + 1, threshold)
    clock.autojump_threshold = math.inf
    try:
        yield
    finally:
        count, threshold = _held[clock]
        if count == 1:
            del _held[clock]
            clock.autojump_threshold = threshold
        else:
            _held[clock] = (count - 1, threshold)
