"""Connections to hosts: which addresses a host has, and one after the other of them until one answers.

- A rule of `--resolve` goes before all else.
- `localhost`, and every name below it, is ::1 and 127.0.0.1, whatever the system's resolver says.
- Of several addresses the next one is tried as soon as one fails, and beside it when it has not answered after a
  quarter of a second (Happy Eyeballs, RFC 8305). The address that answered at last is tried first the next time.
"""

from __future__ import annotations

import math
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import httpcore
import trio

from swruntime.algorithms.addresses import LOOPBACK, interleaved, is_localhost, parse_address
from swruntime.network.names import Names

DELAY = 0.25
"""Seconds after which the next address is tried beside those that have not answered: RFC 8305 section 5."""

REMEMBERED = 256
"""So many hosts, at most, whose first address did not answer are remembered, with the one that did."""


class _Closable(Protocol):
    async def aclose(self) -> None: ...


S = TypeVar("S", bound=_Closable)

OpenOne = Callable[[str, int], Awaitable[S]]
"""Opens a connection to an address and a port. Raises OSError or httpcore.ConnectError."""


class Connector(Generic[S]):
    """Opens connections to hosts, at the addresses that `names` gives, or the system; `open_one` to one address."""

    def __init__(self, names: Names, open_one: OpenOne[S]) -> None:
        self._names = names
        self._open_one = open_one
        self._answered: OrderedDict[tuple[str, int], str] = OrderedDict()

    async def connect(self, host: str, port: int, timeout: float | None) -> S:  # noqa: ASYNC109
        """Connect to `host` (an IPv6 address without brackets) in at most `timeout` seconds for all its addresses.

        Raises httpcore.ConnectError, which has what each address said, or the socket.gaierror for a name that does
        not resolve, for its cause; and httpcore.ConnectTimeout.
        """
        addresses: tuple[str, ...] = ()
        with trio.move_on_after(math.inf if timeout is None else timeout):
            try:
                addresses = self._recent_first(host, port, await self._addresses(host, port))
                address, stream = await first_of(addresses, lambda each: self._open_one(each, port))
            except OSError as error:
                raise httpcore.ConnectError(str(error)) from error
            if address != addresses[0]:
                self._remember(host, port, address)
            return stream
        raise httpcore.ConnectTimeout(f"no answer from {', '.join(addresses) or 'the resolver'}")

    async def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        rule = self._names.rule(host, port)
        if rule is not None or parse_address(host) is not None:
            return (rule or host,)
        if is_localhost(host):
            return LOOPBACK
        try:
            found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:  # a label that DNS cannot have
            raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
        return interleaved(map(_text, (address for *_, address in found)))

    def _recent_first(self, host: str, port: int, addresses: tuple[str, ...]) -> tuple[str, ...]:
        recent = self._answered.get((host, port))
        if recent not in addresses:
            return addresses
        return tuple(sorted(addresses, key=lambda each: each != recent))

    def _remember(self, host: str, port: int, address: str) -> None:
        self._answered[host, port] = address
        self._answered.move_to_end((host, port))
        while len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)


async def first_of(
    addresses: Sequence[str], connect: Callable[[str], Awaitable[S]], delay: float = DELAY
) -> tuple[str, S]:
    """The first connection that `connect` makes to one of `addresses`, which are begun in their order.

    The next one is begun when one fails, or has not answered after `delay` seconds. Raises what the only address
    raised (OSError, httpcore.ConnectError), or httpcore.ConnectError from a group of what all did.
    Spec: https://www.rfc-editor.org/rfc/rfc8305#section-5
    """
    if len(addresses) == 1:
        return addresses[0], await connect(addresses[0])
    race = _Race(connect)
    try:
        async with trio.open_nursery() as nursery:
            for address in addresses:
                failed = trio.Event()
                nursery.start_soon(race.attempt, address, failed, nursery.cancel_scope)
                with trio.move_on_after(delay):
                    await failed.wait()
    except BaseException:
        if race.won is not None:  # and cancelled from outside in the same instant
            await _close(race.won[1])
        raise
    if race.won is None:
        message = f"no connection to {', '.join(addresses)}"
        raise httpcore.ConnectError(message) from ExceptionGroup(message, race.errors)
    return race.won


class _Race(Generic[S]):
    def __init__(self, connect: Callable[[str], Awaitable[S]]) -> None:
        self._connect = connect
        self.won: tuple[str, S] | None = None
        self.errors: list[Exception] = []

    async def attempt(self, address: str, failed: trio.Event, all_attempts: trio.CancelScope) -> None:
        try:
            stream = await self._connect(address)
        except (httpcore.ConnectError, OSError) as error:
            self.errors.append(error)
            failed.set()
            return
        if self.won is None:
            self.won = address, stream
            all_attempts.cancel()
        else:  # two in the same instant
            await _close(stream)


async def _close(stream: _Closable) -> None:
    with trio.CancelScope(shield=True):
        await stream.aclose()


def _text(address: tuple[Any, ...]) -> str:
    """A socket's address without its port; a link's own address (fe80::) with the link."""
    host, scope = str(address[0]), address[3] if len(address) == 4 else 0
    return f"{host}%{scope}" if scope and "%" not in host else host
