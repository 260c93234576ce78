"""What Request and Response have in common: a body that is read once.

Spec: https://fetch.spec.whatwg.org/#body-mixin
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Callable
from typing import Any, TypeVar

from swruntime.agent.promise import NoPublicConstructor, Promise
from swruntime.algorithms import webidl
from swruntime.algorithms.urls import to_scalar_values
from swruntime.errors import NotSupportedError
from swruntime.realms.python.body_sources import (
    BodySource,
    BytesSource,
    Pump,
    ScriptSource,
    operation_pump,
    read_all,
    split,
)
from swruntime.realms.python.context import RealmContext

T = TypeVar("T")
BodyInit = str | bytes | bytearray | memoryview | AsyncIterable[bytes]
"""https://fetch.spec.whatwg.org/#typedefdef-bodyinit, as far as it is implemented"""
Bytes = bytes  # in the class below the name is a method's


class ReadableStream(metaclass=NoPublicConstructor):
    """A body's bytes: `async for chunk in response.body`, once. Who stops early calls `cancel()`.

    Spec: https://streams.spec.whatwg.org/#rs-class, of which this is what a body needs in Python
    """

    def __init__(self, context: RealmContext, source: BodySource) -> None:
        self._context = context
        self._source = source
        self._pump: Pump | None = None
        self._disturbed = False
        self._locked = False

    @property
    def locked(self) -> bool:
        """Whether it is being read."""
        return self._locked

    def cancel(self, reason: object = None) -> Promise[None]:
        """Read no more of it; what it comes from is let go."""
        if self._locked and self._pump is None:
            error = TypeError("the stream cannot be cancelled: it is locked by a method that reads all of it")
            return self._context.rejected(error, name="ReadableStream.cancel")
        if self._pump is not None:
            self._pump.cancel()
        elif not self._disturbed:
            self._source.close()
        self._disturbed = True
        self._locked = False
        return Promise.resolved(None, name="ReadableStream.cancel")

    def __aiter__(self) -> _StreamIterator:
        """Raises TypeError when it was read before, or is being read."""
        source = self._take()
        self._pump = operation_pump(self._context, source)
        return _StreamIterator(self, self._pump, self._context.on_discard(self._pump.cancel))

    @property
    def _unusable(self) -> bool:
        return self._disturbed or self._locked

    def _take(self) -> BodySource:
        """The source, for who reads all of it. Raises TypeError when it is unusable."""
        if self._unusable:
            raise TypeError("the body is used already: a body can be read once; clone() before reading twice")
        self._disturbed = True
        self._locked = True
        return self._source


class _StreamIterator:
    def __init__(self, stream: ReadableStream, pump: Pump, forget: Callable[[], None]) -> None:
        self._stream = stream
        self._pump = pump
        self._forget = forget

    def __aiter__(self) -> _StreamIterator:
        return self

    async def __anext__(self) -> bytes:
        self._stream._context.check_alive()
        try:
            chunk = await self._pump.receive()
        except Exception:
            self._done()
            raise
        if chunk is None:
            self._done()
            raise StopAsyncIteration
        return chunk

    def _done(self) -> None:
        self._forget()
        self._stream._locked = False


class Body:
    """https://fetch.spec.whatwg.org/#body"""

    _context: RealmContext

    def _set_body(self, source: BodySource | None, *, hidden: bool = False) -> None:
        """`hidden`: there is a body, but scripts see none (an opaque response)."""
        self._hidden = source if hidden else None
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
        return self._consume("text", _decode)

    def json(self) -> Promise[Any]:
        """The body as JSON. Rejects with ValueError where it is none, TypeError when it is used already."""
        return self._consume("json", _parse_json)

    def bytes(self) -> Promise[Bytes]:
        """The body. Rejects with TypeError when it is used already."""
        return self._consume("bytes", _same)

    def array_buffer(self) -> Promise[Bytes]:
        """As `bytes`, which is what an ArrayBuffer is in Python."""
        return self._consume("array_buffer", _same)

    def blob(self) -> Promise[object]:
        """Not implemented: rejects with NotSupportedError."""
        return self._not_supported("blob")

    def form_data(self) -> Promise[object]:
        """Not implemented: rejects with NotSupportedError."""
        return self._not_supported("form_data")

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
        return self._hidden if self._stream is None else self._stream._take()

    def _split_source(self) -> BodySource | None:
        """What the body of a clone comes from: https://fetch.spec.whatwg.org/#concept-body-clone

        Raises TypeError when the body is used already.
        """
        if self._unusable:
            raise TypeError("the body is used already: clone() must be called before it is read")
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
            source = None if self._stream is None else self._stream._take()
        except TypeError as error:
            return self._context.rejected(error, name=name)

        async def read() -> T:
            try:
                return convert(b"" if source is None else await read_all(source))
            finally:
                if self._stream is not None:
                    self._stream._locked = False

        return self._context.promise(read, name=name)

    def _not_supported(self, method: str) -> Promise[object]:
        name = f"{type(self).__name__}.{method}"
        error = NotSupportedError(f"{name} is not implemented by swruntime; bytes() gives the same bytes")
        return self._context.rejected(error, name=name)


def extract(context: RealmContext, value: object) -> tuple[BodySource, str | None]:
    """Where a script's body comes from, and the Content-Type that goes with it. Raises TypeError.

    Spec: https://fetch.spec.whatwg.org/#concept-bodyinit-extract
    """
    if isinstance(value, str):
        return BytesSource(to_scalar_values(value).encode()), "text/plain;charset=UTF-8"
    if isinstance(value, bytes | bytearray | memoryview):
        return BytesSource(bytes(value)), None
    if isinstance(value, ReadableStream):
        return value._take(), None
    if isinstance(value, AsyncIterable):
        return ScriptSource(context, value), None
    hint = "; json.dumps() makes JSON of it" if isinstance(value, dict | list) else ""
    raise TypeError(f"body is {webidl.shown(value)}; expected str, bytes or async iterable of bytes{hint}")


def _same(data: bytes) -> bytes:
    return data


def _decode(data: bytes) -> str:
    """https://encoding.spec.whatwg.org/#utf-8-decode"""
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def _parse_json(data: bytes) -> Any:
    return json.loads(_decode(data), parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
