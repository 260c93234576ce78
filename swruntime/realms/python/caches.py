"""Cache and CacheStorage: https://w3c.github.io/ServiceWorker/#cache-objects"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, TypeVar

import attrs

from swruntime.agent.caches import Caches, Put
from swruntime.agent.promise import NoPublicConstructor, Promise
from swruntime.algorithms import filtering, urls, webidl
from swruntime.concepts import http
from swruntime.concepts.matching import CacheQueryOptions
from swruntime.ports.store import CacheEntry
from swruntime.realms.python.abort import AbortController
from swruntime.realms.python.fetching import fetch
from swruntime.realms.python.realm import PythonRealm
from swruntime.realms.python.request import Request
from swruntime.realms.python.response import Response
from swruntime.realms.python.stored import IncomingBody, StoreSource

T = TypeVar("T")


class _OnCaches:
    """What Cache and CacheStorage share: promises whose arguments are checked at the call."""

    def __init__(self, realm: PythonRealm) -> None:
        self._realm = realm
        self._caches: Caches = realm.agent.caches_of(realm.storage_key)

    def _promise(self, name: str, prepare: Callable[[], Callable[[], Awaitable[T]]]) -> Promise[T]:
        """`prepare` checks the arguments, now, and answers with the operation."""
        name = f"{type(self).__name__}.{name}"
        try:
            operation = prepare()
        except Exception as error:  # noqa: BLE001 - what a promise's method throws is a rejection
            return self._realm.context.rejected(error, name=name)
        return self._realm.context.promise(operation, name=name)

    def _response(self, entry: CacheEntry) -> Response:
        source = None
        if entry.body is not None:
            source = self._realm.keep(StoreSource(self._realm.agent.services.store, entry.body))
        shown = filtering.exposed(entry.response, entry.request.credentials)
        return Response._of(self._realm.context, entry.response, source, exposed=shown)


class Cache(_OnCaches, metaclass=NoPublicConstructor):
    """https://w3c.github.io/ServiceWorker/#cache-interface"""

    def __init__(self, realm: PythonRealm, name: str, id: int) -> None:
        super().__init__(realm)
        self._name = name
        self._id = id

    def __repr__(self) -> str:
        return f"<Cache {self._name!r}>"

    def match(
        self,
        request: str | Request,
        *,
        ignore_search: bool = False,
        ignore_method: bool = False,
        ignore_vary: bool = False,
    ) -> Promise[Response | None]:
        """The first response that matches, or None.

        Spec: https://w3c.github.io/ServiceWorker/#cache-match
        """
        options = CacheQueryOptions(ignore_search, ignore_method, ignore_vary)

        def prepare() -> Callable[[], Awaitable[Response | None]]:
            query = self._query(request)

            async def operation() -> Response | None:
                found = next(self._found(query, options), None)
                return None if found is None else self._response(found)

            return operation

        return self._promise("match", prepare)

    def match_all(
        self,
        request: str | Request | None = None,
        *,
        ignore_search: bool = False,
        ignore_method: bool = False,
        ignore_vary: bool = False,
    ) -> Promise[list[Response]]:
        """The responses that match, all of them without `request`, in the order of insertion.

        Spec: https://w3c.github.io/ServiceWorker/#cache-matchall
        """
        options = CacheQueryOptions(ignore_search, ignore_method, ignore_vary)

        def prepare() -> Callable[[], Awaitable[list[Response]]]:
            query = None if request is None else self._query(request)

            async def operation() -> list[Response]:
                return [self._response(entry) for entry in self._found(query, options)]

            return operation

        return self._promise("match_all", prepare)

    def keys(
        self,
        request: str | Request | None = None,
        *,
        ignore_search: bool = False,
        ignore_method: bool = False,
        ignore_vary: bool = False,
    ) -> Promise[list[Request]]:
        """The requests that are stored, in the order of insertion.

        Spec: https://w3c.github.io/ServiceWorker/#cache-keys
        """
        options = CacheQueryOptions(ignore_search, ignore_method, ignore_vary)

        def prepare() -> Callable[[], Awaitable[list[Request]]]:
            query = None if request is None else self._query(request)

            async def operation() -> list[Request]:
                found = self._found(query, options)
                return [Request._of_stored(self._realm.context, e.load_request) for e in found]

            return operation

        return self._promise("keys", prepare)

    def put(self, request: str | Request, response: Response) -> Promise[None]:
        """Store `response` under `request`. A body that storage holds already is referred to, not copied.

        Rejects with TypeError: not http(s), not GET, a 206, `Vary: *`, a body that is used or breaks off; with
        QuotaExceededError where there is no room; with InvalidStateError once the cache was deleted.
        Spec: https://w3c.github.io/ServiceWorker/#cache-put
        """

        def prepare() -> Callable[[], Awaitable[None]]:
            put = self._put_of(self._query(request), response)

            async def operation() -> None:
                await self._caches.put(self._id, [put])

            return operation

        return self._promise("put", prepare)

    def add(self, request: str | Request) -> Promise[None]:
        """Fetch, and store what comes. Rejects with TypeError for a response that is not ok.

        Spec: https://w3c.github.io/ServiceWorker/#cache-add
        """
        return self.add_all([request])

    def add_all(self, requests: Iterable[str | Request]) -> Promise[None]:
        """Fetch all, and store all or nothing.

        Rejects with TypeError for a response that is not ok or that `put` would refuse, with InvalidStateError for
        a request that is there twice.
        Spec: https://w3c.github.io/ServiceWorker/#cache-addAll
        """

        def prepare() -> Callable[[], Awaitable[None]]:
            queries = [self._query(each) for each in webidl.sequence("requests", requests)]
            for query in queries:
                _check_request(query)

            async def operation() -> None:
                context = self._realm.context
                controller = context.bind(AbortController)()
                requests = [Request._of(context, query) for query in queries]
                fetched = [fetch(self._realm, each, signal=controller.signal) for each in requests]
                try:
                    await self._put_all(queries, fetched)
                except BaseException:
                    # 5.7, 5.8: what is still coming is of no use.
                    controller.abort()
                    raise

            return operation

        return self._promise("add_all", prepare)

    def delete(
        self,
        request: str | Request,
        *,
        ignore_search: bool = False,
        ignore_method: bool = False,
        ignore_vary: bool = False,
    ) -> Promise[bool]:
        """Whether anything was there to delete.

        Spec: https://w3c.github.io/ServiceWorker/#cache-delete
        """
        options = CacheQueryOptions(ignore_search, ignore_method, ignore_vary)

        def prepare() -> Callable[[], Awaitable[bool]]:
            query = self._query(request)

            async def operation() -> bool:
                if query.method != "GET" and not options.ignore_method:
                    return False
                return self._caches.delete_entries(self._id, query, options)

            return operation

        return self._promise("delete", prepare)

    async def _put_all(self, queries: list[http.Request], fetched: list[Promise[Response]]) -> None:
        for each in fetched:
            each.handle()
        puts = []
        for query, promise in zip(queries, fetched, strict=True):
            response = await promise
            if not response.ok:
                raise TypeError(f"{query.url} answered {response.status}; expected an ok status")
            puts.append(self._put_of(query, response))
        await self._caches.put(self._id, puts)

    def _found(self, query: http.Request | None, options: CacheQueryOptions) -> Iterator[CacheEntry]:
        if query is not None and query.method != "GET" and not options.ignore_method:
            return iter(())
        return self._caches.entries(self._id, query, options)

    def _query(self, request: object) -> http.Request:
        return query_request(self._realm, request)

    def _put_of(self, request: http.Request, response: object) -> Put:
        """Steps 2 to 8 of `put()`."""
        if not isinstance(response, Response):
            raise TypeError(f"response is {webidl.shown(response)}; expected a Response")
        _check_request(request)
        concept = response._concept
        if concept.status == 206:
            raise TypeError(f"the response for {request.url} is partial (206); a cache takes whole ones")
        for value in concept.headers.all("Vary"):
            if "*" in (field.strip() for field in value.split(",")):
                raise TypeError(f"the response for {request.url} has 'Vary: *', which matches nothing")
        source = response._take_source()
        kept = attrs.evolve(request, cookie=None)
        return Put(kept, concept, None if source is None else IncomingBody(source))


def query_request(realm: PythonRealm, request: object) -> http.Request:
    """What a method takes as RequestInfo, as a request. Raises TypeError."""
    if isinstance(request, Request):
        return request._concept
    if not isinstance(request, str):
        raise TypeError(f"request is {webidl.shown(request)}; expected a URL or a Request")
    return realm.context.bind(Request)(request)._concept


def _check_request(request: http.Request) -> None:
    if not urls.is_http(request.url):
        raise TypeError(f"the request is for {request.url}; a cache takes http and https")
    if request.method != "GET":
        raise TypeError(f"the request's method is {request.method}; a cache takes GET")


class CacheStorage(_OnCaches, metaclass=NoPublicConstructor):
    """`caches`. Spec: https://w3c.github.io/ServiceWorker/#cachestorage-interface"""

    def match(
        self,
        request: str | Request,
        *,
        cache_name: str | None = None,
        ignore_search: bool = False,
        ignore_method: bool = False,
        ignore_vary: bool = False,
    ) -> Promise[Response | None]:
        """The first response that matches in any cache, or in the one named; None if there is none.

        Spec: https://w3c.github.io/ServiceWorker/#cache-storage-match
        """
        options = CacheQueryOptions(ignore_search, ignore_method, ignore_vary)

        def prepare() -> Callable[[], Awaitable[Response | None]]:
            query = query_request(self._realm, request)
            wanted = None if cache_name is None else webidl.dom_string("cache_name", cache_name)

            async def operation() -> Response | None:
                for name in self._caches.names():
                    if wanted in (None, name):
                        cache = Cache._create(self._realm, name, self._caches.open(name))
                        found = next(cache._found(query, options), None)
                        if found is not None:
                            return self._response(found)
                return None

            return operation

        return self._promise("match", prepare)

    def has(self, cache_name: str) -> Promise[bool]:
        """https://w3c.github.io/ServiceWorker/#cache-storage-has"""
        return self._named("has", cache_name, lambda name: name in self._caches.names())

    def open(self, cache_name: str) -> Promise[Cache]:
        """The cache of that name, created if there is none: https://w3c.github.io/ServiceWorker/#cache-storage-open"""
        return self._named(
            "open", cache_name, lambda name: Cache._create(self._realm, name, self._caches.open(name))
        )

    def delete(self, cache_name: str) -> Promise[bool]:
        """https://w3c.github.io/ServiceWorker/#cache-storage-delete"""
        return self._named("delete", cache_name, self._caches.delete)

    def keys(self) -> Promise[list[str]]:
        """The names, in the order of creation: https://w3c.github.io/ServiceWorker/#cache-storage-keys"""

        async def operation() -> list[str]:
            return list(self._caches.names())

        return self._promise("keys", lambda: operation)

    def _named(self, method: str, cache_name: str, answer: Callable[[str], Any]) -> Promise[Any]:
        def prepare() -> Callable[[], Awaitable[Any]]:
            name = webidl.dom_string("cache_name", cache_name)

            async def operation() -> Any:
                return answer(name)

            return operation

        return self._promise(method, prepare)
