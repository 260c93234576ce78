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
        self._bytes = trio.lowlevel.ParkingLot()

    def begin(self, what: str) -> Callable[[], None]:
        """From now on the agent is not settled, until what is returned is called; later calls do nothing."""
        self._under_way[what] += 1
        ended = False

        def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                self._under_way[what] -= 1
                self.changed()

        return end

    @contextmanager
    def under_way(self, what: str) -> Iterator[None]:
        """While the block runs, the agent is not settled."""
        end = self.begin(what)
        try:
            yield
        finally:
            end()

    def start(
        self, nursery: trio.Nursery, what: str, async_fn: Callable[[*Ts], Awaitable[object]], *args: *Ts
    ) -> None:
        """Start a task that is under way from this very moment on, not only from its first step."""
        end = self.begin(what)

        async def run() -> None:
            try:
                await async_fn(*args)
            finally:
                end()

        nursery.start_soon(run, name=what)

    @property
    def idle(self) -> bool:
        return not any(self._under_way.values())

    def changed(self) -> None:
        self._lot.unpark_all()

    async def wait_for_change(self) -> None:
        await self._lot.park()

    def bytes_came(self) -> None:
        self._bytes.unpark_all()

    async def wait_for_bytes(self) -> None:
        """Until a body has grown, or a background fetch has begun."""
        await self._bytes.park()
