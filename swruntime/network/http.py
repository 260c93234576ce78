"""Exchanges over any httpx transport: real sockets, or something in process.

The transport is asked directly; httpx's client, with its redirects, cookies, retries and decoding, has no
part in it. What waits for a real socket holds a virtual clock; what waits for something in process is
limited by that clock instead, because such a transport keeps no time-outs of its own.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from types import TracebackType
from typing import Self

import attrs
import httpx
import trio

from swruntime.algorithms import urls
from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure
from swruntime.network.excess import came_after_the_end
from swruntime.network.failures import TRANSPORT_ERRORS, failure_of, timeout_failure
from swruntime.network.message import ResponseBody, is_bodiless
from swruntime.network.sockets import SocketTransport
from swruntime.ports.network import WireRequest, WireResponse
from swruntime.ports.outside import awaiting_server

LARGEST_HEAD = 262_144
"""The most bytes that a response's header names and values have together, as in Chromium."""


@attrs.frozen
class Timeouts:
    """In seconds. `read` and `write` limit how long nothing moves, not how long all of it takes."""

    connect: float = 30.0
    read: float = 60.0
    write: float = 60.0


class HttpxNetwork:
    """The port Network over an httpx async transport.

    Without `transport` it opens real connections (`swruntime.network.sockets`, TLS verified). `outside` says
    whether the transport waits for something that Trio's clock does not see.
    Close it with `aclose()`, or use it as an async context manager: that closes the transport.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        outside: bool,
        connect: float = 30.0,
        read: float = 60.0,
        write: float = 60.0,
    ) -> None:
        self._transport = transport
        self._outside = outside
        self._timeouts = Timeouts(connect, read, write)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections that are kept alive."""
        if self._transport is not None:
            await self._transport.aclose()

    @asynccontextmanager
    async def exchange(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        """See `swruntime.ports.network.Network.exchange`.

        An exception of the request's own body comes out as it is.
        """
        if self._transport is None:
            # How many connections at once is the agent's business; a limit here would wait unseen.
            self._transport = SocketTransport()
        waiting = _Waiting(request.url, self._outside, self._timeouts)
        upload = _Upload(request, waiting)
        try:
            response = await self._send(request, upload, waiting)
            raw = _RawBody(response, request.url, waiting, upload)
            try:
                headers = HeaderList(
                    tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in response.headers.raw)
                )
                size = sum(len(name) + len(value) for name, value in headers)
                if size > LARGEST_HEAD:
                    raise NetworkFailure(
                        "protocol", f"the response's headers have {size} bytes, more than {LARGEST_HEAD}"
                    )
                status = response.status_code
                if status < 200:
                    raise NetworkFailure("protocol", f"a final response with status {status}")
                body = ResponseBody(raw.read, request.method, status, headers)
                if self._outside and is_bodiless(request.method, status):
                    await raw.drain()  # it takes no time, and the connection can be used again
                phrase = response.extensions.get("reason_phrase", b"").decode("latin-1")
                try:
                    yield WireResponse(status, phrase, headers, body)
                finally:
                    body.close()
            finally:
                await raw.aclose(unwind=self._outside)
        finally:
            await upload.aclose()

    async def _send(self, request: WireRequest, upload: _Upload, waiting: _Waiting) -> httpx.Response:
        assert self._transport is not None
        try:
            outgoing = _outgoing(request, upload, self._timeouts)
            with waiting.sending():
                return await self._transport.handle_async_request(outgoing)
        except TRANSPORT_ERRORS as error:
            if error is upload.error:
                raise
            raise failure_of(error, request.url) from error


async def _close(pieces: object) -> None:
    """Close an async generator, or what is closed like one."""
    aclose = getattr(pieces, "aclose", None)
    if aclose is not None:
        await aclose()


class _Waiting:
    """How an exchange waits for its transport: the clock held (outside), or limited by it (in process)."""

    def __init__(self, url: str, outside: bool, timeouts: Timeouts) -> None:
        self._url = url
        self._outside = outside
        self._timeouts = timeouts
        self._scope: trio.CancelScope | None = None
        self._hold: ExitStack | None = None

    @contextmanager
    def sending(self) -> Iterator[None]:
        """From the request's first byte to the response's headers."""
        if not self._outside:
            with self._limit(self._timeouts.read) as self._scope:
                yield
            return
        with ExitStack() as self._hold:
            self._hold.enter_context(awaiting_server())
            yield

    @contextmanager
    def caller(self) -> Iterator[None]:
        """While `sending` waits for the next piece of the caller's body: the transport is not to blame."""
        if self._scope is not None:
            self._scope.deadline = math.inf
        if self._hold is not None:
            self._hold.close()
        try:
            yield
        finally:
            if self._scope is not None:
                self._scope.deadline = trio.current_time() + self._timeouts.write
            if self._hold is not None:
                self._hold.enter_context(awaiting_server())

    def body_sent(self) -> None:
        if self._scope is not None:
            self._scope.deadline = trio.current_time() + self._timeouts.read

    def reading(self) -> AbstractContextManager[object]:
        return awaiting_server() if self._outside else self._limit(self._timeouts.read)

    @contextmanager
    def _limit(self, seconds: float) -> Iterator[trio.CancelScope]:
        with trio.move_on_after(seconds) as scope:
            yield scope
        if scope.cancelled_caught:
            raise timeout_failure(self._url, seconds)


class _Upload(httpx.AsyncByteStream):
    """The request's body on its way out. Remembers what the body itself raised."""

    def __init__(self, request: WireRequest, waiting: _Waiting) -> None:
        self._open: Callable[[], AsyncIterator[bytes]] | None = request.body
        self._length = request.body_length
        self._pieces: AsyncIterator[bytes] | None = None
        self._waiting = waiting
        self._sent = 0
        self.error: Exception | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._pieces is None:
            if self._open is None:
                raise StopAsyncIteration
            self._pieces = self._open()
        with self._waiting.caller():
            try:
                piece = await anext(self._pieces)
            except StopAsyncIteration:
                self._check(ended=True)
            except Exception as error:
                self.error = error
                raise
            else:
                self._sent += len(piece)
                self._check(ended=False)
                return piece
        self._waiting.body_sent()
        raise StopAsyncIteration

    def _check(self, *, ended: bool) -> None:
        if self._length is None or (self._sent == self._length if ended else self._sent <= self._length):
            return
        raise NetworkFailure(
            "protocol", f"the request's body should have {self._length} bytes, and {self._sent} have come"
        )

    async def aclose(self) -> None:
        if self._pieces is not None:
            with trio.CancelScope(shield=True):
                await _close(self._pieces)


class _RawBody:
    """The response's bytes as the transport gives them."""

    def __init__(self, response: httpx.Response, url: str, waiting: _Waiting, upload: _Upload) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._stream = response.stream
        self._pieces = aiter(response.stream)
        self._url = url
        self._waiting = waiting
        self._upload = upload

    async def read(self) -> bytes | None:
        piece = await self._next()
        if piece is None and came_after_the_end(self._stream):
            message = f"the body of {self._url} goes on after the end that was told"
            raise NetworkFailure("protocol", message)
        return piece

    async def _next(self) -> bytes | None:
        try:
            with self._waiting.reading():
                return await anext(self._pieces)
        except StopAsyncIteration:
            return None
        except TRANSPORT_ERRORS as error:
            if error is self._upload.error:
                raise
            raise failure_of(error, self._url) from error

    async def drain(self) -> None:
        """Read to the end; what a server sends after it is only a reason to let the connection go."""
        while await self._next() is not None:
            pass
        came_after_the_end(self._stream)

    async def aclose(self, *, unwind: bool) -> None:
        """End the exchange, whatever of it is still to come.

        httpx and httpcore nest async generators, which nobody would close in order. So the connection
        goes first, and then the generators are run to where they notice (`unwind`); what they still
        say is of no interest.
        """
        with trio.CancelScope(shield=True):
            if unwind:
                await self._stream.aclose()
                try:
                    await self.drain()
                except NetworkFailure:
                    return
            else:
                await _close(self._pieces)
                await self._stream.aclose()


def _outgoing(request: WireRequest, upload: _Upload, timeouts: Timeouts) -> httpx.Request:
    """Raises httpx.InvalidURL, or NetworkFailure for a header that cannot be sent."""
    url = urls.parse(request.url)
    headers = request.headers.delete("content-length", "transfer-encoding")
    if "host" not in headers:
        headers = HeaderList((("Host", url.host), *headers))
    if request.body is None:
        # https://fetch.spec.whatwg.org/#http-network-or-cache-fetch, the step on contentLengthHeaderValue
        if request.method in ("POST", "PUT"):
            headers = headers.append("Content-Length", "0")
    elif request.body_length is None:
        headers = headers.append("Transfer-Encoding", "chunked")
    else:
        headers = headers.append("Content-Length", str(request.body_length))
    try:
        raw = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]
    except UnicodeEncodeError as error:
        raise NetworkFailure("protocol", f"a header cannot be sent: {error.object!r}") from error
    outgoing = httpx.Request(
        "",
        request.url,
        headers=raw,
        stream=upload,
        extensions={
            "timeout": {
                "connect": timeouts.connect,
                "read": timeouts.read,
                "write": timeouts.write,
                "pool": None,
            },
            # The request line has the URL as the URL standard wrote it, not as httpx would.
            "target": f"{url.pathname}{url.search}".encode(),
        },
    )
    outgoing.method = request.method  # which httpx would have put in capitals
    return outgoing
