"""ReadableStream, as far as bodies and blobs need it: https://streams.spec.whatwg.org/#rs-class"""

from __future__ import annotations

from collections.abc import Callable

from swruntime.agent.promise import NoPublicConstructor, Promise
from swruntime.realms.python.body_sources import BodySource, Pump, operation_pump
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.unimplemented import PlatformObject


class ReadableStream(PlatformObject, metaclass=NoPublicConstructor):
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
            where = self._context.where()
            if where is not None:
                self._context.diagnose("response-body-used", "the body is used already", where)
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
