# ruff: noqa: ASYNC109 - httpcore hands time-outs over as arguments
"""A client's side of the scripted internet on real sockets: names lead to the loopback, and https has no TLS."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any

import httpcore
import httpx
import trio

from swruntime.testing.faults import refused
from swruntime.testing.server import Server

if TYPE_CHECKING:
    from swruntime.testing.origin import Origin, ScriptedInternet


class LoopbackTransport(httpx.AsyncBaseTransport):
    """An httpx transport over real connections to the servers of `internet`, which are started in `nursery`.

    Its exceptions are httpcore's and the operating system's.
    """

    def __init__(self, internet: ScriptedInternet, nursery: trio.Nursery) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=None,
            max_keepalive_connections=20,
            keepalive_expiry=15.0,
            network_backend=_Loopback(internet, nursery),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        outgoing = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        response = await self._pool.handle_async_request(outgoing)
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Body(response.stream),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Loopback(httpcore.AsyncNetworkBackend):
    def __init__(self, internet: ScriptedInternet, nursery: trio.Nursery) -> None:
        self._inner = httpcore.TrioBackend()
        self._internet = internet
        self._nursery = nursery
        self._servers: dict[str, Server] = {}
        self._starting = trio.Lock()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        origin = self._internet.origin_of(host, port)
        if origin is None:
            raise refused(f"{host}:{port}")
        async with self._starting:
            if origin.url not in self._servers:
                self._servers[origin.url] = await self._nursery.start(self._serve, origin)
        server = self._servers[origin.url]
        return _Plain(await self._inner.connect_tcp("127.0.0.1", server.port, timeout=timeout))

    async def _serve(self, origin: Origin, task_status: trio.TaskStatus[Server]) -> None:
        async with origin.listening() as server:
            task_status.started(server)
            await trio.sleep_forever()

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError(f"{path}: the scripted internet has no Unix sockets")

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)


class _Plain(httpcore.AsyncNetworkStream):
    """A connection that stays as it is where TLS would begin."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
