"""Where a response over HTTP/1.1 ends. Here nothing is lenient: who sees another end sees another response.

A different or broken Content-Length, and a Transfer-Encoding beside one, are refused: that is how a body, or the
beginning of it, is passed off as the next response.
Spec: https://www.rfc-editor.org/rfc/rfc9112#name-message-body-length
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Literal

import attrs

from swruntime.algorithms.response_head import NotHttp, ResponseHead
from swruntime.concepts.http import HeaderList

LONGEST_LINE = 16_384
"""The most bytes that the line of a chunk's size has, or one after the last chunk, as in Chromium."""

LARGEST_TRAILERS = 65_536
"""The most bytes that the fields after the last chunk have together."""

MOST_DIGITS = 18
"""Of a Content-Length; more is not a file's."""

_LENGTH = "content-length"
_CODINGS = "transfer-encoding"
_OPTIONS = "connection"
_BLANK = " \t"
_LATIN = "latin-1"

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r]*)?")


@attrs.frozen
class Framing:
    """What ends the body: `nothing` where there is none, `length` bytes, its `chunks`, or the connection's `close`."""

    by: Literal["nothing", "length", "chunks", "close"]
    length: int = 0


def is_bodiless(method: str, status: int) -> bool:
    """Whether HTTP has no body here, whatever the headers say: RFC 9112 section 6.3, the first rule."""
    return method == "HEAD" or status in (204, 304) or status < 200


def framing_of(method: str, head: ResponseHead) -> Framing:
    """Raises NotHttp where the headers do not say, or say different things."""
    if is_bodiless(method, head.status):
        return Framing("nothing")
    codings = transfer_codings(head.headers)
    length = content_length(head.headers)
    if codings:
        if codings != ["chunked"]:
            raise NotHttp(f"its Transfer-Encoding is {', '.join(codings)!r}")
        if length is not None:
            raise NotHttp("it has a Content-Length and a Transfer-Encoding")
        return Framing("chunks")
    return Framing("close") if length is None else Framing("length", length)


def transfer_codings(headers: HeaderList) -> list[str]:
    """In lower case, without `identity`, which is none."""
    parts = (part for value in headers.all(_CODINGS) for part in value.split(","))
    names = (part.strip(_BLANK).lower() for part in parts)
    return [name for name in names if name not in ("", "identity")]


def content_length(headers: HeaderList) -> int | None:
    """In bytes; None where there is no Content-Length. Raises NotHttp for what is not one, or several that differ."""
    values = {part.strip(_BLANK) for value in headers.all(_LENGTH) for part in value.split(",")}
    if not values:
        return None
    if len(values) > 1:
        raise NotHttp(f"its Content-Length is {headers.get(_LENGTH)!r}")
    value = values.pop()
    if not (value.isascii() and value.isdigit()) or len(value) > MOST_DIGITS:
        raise NotHttp(f"its Content-Length is {value!r}")
    return int(value)


def stays_open(head: ResponseHead, framing: Framing) -> bool:
    """Whether the connection is there for another request: https://www.rfc-editor.org/rfc/rfc9112#name-persistence

    Not after a Transfer-Encoding in HTTP/1.0, whose framing is not to be trusted (6.1).
    """
    if framing.by == "close":
        return False
    options = {
        part.strip(_BLANK).lower() for value in head.headers.all(_OPTIONS) for part in value.split(",")
    }
    if "close" in options:
        return False
    return head.version >= (1, 1) or ("keep-alive" in options and framing.by != "chunks")


class _Next(Enum):
    """What comes next in a chunked body."""

    SIZE = auto()
    BYTES = auto()
    END = auto()
    TRAILER = auto()


class ChunkReader:
    """Takes a chunked body in any division into pieces.

    Line ends are LF or CR LF, and spaces may follow a size, as in browsers; trailers are left out. `ended` says
    whether the last chunk and its trailers have come, `rest` what came after them.
    Spec: https://www.rfc-editor.org/rfc/rfc9112#name-chunked-transfer-coding
    """

    def __init__(self) -> None:
        self.ended = False
        self.rest = b""
        self._data = b""
        self._left: int
        """Bytes of the chunk that are still to come, once its size has."""
        self._next = _Next.SIZE
        self._trailers = 0

    def feed(self, data: bytes) -> bytes:
        """The bytes of the body in it. Raises NotHttp."""
        self._data += data
        pieces: list[bytes] = []
        at = 0
        while not self.ended:
            if self._next is _Next.BYTES:
                piece = self._data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    break
                self._next = _Next.END
            line_end = self._data.find(b"\n", at)
            size = (len(self._data) if line_end < 0 else line_end) - at
            self._check_size(size)
            if line_end < 0:
                break
            self._take(self._data[at:line_end].removesuffix(b"\r"))
            at = line_end + 1
        self._data = self._data[at:]
        if self.ended:
            self.rest = self._data
        return b"".join(pieces)

    def _check_size(self, size: int) -> None:
        if self._next is _Next.END and size > 1:
            raise NotHttp("a chunk is longer than its size")
        if size > LONGEST_LINE:
            raise NotHttp(f"a line between its chunks, or after them, has more than {LONGEST_LINE} bytes")
        if self._trailers + size > LARGEST_TRAILERS:
            raise NotHttp(f"its trailers have more than {LARGEST_TRAILERS} bytes")

    def _take(self, line: bytes) -> None:
        if self._next is _Next.SIZE:
            match = _SIZE.fullmatch(line)
            if match is None:
                raise NotHttp(f"a chunk's size is {line[:60].decode(_LATIN)!r}")
            self._left = int(match[1], 16)
            self._next = _Next.BYTES if self._left else _Next.TRAILER
        elif self._next is _Next.END:
            if line:
                raise NotHttp("a chunk is longer than its size")
            self._next = _Next.SIZE
        else:
            self._trailers += len(line) + 2
            self.ended = not line
