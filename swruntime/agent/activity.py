"""What is going on, for whoever waits until nothing is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVarTuple

import trio

Ts = TypeVarTuple("Ts")


class Activity:
    """Counts what is under way, and wakes whoever waits for a change."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()
        self._lot = trio.lowlevel.ParkingLot()

    @contextmanager
    def under_way(self, what: str) -> Iterator[None]:
        """While the block runs, the agent is not settled."""
        self._under_way[what] += 1
        try:
            yield
        finally:
            self._under_way[what] -= 1
            self.changed()

    def start(
        self, nursery: trio.Nursery, what: str, async_fn: Callable[[*Ts], Awaitable[object]], *args: *Ts
    ) -> None:
        """Start a task that is under way from this very moment on, not only from its first step."""
        self._under_way[what] += 1

        async def run() -> None:
            try:
                await async_fn(*args)
            finally:
                self._under_way[what] -= 1
                self.changed()

        nursery.start_soon(run, name=what)

    @property
    def idle(self) -> bool:
        return not any(self._under_way.values())

    def changed(self) -> None:
        self._lot.unpark_all()

    async def wait_for_change(self) -> None:
        await self._lot.park()
