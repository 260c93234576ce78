"""The gateway: an ASGI app that puts an origin behind its worker.

https://asgi.readthedocs.io/en/latest/specs/www.html, https://w3c.github.io/ServiceWorker/#on-fetch-request-algorithm
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, MutableMapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Literal

import attrs
import trio

from swruntime.agent.handle_fetch import Answer
from swruntime.agent.pieces import closing_pieces
from swruntime.agent.user_agent import UserAgent
from swruntime.algorithms import urls
from swruntime.algorithms.visible_text import visible
from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure
from swruntime.ports.network import Network, WireRequest
from swruntime.serve import outgoing
from swruntime.serve.hosts import KnownHosts
from swruntime.serve.incoming import BadRequest, Incoming, asked_host, incoming
from swruntime.serve.pages import PAGE_LIFE, Pages
from swruntime.serve.target import shown_target
from swruntime.serve.upload import Receive, Upload
from swruntime.trace import Diagnostic

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

AnsweredBy = Literal["worker", "cache", "fetch", "network", "server"]

RESERVED = "/__swruntime__"
"""Nothing of the site's is served here, or below it."""


@attrs.frozen
class Answered:
    """A request that is being answered.

    `by` the worker: "cache" with what it had stored, "fetch" with what it has fetched now, "worker" with what it made.
    Or without it: "network", or "server", this one.
    """

    method: str
    target: str
    """The URL's path and query."""
    status: int
    by: AnsweredBy


class _ClientLeft(Exception):
    """Nobody is there to be answered."""


class _CutShort(Exception):
    """The response has begun and cannot be finished; leaving it so is how a server tells that."""


class Gateway:
    """An ASGI app, for any server that runs it under Trio, next to `agent`.

    A request is a navigation or a subresource request (`swruntime.serve.incoming`), and goes through the fetch
    event of the worker that controls it. What no worker answers goes to `upstream`; without it to the agent's own
    network, which is where the worker's own requests go, too.

    It answers for `hosts`; without them for the agent's origin, and for this machine's loopback names at its port. A
    navigation to another loopback name than that of `hosts.served` is sent there: a site has one origin in a browser.

    A network error is 502, or 504 where something took too long, with the cause as text. One in the middle of a
    body breaks the connection off, so that nobody takes a part for the whole.
    """

    def __init__(
        self,
        agent: UserAgent,
        *,
        upstream: Network | None = None,
        hosts: KnownHosts | None = None,
        page_life: float = PAGE_LIFE,
        on_navigation: Callable[[], None] = lambda: None,
        on_answered: Callable[[Answered], None] = lambda answered: None,
    ) -> None:
        self._agent = agent
        self._hosts = hosts or KnownHosts(agent.origin)
        self._upstream = upstream or agent.services.fetcher.network
        self._pages = Pages(agent, page_life)
        self._on_navigation = on_navigation
        """Called when a page was answered for."""
        self._on_answered = on_answered
        """Called when a response begins."""

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._websocket(scope, receive, send)

    async def _websocket(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Refuse the handshake: a service worker has no part in sockets, and there is none behind it here."""
        await receive()
        status, text = 403, "no WebSocket is answered here"
        try:
            asked_host(HeaderList.of(_text_of(scope.get("headers", ()))), self._hosts)
        except BadRequest as error:
            status, text = error.status, str(error)
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1000})
            return
        body = _body_of(status, text)
        headers = [(b"content-type", b"text/plain;charset=utf-8"), (b"content-length", b"%d" % len(body))]
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": body, "more_body": False})

    async def _http(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        target = shown_target(scope)

        def on_begun(status: int, by: AnsweredBy) -> None:
            self._on_answered(Answered(scope["method"], target, status, by))

        reply = _Reply(send, on_begun, head=scope["method"] == "HEAD")
        try:
            arrived = incoming(scope, self._agent.origin, self._hosts)
        except BadRequest as error:
            # What else comes over this connection is not taken for another request.
            one_at_a_time = scope.get("http_version", "1.1") not in ("2", "3")
            more = [("Connection", "close")] if one_at_a_time else []
            with suppress(_ClientLeft):
                await reply.text(error.status, str(error), *more)
            return
        upload = Upload(arrived.body_length)
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def client() -> None:
                await upload.pump(receive)
                # A server says so of a complete response, too, while it still sees to its connection.
                if not reply.ended:
                    nursery.cancel_scope.cancel()

            try:
                await self._respond(arrived, upload, reply)
            except (_ClientLeft, _CutShort):
                pass  # the server sees that the response is not complete
            except Exception as error:  # noqa: BLE001 - a defect, raised again where no nursery puts it into a group
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _respond(self, arrived: Incoming, upload: Upload, reply: _Reply) -> None:
        asked = urls.parse(arrived.request.url)
        if arrived.navigation and arrived.host == "loopback":
            await reply.redirect(f"{self._hosts.served}{asked.pathname}{asked.search}")
            return
        path = asked.pathname
        if path == RESERVED or path.startswith(RESERVED + "/"):
            await reply.text(
                404, f"{RESERVED}/ is reserved for swruntime's inspector, not in this version yet"
            )
            return
        try:
            if not await self._from_worker(arrived, upload, reply):
                await self._from_origin(arrived, upload, reply)
        except NetworkFailure as failure:
            text = f"{failure.cause}: {failure.message}"
            self._tell(arrived, text)
            if reply.begun:
                raise _CutShort from failure
            await reply.text(504 if failure.cause == "timeout" else 502, text)
        if arrived.navigation:
            self._on_navigation()

    async def _from_worker(self, arrived: Incoming, upload: Upload, reply: _Reply) -> bool:
        """Whether a worker has answered. Raises NetworkFailure for a network error."""
        agent, request = self._agent, arrived.request
        if arrived.controlled_by is None:
            return False
        registration = agent.registrations.match(agent.origin, arrived.controlled_by)
        if registration is None or registration.active is None:
            return False
        if arrived.navigation:
            client = self._pages.opened(request.url, registration)
        else:
            client = self._pages.seen(arrived.referrer)
        async with agent.fetch_handler.from_outside(
            registration,
            request,
            upload if arrived.has_body else None,
            client_id=client,
            on_entered=upload.worker_answers,
        ) as answer:
            upload.worker_is_done()
            if answer is None:
                return False
            await self._send_answer(arrived, answer, reply)
        return True

    async def _send_answer(self, arrived: Incoming, answer: Answer, reply: _Reply) -> None:
        body, request = answer.body, arrived.request
        head = outgoing.of_worker(
            request.method,
            answer.response,
            has_body=body is not None,
            body_length=None if body is None else body.length,
        )
        location = outgoing.at_origin(head.headers, answer.response.url or request.url, self._agent.origin)
        await reply.begin(head.status, location, _by(answer))
        if body is None or head.bodiless:
            await reply.end()
            return
        try:
            await reply.stream(body.chunks(), head.length)
        except NetworkFailure:
            raise
        except (_ClientLeft, _CutShort):
            raise
        except Exception as error:  # a worker's stream may raise whatever it likes
            raise NetworkFailure("protocol", f"the worker's response broke off: {error!r}") from error

    async def _from_origin(self, arrived: Incoming, upload: Upload, reply: _Reply) -> None:
        """Hand the request on as it came. Raises NetworkFailure."""
        request, agent = arrived.request, self._agent
        sent = WireRequest(
            request.method,
            urls.without_fragment(request.url),
            arrived.wire,
            upload.read if arrived.has_body else None,
            arrived.body_length if arrived.has_body else None,
        )
        async with self._upstream.exchange(sent) as came:
            head = outgoing.of_network(request.method, came.status, came.headers)
            location = outgoing.at_origin(head.headers, request.url, agent.origin)
            await reply.begin(head.status, location, "network")
            if head.bodiless:
                await reply.end()
            else:
                await reply.stream(came.body, head.length)

    def _tell(self, arrived: Incoming, text: str) -> None:
        about = f"{arrived.request.method} {arrived.request.url}"
        self._agent.trace.emit(Diagnostic(code="gateway", message=f"{about}: {text}"))


class _Reply:
    """The response to one request. Every method raises _ClientLeft when nobody is there."""

    def __init__(self, send: Send, on_begun: Callable[[int, AnsweredBy], None], *, head: bool) -> None:
        self._send = send
        self._on_begun = on_begun
        self._head = head
        self.begun = False
        self.ended = False

    async def begin(self, status: int, headers: HeaderList, by: AnsweredBy) -> None:
        self._on_begun(status, by)
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.begun = True
        await self._say({"type": "http.response.start", "status": status, "headers": raw})

    async def end(self) -> None:
        self.ended = True
        await self._say({"type": "http.response.body", "body": b"", "more_body": False})

    async def stream(self, chunks: AsyncIterator[bytes], length: int | None) -> None:
        """Send `chunks` to their end. Raises NetworkFailure where they are not `length` bytes."""
        sent = 0
        async with closing_pieces(chunks) as pieces:
            async for piece in pieces:
                sent += len(piece)
                if length is not None and sent > length:
                    raise NetworkFailure("protocol", f"the body exceeds its Content-Length, {length} bytes")
                if piece:
                    await self._say({"type": "http.response.body", "body": piece, "more_body": True})
        if length is not None and sent < length:
            raise NetworkFailure(
                "truncated", f"the body ended after {sent} bytes, Content-Length said {length}"
            )
        await self.end()

    async def redirect(self, location: str) -> None:
        """To another name of this server, which the client is to ask in the same way."""
        await self.text(307, f"this is the server of {location}", ("Location", location))

    async def text(self, status: int, text: str, *more: tuple[str, str]) -> None:
        """An answer of the gateway's own."""
        body = _body_of(status, text)
        headers = (
            ("Content-Type", "text/plain;charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *more,
        )
        await self.begin(status, HeaderList(headers), "server")
        if not self._head:
            await self._say({"type": "http.response.body", "body": body, "more_body": True})
        await self.end()

    async def _say(self, message: MutableMapping[str, Any]) -> None:
        try:
            await self._send(message)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError) as error:
            # Busy: hypercorn is closing the connection, because more came on it than may.
            raise _ClientLeft from error


def _by(answer: Answer) -> AnsweredBy:
    return "cache" if answer.stored else "fetch" if answer.fetched else "worker"


def _body_of(status: int, text: str) -> bytes:
    return (visible(f"{status} {HTTPStatus(status).phrase}: {text}") + "\n").encode()


def _text_of(raw: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[str, str]]:
    return ((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)


async def _lifespan(receive: Receive, send: Send) -> None:
    """There is nothing to start or to stop: the agent lives longer than its gateway."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
