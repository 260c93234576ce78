"""A throughput that several exchanges share."""

from __future__ import annotations

import heapq
import math

import attrs
import trio

from swruntime.ports.network import LARGEST_PIECE

_SLICE = 0.05
"""Seconds that a piece has the link for itself: a compromise of fairness and work."""

_LARGEST_SLICE = 65536
"""The most bytes that go over a link of limited rate at once."""


@attrs.define(order=True)
class _Turn:
    tag: float
    exchange: int
    granted: trio.Event = attrs.field(order=False, factory=trio.Event)


class Link:
    """One direction of a connection, `rate` bytes per second, math.inf where nothing is limited, in pieces of at most
    `largest` bytes.

    Start-time fair queueing: each piece has the whole link for its time, and the piece whose exchange has had
    least goes next; of equals the one with the lower number. So the result depends on nothing but the clock
    and the numbers, not on the order in which Trio wakes tasks.
    """

    def __init__(self, rate: float = math.inf, largest: int = LARGEST_PIECE) -> None:
        self.rate = rate
        self.largest = largest
        self._turns: list[_Turn] = []
        self._busy = False
        self._virtual = 0.0
        self._had: dict[int, float] = {}

    @property
    def piece(self) -> int:
        """How many bytes to carry at once, so that others get their turn: from 1 byte to `largest`."""
        if math.isinf(self.rate):
            return self.largest
        return max(1, min(self.largest, _LARGEST_SLICE, int(self.rate * _SLICE)))

    def forget(self, exchange: int) -> None:
        """`exchange` is over."""
        self._had.pop(exchange, None)

    async def carry(self, exchange: int, size: int) -> None:
        """Wait until `size` bytes of `exchange` have gone over the link."""
        if math.isinf(self.rate) and not self._busy:
            return
        turn = _Turn(max(self._virtual, self._had.get(exchange, 0.0)), exchange)
        heapq.heappush(self._turns, turn)
        try:
            # Whoever wakes at the same instant gets to ask before anyone is chosen.
            await trio.lowlevel.checkpoint()
            self._grant()
            await turn.granted.wait()
            self._had[exchange] = turn.tag + size
            await trio.sleep(size / self.rate)
        finally:
            if turn.granted.is_set():
                self._busy = False
            else:
                self._turns.remove(turn)
                heapq.heapify(self._turns)
            self._grant()

    def _grant(self) -> None:
        if self._busy or not self._turns:
            return
        turn = heapq.heappop(self._turns)
        self._busy = True
        self._virtual = turn.tag
        turn.granted.set()
