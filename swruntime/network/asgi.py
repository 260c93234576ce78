"""An ASGI app as an httpx transport that streams both ways: https://asgi.readthedocs.io/en/latest/specs/www.html

The app runs as a server would run it: its life is not the client's call. So it is a system task of Trio, in a
cancel scope of its own, and nothing that it raises comes out but as what a client would see on a wire. Every
road out of an exchange ends the app, waits for that, and is not held up by it: a response that is complete
excepted, whose app may go on with what it does afterwards until the transport is closed.
"""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx
import trio

from swruntime.algorithms.response_framing import is_bodiless
from swruntime.network.failures import CUT_SHORT, NO_RESPONSE
from swruntime.network.http import HttpxNetwork

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

GRACE = 1.0
"""Seconds that an app which is waiting in `receive()` has to go by itself, once the client left."""

_log = logging.getLogger(__name__)


class AsgiTransport(httpx.AsyncBaseTransport):
    """Requests go to `app`, in process. Its lifespan events are not sent.

    An app that raises, or returns, before the response starts has closed the connection without a response
    (httpx.RemoteProtocolError, a `reset` for the agent); one that does so later has cut the body short
    (`truncated`). What it raised is logged.
    """

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._running: set[_Exchange] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = _Exchange(request)
        self._running.add(exchange)
        exchange.on_end = self._running.discard
        exchange.start(self._app)
        try:
            status = await exchange.head()
            return httpx.Response(status, headers=exchange.headers, stream=_Stream(exchange))
        except BaseException:
            await exchange.leave()
            raise

    async def aclose(self) -> None:
        """End what apps still do."""
        for exchange in tuple(self._running):
            await exchange.leave(now=True)


class AsgiNetwork(HttpxNetwork):
    """The port Network over an ASGI app in process."""

    def __init__(self, app: AsgiApp) -> None:
        super().__init__(AsgiTransport(app), outside=False)


class _Exchange:
    """One request and its response, between the client's task and the app's."""

    def __init__(self, request: httpx.Request) -> None:
        self._request = request
        assert isinstance(request.stream, httpx.AsyncByteStream)
        self._upload = aiter(request.stream)
        self._upload_lock = trio.Lock()
        self._upload_ended = False
        self._pieces, self._taken = trio.open_memory_channel[bytes](0)
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._client_left = trio.Event()
        self._receiving = 0
        self._complete = False
        self.started = trio.Event()
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.body_error: Exception | None = None
        self.error: Exception | None = None
        self.on_end: Callable[[_Exchange], None] = lambda _: None

    # The app's side

    def start(self, app: AsgiApp) -> None:
        trio.lowlevel.spawn_system_task(
            self._run, app, name=f"ASGI {self._request.url}", context=contextvars.copy_context()
        )

    async def _run(self, app: AsgiApp) -> None:
        try:
            with self._scope:
                await app(_scope_of(self._request), self._receive, self._send)
        except Exception as error:  # noqa: BLE001 - a server outlives its app
            if not self._client_left.is_set() and self.body_error is None:
                self.error = error
                _log.error("the ASGI app raised at %s", self._request.url, exc_info=error)
        finally:
            self._pieces.close()
            self.started.set()
            self._ended.set()
            self.on_end(self)

    async def _receive(self) -> Message:
        self._receiving += 1
        try:
            if not self._upload_ended and not self._client_left.is_set():
                async with self._upload_lock:
                    return await self._receive_body()
            await self._client_left.wait()
        finally:
            self._receiving -= 1
        return {"type": "http.disconnect"}

    async def _receive_body(self) -> Message:
        try:
            piece = await anext(self._upload)
        except StopAsyncIteration:
            self._upload_ended = True
            return {"type": "http.request", "body": b"", "more_body": False}
        except Exception as error:  # noqa: BLE001 - it is the client's own, and goes to the client
            self.body_error = error
            self.started.set()
            self._taken.close()
            self._upload_ended = True
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": True}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            if self.status is not None:
                raise RuntimeError("the response has started already")
            self.status = message["status"]
            self.headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
            await trio.lowlevel.checkpoint()
        elif kind == "http.response.body":
            await self._send_body(bytes(message.get("body", b"")), more=bool(message.get("more_body", False)))
        else:
            raise RuntimeError(f"an ASGI message that is not known here: {kind!r}")

    async def _send_body(self, piece: bytes, *, more: bool) -> None:
        if self.status is None or self._complete:
            raise RuntimeError("a body outside of a response")
        if self._client_left.is_set():
            raise OSError("the client has left")
        # The headers go out with the first message of the body, as servers do, so that an app
        # which raises between the two has not answered.
        self.started.set()
        if piece and not is_bodiless(self._request.method, self.status):
            try:
                await self._pieces.send(piece)
            except trio.BrokenResourceError as error:
                raise OSError("the client has left") from error
        else:
            await trio.lowlevel.checkpoint()
        if not more:
            self._complete = True
            self._pieces.close()

    # The client's side

    async def head(self) -> int:
        """The status, once there is one."""
        await self.started.wait()
        if self.body_error is not None:
            raise self.body_error
        if self.status is None or (self._ended.is_set() and not self._complete):
            raise httpx.RemoteProtocolError(NO_RESPONSE)
        return self.status

    async def take(self) -> bytes | None:
        try:
            return await self._taken.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            if self.body_error is not None:
                raise self.body_error from None
            if self._complete:
                return None
            how = f"the app raised {self.error!r}" if self.error else "the app returned"
            raise httpx.RemoteProtocolError(f"{CUT_SHORT} ({how})") from None

    async def leave(self, *, now: bool = False) -> None:
        """The client leaves. Waits until the app has ended, unless its response was complete."""
        self._client_left.set()
        self._taken.close()
        if self._complete and not now:
            return
        with trio.CancelScope(shield=True):
            if self._receiving and not now and self._upload_ended:
                with trio.move_on_after(GRACE):
                    await self._ended.wait()
            self._scope.cancel()
            await self._ended.wait()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange

    def __aiter__(self) -> _Stream:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._exchange.take()
        if piece is None:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        await self._exchange.leave()


def _scope_of(request: httpx.Request) -> Scope:
    target: bytes = request.extensions.get("target", request.url.raw_path)
    path, _, query = target.partition(b"?")
    default_port = 443 if request.url.scheme == "https" else 80
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": unquote_to_bytes(path).decode("utf-8", "replace"),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 0),
        "server": (request.url.raw_host.decode("ascii"), request.url.port or default_port),
        "extensions": {},
        "state": {},
    }
