"""A client's side of the scripted internet on real sockets: names lead to the loopback, and https has no TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpcore
import httpx
import trio

from swruntime.network.byte_stream import ByteStream
from swruntime.network.opening import Opened, Origin as Place
from swruntime.testing.faults import refused
from swruntime.testing.server import Server

if TYPE_CHECKING:
    from swruntime.testing.origin import Origin, ScriptedInternet


class LoopbackOpener:
    """Connects to the servers of `internet`, which are started in `nursery`."""

    def __init__(self, internet: ScriptedInternet, nursery: trio.Nursery) -> None:
        self._internet = internet
        self._nursery = nursery
        self._servers: dict[str, Server] = {}
        self._starting = trio.Lock()

    async def open(self, origin: Place, timeout: float | None) -> Opened:  # noqa: ASYNC109
        """Raises httpcore.ConnectError."""
        try:
            scripted = self._internet.origin_of(origin.host, origin.port)
            if scripted is None:
                raise refused(f"{origin.host}:{origin.port}")
        except httpx.ConnectError as error:
            # As a transport of httpx's says it; a connection says it in httpcore's words.
            raise httpcore.ConnectError(str(error)) from error.__cause__
        async with self._starting:
            if scripted.url not in self._servers:
                self._servers[scripted.url] = await self._nursery.start(self._serve, scripted)
        try:
            stream = await trio.open_tcp_stream("127.0.0.1", self._servers[scripted.url].port)
        except OSError as error:
            raise httpcore.ConnectError(error) from error
        return Opened(ByteStream(stream))

    async def _serve(self, origin: Origin, task_status: trio.TaskStatus[Server]) -> None:
        async with origin.listening() as server:
            task_status.started(server)
            await trio.sleep_forever()
