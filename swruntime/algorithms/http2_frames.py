"""Frames of HTTP/2 as they come: GOAWAY is taken out, all others pass.

h2 takes a connection for closed once it has seen a GOAWAY, and refuses the frames of streams that are still served. So
it does not get to see one.
Spec: https://www.rfc-editor.org/rfc/rfc9113#name-goaway
"""

from __future__ import annotations

HEADER = 9
"""Bytes of a frame before its payload."""

LARGEST_FRAME = 16_384
"""The most bytes of a payload that HTTP/2 allows by itself; what is larger passes, and is an error for who reads it."""

REFUSED_STREAM = 7
"""The error code of a stream that the server took no notice of."""

_DATA = 0
_HEADERS = 1
_RST_STREAM = 3
_GOAWAY = 7
_NOTICE = 8
"""Bytes of a GOAWAY before its debug data."""


class FrameFilter:
    """Takes what a server sends in any division into pieces.

    `last_stream` is the last one that the server says it serves, None before it has said so; `touched` the highest
    stream that a frame was for; `begun` the highest of which a response has begun; `refused` the highest that was reset
    as one that the server took no notice of.
    """

    def __init__(self) -> None:
        self.last_stream: int | None = None
        self.touched = 0
        self.begun = 0
        self.refused = 0
        self._header = b""
        self._payload: bytes
        """The beginning of the frame's payload, which is looked at."""
        self._left = 0
        """Bytes of the frame that are still to come."""

    def serves(self, stream: int) -> bool:
        """Whether the server has not said that it takes no notice of `stream`."""
        if self.refused >= stream:
            return False
        return self.last_stream is None or stream <= self.last_stream

    def feed(self, data: bytes) -> bytes:
        """`data` without what belongs to GOAWAY frames."""
        passed: list[bytes] = []
        at = 0
        while at < len(data):
            if self._left == 0:
                header = data[at : at + HEADER - len(self._header)]
                at += len(header)
                self._header += header
                if len(self._header) < HEADER:
                    break
                self._begin(passed)
            piece = data[at : at + self._left]
            at += len(piece)
            self._left -= len(piece)
            self._look(piece)
            if not self._is_goaway():
                passed.append(piece)
            if self._left == 0:
                self._end()
        return b"".join(passed)

    def _begin(self, passed: list[bytes]) -> None:
        self._left = int.from_bytes(self._header[:3])
        self._payload = b""
        self.touched = max(self.touched, self._stream())
        if self._header[3] in (_DATA, _HEADERS):
            self.begun = max(self.begun, self._stream())
        if not self._is_goaway():
            passed.append(self._header)

    def _end(self) -> None:
        if self._is_goaway():
            last = int.from_bytes(self._payload[:4]) & 0x7FFF_FFFF
            self.last_stream = last if self.last_stream is None else min(last, self.last_stream)
        elif self._header[3] == _RST_STREAM and self._payload == REFUSED_STREAM.to_bytes(4):
            self.refused = max(self.refused, self._stream())
        self._header = b""

    def _look(self, piece: bytes) -> None:
        self._payload = (self._payload + piece[:_NOTICE])[:_NOTICE]

    def _stream(self) -> int:
        return int.from_bytes(self._header[5:]) & 0x7FFF_FFFF

    def _is_goaway(self) -> bool:
        """Whether the frame is a GOAWAY with all that belongs to one; what is not is left to who reads the rest."""
        size = int.from_bytes(self._header[:3])
        return self._header[3] == _GOAWAY and self._stream() == 0 and _NOTICE <= size <= LARGEST_FRAME
