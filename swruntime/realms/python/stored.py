"""Body sources whose bytes are in the store: of a record, and of a cache entry. Nothing of them is copied."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator

import trio

from swruntime.agent.response_data import ResponseData, read_stored
from swruntime.ports.store import Store
from swruntime.realms.python.body_sources import BodySource


class RecordSource:
    """A record's body, which may still grow. It stays readable as long as this is held (SPEC-NOTES 21)."""

    replayable = True

    def __init__(self, data: ResponseData) -> None:
        self._data = data
        self._hold = data.hold()

    @property
    def stored(self) -> int | None:
        return self._data.body if self._data.result == "success" else None

    @property
    def length(self) -> int | None:
        return self._data.length if self._data.result == "success" else None

    def chunks(self) -> AsyncIterator[bytes]:
        return self._data.chunks()

    def close(self) -> None:
        """Others may share it; it is let go when nobody holds it."""

    def release(self) -> None:
        """See `swruntime.realms.python.realm.StoredSource.release`."""
        self._hold.close()

    async def stored_body(self) -> int | None:
        """The stored body, once it is complete. Raises AbortError or TypeError where it never will be."""
        await self._data.wait_until_settled()
        return self.stored


class StoreSource:
    """The body of a cache entry, or of a stored request; complete from the beginning."""

    replayable = True

    def __init__(self, store: Store, body: int) -> None:
        self._store = store
        self._body = body
        store.pin(body)
        self._unpin = weakref.finalize(self, store.unpin, body)
        self._unpin.atexit = False

    @property
    def stored(self) -> int | None:
        return self._body

    @property
    def length(self) -> int | None:
        return self._store.length(self._body)

    async def chunks(self) -> AsyncIterator[bytes]:
        offset = 0
        while data := read_stored(self._store, self._body, offset):
            offset += len(data)
            yield data
            await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """Others may share it; it is let go when nobody holds it."""

    def release(self) -> None:
        """See `swruntime.realms.python.realm.StoredSource.release`."""
        self._unpin()

    async def stored_body(self) -> int | None:
        return self._body


class IncomingBody:
    """A body on its way into a cache: referred to where it is stored already, else read."""

    def __init__(self, source: BodySource) -> None:
        self._source = source

    async def stored_body(self) -> int | None:
        if isinstance(self._source, RecordSource | StoreSource):
            return await self._source.stored_body()
        return None

    def chunks(self) -> AsyncIterator[bytes]:
        return self._source.chunks()
