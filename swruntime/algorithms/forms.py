"""Forms as bytes, in both of their codings, and back.

The multipart parser is ours because those that can be had follow RFC 2046 and its many senders: browsers'
percent escapes in names, and where browsers refuse, they have otherwise.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote_plus, unquote_to_bytes

import attrs

from swruntime.algorithms.methods import TOKEN

Pair = tuple[str, str]


@attrs.frozen
class FilePart:
    """A file in a form. `type` is a MIME type, "" where it is not known."""

    data: bytes
    name: str
    type: str = ""


Entry = tuple[str, str | FilePart]
"""https://xhr.spec.whatwg.org/#concept-formdata-entry"""


# application/x-www-form-urlencoded


def parse_urlencoded(data: bytes) -> list[Pair]:
    """Name and value of each field, in their order. Nothing is malformed: bytes that are not UTF-8 are U+FFFD.

    Spec: https://url.spec.whatwg.org/#urlencoded-parsing
    """
    pairs = (part.partition(b"=") for part in data.split(b"&") if part)
    return [(_decode_field(name), _decode_field(value)) for name, _, value in pairs]


def serialize_urlencoded(pairs: Iterable[Pair]) -> str:
    """Spec: https://url.spec.whatwg.org/#urlencoded-serializing"""
    return "&".join(f"{_encode_field(name)}={_encode_field(value)}" for name, value in pairs)


def _decode_field(data: bytes) -> str:
    return unquote_to_bytes(data.replace(b"+", b" ")).decode("utf-8", "replace")


def _encode_field(text: str) -> str:
    return quote_plus(text, safe="*").replace("~", "%7E")


# multipart/form-data

_LONE_NEWLINE = re.compile(r"\r(?!\n)|(?<!\r)\n")
_HEADER_NAME = re.compile(rb"[^\r\n:]*")
_REST_OF_LINE = re.compile(rb"[^\r\n]*")
_QUOTED_NAME = re.compile(rb'([^\r\n"]*)"')
_ESCAPES = {"\n": "%0A", "\r": "%0D", '"': "%22"}


def choose_boundary(entries: Sequence[Entry]) -> str:
    """A boundary that is in none of the entries. The same form always has the same one."""
    digest = hashlib.sha256()
    for name, value in entries:
        for part in (name, value) if isinstance(value, str) else (name, value.name, value.type, value.data):
            data = part if isinstance(part, bytes) else part.encode()
            digest.update(len(data).to_bytes(8, "big") + data)
    # No form contains a hash of itself, except by a chance that never comes.
    return "----swruntimeFormBoundary" + digest.hexdigest()[:32]


def encode_multipart(entries: Iterable[Entry], boundary: str) -> bytes:
    """Spec: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart/form-data-encoding-algorithm"""
    pieces: list[bytes] = []
    for name, value in entries:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_escaped(_with_crlf(name))}"'
        if isinstance(value, str):
            pieces += [f"{head}\r\n\r\n{_with_crlf(value)}\r\n".encode()]
        else:
            head += f'; filename="{_escaped(value.name)}"\r\n'
            head += f"Content-Type: {value.type or 'application/octet-stream'}\r\n\r\n"
            pieces += [head.encode(), value.data, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces)


def parse_multipart(data: bytes, boundary: str) -> list[Entry]:
    """The entries of a form. Raises ValueError, saying where, for what is none.

    Spec: https://andreubotella.github.io/multipart-form-data/#multipart-form-data-parser
    """
    return _Multipart(data, boundary.encode()).parse()


class _Multipart:
    """The parser; `_at` is the offset of the next byte that it looks at."""

    def __init__(self, data: bytes, boundary: bytes) -> None:
        self._data = data
        self._delimiter = b"--" + boundary
        self._at = 0
        self._ends = {len(data) - len(end) for end in (b"--", b"--\r\n") if data.endswith(end)}
        """Where the rest is what stands behind the last delimiter."""

    def parse(self) -> list[Entry]:
        entries: list[Entry] = []
        while True:
            # 1-3. The delimiter; after the last one nothing but an end of line.
            self._expect(self._delimiter, "the boundary")
            if self._at in self._ends:
                return entries
            self._expect(b"\r\n", "an end of line after the boundary")
            name, filename, content_type = self._headers()
            body = self._body()
            # 10, 11. A file, or a text.
            if filename is None:
                entries.append((name, body.decode("utf-8", "replace")))
            else:
                kind = "text/plain" if content_type is None else content_type
                entries.append((name, FilePart(body, filename, kind if kind.isascii() else "")))

    def _headers(self) -> tuple[str, str | None, str | None]:
        """The name, the file name and the Content-Type of a part, up to the empty line after its headers.

        Spec: https://andreubotella.github.io/multipart-form-data/#parse-multipart-form-data-headers
        """
        name = filename = content_type = None
        while not self._skip(b"\r\n"):
            header = self._collect(_HEADER_NAME).strip(b"\t ").decode("latin-1")
            if not TOKEN.fullmatch(header):
                raise self._error("the name of a header")
            self._expect(b":", "a colon after the name of a header")
            while self._skip(b" ") or self._skip(b"\t"):
                pass
            if header.lower() == "content-disposition":
                self._expect(b'form-data; name="', 'form-data; name="..."')
                name = self._name()
                filename = self._name() if self._skip(b'; filename="') else None
            elif header.lower() == "content-type":
                content_type = self._collect(_REST_OF_LINE).rstrip(b"\t ").decode("latin-1")
            else:
                self._collect(_REST_OF_LINE)
            self._expect(b"\r\n", "the end of a header")
        if name is None:
            raise self._error("a Content-Disposition before the empty line")
        return name, filename, content_type

    def _name(self) -> str:
        """Spec: https://andreubotella.github.io/multipart-form-data/#parse-a-multipart-form-data-name"""
        match = _QUOTED_NAME.match(self._data, self._at)
        if match is None:
            raise self._error("the quote that ends a name")
        self._at = match.end()
        text = match[1]
        for char, escape in _ESCAPES.items():
            text = text.replace(escape.encode(), char.encode())
        return text.decode("utf-8", "replace")

    def _body(self) -> bytes:
        end = self._data.find(b"\r\n" + self._delimiter, self._at)
        if end < 0:
            raise ValueError(f"the part at byte {self._at} does not end: the boundary is missing")
        body, self._at = self._data[self._at : end], end + 2
        return body

    def _skip(self, expected: bytes) -> bool:
        found = self._data.startswith(expected, self._at)
        self._at += len(expected) if found else 0
        return found

    def _expect(self, expected: bytes, what: str) -> None:
        if not self._skip(expected):
            raise self._error(what)

    def _collect(self, pattern: re.Pattern[bytes]) -> bytes:
        match = pattern.match(self._data, self._at)
        assert match is not None  # they match nothing at all, too
        self._at = match.end()
        return match[0]

    def _error(self, expected: str) -> ValueError:
        found = self._data[self._at : self._at + 20] or "its end"
        return ValueError(f"at byte {self._at} there is {found!r}; expected {expected}")


def _with_crlf(text: str) -> str:
    return _LONE_NEWLINE.sub("\r\n", text)


def _escaped(text: str) -> str:
    for char, escape in _ESCAPES.items():
        text = text.replace(char, escape)
    return text
