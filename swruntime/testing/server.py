"""The scripted origin as a real server on a loopback socket.

It reads requests with h11, and writes its answers itself, because h11 would refuse to misbehave. Whenever it waits
for Trio, its clock or an app, it says so (`ports.outside.server_waits`), so that a virtual clock may jump although
a client waits for a socket; whenever bytes are under way, it does not.
"""

from __future__ import annotations

import math
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal

import h11
import httpx
import trio

from swruntime.network.asgi import AsgiTransport
from swruntime.network.http import TRANSPORT_ERRORS
from swruntime.ports.outside import server_waits
from swruntime.runtime import unwrapped_nursery
from swruntime.testing.answers import DELAY, GARBAGE, Answer, OneBody, RequestRecord

if TYPE_CHECKING:
    from swruntime.testing.origin import Origin

_RECEIVE = 65536


class Server:
    """`origin` at an address; closing its port and opening it again is `refuse`."""

    def __init__(self, origin: Origin, host: str, port: int) -> None:
        self._origin = origin
        self._host = host
        self._port = port
        self._idle: dict[trio.CancelScope, trio.SocketStream] = {}
        self._nursery: trio.Nursery
        self._listening: tuple[trio.CancelScope, trio.socket.SocketType] | None = None

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Server]:
        # A socket that is bound and does not listen keeps the port while it is closed to clients.
        with _bound(self._host, self._port) as placeholder:
            self._port = placeholder.getsockname()[1]
            async with unwrapped_nursery() as self._nursery:
                self.refuse(False)
                try:
                    yield self
                finally:
                    self._nursery.cancel_scope.cancel()

    def refuse(self, refuse: bool) -> None:
        """Close the port and every idle connection; or open it again."""
        if refuse and self._listening is not None:
            accepting, listening = self._listening
            self._listening = None
            accepting.cancel()
            listening.close()
            for idle, stream in self._idle.items():
                idle.cancel()
                stream.socket.close()  # at once, so that no client takes it for one that can be used again
        elif not refuse and self._listening is None:
            self._listening = trio.CancelScope(), _listening(self._host, self._port)
            self._nursery.start_soon(self._accept, *self._listening)

    async def _accept(self, scope: trio.CancelScope, listening: trio.socket.SocketType) -> None:
        with listening, scope:
            while True:
                accepted, _ = await listening.accept()
                self._nursery.start_soon(self._converse, trio.SocketStream(accepted))

    async def _converse(self, stream: trio.SocketStream) -> None:
        async with stream:
            received = b""
            while not self._origin.refuse:
                with trio.CancelScope() as idle:
                    self._idle[idle] = stream
                    try:
                        request = await _read_request(self._origin.url, stream, received)
                    finally:
                        del self._idle[idle]
                if idle.cancelled_caught or request is None:
                    return
                exchange = _Exchange(self._origin, stream, *request)
                await exchange.perform()
                if not exchange.keeps_alive:
                    return
                received = exchange.received


class _Exchange:
    """One request, and what the origin answers to it. `received` is what came after the request."""

    def __init__(
        self, origin: Origin, stream: trio.SocketStream, record: RequestRecord, received: bytes
    ) -> None:
        self._origin = origin
        self._stream = stream
        self._record = record
        self.received = received
        self.keeps_alive = False
        self._broken_with: Literal["reset", "close"] | None = None

    async def perform(self) -> None:
        """Returns when the answer was sent, or broken off, or the client has left."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, nursery.cancel_scope)
            try:
                await self._perform()
            except trio.BrokenResourceError:
                self.keeps_alive = False  # the client has left
            nursery.cancel_scope.cancel()
        if self._broken_with == "reset":
            self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if self._broken_with is not None:
            await self._stream.aclose()

    async def _watch(self, exchange: trio.CancelScope) -> None:
        """End the exchange when the client goes, even while nothing is sent."""
        try:
            while more := await self._stream.receive_some(_RECEIVE):
                self.received += more
        except trio.BrokenResourceError:
            pass  # a reset is another way to go
        exchange.cancel()

    async def _perform(self) -> None:
        with server_waits():
            await trio.sleep(DELAY)
            answer = await self._origin.answer(self._record)
        if isinstance(answer, AsgiTransport):
            await self._run_app(answer)
        elif answer.garbage:
            await self._stream.send_all(GARBAGE)
        elif answer.hang_up:
            await self._break_off(answer)
        else:
            await self._send(answer)

    async def _send(self, answer: Answer) -> None:
        head = _head(answer.status, answer.phrase, answer.headers)
        sent = 0
        while piece := answer.piece(sent, _size(answer, sent)):
            if sent and answer.pace:
                await self._wait(answer.pace)
            sent += len(piece)
            await self._stream.send_all(head + (_chunk(piece) if answer.is_chunked else piece))
            head = b""
        if head:
            await self._stream.send_all(head)
        if answer.stop is not None and sent >= answer.stop:
            if not answer.drops:
                await self._wait(None)
            await self._break_off(answer)
            return
        if answer.is_chunked and _has_body(self._record, answer.status):
            await self._stream.send_all(b"0\r\n\r\n")
        self.keeps_alive = (
            not _has_body(self._record, answer.status) or answer.is_chunked or answer.is_told_to_end(sent)
        )

    async def _wait(self, seconds: float | None) -> None:
        """Let time pass on Trio's clock; None is for ever."""
        await self._delivered()
        with server_waits():
            await trio.sleep(math.inf if seconds is None else seconds)

    async def _break_off(self, answer: Answer) -> None:
        """At the end of the exchange, once nobody reads from the connection any more."""
        await self._delivered()
        self._broken_with = answer.drop_with

    async def _delivered(self) -> None:
        """Wait until the client's machine has all that was sent: a reset would take back what it does not have."""
        import fcntl
        import termios

        while True:
            unsent = struct.unpack("i", fcntl.ioctl(self._stream.socket, termios.TIOCOUTQ, b"\0" * 4))[0]
            if not unsent:
                return
            await trio.to_thread.run_sync(time.sleep, 0.0005)

    async def _run_app(self, app: AsgiTransport) -> None:
        record = self._record
        request = httpx.Request(
            record.method, record.url, headers=dict(record.headers), stream=OneBody(record.body)
        )
        request.extensions["target"] = record.path.encode()
        try:
            with server_waits():
                response = await app.handle_async_request(request)
        except TRANSPORT_ERRORS:
            return  # an app that raised before it answered: the connection closes without a response
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
        has_body = _has_body(record, response.status_code)
        chunked = has_body and "content-length" not in response.headers
        if chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        assert isinstance(response.stream, httpx.AsyncByteStream)
        pieces = aiter(response.stream)
        try:
            await self._stream.send_all(_head(response.status_code, response.reason_phrase, headers))
            while True:
                with server_waits():
                    try:
                        piece = await anext(pieces)
                    except StopAsyncIteration:
                        break
                    except TRANSPORT_ERRORS:
                        return  # it raised in the middle: the body is cut short
                await self._stream.send_all(_chunk(piece) if chunked else piece)
            if chunked:
                await self._stream.send_all(b"0\r\n\r\n")
            self.keeps_alive = True
        finally:
            await response.aclose()


async def _read_request(
    origin: str, stream: trio.SocketStream, received: bytes
) -> tuple[RequestRecord, bytes] | None:
    """The next request and what came after it; None where the client has left, or what it sends is not HTTP."""
    connection = h11.Connection(h11.SERVER)
    if received:
        connection.receive_data(received)
    head: h11.Request | None = None
    body = b""
    while True:
        try:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await stream.receive_some(_RECEIVE))
                continue
        except (h11.RemoteProtocolError, trio.BrokenResourceError):
            return None
        if isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None
            return _record(origin, head, body), connection.trailing_data[0]
        else:
            return None


def _record(origin: str, head: h11.Request, body: bytes) -> RequestRecord:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    path = head.target.decode("latin-1")
    host = headers.get("host", "")
    asked = origin if origin.partition("://")[2] == host else f"http://{host}"
    return RequestRecord(
        head.method.decode("ascii"), path, f"{asked}{path}", headers, body, headers.get("range")
    )


def _head(status: int, phrase: str, headers: list[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""


def _size(answer: Answer, sent: int) -> int:
    return answer.chunk if answer.stop is None else min(answer.chunk, answer.stop - sent)


def _has_body(record: RequestRecord, status: int) -> bool:
    return record.method != "HEAD" and status not in (204, 304)


_stream_socket = partial(socket.socket, socket.AF_INET, socket.SOCK_STREAM)


def _bound(host: str, port: int) -> socket.socket:
    bound = _stream_socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def _listening(host: str, port: int) -> trio.socket.SocketType:
    bound = _bound(host, port)
    bound.listen(128)
    return trio.socket.from_stdlib_socket(bound)
