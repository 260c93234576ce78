"""Real connections: TCP, TLS, HTTP/1.1, and HTTP/2 where an https server chooses it.

Each exchange has a connection for itself, which serves the next one to the same origin when its response was
read to the end. That is so with HTTP/2 too, on purpose: httpcore does not reset a stream that is given up, so on
a shared connection one background fetch that is paused or aborted would use up the window of the others until
they stall, and a lost packet of one would hold up all. So what holds of connections (six of them for an origin's
background fetches, one that stalls holds up nobody) is the same with both versions.

A connection on which anything came that nobody had asked for is not used again. A request is sent a second time where
the server says that it took no notice of the first (HTTP/2), and where the method is safe (RFC 9110 9.2.2) and a kept
connection was closed, or has something else on it, before the response began.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Self

import attrs
import trio

from swruntime.algorithms import urls
from swruntime.algorithms.response_framing import is_bodiless
from swruntime.algorithms.response_head import ResponseHead
from swruntime.errors import NetworkFailure
from swruntime.network.failures import TRANSPORT_ERRORS, failure_of, where_of
from swruntime.network.http1 import Http1Connection
from swruntime.network.http2 import Http2Connection, Refused
from swruntime.network.message import ResponseBody, extra_bytes
from swruntime.network.names import Names
from swruntime.network.opening import DirectOpener, Opener, Origin
from swruntime.network.upload import Timeouts, Upload, Waiting, is_repeatable
from swruntime.ports.network import WireRequest, WireResponse

KEPT = 20
"""So many connections are kept, at most, while nobody uses them."""

EXPIRY = 15.0
"""Seconds after which a connection that nobody uses is not used any more."""

MOST_REFUSALS = 3
"""So many new connections, at most, for a request of which servers say that they took no notice."""

KEPT_OF_UPLOADS = 1_048_576
"""So many bytes of a request's body, at most, are kept, to be sent again to a server that took no notice of them."""

_PORTS = {"http": 80, "https": 443}

Connection = Http1Connection | Http2Connection


@attrs.frozen
class _Idle:
    origin: Origin
    connection: Connection
    until: float
    request: WireRequest
    """The last one that it served."""


class SocketNetwork:
    """The port Network over real sockets.

    `names` says which hosts have other addresses than the system says; `tls` is what is trusted, without it the usual
    authorities; `opener` takes the place of both. `tell` is called, with a sentence, where bytes came after the end of
    an answer. Close it with `aclose()`, or use it as an async context manager.
    """

    def __init__(
        self,
        names: Names | None = None,
        tls: ssl.SSLContext | None = None,
        *,
        opener: Opener | None = None,
        connect: float = 30.0,
        read: float = 60.0,
        write: float = 60.0,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._opener = opener or DirectOpener(names or Names(), tls)
        self._timeouts = Timeouts(connect, read, write)
        self._idle: list[_Idle] = []
        self._tell = tell

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close what is kept."""
        idle, self._idle = self._idle, []
        for each in idle:
            await _close(each.connection)

    @asynccontextmanager
    async def exchange(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        """See `swruntime.ports.network.Network.exchange`.

        An exception of the request's own body comes out as it is.
        """
        origin, host = _origin_of(request.url)
        waiting = Waiting(request.url, True, self._timeouts)
        upload = Upload(request, waiting, KEPT_OF_UPLOADS if origin.scheme == "https" else 0)
        try:
            with waiting.sending():
                connection, head = await self._ask(request, origin, host, upload)
            try:
                reader = _Reader(connection, request.url, waiting, upload)
                extra = partial(self._tell_extra, request)
                body = ResponseBody(reader.read, request.method, head.status, head.headers, extra)
                if is_bodiless(request.method, head.status):
                    await reader.read()  # it takes no time, and the connection can be used again
                try:
                    yield WireResponse(head.status, head.reason, head.headers, body)
                finally:
                    body.close()
            finally:
                await self._leave(request, origin, connection)
        finally:
            await upload.aclose()

    async def _ask(
        self, request: WireRequest, origin: Origin, host: str, upload: Upload
    ) -> tuple[Connection, ResponseHead]:
        refusals = 0
        connection = await self._take(origin, request)
        while True:
            kept = connection is not None
            try:
                if connection is None:
                    connection = await self._open(origin)
                return connection, await connection.ask(request, host, upload)
            except BaseException as error:
                if connection is not None:
                    await _close(connection)
                failure = _failure(error, request.url, upload)
                if isinstance(error, Refused):
                    refusals += 1
                    if refusals > MOST_REFUSALS or not upload.again():
                        raise failure from None
                elif not (kept and connection is not None and _was_lost(connection, request, failure)):
                    if failure is error:
                        raise
                    raise failure from error
            connection = None

    async def _open(self, origin: Origin) -> Connection:
        opened = await self._opener.open(origin, self._timeouts.connect)
        if opened.stream.protocol == "h2":
            return Http2Connection(opened, origin, self._timeouts)
        return Http1Connection(opened, self._timeouts)

    async def _take(self, origin: Origin, request: WireRequest) -> Connection | None:
        """A connection that nobody uses, the one used last first."""
        while (idle := self._pop_idle(origin)) is not None:
            if time.monotonic() < idle.until and idle.connection.may_serve(request):
                return idle.connection
            self._tell_extra(idle.request, await idle.connection.late())
            await _close(idle.connection)
        return None

    def _pop_idle(self, origin: Origin) -> _Idle | None:
        # Looked for anew after each that is closed: meanwhile others take and leave connections.
        for index in reversed(range(len(self._idle))):
            if self._idle[index].origin == origin:
                return self._idle.pop(index)
        return None

    async def _leave(self, request: WireRequest, origin: Origin, connection: Connection) -> None:
        self._tell_extra(request, connection.extra())
        if not connection.is_usable:
            await _close(connection)
            return
        self._idle.append(_Idle(origin, connection, time.monotonic() + EXPIRY, request))
        while len(self._idle) > KEPT:
            await _close(self._idle.pop(0).connection)

    def _tell_extra(self, request: WireRequest, size: int) -> None:
        if size and self._tell is not None:
            self._tell(extra_bytes(request, size))


class _Reader:
    """The response's bytes as they come."""

    def __init__(self, connection: Connection, url: str, waiting: Waiting, upload: Upload) -> None:
        self._connection = connection
        self._url = url
        self._waiting = waiting
        self._upload = upload

    async def read(self) -> bytes | None:
        try:
            with self._waiting.reading():
                return await self._connection.read()
        except TRANSPORT_ERRORS as error:
            raise failure_of(error, self._url) from error


def _origin_of(url: str) -> tuple[Origin, str]:
    """And what the header Host says. Raises NetworkFailure `scheme`."""
    parsed = urls.parse(url)
    scheme = parsed.protocol.removesuffix(":")
    if scheme not in _PORTS:
        raise NetworkFailure("scheme", f"{url} is not http or https")
    port = int(parsed.port) if parsed.port else _PORTS[scheme]
    return Origin(scheme, parsed.hostname.strip("[]"), port), parsed.host


def _failure(error: BaseException, url: str, upload: Upload) -> BaseException:
    """What `error` is for who asked."""
    if isinstance(error, Refused):
        message = f"{where_of(url)} takes no notice of the request, on a new connection either (HTTP/2)"
        return NetworkFailure("reset", message)
    if isinstance(error, TRANSPORT_ERRORS) and error is not upload.error:
        return failure_of(error, url)
    return error


def _was_lost(connection: Connection, request: WireRequest, failure: BaseException) -> bool:
    """Whether a kept connection was of no more use, and nobody minds that the request is sent again.

    It may have been closed, or what came may be the rest of an earlier answer.
    """
    return (
        isinstance(failure, NetworkFailure)
        and failure.cause in ("reset", "protocol")
        and not connection.answered
        and is_repeatable(request)
    )


async def _close(connection: Connection) -> None:
    with trio.CancelScope(shield=True):
        await connection.aclose()
