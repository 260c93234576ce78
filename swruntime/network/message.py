"""When the body of a response is complete: framing first, then the content coding."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import trio

from swruntime.algorithms.response_framing import content_length, is_bodiless, transfer_codings
from swruntime.algorithms.response_head import NotHttp
from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure
from swruntime.network.decoding import decoder_for
from swruntime.ports.network import LARGEST_PIECE, WireRequest


def _content_length(headers: HeaderList) -> int | None:
    """The length in bytes that frames the body, None where something else does. Raises NetworkFailure `protocol`."""
    if transfer_codings(headers):
        return None
    try:
        return content_length(headers)
    except NotHttp as error:
        raise NetworkFailure("protocol", f"the response contradicts itself: {error}") from None


def split(data: bytes) -> Iterator[bytes]:
    """`data` in pieces of at most LARGEST_PIECE bytes."""
    if len(data) <= LARGEST_PIECE:
        if data:
            yield data
        return
    view = memoryview(data)
    for start in range(0, len(view), LARGEST_PIECE):
        yield bytes(view[start : start + LARGEST_PIECE])


def extra_bytes(request: WireRequest, size: int) -> str:
    """What to tell of bytes that were left out."""
    return (
        f"{size} bytes came after the end of the answer to {request.method} {request.url}, and are left out"
    )


class ResponseBody:
    """A response's decoded body, an async iterator of pieces of at most LARGEST_PIECE bytes.

    `read` gives the next raw bytes, None at the end as the transport sees it. Content-Length is counted here as well:
    in-process transports do not hold themselves to what they announce. What comes after it, or after the end of the
    content coding, is left out, and `extra` is called with how many bytes that are; without `extra` more than the
    Content-Length is `protocol`. Once it failed it fails again the same way; it can never seem to have ended.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[bytes | None]],
        method: str,
        status: int,
        headers: HeaderList,
        extra: Callable[[int], None] | None = None,
    ) -> None:
        self._read = read
        self._extra = extra
        self._bodiless = is_bodiless(method, status)
        self._length = None if self._bodiless else _content_length(headers)
        self._decoder = None
        if not self._bodiless and self._length != 0:  # nothing announced, nothing coded
            self._decoder = decoder_for(headers.all("content-encoding"))
        self._received = 0
        self._over = False
        """Whether bytes have come that are not the body's any more."""
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
            raw = None if self._bodiless or self._over else await self._read()
            if raw is None:
                self._finish()
            else:
                raw = self._count(raw)
                self._pieces = self._decoder.decode(raw) if self._decoder else split(raw)
        raise StopAsyncIteration

    def _count(self, raw: bytes) -> bytes:
        """What of `raw` belongs to the body (RFC 9112 6.3)."""
        self._received += len(raw)
        excess = 0 if self._length is None else self._received - self._length
        if excess <= 0:
            return raw
        if self._extra is None:
            raise NetworkFailure("protocol", f"the body exceeds its Content-Length, {self._length} bytes")
        self._received -= excess
        self._over = True
        self._extra(excess)
        return raw[:-excess]

    def _finish(self) -> None:
        if self._length is not None and self._received < self._length:
            raise NetworkFailure(
                "truncated",
                f"the body ended after {self._received} bytes, Content-Length said {self._length}",
            )
        if self._decoder is not None:
            self._decoder.finish()
            if self._decoder.excess and self._extra is not None:
                self._extra(self._decoder.excess)
        self._ended = True
