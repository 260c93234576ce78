"""Whether servers can be reached, as the agent's own exchanges tell, and Linux where it is asked.

Nobody tells a program that its network is back. Two things hint at it, and whoever waits out a backoff for the
network's sake then need not wait for the rest of it:

- an origin that could not be reached (`dns`, `connect`) when it was asked last, and answers now. An origin that
  always answers says nothing: it would have every other's backoff cut short for ever.
- Linux tells of a new address or route (rtnetlink(7)); elsewhere nobody is asked.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import trio

from swruntime.algorithms import urls
from swruntime.errors import NetworkFailure
from swruntime.ports.network import Network, WireRequest, WireResponse

UNREACHABLE = ("dns", "connect")

SETTLING = 1.0
"""Seconds from the first address or route until somebody tries it: they come in bursts."""

# linux/rtnetlink.h and linux/netlink.h
_GROUPS = 0x10 | 0x40 | 0x100 | 0x400  # addresses and routes, of both versions
_NEW_ADDRESS, _NEW_ROUTE = 20, 24
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port


class ReachabilityNetwork:
    """The port Network that calls `returned` with the origin when one can be reached that could not before."""

    def __init__(self, inner: Network, returned: Callable[[str], None]) -> None:
        self._inner = inner
        self._returned = returned
        self._unreachable: set[str] = set()

    @asynccontextmanager
    async def exchange(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        """See `swruntime.ports.network.Network.exchange`."""
        origin = urls.origin_of(request.url)
        try:
            async with self._inner.exchange(request) as response:
                if origin in self._unreachable:
                    self._unreachable.discard(origin)
                    self._returned(origin)
                yield response
        except NetworkFailure as failure:
            if failure.cause in UNREACHABLE:
                self._unreachable.add(origin)
            raise


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
