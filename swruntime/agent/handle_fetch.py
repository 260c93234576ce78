"""*Handle Fetch*: requests of pages go through the worker that controls them.

Requests that a worker makes itself, and those of background fetches, never come here.
Spec: https://w3c.github.io/ServiceWorker/#on-fetch-request-algorithm
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import attrs
import trio

from swruntime.agent.promise import Deferred, Promise
from swruntime.concepts.http import Request, Response
from swruntime.errors import NetworkError, NetworkFailure, ScriptError
from swruntime.ports.realm import EventSpec

if TYPE_CHECKING:
    from swruntime.agent.clients import Client
    from swruntime.agent.registrations import Registration, Registrations
    from swruntime.agent.services import Services
    from swruntime.agent.workers import Worker


class Bytes(Protocol):
    """A body that an operation of the agent can read."""

    @property
    def length(self) -> int | None:
        """In bytes, None where it is not known."""
        ...

    def chunks(self) -> AsyncIterator[bytes]: ...

    def close(self) -> None: ...


@attrs.frozen
class Answer:
    """What a worker responded with: the internal response and its body.

    `stored`: the body is one that was stored, by a cache or a background fetch.
    """

    response: Response
    body: Bytes | None
    stored: bool = False

    @property
    def fetched(self) -> bool:
        """Whether it came over the network now."""
        return bool(self.response.url) and not self.stored


@attrs.define(eq=False)
class FetchExchange:
    """A fetch event's payload, and where its answer goes.

    `answer` is resolved with an Answer, or with None where the event was left to the network; it is rejected
    with NetworkFailure where it is a network error. `handled` is for the event's attribute.
    """

    request: Request
    body: Bytes | None
    client_id: str = ""
    resulting_client_id: str = ""
    replaces_client_id: str = ""
    preload: Request | None = None
    """The request of a navigation preload, which the realm makes."""
    on_entered: Callable[[], None] = lambda: None
    """Called when `respond_with` is: from then on the worker answers, and nobody else needs the body."""
    abort: Callable[[], None] = lambda: None
    """Whoever asked does not want an answer any more: the request's signal. The realm provides it."""
    answer: Deferred[Answer | None] = attrs.field(factory=lambda: Deferred("respond_with"))


class FetchHandler:
    """Hands requests to workers."""

    def __init__(self, services: Services, registrations: Registrations) -> None:
        self._services = services
        self._registrations = registrations

    async def subresource(self, client: Client, request: Request, body: Bytes | None) -> Answer | None:
        """A page's request: None where no worker answers it. Raises NetworkFailure for a network error."""
        # 10.
        if client.registration is None or client.registration.active is None:
            return None
        exchange = FetchExchange(request, body, client_id=client.id)
        return await self._dispatch(client.registration, exchange, request)

    async def navigation(
        self, request: Request, storage_key: str, client_id: str, *, replaces: str = ""
    ) -> Answer | None:
        """A navigation to what `client_id` will be: None where no worker answers it.

        `replaces` is the id of the page that goes there, "" for a new window.
        Raises NetworkFailure for a network error.
        """
        # 9.5-9.7.
        registration = self._registrations.match(storage_key, request.url)
        if registration is None or registration.active is None:
            return None
        exchange = FetchExchange(request, None, resulting_client_id=client_id, replaces_client_id=replaces)
        return await self._navigate(registration, exchange, request)

    @asynccontextmanager
    async def from_outside(
        self,
        registration: Registration,
        request: Request,
        body: Bytes | None,
        *,
        client_id: str = "",
        on_entered: Callable[[], None] = lambda: None,
    ) -> AsyncIterator[Answer | None]:
        """A request of a client that is none of ours (`serve`'s), to the worker of `registration`.

        None where no worker answers it. Raises NetworkFailure for a network error. `client_id` is the page that
        asks, or for a navigation the page that there will be; nobody here knows a client of that id.
        While the block runs the worker is not idle, so that it can stream its answer. Its end ends the answer,
        whether that was read or not; who is cancelled before there is one aborts the request's signal.
        """
        if registration.active is None:
            yield None
            return
        exchange = FetchExchange(request, body, on_entered=on_entered)
        with registration.active.kept_alive():
            try:
                try:
                    if request.mode == "navigate":
                        exchange.resulting_client_id = client_id
                        answer = await self._navigate(registration, exchange, request)
                    else:
                        exchange.client_id = client_id
                        answer = await self._dispatch(registration, exchange, request)
                except trio.Cancelled:
                    exchange.abort()
                    raise
                yield answer
            finally:
                exchange.answer.promise.add_done_callback(_let_go)

    async def _navigate(
        self, registration: Registration, exchange: FetchExchange, request: Request
    ) -> Answer | None:
        # 15. Navigation preload.
        if registration.preload_enabled and request.method == "GET":
            header = "Service-Worker-Navigation-Preload"
            headers = request.headers.append(header, registration.preload_header)
            exchange.preload = attrs.evolve(request, headers=headers)
        return await self._dispatch(registration, exchange, request)

    async def _dispatch(
        self, registration: Registration, exchange: FetchExchange, request: Request
    ) -> Answer | None:
        """*Create Fetch Event and Dispatch*: https://w3c.github.io/ServiceWorker/#create-fetch-event-and-dispatch-algorithm"""
        try:
            return await self._answer(registration, exchange, request)
        finally:
            # 10, 19.
            if request.mode == "navigate" or registration.stale:
                self._registrations.soft_update(registration)

    async def _answer(
        self, registration: Registration, exchange: FetchExchange, request: Request
    ) -> Answer | None:
        worker = registration.active
        assert worker is not None
        # 15.
        await worker.until_activated()
        # 11, 16. Whether it listens at all is known once it has run.
        try:
            if worker.event_types is None:
                await worker.run("fetch")
        except ScriptError as error:
            raise NetworkFailure("protocol", f"the worker of {registration.scope} failed: {error}") from error
        if worker.event_types is not None and "fetch" not in worker.event_types:
            return None
        # 17.
        exchange.answer.promise.handle()
        self._services.start("fetch event", self._fire, worker, exchange)
        answer = await exchange.answer.promise
        if answer is not None:
            _check(request, answer.response)
        return answer

    async def _fire(self, worker: Worker, exchange: FetchExchange) -> None:
        fired = await worker.fire(EventSpec("fetch", "FetchEvent", payload=exchange))
        # Nobody answered, because the worker could not start or was stopped.
        exchange.answer.reject(
            NetworkFailure("protocol", f"the worker ended without a response: {fired.result.error}")
        )


def _let_go(promise: Promise[Answer | None]) -> None:
    """Nobody reads the answer any more, or nobody ever will."""
    answer = promise.result() if promise.error is None else None
    if answer is not None and answer.body is not None:
        answer.body.close()


def _check(request: Request, response: Response) -> None:
    """What a worker may not answer: HTTP fetch, step 4. Raises NetworkFailure.

    Spec: https://fetch.spec.whatwg.org/#http-fetch
    """
    wrong: str | None = None
    if response.type == "error":
        wrong = "an error response"
    elif request.mode == "same-origin" and response.type == "cors":
        wrong = "a cross-origin response to a same-origin request"
    elif request.mode != "no-cors" and response.type == "opaque":
        wrong = f"an opaque response to a request with mode {request.mode!r}"
    elif request.redirect != "manual" and response.type == "opaqueredirect":
        wrong = "an unfollowed redirect to a request that follows redirects"
    elif request.redirect != "follow" and len(response.url_list) > 1:
        wrong = "a redirected response to a request that does not follow redirects"
    if wrong is not None:
        raise NetworkFailure("protocol", f"the worker responded with {wrong} for {request.url}")


def network_error(message: str) -> NetworkError:
    """What `event.handled` is rejected with."""
    return NetworkError(message)
