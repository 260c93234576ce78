"""Whether servers can be reached, as the agent's own exchanges tell, and Linux where it is asked.

Nobody tells a program that its network is back, or a server. Three things hint at it, and whoever waits out a backoff
for the network's sake then need not wait for the rest of it:

- an origin that could not be reached (`dns`, `connect`) when it was asked last, and answers now. An origin that
  always answers says nothing: it would have every other's backoff cut short for ever.
- Linux tells of a new address or route (rtnetlink(7)); elsewhere nobody is asked.
- over real sockets: while a record waits for an origin that could not be reached, somebody looks every two seconds
  whether it takes a connection. That costs the server no request. Where the request fails all the same, as one does
  that a proxy cannot pass on, the next look comes later and later.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import trio

from swruntime.algorithms import urls
from swruntime.errors import NetworkFailure
from swruntime.ports.network import Network, WireRequest, WireResponse

UNREACHABLE = ("dns", "connect")

LOOKING = 2.0
LONGEST_LOOKING = 60.0
"""Seconds between two looks at an origin that cannot be reached, doubled for each that was wrong, and the longest."""

LOOK_PATIENCE = 5.0
"""Seconds that an origin has to take a connection."""

MOST_LOOKS = 20
"""So many connections, at most, are tried at once."""

SETTLING = 1.0
"""Seconds from the first address or route until somebody tries it: they come in bursts."""

# linux/rtnetlink.h and linux/netlink.h
_GROUPS = 0x10 | 0x40 | 0x100 | 0x400  # addresses and routes, of both versions
_NEW_ADDRESS, _NEW_ROUTE = 20, 24
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port


class ReachabilityNetwork:
    """The port Network that calls `returned` with the origin when one can be reached that could not before.

    `watch`, where there is one, is told of each exchange, too.
    """

    def __init__(self, inner: Network, returned: Callable[[str], None]) -> None:
        self._inner = inner
        self._returned = returned
        self._unreachable: set[str] = set()
        self.watch: ServerWatch | None = None

    @asynccontextmanager
    async def exchange(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        """See `swruntime.ports.network.Network.exchange`."""
        origin = urls.origin_of(request.url)
        answered = False
        try:
            async with self._inner.exchange(request) as response:
                answered = True
                if self.watch is not None:
                    self.watch.answered(origin)
                if origin in self._unreachable:
                    self._unreachable.discard(origin)
                    self._returned(origin)
                yield response
        except NetworkFailure as failure:
            if failure.cause in UNREACHABLE:
                self._unreachable.add(origin)
            if self.watch is not None and not answered and failure.cause in (*UNREACHABLE, "timeout"):
                self.watch.failed(origin)
            raise


class ServerWatch:
    """Looks whether origins take connections again, as long as somebody waits for them.

    `reach` makes a connection to an origin, and closes it; it raises NetworkFailure where it cannot, and keeps to
    LOOK_PATIENCE. `awaited` says whether somebody waits for an origin; `back` is called with one that takes
    connections.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        reach: Callable[[str], Awaitable[None]],
        awaited: Callable[[str], bool],
        back: Callable[[str], None],
    ) -> None:
        self._nursery = nursery
        self._reach = reach
        self._awaited = awaited
        self._back = back
        self._looked_at: set[str] = set()
        self._wrong: Counter[str] = Counter()
        """How often in a row an origin took a connection, and the exchange found no way all the same."""
        self._limiter = trio.CapacityLimiter(MOST_LOOKS)

    def failed(self, origin: str) -> None:
        """An exchange found no way to `origin`, or nobody there who answers: it is looked at from now on."""
        if origin not in self._looked_at:
            self._looked_at.add(origin)
            self._nursery.start_soon(self._look, origin)

    def answered(self, origin: str) -> None:
        self._wrong.pop(origin, None)

    async def _look(self, origin: str) -> None:
        try:
            while True:
                await trio.sleep(min(LOOKING * 2.0 ** min(self._wrong[origin], 10), LONGEST_LOOKING))
                if not self._awaited(origin):
                    return  # an exchange that fails begins it anew
                if await self._takes_a_connection(origin):
                    self._wrong[origin] += 1  # until an exchange shows otherwise
                    self._back(origin)
                    return
        finally:
            self._looked_at.discard(origin)

    async def _takes_a_connection(self, origin: str) -> bool:
        async with self._limiter:
            try:
                await self._reach(origin)
            except NetworkFailure:
                return False
        return True


async def watch_routes(changed: Callable[[], None]) -> None:
    """Call `changed` whenever this machine has got an address or a route. Returns where no system tells.

    A new one also when the network was there all the time: it costs a request that would have come later.
    """
    if sys.platform != "linux":
        return
    try:
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    except OSError:
        return  # a sandbox may keep it; then only exchanges tell
    with trio.socket.from_stdlib_socket(netlink) as listening:
        await listening.bind((0, _GROUPS))
        await listen(listening, changed)


async def listen(listening: trio.socket.SocketType, changed: Callable[[], None]) -> None:
    """Read rtnetlink's messages for ever, and call `changed` once for each burst that has what is new."""
    while True:
        if await _something_new(listening):
            with trio.move_on_after(SETTLING):
                while True:
                    await _something_new(listening)
            changed()


async def _something_new(listening: trio.socket.SocketType) -> bool:
    try:
        data = await listening.recv(65536)
    except OSError as error:
        if error.errno == errno.ENOBUFS:
            return True  # more has happened than could be kept for us
        raise
    return any(kind in (_NEW_ADDRESS, _NEW_ROUTE) for kind in message_types(data))


def message_types(data: bytes) -> Iterator[int]:
    """The types of the netlink messages in `data`; what is cut off at its end is left out."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, offset)
        yield kind
        if length < _HEADER.size:
            return
        offset += (length + 3) & ~3
