"""Six connections an origin, shared fairly between background fetches.

Each origin has a ring of owners (background fetches) and each owner a queue of records; a free connection
goes to the next owner in the ring. So one with a thousand records does not starve one with a single record.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import attrs

CONNECTIONS_PER_ORIGIN = 6


class Lease:
    """One connection, until it is released; to release it twice does nothing."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        release, self._release = self._release, None
        if release is not None:
            release()


Ticket = Callable[[Lease], None]


@attrs.define
class _Origin:
    in_use: int = 0
    ring: OrderedDict[int, OrderedDict[Ticket, None]] = attrs.field(factory=OrderedDict)
    draining: bool = False


class Connections:
    def __init__(self, limit: int = CONNECTIONS_PER_ORIGIN) -> None:
        self._limit = limit
        self._origins: dict[str, _Origin] = {}

    def enqueue(self, origin: str, owner: int, granted: Ticket) -> bool:
        """Call `granted` with a Lease when a connection is free. Answers whether one was free at once."""
        state = self._origins.setdefault(origin, _Origin())
        state.ring.setdefault(owner, OrderedDict())[granted] = None
        self._drain(origin, state)
        return granted not in state.ring.get(owner, ())

    def withdraw(self, origin: str, owner: int, granted: Ticket) -> None:
        """Leave the queue; nothing happens when `granted` is not in it."""
        state = self._origins.get(origin)
        queue = state.ring.get(owner) if state else None
        if state and queue and granted in queue:
            del queue[granted]
            if not queue:
                del state.ring[owner]

    def _release(self, origin: str) -> None:
        """A connection is given back; the next in line gets it."""
        state = self._origins[origin]
        state.in_use -= 1
        self._drain(origin, state)

    def _drain(self, origin: str, state: _Origin) -> None:
        # Whoever is granted a connection may give it back at once; the loop, not the stack, takes the next.
        if state.draining:
            return
        state.draining = True
        try:
            while state.ring and state.in_use < self._limit:
                owner, queue = next(iter(state.ring.items()))
                granted, _ = queue.popitem(last=False)
                if queue:
                    state.ring.move_to_end(owner)
                else:
                    del state.ring[owner]
                state.in_use += 1
                granted(Lease(partial(self._release, origin)))
        finally:
            state.draining = False
        if not state.in_use and not state.ring:
            self._origins.pop(origin, None)
