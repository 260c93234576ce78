"""What Request and Response have in common: a body that is read once.

Spec: https://fetch.spec.whatwg.org/#body-mixin
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Callable
from typing import Any, TypeVar

from swruntime.agent.promise import Promise
from swruntime.algorithms import forms, headers as h, webidl
from swruntime.algorithms.mime import MimeType
from swruntime.algorithms.urls import to_scalar_values
from swruntime.realms.python.blob import Blob, decode_utf8
from swruntime.realms.python.body_sources import (
    BodySource,
    BytesSource,
    ScriptSource,
    read_all,
    split,
)
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.form_data import FormData
from swruntime.realms.python.headers import Headers
from swruntime.realms.python.search_params import URLSearchParams
from swruntime.realms.python.streams import ReadableStream
from swruntime.realms.python.unimplemented import PlatformObject

T = TypeVar("T")
BodyInit = str | bytes | bytearray | memoryview | Blob | FormData | URLSearchParams | AsyncIterable[bytes]
"""https://fetch.spec.whatwg.org/#typedefdef-bodyinit"""
Bytes = bytes  # in the class below the name is a method's


class Body(PlatformObject):
    """https://fetch.spec.whatwg.org/#body"""

    _context: RealmContext
    _headers: Headers

    # Where nothing ever set a body there is none.
    _hidden: BodySource | None = None
    _hidden_used = False
    _stream: ReadableStream | None = None

    def _set_body(self, source: BodySource | None, *, hidden: bool = False) -> None:
        """`hidden`: there is a body, but scripts see none (an opaque response)."""
        self._hidden = source if hidden else None
        self._hidden_used = False
        self._stream = None if source is None or hidden else ReadableStream._create(self._context, source)

    @property
    def body(self) -> ReadableStream | None:
        """None where there is no body."""
        return self._stream

    @property
    def body_used(self) -> bool:
        """Whether it was read, or is being read."""
        return self._stream is not None and self._stream._disturbed

    def text(self) -> Promise[str]:
        """The body as UTF-8, without a byte order mark. Rejects with TypeError when it is used already."""
        return self._consume("text", decode_utf8)

    def json(self) -> Promise[Any]:
        """The body as JSON. Rejects with ValueError where it is none, TypeError when it is used already."""
        return self._consume("json", parse_json)

    def bytes(self) -> Promise[Bytes]:
        """The body. Rejects with TypeError when it is used already."""
        return self._consume("bytes", _same)

    def array_buffer(self) -> Promise[Bytes]:
        """As `bytes`, which is what an ArrayBuffer is in Python."""
        return self._consume("array_buffer", _same)

    def blob(self) -> Promise[Blob]:
        """The body as a Blob, whose type is the Content-Type's. Rejects with TypeError when it is used already."""
        mime_type = h.mime_type(self._headers._list)
        kind = "" if mime_type is None else str(mime_type)
        return self._consume("blob", lambda data: Blob._of(self._context, data, kind))

    def form_data(self) -> Promise[FormData]:
        """The body as a form: multipart/form-data or application/x-www-form-urlencoded, as the Content-Type says.

        Rejects with TypeError for another Content-Type, for a body that is no such form, and when it is used
        already.
        """
        mime_type = h.mime_type(self._headers._list)
        return self._consume("form_data", lambda data: self._parse_form(data, mime_type))

    # For the runtime

    @property
    def _unusable(self) -> bool:
        """https://fetch.spec.whatwg.org/#body-unusable"""
        return self._stream is not None and self._stream._unusable

    def _source(self) -> BodySource | None:
        """Where the body comes from, to look at only; None where there is none."""
        return self._hidden if self._stream is None else self._stream._source

    def _take_source(self) -> BodySource | None:
        """Take the body to read all of it: it is used from now on. None where there is none.

        Raises TypeError when it is used already.
        """
        if self._stream is not None:
            return self._stream._take()
        self._check_hidden()
        self._hidden_used = self._hidden is not None and not self._hidden.replayable
        return self._hidden

    def _check_hidden(self) -> None:
        if self._hidden_used:
            raise TypeError("the body is used already: it can be read once")

    def _take_visible_source(self) -> BodySource | None:
        """As `_take_source`, for a script that reads: None also where there is a body that it does not see.

        Spec: https://fetch.spec.whatwg.org/#concept-filtered-response-opaque
        """
        return None if self._stream is None else self._stream._take()

    def _split_source(self) -> BodySource | None:
        """What the body of a clone comes from: https://fetch.spec.whatwg.org/#concept-body-clone

        Raises TypeError when the body is used already.
        """
        if self._unusable:
            raise TypeError("the body is used already: clone() must be called before it is read")
        self._check_hidden()
        source = self._source()
        if source is None:
            return None
        mine, other = split(self._context, source)
        self._set_body(mine, hidden=self._stream is None)
        return other

    def _consume(self, method: str, convert: Callable[[Bytes], T]) -> Promise[T]:
        """https://fetch.spec.whatwg.org/#concept-body-consume-body"""
        name = f"{type(self).__name__}.{method}"
        try:
            source = self._take_visible_source()
        except TypeError as error:
            return self._context.rejected(error, name=name)

        async def read() -> T:
            try:
                return convert(b"" if source is None else await read_all(source))
            finally:
                if self._stream is not None:
                    self._stream._locked = False

        return self._context.promise(read, name=name)

    def _parse_form(self, data: Bytes, mime_type: MimeType | None) -> FormData:
        """https://fetch.spec.whatwg.org/#dom-body-formdata, what is done with the bytes"""
        essence = None if mime_type is None else mime_type.essence
        if mime_type is not None and essence == "multipart/form-data":
            boundary = mime_type.parameters.get("boundary")
            if boundary is None:
                raise TypeError(f"the Content-Type is {str(mime_type)!r}; expected one with a boundary")
            try:
                return FormData._of(self._context, forms.parse_multipart(data, boundary))
            except ValueError as error:
                raise TypeError(f"the body is not multipart/form-data: {error}") from error
        if essence == "application/x-www-form-urlencoded":
            return FormData._of(self._context, forms.parse_urlencoded(data))
        raise TypeError(
            f"the Content-Type is {None if mime_type is None else str(mime_type)!r}; form_data() expects "
            "multipart/form-data or application/x-www-form-urlencoded"
        )


def extract(context: RealmContext, value: object) -> tuple[BodySource, str | None]:
    """Where a script's body comes from, and the Content-Type that goes with it. Raises TypeError.

    Spec: https://fetch.spec.whatwg.org/#concept-bodyinit-extract
    """
    if isinstance(value, str):
        return BytesSource(to_scalar_values(value).encode()), "text/plain;charset=UTF-8"
    if isinstance(value, bytes | bytearray | memoryview):
        return BytesSource(bytes(value)), None
    if isinstance(value, Blob):
        return BytesSource(value._data), value.type or None
    if isinstance(value, FormData):
        entries = value._concept
        boundary = forms.choose_boundary(entries)
        return (
            BytesSource(forms.encode_multipart(entries, boundary)),
            f"multipart/form-data; boundary={boundary}",
        )
    if isinstance(value, URLSearchParams):
        return BytesSource(str(value).encode()), "application/x-www-form-urlencoded;charset=UTF-8"
    if isinstance(value, ReadableStream):
        return value._take(), None
    if isinstance(value, AsyncIterable):
        return ScriptSource(context, value), None
    hint = "; json.dumps() makes JSON of it" if isinstance(value, dict | list) else ""
    raise TypeError(
        f"body is {webidl.shown(value)}; expected str, bytes, Blob, FormData, URLSearchParams or an async "
        f"iterable of bytes{hint}"
    )


def _same(data: bytes) -> bytes:
    return data


def parse_json(data: bytes) -> Any:
    """Raises ValueError where it is not JSON, NaN and Infinity included, and where it nests too deeply for Python."""
    try:
        return json.loads(decode_utf8(data), parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("the JSON nests too deeply") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
