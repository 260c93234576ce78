"""CacheStorage and Cache on the store: what the realms' objects of that name do.

Spec: https://w3c.github.io/ServiceWorker/#cache-objects
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import attrs

from swruntime.agent.pieces import closing_pieces
from swruntime.algorithms import matching, urls
from swruntime.concepts.http import Request, Response
from swruntime.concepts.matching import CacheQueryOptions
from swruntime.errors import InvalidStateError, QuotaExceededError, StorageFull
from swruntime.ports.store import CacheEntry

if TYPE_CHECKING:
    from swruntime.agent.services import Services

T = TypeVar("T")


class Incoming(Protocol):
    """A response's body on its way into a cache."""

    async def stored_body(self) -> int | None:
        """The id of the stored body that it is, once every byte is there; None where it is not stored.

        Raises what reading it would raise.
        """
        ...

    def chunks(self) -> AsyncIterator[bytes]: ...


@attrs.frozen
class Put:
    """One put of a batch. `body` is None where the response has none."""

    request: Request
    response: Response
    body: Incoming | None


class Caches:
    """The caches of one origin. A cache is named by its id in the store."""

    def __init__(self, services: Services, storage_key: str) -> None:
        self._services = services
        self._key = storage_key

    def names(self) -> Sequence[str]:
        return self._services.store.cache_names(self._key)

    def open(self, name: str) -> int:
        """Raises QuotaExceededError where the quota, or the disk, has no room for it."""
        store = self._services.store
        found = store.find_cache(self._key, name)
        if found is not None:
            return found

        def create() -> int:
            with self._services.quota.transaction(self._key):
                return store.open_cache(self._key, name)

        return self._guarded(create)

    def delete(self, name: str) -> bool:
        """Raises QuotaExceededError where the disk has not even room for that."""
        return self._guarded(lambda: self._services.store.delete_cache(self._key, name))

    def entries(self, cache: int, query: Request | None, options: CacheQueryOptions) -> Iterator[CacheEntry]:
        """*Query Cache*, each entry as it is asked for. Nobody writes to the cache, or waits, in between.

        Spec: https://w3c.github.io/ServiceWorker/#query-cache-algorithm
        """
        store = self._services.store
        if query is None:
            return iter(store.cache_entries(cache))
        near = store.cache_entries(cache, query.url, ignore_search=options.ignore_search)
        return (e for e in near if matching.matches_cache_entry(query, e.request, e.response, options))

    async def put(self, cache: int, puts: Sequence[Put]) -> None:
        """*Batch Cache Operations* with puts: all or nothing. A body that is stored already is referred to.

        Raises InvalidStateError (two puts that would overtake each other; a cache that was deleted),
        QuotaExceededError, and whatever reading a body raises.
        Spec: https://w3c.github.io/ServiceWorker/#batch-cache-operations-algorithm
        """
        _check_distinct(puts)
        store = self._services.store
        bodies: list[int | None] = []
        try:
            for put in puts:
                bodies.append(None if put.body is None else await self._keep(put.body))
            await store.sync((body for body in bodies if body is not None), flush=False)
            self._put_entries(cache, puts, bodies)
        except StorageFull as full:
            raise QuotaExceededError(str(full)) from full
        finally:
            for body in bodies:
                if body is not None:
                    store.unpin(body)

    def _put_entries(self, cache: int, puts: Sequence[Put], bodies: Sequence[int | None]) -> None:
        store = self._services.store
        with self._services.quota.transaction(self._key):
            for put, body in zip(puts, bodies, strict=True):
                overtaken = [e.id for e in self.entries(cache, put.request, CacheQueryOptions())]
                if overtaken:
                    store.delete_entries(overtaken)
                try:
                    store.put_entry(cache, _without_login(put.request, put.response), put.response, body)
                except KeyError as gone:
                    raise InvalidStateError("the cache was deleted; open it again") from gone

    async def _keep(self, incoming: Incoming) -> int:
        """A pinned body with the bytes of `incoming`; the very same one where it is stored already."""
        store = self._services.store
        stored = await incoming.stored_body()
        if stored is not None:
            store.pin(stored)
            return stored
        body = store.create_body(self._key)
        store.pin(body)
        try:
            async with closing_pieces(incoming.chunks()) as pieces:
                async for piece in pieces:
                    available = self._services.quota.available(self._key)
                    if len(piece) > available:
                        raise QuotaExceededError(
                            f"the quota of {self._key} has room for {available} bytes more"
                        )
                    store.append(body, piece)
            store.finish_body(body)
        except BaseException:
            store.unpin(body)
            raise
        return body

    def delete_entries(self, cache: int, query: Request, options: CacheQueryOptions) -> bool:
        """*Batch Cache Operations* with a delete. Answers whether anything was there to delete."""
        found = [entry.id for entry in self.entries(cache, query, options)]

        def delete() -> None:
            with self._services.store.transaction():
                self._services.store.delete_entries(found)

        self._guarded(delete)
        return bool(found)

    def _guarded(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except StorageFull as full:
            raise QuotaExceededError(str(full)) from full


def _without_login(request: Request, response: Response) -> Request:
    """A login is not kept for as long as an answer that does not depend on it.

    A deviation from *Batch Cache Operations*, 4.2.6.8, which appends the request as it is.
    """
    if "Authorization" not in request.headers or "authorization" in matching.vary_names(response):
        return request
    return attrs.evolve(request, headers=request.headers.delete("Authorization"))


def _check_distinct(puts: Sequence[Put]) -> None:
    """*Batch Cache Operations*, 4.2.4: in one batch, no put may overtake another."""
    seen: dict[str, list[Put]] = {}
    for put in puts:
        earlier = seen.setdefault(urls.without_fragment(put.request.url), [])
        for each in earlier:
            if matching.matches_cache_entry(put.request, each.request, each.response, CacheQueryOptions()):
                raise InvalidStateError(f"{put.request.url} is in the list twice")
        earlier.append(put)
