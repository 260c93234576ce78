"""HTTP/1.1 over one connection, one exchange after the other.

What is lenient and what is not is decided without a socket: `swruntime.algorithms.response_head` and
`response_framing`. Here bytes are sent, read and handed to them.
"""

from __future__ import annotations

import re

import httpcore

from swruntime.algorithms.response_framing import ChunkReader, Framing, framing_of, stays_open
from swruntime.algorithms.response_head import LARGEST_HEAD, HeadReader, NotHttp, ResponseHead
from swruntime.errors import NetworkFailure
from swruntime.network.byte_stream import LARGEST_READ
from swruntime.network.failures import login_failure, where_of
from swruntime.network.opening import Opened
from swruntime.network.upload import Timeouts, Upload, headers_to_send, target_of
from swruntime.ports.network import LARGEST_PIECE, WireRequest

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET = re.compile(r"[!-~]+")


class Http1Connection:
    """`ask`, then `read` to the end, then the next one, as long as `is_usable` says so.

    `answered` says whether the response to the last request has begun, with the head of one.
    """

    def __init__(self, opened: Opened, timeouts: Timeouts) -> None:
        self._opened = opened
        self._stream = opened.stream
        self._timeouts = timeouts
        self._usable = True
        self._begin("")

    def _begin(self, url: str) -> None:
        self._url = url
        self._framing = Framing("nothing")
        self._left = 0
        self._chunks: ChunkReader | None = None
        self._data = b""
        self._most = LARGEST_READ
        """Bytes that the next read may take: more where they come faster than they are read, and memory only then."""
        self._complete = False
        self._sent = False
        self._keeps_open = False
        self.answered = False

    async def ask(self, request: WireRequest, host: str, upload: Upload) -> ResponseHead:
        """The head of the final response to `request`; then its body is there for `read`."""
        self._begin(request.url)
        head = _request_head(request, host, self._opened)
        try:
            await self._send(request, head, upload)
            self._sent = True
        except httpcore.WriteError:
            # A server that has said no may have closed the connection without reading all of it.
            pass
        try:
            answer = await self._final_head()
            self._framing = framing_of(request.method, answer)
        except NotHttp as error:
            raise self._not_http(error) from None
        if answer.status == 407 and self._opened.proxy is not None:
            raise login_failure(self._opened.proxy)
        self._left = self._framing.length
        self._keeps_open = stays_open(answer, self._framing)
        if self._framing.by == "chunks":
            self._chunks = ChunkReader()
        self._complete = self._framing.by == "nothing" or (self._framing.by == "length" and not self._left)
        return answer

    async def read(self) -> bytes | None:
        """More bytes of the body; None at its end. Raises NetworkFailure `truncated` where that came too early."""
        while not self._complete:
            data, self._data = self._data, b""
            if not data:
                data = await self._stream.read(self._most, self._timeouts.read)
                if len(data) == self._most:
                    self._most = min(2 * self._most, LARGEST_PIECE)
            if piece := (await self._ended() if not data else self._take(data)):
                return piece
        return None

    def extra(self) -> int:
        """How many bytes after the end of the response have come already."""
        return len(self._data) if self._complete else 0

    async def late(self) -> int:
        """How many have come since."""
        return len(await self._stream.take_what_came())

    @property
    def is_usable(self) -> bool:
        """Whether the response has been read to its end, and the connection is there for another request."""
        return self._complete and self._sent and self._keeps_open and not self._data

    def may_serve(self, request: WireRequest) -> bool:
        """Whether to try it with `request`. What came while nobody asked is no answer, or it is the end."""
        return not self._stream.has_more()

    async def aclose(self) -> None:
        self._complete = False
        await self._stream.aclose()

    async def _send(self, request: WireRequest, head: bytes, upload: Upload) -> None:
        if request.body is None:
            await self._stream.write(head, self._timeouts.write)
            return
        await self._stream.write(head, self._timeouts.write)
        chunked = request.body_length is None
        async for piece in upload:
            if chunked and piece:
                piece = b"%x\r\n%b\r\n" % (len(piece), piece)
            await self._stream.write(piece, self._timeouts.write)
        if chunked:
            await self._stream.write(b"0\r\n\r\n", self._timeouts.write)

    async def _final_head(self) -> ResponseHead:
        """https://www.rfc-editor.org/rfc/rfc9110#name-informational-1xx: any number of them come before it."""
        room = LARGEST_HEAD
        data = b""
        while True:
            reader = HeadReader(room)
            while (head := reader.feed(data)) is None:
                data = await self._stream.read(LARGEST_READ, self._timeouts.read)
                if not data:
                    what = "in the middle of the headers" if reader.size else "without a response"
                    raise NetworkFailure("reset", f"{where_of(self._url)} closed the connection {what}")
            self.answered = True
            room -= reader.size
            data = reader.rest
            if head.status == 101:
                raise NotHttp("it switches to another protocol (101)")
            if head.status >= 200:
                self._data = data
                return head

    def _take(self, data: bytes) -> bytes:
        if self._chunks is not None:
            try:
                piece = self._chunks.feed(data)
            except NotHttp as error:
                raise self._not_http(error) from None
            self._complete, self._data = self._chunks.ended, self._chunks.rest
            return piece
        if self._framing.by == "length":
            data, self._data = data[: self._left], data[self._left :]
            self._left -= len(data)
            self._complete = not self._left
        return data

    async def _ended(self) -> bytes:
        if self._framing.by == "close" and await self._stream.ended_with_notice():
            self._complete = True
            return b""
        detail = f", {self._left} bytes before its end" if self._framing.by == "length" else ""
        raise NetworkFailure(
            "truncated", f"{where_of(self._url)} closed the connection in the middle of the body{detail}"
        )

    def _not_http(self, error: NotHttp) -> NetworkFailure:
        return NetworkFailure("protocol", f"what {where_of(self._url)} sent is not HTTP: {error}")


def _request_head(request: WireRequest, host: str, opened: Opened) -> bytes:
    """Raises NetworkFailure for what would not arrive as it is."""
    target = target_of(request.url)
    if opened.absolute_form:
        target = f"http://{host}{target}"
    if not _METHOD.fullmatch(request.method) or not _TARGET.fullmatch(target):
        raise NetworkFailure("protocol", f"the request cannot be sent: {request.method!r} {target!r}")
    lines = [f"{request.method} {target} HTTP/1.1\r\n".encode()]
    lines += [b"%b: %b\r\n" % field for field in headers_to_send(request, host, opened.headers)]
    lines.append(b"\r\n")
    return b"".join(lines)
