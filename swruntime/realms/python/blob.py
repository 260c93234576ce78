"""Blob and File: bytes with a type. They are held in memory, so a big body is better read as a stream.

Spec: https://w3c.github.io/FileAPI/
"""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from swruntime.agent.promise import Promise
from swruntime.algorithms import webidl
from swruntime.algorithms.urls import to_scalar_values
from swruntime.realms.python.body_sources import BytesSource
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.streams import ReadableStream
from swruntime.realms.python.unimplemented import PlatformObject

T = TypeVar("T")
Bytes = bytes  # in the class below the name is a method's
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_NEWLINE = re.compile(r"\r\n|\r|\n")


class Blob(PlatformObject):
    """Immutable bytes: `Blob([b"...", "text", other_blob], type="text/plain")`. `size` is in bytes.

    Raises TypeError, naming the argument, its value and what is expected.
    Spec: https://w3c.github.io/FileAPI/#blob-section
    """

    _context: RealmContext

    def __init__(
        self,
        blob_parts: Iterable[str | Bytes | bytearray | memoryview | Blob] = (),
        *,
        type: str = "",
        endings: str = "transparent",
    ) -> None:
        self._context.check_alive()
        native = webidl.enumeration("endings", endings, ("transparent", "native")) == "native"
        parts = webidl.sequence("blob_parts", blob_parts)
        self._data = b"".join(_part(index, part, native) for index, part in enumerate(parts))
        self._type = _normalized_type("type", type)

    @classmethod
    def _of(cls, context: RealmContext, data: Bytes, type: str) -> Blob:
        bound = context.bind(Blob)
        self = bound.__new__(bound)
        self._data, self._type = data, _normalized_type("type", type)
        return self

    def __repr__(self) -> str:
        return f"<Blob {self.size} bytes {self.type}>".replace(" >", ">")

    @property
    def size(self) -> int:
        return len(self._data)

    @property
    def type(self) -> str:
        """A MIME type in lower case, "" where it is not known."""
        return self._type

    def slice(self, start: int = 0, end: int | None = None, content_type: str = "") -> Blob:
        """The bytes from `start` up to `end`; negative ones count from the end, as in Python.

        Spec: https://w3c.github.io/FileAPI/#slice-method-algo
        """
        first = _position("start", start)
        last = None if end is None else _position("end", end)
        return Blob._of(self._context, self._data[first:last], _normalized_type("content_type", content_type))

    def stream(self) -> ReadableStream:
        return ReadableStream._create(self._context, BytesSource(self._data))

    def text(self) -> Promise[str]:
        """The bytes as UTF-8, without a byte order mark."""
        return self._promise("text", decode_utf8)

    def bytes(self) -> Promise[Bytes]:
        return self._promise("bytes", Bytes)

    def array_buffer(self) -> Promise[Bytes]:
        """As `bytes`, which is what an ArrayBuffer is in Python."""
        return self._promise("array_buffer", Bytes)

    def _promise(self, method: str, convert: Callable[[Bytes], T]) -> Promise[T]:
        async def operation() -> T:
            return convert(self._data)

        return self._context.promise(operation, name=f"Blob.{method}")


class File(Blob):
    """A Blob with a name and a time. Spec: https://w3c.github.io/FileAPI/#file-section"""

    def __init__(
        self,
        file_bits: Iterable[str | Bytes | bytearray | memoryview | Blob],
        file_name: str,
        *,
        type: str = "",
        endings: str = "transparent",
        last_modified: int | None = None,
    ) -> None:
        """`last_modified` is in milliseconds since 1970; now, if it is not given."""
        super().__init__(file_bits, type=type, endings=endings)
        self._name = webidl.usv_string("file_name", file_name)
        self._last_modified = (
            int(self._context.now() * 1000)
            if last_modified is None
            else _position("last_modified", last_modified)
        )

    @classmethod
    def _named(
        cls, context: RealmContext, data: Bytes, type: str, name: str, last_modified: int | None = None
    ) -> File:
        bound = context.bind(File)
        self = bound.__new__(bound)
        self._data, self._type = data, _normalized_type("type", type)
        self._name = name
        self._last_modified = int(context.now() * 1000) if last_modified is None else last_modified
        return self

    def __repr__(self) -> str:
        return f"<File {self.name!r} {self.size} bytes {self.type}>".replace(" >", ">")

    @property
    def name(self) -> str:
        return self._name

    @property
    def last_modified(self) -> int:
        """In milliseconds since 1970."""
        return self._last_modified

    @property
    def webkit_relative_path(self) -> str:
        """Always "": a script's own file is in no folder."""
        return ""


def decode_utf8(data: bytes) -> str:
    """https://encoding.spec.whatwg.org/#utf-8-decode"""
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def _part(index: int, part: object, native: bool) -> bytes:
    """https://w3c.github.io/FileAPI/#process-blob-parts"""
    if isinstance(part, Blob):
        return part._data
    if isinstance(part, bytes | bytearray | memoryview):
        return bytes(part)
    if isinstance(part, str):
        text = to_scalar_values(part)
        return (_NEWLINE.sub(os.linesep, text) if native else text).encode()
    raise TypeError(f"blob_parts[{index}] is {webidl.shown(part)}; expected str, bytes or Blob")


def _normalized_type(name: str, type: object) -> str:
    text = webidl.dom_string(name, type)
    return text.lower() if _PRINTABLE.fullmatch(text) else ""


def _position(name: str, value: object) -> int:
    """A long long, as strict as Python is. Raises TypeError."""
    if isinstance(value, bool):
        raise TypeError(f"{name} is {webidl.shown(value)}; expected a whole number")
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is {webidl.shown(value)}; expected a whole number") from None
