"""When the body of a response is complete: framing first, then the content coding."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import trio

from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure
from swruntime.network.decoding import PIECE, decoder_for


def is_bodiless(method: str, status: int) -> bool:
    """Whether HTTP has no body here, whatever the headers say: RFC 9112 section 6.3, the first rule."""
    return method == "HEAD" or status in (204, 304) or status < 200


def content_length(headers: HeaderList) -> int | None:
    """The length in bytes that frames the body, None where something else does.

    Raises NetworkFailure `protocol` for what is not a number, or for several that differ.
    Spec: https://www.rfc-editor.org/rfc/rfc9112#name-message-body-length
    """
    if "transfer-encoding" in headers:
        return None
    values = {part.strip(" \t") for value in headers.all("content-length") for part in value.split(",")}
    if not values:
        return None
    value = values.pop()
    if values or not (value.isascii() and value.isdigit()) or len(value) > 18:
        raise NetworkFailure("protocol", f"Content-Length makes no sense: {headers.get('content-length')!r}")
    return int(value)


def split(data: bytes) -> Iterator[bytes]:
    """`data` in pieces of at most 64 KiB."""
    if len(data) <= PIECE:
        if data:
            yield data
        return
    view = memoryview(data)
    for start in range(0, len(view), PIECE):
        yield bytes(view[start : start + PIECE])


class ResponseBody:
    """A response's decoded body, an async iterator of pieces of at most 64 KiB.

    `read` gives the next raw bytes, None at the end as the transport sees it. Content-Length is counted
    here as well: in-process transports do not hold themselves to what they announce. Once it failed it
    fails again the same way; it can never seem to have ended.
    """

    def __init__(
        self, read: Callable[[], Awaitable[bytes | None]], method: str, status: int, headers: HeaderList
    ) -> None:
        self._read = read
        self._bodiless = is_bodiless(method, status)
        self._length = None if self._bodiless else content_length(headers)
        self._decoder = None
        if not self._bodiless and self._length != 0:  # nothing announced, nothing coded
            self._decoder = decoder_for(headers.all("content-encoding"))
        self._received = 0
        self._pieces: Iterator[bytes] = iter(())
        self._ended = False
        self._failure: NetworkFailure | None = None
        self._closed = False

    def __aiter__(self) -> ResponseBody:
        return self

    async def __anext__(self) -> bytes:
        """Raises NetworkFailure, or trio.ClosedResourceError once the exchange was left."""
        await trio.lowlevel.checkpoint()
        if self._closed:
            raise trio.ClosedResourceError("the exchange is over")
        if self._failure is not None:
            raise self._failure
        try:
            return await self._next()
        except NetworkFailure as failure:
            self._failure = failure
            raise

    def close(self) -> None:
        self._closed = True
        self._pieces = iter(())

    async def _next(self) -> bytes:
        while not self._ended:
            for piece in self._pieces:
                return piece
            raw = None if self._bodiless else await self._read()
            if raw is None:
                self._finish()
            else:
                self._count(raw)
                self._pieces = self._decoder.decode(raw) if self._decoder else split(raw)
        raise StopAsyncIteration

    def _count(self, raw: bytes) -> None:
        self._received += len(raw)
        if self._length is not None and self._received > self._length:
            raise NetworkFailure("protocol", f"the body exceeds its Content-Length, {self._length} bytes")

    def _finish(self) -> None:
        if self._length is not None and self._received < self._length:
            raise NetworkFailure(
                "truncated",
                f"the body ended after {self._received} bytes, Content-Length said {self._length}",
            )
        if self._decoder is not None:
            self._decoder.finish()
        self._ended = True
