"""Waiting outside Trio: a thread, a socket, a process.

Under a test's virtual clock Trio jumps ahead as soon as every task waits. It cannot see a thread that is
still busy on our behalf; so whoever waits for one says so, and the clock holds meanwhile.

A socket is special: the server at its other end may live in the very same run, as the scripted origin does, and
may wait for that clock itself (to answer after an hour, say). So who waits for a server says `awaiting_server`,
and such a server says `server_waits` while it is Trio that it waits for: the clock holds as long as more exchanges
wait for a server than servers wait for Trio.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

import attrs

if TYPE_CHECKING:
    import trio
    from trio.testing import MockClock

_Kind = Literal["outside", "exchanges", "servers"]


@attrs.define
class _Waiting:
    """Who waits for what under one clock. `threshold` is the clock's own while it is held, else None."""

    outside: int = 0
    exchanges: int = 0
    servers: int = 0
    threshold: float | None = None

    @property
    def holds(self) -> bool:
        return self.outside > 0 or self.exchanges > self.servers

    def change(self, clock: MockClock, kind: _Kind, by: int) -> None:
        setattr(self, kind, getattr(self, kind) + by)
        if self.holds and self.threshold is None:
            self.threshold, clock.autojump_threshold = clock.autojump_threshold, math.inf
        elif not self.holds and self.threshold is not None:
            clock.autojump_threshold, self.threshold = self.threshold, None


_waiting: WeakKeyDictionary[trio.abc.Clock, _Waiting] = WeakKeyDictionary()

_NOTHING: AbstractContextManager[None] = nullcontext()
"""A clock that runs by itself needs nobody to hold it; a request asks four times."""


def outside_trio() -> AbstractContextManager[None]:
    """While the block runs, a virtual clock (`trio.testing.MockClock`) does not jump. Nests, and is re-entrant."""
    return _count("outside")


def awaiting_server() -> AbstractContextManager[None]:
    """As `outside_trio`, for one exchange that waits for a socket, unless its server says that it waits for Trio."""
    return _count("exchanges")


def server_waits() -> AbstractContextManager[None]:
    """While the block runs, a server of this run waits for Trio: its clock, or another task. Its client waits for it.

    Only between a request's arrival and its answer's end; then there is one client for each.
    """
    return _count("servers")


def clock_is_virtual() -> bool:
    """Whether this run's clock is a test's, which stands still while anything computes."""
    import trio

    testing = sys.modules.get("trio.testing")
    return testing is not None and isinstance(trio.lowlevel.current_clock(), testing.MockClock)


def _count(kind: _Kind) -> AbstractContextManager[None]:
    import trio

    clock = trio.lowlevel.current_clock()
    testing = sys.modules.get("trio.testing")
    if testing is None or not isinstance(clock, testing.MockClock):
        return _NOTHING
    return _counted(clock, kind)


@contextmanager
def _counted(clock: MockClock, kind: _Kind) -> Iterator[None]:
    waiting = _waiting.setdefault(clock, _Waiting())
    waiting.change(clock, kind, 1)
    try:
        yield
    finally:
        waiting.change(clock, kind, -1)
