"""HTTP/2 over one connection, one exchange after the other, with httpcore and h2.

A server that is going away (GOAWAY) says up to which stream it serves. An exchange that it serves goes on, and the
connection is not used again; one that it took no notice of raises `Refused`, and can be asked for on another one.
Spec: https://www.rfc-editor.org/rfc/rfc9113#name-goaway
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpcore

from swruntime.algorithms.http2_frames import FrameFilter
from swruntime.algorithms.response_head import LARGEST_HEAD, ResponseHead
from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure
from swruntime.network.byte_stream import LARGEST_READ, ByteStream
from swruntime.network.failures import TRANSPORT_ERRORS, where_of
from swruntime.network.opening import Opened, Origin
from swruntime.network.upload import Timeouts, Upload, headers_to_send, is_repeatable, target_of
from swruntime.ports.network import WireRequest


class Refused(Exception):
    """The server says that it took no notice of the request (RFC 9113 8.7)."""


class Http2Connection:
    """`ask`, then `read` to the end, then the next one, as long as `is_usable` says so."""

    def __init__(self, opened: Opened, origin: Origin, timeouts: Timeouts) -> None:
        self._frames = _Frames(opened.stream)
        self._origin = httpcore.Origin(origin.scheme.encode(), origin.host.encode(), origin.port)
        self._inner = httpcore.AsyncHTTP2Connection(self._origin, self._frames)
        self._timeouts = timeouts
        self._url = ""
        self._answer: Any = None
        self._pieces: AsyncIterator[bytes] | None = None
        self._complete = False

    async def ask(self, request: WireRequest, host: str, upload: Upload) -> ResponseHead:
        """The head of the final response to `request`; then its body is there for `read`. Raises Refused."""
        self._url = request.url
        self._complete = False
        self._frames.stream += 2
        try:
            response = await self._inner.handle_async_request(self._outgoing(request, host, upload))
        except ValueError as error:  # httpcore takes any text for a status
            raise NetworkFailure("protocol", self._not_http(str(error))) from error
        except Refused:
            raise self._refused() from None
        except (httpcore.WriteError, httpcore.ConnectionNotAvailable, httpcore.ProtocolError) as error:
            if isinstance(error, httpcore.WriteError):
                await self._frames.look_at_the_rest()
            if self._frames.serves():
                raise
            raise self._refused() from error
        self._answer = response.stream
        self._pieces = aiter(self._answer)
        return self._head(response)

    async def read(self) -> bytes | None:
        """More bytes of the body; None at its end."""
        if self._complete:
            return None
        assert self._pieces is not None
        try:
            return await anext(self._pieces)
        except StopAsyncIteration:
            await self._answer.aclose()
            self._complete = True
            return None
        except Refused:
            raise self._refused() from None

    @property
    def answered(self) -> bool:
        """Whether anything that concerns the last request has come."""
        return self._frames.touched()

    def extra(self) -> int:
        """Frames have no such thing; a stream that goes on after its end is an error."""
        return 0

    async def late(self) -> int:
        return 0

    @property
    def is_usable(self) -> bool:
        """Whether the response has been read to its end, and the connection is there for another request."""
        return (
            self._complete
            and not self._frames.going_away
            and self._inner.is_available()
            and self._inner.is_idle()
        )

    def may_serve(self, request: WireRequest) -> bool:
        """Whether to try it with `request`. While nobody asked a server may have sent what concerns the connection, or
        have closed it, and only who reads knows. What may be asked again is tried.
        """
        return is_repeatable(request) or not self._frames.has_more()

    async def aclose(self) -> None:
        """httpcore nests async generators, which nobody would close in order. So the connection goes first, and then
        they are run to where they notice; what they still say is of no interest.
        """
        self._complete = False
        answer, self._answer = self._answer, None
        if answer is not None:
            await answer.aclose()
        await self._inner.aclose()
        if self._pieces is not None:
            try:
                async for _ in self._pieces:
                    pass
            except Refused:
                return
            except TRANSPORT_ERRORS:
                return

    def _outgoing(self, request: WireRequest, host: str, upload: Upload) -> httpcore.Request:
        limits = {"connect": None, "read": self._timeouts.read, "write": self._timeouts.write, "pool": None}
        return httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=self._origin.scheme,
                host=self._origin.host,
                port=self._origin.port,
                target=target_of(request.url).encode(),
            ),
            headers=headers_to_send(request, host),
            content=upload,
            extensions={"timeout": limits},
        )

    def _head(self, response: httpcore.Response) -> ResponseHead:
        fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers)
        size = sum(len(name) + len(value) for name, value in fields)
        if size > LARGEST_HEAD:
            raise NetworkFailure("protocol", self._not_http(f"its head has more than {LARGEST_HEAD} bytes"))
        if any(character in value for _, value in fields for character in "\0\r\n"):
            raise NetworkFailure("protocol", self._not_http("a header has a line end or a NUL"))
        return ResponseHead(response.status, "", (2, 0), HeaderList(fields))

    def _refused(self) -> Exception:
        """Refused, unless the server has begun to answer: then it contradicts itself, and has taken notice."""
        if not self._frames.begun():
            return Refused()
        return NetworkFailure("reset", f"{where_of(self._url)} broke off a response that it had begun")

    def _not_http(self, why: str) -> str:
        return f"what {where_of(self._url)} sent is not HTTP: {why}"


class _Frames(httpcore.AsyncNetworkStream):
    """What h2 sees of a connection. `stream` is the number of the stream that is under way."""

    def __init__(self, inner: ByteStream) -> None:
        self._inner = inner
        self._filter = FrameFilter()
        self.stream = -1

    @property
    def going_away(self) -> bool:
        return self._filter.last_stream is not None

    def serves(self) -> bool:
        return self._filter.serves(self.stream)

    def begun(self) -> bool:
        return self._filter.begun >= self.stream

    def touched(self) -> bool:
        return self._filter.touched >= self.stream

    def has_more(self) -> bool:
        return self._inner.has_more()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Raises Refused once the server takes no notice of the stream that is under way."""
        while True:
            data = await self._inner.read(max_bytes, timeout)
            passed = self._filter.feed(data)
            if not self.serves():
                raise Refused
            if passed or not data:
                return passed

    async def look_at_the_rest(self) -> None:
        """What came before the connection broke: the reason may be in it."""
        try:
            while data := await self._inner.read(LARGEST_READ, 1.0):
                self._filter.feed(data)
        except (httpcore.ReadError, httpcore.ReadTimeout):
            return

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
