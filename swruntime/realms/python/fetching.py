"""`fetch()` for scripts: https://fetch.spec.whatwg.org/#fetch-method"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any

import attrs
import trio

from swruntime.agent.fetching import BodySource as Sender, Fetched
from swruntime.agent.handle_fetch import Answer
from swruntime.agent.promise import Deferred, Promise
from swruntime.algorithms import filtering, urls
from swruntime.concepts import http
from swruntime.errors import AbortError, NetworkFailure, NetworkTypeError
from swruntime.realms.python.abort import AbortSignal
from swruntime.realms.python.body_sources import BodySource, split
from swruntime.realms.python.context import error_text
from swruntime.realms.python.realm import PythonRealm
from swruntime.realms.python.request import Request
from swruntime.realms.python.response import NULL_BODY_STATUSES, Response


def fetch(realm: PythonRealm, input: str | Request, **init: Any) -> Promise[Response]:
    """Fetch a URL or Request; the keyword arguments are Request's. Fulfilled at the response's headers.

    Rejects with TypeError for wrong arguments and for every network error, whose message tells the cause.
    """
    context = realm.context
    try:
        context.check_alive()
        request = context.bind(Request)(input, **init)
        concept = attrs.evolve(request._concept, client=context.environment)
        source = request._take_source()
    except Exception as error:  # noqa: BLE001 - what a promise's method throws is a rejection
        return context.rejected(error, name="fetch")
    return fetch_concept(realm, concept, source, request.signal)


def fetch_concept(
    realm: PythonRealm, request: http.Request, source: BodySource | None, signal: AbortSignal | None = None
) -> Promise[Response]:
    """Fetch what was checked already."""
    context = realm.context
    # 4. Aborted before it began.
    if signal is not None and signal.reason is not None:
        return context.rejected(signal.reason, name="fetch")
    deferred: Deferred[Response] = context.deferred("fetch")
    exchange = _Exchange(realm, request, source, deferred)
    exchange.ended.callback(context.on_discard(lambda: exchange.abort(context.dead_error())))
    if signal is not None:
        exchange.follow(signal)
    context.agent_nursery.start_soon(exchange.run, name=f"fetch {request.url}")
    return deferred.promise


class _Exchange:
    """One fetch; it lives until its body was read or let go. It is the source of that body, too."""

    stored: int | None = None
    length: int | None = None
    replayable = False

    def __init__(
        self,
        realm: PythonRealm,
        request: http.Request,
        source: BodySource | None,
        deferred: Deferred[Response],
    ) -> None:
        self._realm = realm
        self._request = request
        self._source = source
        self._deferred = deferred
        self._scope = trio.CancelScope()
        self._send, self._receive = trio.open_memory_channel[bytes](0)
        self._failure: BaseException | None = None
        self.ended = ExitStack()
        """Closed at its end: whoever would have ended it forgets it."""

    async def run(self) -> None:
        with self._scope, self._send:
            try:
                answer = await self._ask_worker()
                if answer is None:
                    await self._ask_network()
                else:
                    self._deferred.resolve(self._answered(answer))
                    if answer.body is not None:
                        await self._pass_on(answer.body.chunks())
            except NetworkFailure as failure:
                self._fail(self._network_error(failure))
            except trio.BrokenResourceError:
                pass  # nobody reads the body any more
            except Exception as error:  # noqa: BLE001 - a worker's body may raise whatever it likes
                told = f"fetch of {self._request.url} failed"
                self._fail(NetworkTypeError(f"{told}: {error_text(error)}", told))
        self.ended.close()
        self._deferred.reject(AbortError(f"fetch of {self._request.url} was ended"))

    async def _ask_worker(self) -> Answer | None:
        """A page's request goes through its controller: https://fetch.spec.whatwg.org/#http-fetch, step 3"""
        client = self._realm.client
        if client is None or client.controller is None:
            return None
        body, self._source = (
            (None, None) if self._source is None else split(self._realm.context, self._source)
        )
        return await self._realm.agent.fetch_handler.subresource(client, self._request, body)

    async def _ask_network(self) -> None:
        sender: Sender | None = self._source.chunks if self._source is not None else None
        length = self._source.length if self._source is not None else None
        fetcher = self._realm.agent.services.fetcher
        async with fetcher.fetch(self._request, body=sender, body_length=length) as fetched:
            self._deferred.resolve(self._response(fetched))
            await self._pass_on(fetched.body)

    async def _pass_on(self, body: AsyncIterator[bytes]) -> None:
        async for chunk in body:
            await self._send.send(chunk)

    def _network_error(self, failure: NetworkFailure) -> NetworkTypeError:
        url = self._request.url
        told = f"fetch of {url} failed ({failure.cause})"
        message = f"{told}: {failure.message}"
        is_own = urls.same_origin(url, self._realm.context.environment.origin) and not failure.redirected
        return NetworkTypeError(message, message if is_own else told)

    def _answered(self, answer: Answer) -> Response:
        internal = answer.response
        if not internal.url_list:
            internal = attrs.evolve(internal, url_list=(self._request.url,))
        shown = filtering.exposed(internal, self._request.credentials)
        return Response._of(
            self._realm.context, internal, self if answer.body is not None else None, exposed=shown
        )

    def follow(self, signal: AbortSignal) -> None:
        """End when `signal` is aborted."""

        def algorithm() -> None:
            self.abort(signal.reason)

        signal._add_algorithm(algorithm)
        self.ended.callback(signal._remove_algorithm, algorithm)

    def abort(self, reason: BaseException | None) -> None:
        self._fail(reason or AbortError(f"fetch of {self._request.url} was aborted"))
        self._scope.cancel()

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._deferred.reject(error)

    def _response(self, fetched: Fetched) -> Response:
        internal = fetched.response
        has_body = self._request.method != "HEAD" and internal.status not in NULL_BODY_STATUSES
        shown = filtering.exposed(internal, self._request.credentials)
        return Response._of(self._realm.context, internal, self if has_body else None, exposed=shown)

    async def chunks(self) -> AsyncIterator[bytes]:
        with self._receive:
            async for chunk in self._receive:
                yield chunk
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        self._receive.close()
        self._scope.cancel()
