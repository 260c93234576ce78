"""`fetch()` for scripts: https://fetch.spec.whatwg.org/#fetch-method"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from typing import Any

import attrs
import trio

from swruntime.agent.fetching import BodySource as Sender
from swruntime.agent.handle_fetch import Answer
from swruntime.agent.integrity import has_null_body, read_verified
from swruntime.agent.pieces import closing_pieces
from swruntime.agent.promise import Deferred, Promise
from swruntime.algorithms import filtering, urls
from swruntime.concepts import http
from swruntime.errors import AbortError, NetworkFailure, NetworkTypeError
from swruntime.realms.python.abort import AbortSignal
from swruntime.realms.python.body_sources import UNREAD, BodySource, BytesSource, split
from swruntime.realms.python.context import error_text
from swruntime.realms.python.realm import PythonRealm
from swruntime.realms.python.request import Request
from swruntime.realms.python.response import Response

UNDER_WAY = "requests that are under way, or whose answers are not read"
"""What a fetch counts as, until its body was read or let go."""
EXCHANGE = 8_000
"""Bytes that are counted for one, besides its bodies."""


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
    """One fetch; it lives until its body was read or let go."""

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
        self._deferred: Deferred[Response] | None = deferred
        """None once it is fulfilled: who keeps the response is the script's affair."""
        self._scope = trio.CancelScope()
        self._send, self._receive = trio.open_memory_channel[bytes](0)
        self._failure: BaseException | None = None
        self._charge = realm.context.held.charge(UNDER_WAY, 0, each=EXCHANGE)
        self.over = False
        """Its task has ended."""
        self.ended = ExitStack()
        """Closed at its end: whoever would have ended it forgets it."""

    async def run(self) -> None:
        with self._scope, self._send:
            try:
                answer = await self._ask_worker()
                if answer is None:
                    await self._ask_network()
                else:
                    await self._take(answer)
            except NetworkFailure as failure:
                self._fail(self._network_error(failure))
            except trio.BrokenResourceError:
                pass  # nobody reads the body any more
            except Exception as error:  # noqa: BLE001 - a worker's body may raise whatever it likes
                told = f"fetch of {self._request.url} failed"
                self._fail(NetworkTypeError(f"{told}: {error_text(error)}", told))
        self.ended.close()
        self._charge.release()
        self.over = True
        self._reject(AbortError(f"fetch of {self._request.url} was ended"))

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
            await self._hand_over(fetched.response, fetched.body)

    def _network_error(self, failure: NetworkFailure) -> NetworkTypeError:
        url = self._request.url
        told = f"fetch of {url} failed ({failure.cause})"
        message = f"{told}: {failure.message}"
        is_own = urls.same_origin(url, self._realm.context.environment.origin) and not failure.redirected
        return NetworkTypeError(message, message if is_own else told)

    async def _take(self, answer: Answer) -> None:
        internal = answer.response
        if not internal.url_list:
            internal = attrs.evolve(internal, url_list=(self._request.url,))
        body = answer.body
        unread = has_null_body(self._request, internal) or (
            self._request.integrity != "" and filtering.hides_body(internal)
        )
        if body is not None and unread:
            body.close()
            body = None
        await self._hand_over(internal, None if body is None else body.chunks())

    async def _hand_over(self, internal: http.Response, body: AsyncIterator[bytes] | None) -> None:
        """*Main fetch*, 21 to 23: https://fetch.spec.whatwg.org/#main-fetch"""
        # 21. Some have no body, whatever is sent.
        has_body = body is not None and not has_null_body(self._request, internal)
        # 22. Integrity: all of the body, or nothing.
        if self._request.integrity:
            chunks = await read_verified(self._request, internal, body if has_body else None)
            self._respond(internal, BytesSource(b"".join(chunks)))
            return
        # 23. The response at its headers, and the body as it comes.
        self._respond(internal, _Arriving(self) if has_body else None)
        held = self._realm.context.held
        if body is not None:
            async with closing_pieces(body) as pieces:
                async for chunk in pieces:
                    waits = held.charge(UNREAD, len(chunk))
                    await self._send.send(chunk)
                    waits.release()

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
        self._reject(error)

    def _reject(self, error: BaseException) -> None:
        if self._deferred is not None:
            self._deferred.reject(error)

    def _respond(self, internal: http.Response, source: BodySource | None) -> None:
        deferred, self._deferred = self._deferred, None
        if deferred is not None:
            shown = filtering.exposed(internal, self._request.credentials)
            deferred.resolve(Response._of(self._realm.context, internal, source, exposed=shown))

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, as it comes."""
        with self._receive:
            async for chunk in self._receive:
                yield chunk
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Nobody reads the body."""
        self._receive.close()
        self._scope.cancel()


class _Arriving:
    """The source of a body that is on its way. When the last one who could read it lets go of it, its exchange ends."""

    stored: int | None = None
    length: int | None = None
    replayable = False

    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange
        self._token = trio.lowlevel.current_trio_token()

    def __del__(self) -> None:
        # The garbage collector may come in the midst of anything, and in any thread.
        if not self._exchange.over:
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._exchange.close)

    async def chunks(self) -> AsyncIterator[bytes]:
        async with closing_pieces(self._exchange.chunks()) as pieces:
            async for piece in pieces:
                yield piece

    def close(self) -> None:
        self._exchange.close()
