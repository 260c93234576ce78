"""Real connections: TCP, TLS, HTTP/1.1, and HTTP/2 where an https server chooses it.

Each exchange has a connection for itself, which serves the next one to the same origin when its response was
read to the end. That is so with HTTP/2 too, on purpose: httpcore does not reset a stream that is given up, so on
a shared connection one background fetch that is paused or aborted would use up the window of the others until
they stall, and a lost packet of one would hold up all. So what holds of connections (six of them for an origin's
background fetches, one that stalls holds up nobody) is the same with both versions.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import httpcore
import httpx
import trio

from swruntime.errors import UsageError
from swruntime.network.connecting import Connector
from swruntime.network.names import Names

KEPT = 20
"""So many connections are kept, at most, while nobody uses them."""

EXPIRY = 15.0
"""Seconds after which a connection that nobody uses is not used any more."""

_WITH_BODY = (b"content-length", b"transfer-encoding")


class SocketTransport(httpx.AsyncBaseTransport):
    """An httpx transport over real sockets.

    `names` says which hosts have other addresses than the system says; Host header, SNI and the name in the
    certificate stay the host's. `tls` is what is trusted, without it the usual authorities.
    Raises httpcore's exceptions, OSError and h2's.
    """

    def __init__(self, names: Names | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._backend = _Backend(names or Names())
        self._tls = tls
        self._idle: list[tuple[httpcore.Origin, httpcore.AsyncHTTPConnection]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        outgoing = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        origin = outgoing.url.origin
        while True:
            connection = await self._take(origin)
            try:
                answer = await connection.handle_async_request(outgoing)
            except httpcore.ConnectionNotAvailable:
                # A server says that it took no notice of the request, on a connection that it was leaving.
                await _close(connection)
                if any(name.lower() in _WITH_BODY for name, _ in outgoing.headers):
                    raise httpcore.RemoteProtocolError("Server disconnected") from None
            except BaseException:
                await _close(connection)
                raise
            else:
                break
        stream = _Stream(answer.stream, lambda complete: self._done(origin, connection, complete))
        return httpx.Response(
            answer.status, headers=answer.headers, stream=stream, extensions=answer.extensions
        )

    async def aclose(self) -> None:
        """Close what is kept."""
        idle, self._idle = self._idle, []
        for _, connection in idle:
            await connection.aclose()

    async def _take(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        """A connection that nobody uses, the one used last first; else a new one."""
        while (connection := self._pop(origin)) is not None:
            if connection.is_available() and not connection.has_expired():
                return connection
            await _close(connection)
        if origin.scheme == b"https" and self._tls is None:
            self._tls = tls_context(None)
        return httpcore.AsyncHTTPConnection(
            origin,
            ssl_context=self._tls,
            keepalive_expiry=EXPIRY,
            http2=True,
            network_backend=self._backend,
        )

    def _pop(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection | None:
        for index in reversed(range(len(self._idle))):
            if self._idle[index][0] == origin:
                return self._idle.pop(index)[1]
        return None

    async def _done(
        self, origin: httpcore.Origin, connection: httpcore.AsyncHTTPConnection, complete: bool
    ) -> None:
        if not complete or not connection.is_idle():
            await _close(connection)
            return
        self._idle.append((origin, connection))
        while len(self._idle) > KEPT:
            await _close(self._idle.pop(0)[1])


def tls_context(authorities: Path | None) -> ssl.SSLContext:
    """What is trusted: the usual authorities, and those of the file `authorities` (PEM). Raises UsageError."""
    context = httpx.create_ssl_context()
    if authorities is None:
        return context
    try:
        context.load_verify_locations(cafile=authorities)
    except ssl.SSLError:
        raise UsageError(
            f"cacert is {str(authorities)!r}, and there is no certificate in it; expected a file in PEM format"
        ) from None
    except OSError as error:
        raise UsageError(
            f"cacert is {str(authorities)!r}, which cannot be read: {error.strerror}; expected a file in PEM format"
        ) from None
    return context


class _Backend(httpcore.AsyncNetworkBackend):
    """TCP under Trio, to the addresses that `names` gives, or the system."""

    def __init__(self, names: Names) -> None:
        self._connector = Connector(names, httpcore.TrioBackend().connect_tcp)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return await self._connector.connect(host, port, timeout)

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)


class _Stream(httpx.AsyncByteStream):
    """A response's body. `done` is called at its end, with whether all of it was read."""

    def __init__(self, stream: Any, done: Callable[[bool], Awaitable[None]]) -> None:
        self._stream = stream
        self._pieces: AsyncIterator[bytes] = aiter(stream)
        self._done = done
        self._complete = False
        self._closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._pieces)
        except StopAsyncIteration:
            self._complete = True
            raise

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            await self._stream.aclose()
            await self._done(self._complete)


async def _close(connection: httpcore.AsyncHTTPConnection) -> None:
    with trio.CancelScope(shield=True):
        await connection.aclose()
