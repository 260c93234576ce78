"""Exchanges over any httpx transport, in process or with sockets of its own. Our own sockets need none.

The transport is asked directly; httpx's client, with its redirects, cookies, retries and decoding, has no
part in it. What waits for a real socket holds a virtual clock; what waits for something in process is
limited by that clock instead, because such a transport keeps no time-outs of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Self

import httpx
import trio

from swruntime.algorithms import urls
from swruntime.algorithms.response_framing import is_bodiless
from swruntime.algorithms.response_head import LARGEST_HEAD
from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure
from swruntime.network import failures
from swruntime.network.failures import failure_of
from swruntime.network.message import ResponseBody, extra_bytes
from swruntime.network.upload import Timeouts, Upload, Waiting, close, headers_to_send, target_of
from swruntime.ports.network import WireRequest, WireResponse

TRANSPORT_ERRORS: tuple[type[Exception], ...] = (
    *failures.TRANSPORT_ERRORS,
    httpx.TransportError,
    httpx.InvalidURL,
)
"""What an httpx transport raises when an exchange fails."""


class HttpxNetwork:
    """The port Network over an httpx async transport.

    `outside` says whether the transport waits for something that Trio's clock does not see. `tell` is called, with a
    sentence, where bytes came after the end of an answer.
    Close it with `aclose()`, or use it as an async context manager: that closes the transport.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        *,
        outside: bool,
        connect: float = 30.0,
        read: float = 60.0,
        write: float = 60.0,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._transport = transport
        self._outside = outside
        self._timeouts = Timeouts(connect, read, write)
        self._tell = tell

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections that are kept alive."""
        await self._transport.aclose()

    @asynccontextmanager
    async def exchange(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        """See `swruntime.ports.network.Network.exchange`.

        An exception of the request's own body comes out as it is.
        """
        waiting = Waiting(request.url, self._outside, self._timeouts)
        upload = HttpxUpload(request, waiting)
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
                extra = None if self._tell is None else partial(_tell_extra, self._tell, request)
                body = ResponseBody(raw.read, request.method, status, headers, extra)
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

    async def _send(self, request: WireRequest, upload: HttpxUpload, waiting: Waiting) -> httpx.Response:
        try:
            outgoing = _outgoing(request, upload, self._timeouts)
            with waiting.sending():
                return await self._transport.handle_async_request(outgoing)
        except TRANSPORT_ERRORS as error:
            if error is upload.error:
                raise
            raise failure_of(error, request.url) from error


def _tell_extra(tell: Callable[[str], None], request: WireRequest, size: int) -> None:
    tell(extra_bytes(request, size))


class HttpxUpload(Upload, httpx.AsyncByteStream):
    """As httpx wants it."""


class _RawBody:
    """The response's bytes as the transport gives them."""

    def __init__(self, response: httpx.Response, url: str, waiting: Waiting, upload: HttpxUpload) -> None:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._stream = response.stream
        self._pieces = aiter(response.stream)
        self._url = url
        self._waiting = waiting
        self._upload = upload

    async def read(self) -> bytes | None:
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
        """Read to the end."""
        while await self.read() is not None:
            pass

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
                await close(self._pieces)
                await self._stream.aclose()


def _outgoing(request: WireRequest, upload: HttpxUpload, timeouts: Timeouts) -> httpx.Request:
    """Raises httpx.InvalidURL, or NetworkFailure for a header that cannot be sent."""
    outgoing = httpx.Request(
        "",
        request.url,
        headers=headers_to_send(request, urls.parse(request.url).host),
        stream=upload,
        extensions={
            "timeout": {
                "connect": timeouts.connect,
                "read": timeouts.read,
                "write": timeouts.write,
                "pool": None,
            },
            # The request line has the URL as the URL standard wrote it, not as httpx would.
            "target": target_of(request.url).encode(),
        },
    )
    outgoing.method = request.method  # which httpx would have put in capitals
    return outgoing
