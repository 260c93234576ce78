"""The conditions of a network: offline, latency, throughput. The user's switch, not the agent's guess."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from types import MappingProxyType
from typing import TypeVar

import attrs
import trio

from swruntime.errors import NetworkFailure
from swruntime.network.link import Link
from swruntime.ports.network import LARGEST_PIECE, Network, WireRequest, WireResponse

T = TypeVar("T")


def _positive(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not value > 0:
        raise ValueError(f"{attribute.name} must be more than 0 bytes per second, got {value}")


def _whole_bytes(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if not 1 <= value <= LARGEST_PIECE:
        raise ValueError(f"{attribute.name} must be from 1 to {LARGEST_PIECE} bytes, got {value}")


def _not_negative(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a time in seconds, got {value}")


@attrs.frozen
class Conditions:
    """`latency` in seconds, from the request to the response's headers; `download` and `upload` in bytes per
    second, shared by all exchanges. math.inf is no limit. `packet`: bodies come and go in pieces of at most so many
    bytes, as over a link whose frames are that small (1460 is Ethernet's).
    """

    name: str
    offline: bool = False
    latency: float = attrs.field(default=0.0, validator=_not_negative)
    download: float = attrs.field(default=math.inf, validator=_positive)
    upload: float = attrs.field(default=math.inf, validator=_positive)
    packet: int = attrs.field(default=LARGEST_PIECE, validator=_whole_bytes)


OFFLINE = Conditions("offline", offline=True)
ONLINE = Conditions("online")

PRESETS: Mapping[str, Conditions] = MappingProxyType(
    {
        conditions.name: conditions
        for conditions in (
            OFFLINE,
            ONLINE,
            # The figures of Chrome's developer tools, which slow nominal links down for the radio's sake.
            # What they once called Slow and Fast 3G they call 3G and Slow 4G now.
            Conditions("slow-3g", latency=2.0, download=50_000, upload=50_000),
            Conditions("3g", latency=2.0, download=50_000, upload=50_000),
            Conditions("fast-3g", latency=0.5625, download=180_000, upload=84_375),
            Conditions("slow-4g", latency=0.5625, download=180_000, upload=84_375),
            Conditions("fast-4g", latency=0.165, download=1_012_500, upload=168_750),
        )
    }
)


class ConditionedNetwork:
    """The port Network, seen through conditions that can change at any time."""

    def __init__(self, inner: Network, conditions: Conditions = ONLINE) -> None:
        self._inner = inner
        self._conditions = conditions
        self._when_online = ONLINE if conditions.offline else conditions
        self._download = Link(conditions.download, conditions.packet)
        self._upload = Link(conditions.upload, conditions.packet)
        self._numbers = count()
        self._running: dict[int, _Running] = {}
        self._callbacks: list[Callable[[], None]] = []

    @property
    def conditions(self) -> Conditions:
        return self._conditions

    @property
    def online(self) -> bool:
        return not self._conditions.offline

    def on_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` after every change. Returns what ends that."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def go_offline(self) -> None:
        """Every running exchange breaks at once, and no new one starts."""
        self.set(OFFLINE)

    def go_online(self) -> None:
        """Back to the conditions of before `go_offline()`; nothing happens to a network that is online."""
        if not self.online:
            self.set(self._when_online)

    def set(self, conditions: Conditions) -> None:
        """New conditions. A piece that is already on its way keeps the old throughput."""
        if conditions == self._conditions:
            return
        self._conditions = conditions
        if conditions.offline:
            for running in tuple(self._running.values()):
                running.break_off()
        else:
            self._when_online = conditions
            self._download.rate = conditions.download
            self._upload.rate = conditions.upload
            self._download.largest = self._upload.largest = conditions.packet
        for callback in tuple(self._callbacks):
            callback()

    @asynccontextmanager
    async def exchange(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        """See `swruntime.ports.network.Network.exchange`. The cause is `offline` if the switch was used."""
        if not self.online:
            await trio.lowlevel.checkpoint()
            raise _offline()
        number = next(self._numbers)
        running = self._running[number] = _Running()
        if request.body is not None:
            request = attrs.evolve(request, body=self._slow_upload(request.body, number))
        begin = trio.current_time()
        try:
            # This scope is left long after the headers are there (the inner exchange must be inside it),
            # so it is only ever cancelled before; afterwards it is the reading that breaks.
            with trio.CancelScope() as until_headers:
                running.scopes.add(until_headers)
                async with self._inner.exchange(request) as response:
                    # Nobody gets past this checkpoint with the scope cancelled, so nothing is to be checked.
                    if self._conditions.latency:
                        await trio.sleep_until(begin + self._conditions.latency)
                    else:
                        await trio.lowlevel.checkpoint()
                    running.scopes.discard(until_headers)
                    body = _SlowIterator(response.body, self._download, number, running)
                    yield attrs.evolve(response, body=body)
            if until_headers.cancelled_caught:
                raise _offline()
        finally:
            del self._running[number]
            self._download.forget(number)
            self._upload.forget(number)

    def _slow_upload(
        self, body: Callable[[], AsyncIterator[bytes]], number: int
    ) -> Callable[[], AsyncIterator[bytes]]:
        return lambda: _SlowIterator(body(), self._upload, number, None)


class _Running:
    """An exchange that can be broken off while it waits, and is found broken when it does not."""

    def __init__(self) -> None:
        self.scopes: set[trio.CancelScope] = set()
        self._broken = False

    def break_off(self) -> None:
        self._broken = True
        for scope in self.scopes:
            scope.cancel()

    def check(self) -> None:
        if self._broken:
            raise _offline()

    async def wait(self, operation: Callable[[], Awaitable[T]]) -> T:
        self.check()
        with trio.CancelScope() as scope:
            self.scopes.add(scope)
            try:
                return await operation()
            finally:
                self.scopes.discard(scope)
        raise _offline()


class _SlowIterator:
    """The pieces of `inner` at the pace of a link, cut as the link wants them."""

    def __init__(
        self, inner: AsyncIterator[bytes], link: Link, number: int, running: _Running | None
    ) -> None:
        self._inner = inner
        self._link = link
        self._number = number
        self._running = running
        self._data = b""
        self._at = 0
        """How many bytes of `_data` have gone over the link."""

    def __aiter__(self) -> _SlowIterator:
        return self

    async def __anext__(self) -> bytes:
        if self._running is None:
            return await self._next()
        return await self._running.wait(self._next)

    async def _next(self) -> bytes:
        if self._at == len(self._data):
            self._data, self._at = await anext(self._inner), 0
        piece = self._data[self._at : self._at + self._link.piece]
        await self._link.carry(self._number, len(piece))
        self._at += len(piece)
        return piece

    async def aclose(self) -> None:
        if hasattr(self._inner, "aclose"):
            await self._inner.aclose()


def _offline() -> NetworkFailure:
    return NetworkFailure("offline", "the network is switched off")
