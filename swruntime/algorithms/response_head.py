"""The head of an HTTP/1.1 response, read as browsers read it.

RFC 9112 tells what a server has to send, and lets a client be lenient in places (2.2, 4, 5.1, 5.2). Chromium reads more
than that, and what it reads is read here, as long as nobody could take the message's end for another one:

- line ends are LF or CR LF, a few of them may come before the status line, and another CR in a line is a space;
- the status line's words may be in lower case, and stand apart by any spaces or tabs;
- a line without a colon, or whose name is not a token, is left out; spaces around a name are none of it;
- a line that begins with a space goes on with the one before it.

What does not begin with `HTTP`, has no status of three digits, a NUL, or more bytes than `LARGEST_HEAD` is not HTTP.
What frames the body is `swruntime.algorithms.response_framing`'s, and strict.
Spec: https://www.rfc-editor.org/rfc/rfc9112#name-message-format
"""

from __future__ import annotations

import re

import attrs

from swruntime.concepts.http import HeaderList

LARGEST_HEAD = 262_144
"""The most bytes that a response's head has, as in Chromium."""

MOST_LINE_ENDS = 4
"""So many bytes of line ends are passed over before the status line."""

_STATUS_LINE = re.compile(
    rb"http(?:/([1-9])(?:\.([0-9]))?)?[ \t\v\f\r]+([1-9][0-9]{2})(?![0-9])(.*)", re.IGNORECASE | re.DOTALL
)
_END = re.compile(rb"\n\r*\n")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BLANK = b" \t"
_LATIN = "latin-1"


class NotHttp(Exception):
    """What came is not an HTTP response, or contradicts itself. The message is half a sentence."""


@attrs.frozen
class ResponseHead:
    """`version` as in the status line; where that has none, (1, 0)."""

    status: int
    reason: str
    version: tuple[int, int]
    headers: HeaderList


class HeadReader:
    """Takes a head in any division into pieces. `rest` is what came after it."""

    def __init__(self, largest: int = LARGEST_HEAD) -> None:
        self._largest = largest
        self._data: bytes | bytearray = b""
        """As it came where it came in one piece: most of that is the beginning of a body, not to be copied twice."""
        self._left_out = 0
        self.rest = b""

    @property
    def size(self) -> int:
        """How many bytes the head has, so far or in all."""
        return len(self._data)

    def feed(self, data: bytes) -> ResponseHead | None:
        """The head once it is there. Raises NotHttp as soon as it cannot become one."""
        searched = self._data.rfind(b"\n")
        if not self._data:
            self._data = data
        else:
            if isinstance(self._data, bytes):
                self._data = bytearray(
                    self._data
                )  # which a server that sends single bytes cannot make grow slowly
            self._data += data
        if not self._begins_well():
            raise NotHttp("it does not begin with HTTP")
        end = _END.search(self._data, searched)
        size = len(self._data) if end is None else end.end()
        if size > self._largest:
            raise NotHttp(f"its head has more than {self._largest} bytes")
        if end is None:
            return None
        self.rest, self._data = bytes(self._data[size:]), self._data[:size]
        return _parse(bytes(self._data))

    def _begins_well(self) -> bool:
        while self._left_out < MOST_LINE_ENDS and bytes(self._data[:1]) in (b"\r", b"\n"):
            self._data = self._data[1:]
            self._left_out += 1
        return b"http".startswith(bytes(self._data[:4].lower()))


def _parse(data: bytes) -> ResponseHead:
    if b"\0" in data:
        raise NotHttp("its head has a NUL")
    first, *lines = (line.rstrip(b"\r").replace(b"\r", b" ") for line in data.split(b"\n"))
    match = _STATUS_LINE.fullmatch(first)
    if match is None:
        raise NotHttp(f"its status line is {_shown(first)}")
    major, minor, status, reason = match.groups()
    version = (int(major or 1), int(minor or 0))
    return ResponseHead(int(status), reason.strip().decode(_LATIN), version, _fields(lines))


def _fields(lines: list[bytes]) -> HeaderList:
    """https://www.rfc-editor.org/rfc/rfc9112#name-field-syntax and, of lines that go on, 5.2."""
    fields: list[tuple[str, list[bytes]]] = []
    value: list[bytes] | None = None
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            if value is not None:
                value.append(line.strip(_BLANK))
            continue
        name, colon, rest = line.partition(b":")
        name = name.rstrip(_BLANK)
        value = None
        if colon and _TOKEN.fullmatch(name):
            value = [rest.strip(_BLANK)]
            fields.append((name.decode(_LATIN), value))
    return HeaderList(tuple((name, b" ".join(parts).strip(_BLANK).decode(_LATIN)) for name, parts in fields))


def _shown(line: bytes) -> str:
    return repr(line[:60].decode(_LATIN))
