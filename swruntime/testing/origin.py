"""The scripted origin: a server in process, on Trio's clock, that does what servers do to people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import ada_url
import attrs
import httpx
import trio

from swruntime.algorithms import urls
from swruntime.network.asgi import AsgiApp, AsgiTransport
from swruntime.network.failures import CUT_SHORT, NO_RESPONSE
from swruntime.network.sockets import SocketNetwork
from swruntime.runtime import unwrapped_nursery
from swruntime.testing.answers import (
    DELAY,
    GARBAGE,
    Answer,
    Body,
    Cut,
    OneBody,
    RequestRecord,
    Script,
    answer_to,
    preflight,
)
from swruntime.testing.faults import refused, reset, unknown_host
from swruntime.testing.pattern import Pattern
from swruntime.testing.server import Server
from swruntime.testing.sockets import LoopbackOpener

__all__ = ["Origin", "Pattern", "RequestRecord", "ScriptedInternet"]

_PORTS = {"http:": 80, "https:": 443}

_NOT_FOUND = Script(status=404, body=b"404 Not Found\n", content_type="text/plain")


@attrs.define
class _Resource:
    """A path's scripts: the first, then the next, the last again and again."""

    scripts: tuple[Script, ...]
    asked: int = 0

    def next(self) -> tuple[Script, int]:
        """The script for the next request, and how many it has had before."""
        asked, self.asked = self.asked, self.asked + 1
        last = len(self.scripts) - 1
        return self.scripts[min(asked, last)], max(asked - last, 0)


class Origin(httpx.AsyncBaseTransport):
    """An httpx transport that answers for `url` as scripted, and keeps `requests`, all that reached it.

    Every answer takes a millisecond of Trio's clock, more with `delay`. It honours Range, If-Range,
    If-None-Match, If-Modified-Since and HEAD as a good server does, unless told otherwise. A path that was
    not added is 404. Hosts other than its own do not resolve; other ports of its own host refuse.

    `refuse = True` refuses every connection until it is set to False.
    """

    def __init__(self, url: str = "http://localhost:8400") -> None:
        self.url = ada_url.URL(url).origin
        self.requests: list[RequestRecord] = []
        self._refuse = False
        self._listening: list[Callable[[bool], None]] = []
        self._resources: dict[str, _Resource] = {}
        self._apps: dict[str, AsgiTransport] = {}

    @property
    def refuse(self) -> bool:
        """Whether every connection is refused. Those that are idle are closed then."""
        return self._refuse

    @refuse.setter
    def refuse(self, refuse: bool) -> None:
        self._refuse = refuse
        for listening in self._listening:
            listening(refuse)

    @asynccontextmanager
    async def listen(self, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Answer on a real socket as well, while the block runs; the value is the server's URL, without a path.

        What was added, and what will be, is the same: one description, two interpreters. Under a virtual clock
        it waits for that clock as the transport does, and the clock waits for the bytes that are under way.
        `port` 0 is any free one. `requests` has the URLs as the client asked for them. Raises OSError where the
        address cannot be listened at.
        """
        async with self.listening(host, port) as server:
            yield server.url

    @asynccontextmanager
    async def listening(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Server]:
        """`listen`, for whoever wants the server itself."""
        async with Server(self, host, port).serving() as server:
            self._listening.append(server.refuse)
            server.refuse(self._refuse)
            try:
                yield server
            finally:
                self._listening.remove(server.refuse)

    def add(
        self,
        path: str,
        body: Body = b"",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        etag: str | Literal[True] | None = True,
        last_modified: str | float | None = None,
        date: str | float | Literal[True] | None = True,
        content_type: str | None = None,
        drop_after: Cut = None,
        ignore_range: bool = False,
        range_etag: str | None = None,
        content_range: str | None = None,
        content_length: int | Literal[False] | None = None,
        stall_after: Cut = None,
        drop_with: Literal["reset", "close"] = "reset",
        hang_up: bool = False,
        garbage: bool = False,
        pace: float = 0.0,
        delay: float = 0.0,
        redirect: str | None = None,
        retry_after: int | str | None = None,
        chunk: int = 65536,
        chunked: bool = False,
        coding: Literal["gzip"] | None = None,
        cors: str | None = None,
        responses: Sequence[Mapping[str, Any]] = (),
        app: AsgiApp | None = None,
    ) -> None:
        """Answer requests for `path` from now on; what was added for it before is forgotten.

        A `path` with a query is for that query alone; one without, for every query without one of its own.

        - `body`: bytes, text, a `Pattern`, or a callable that takes the RequestRecord and returns one of
          these, or a mapping with any of these arguments.
        - `status`, `headers`, `content_type`, `last_modified` (an HTTP date, or seconds since 1970), `cors`
          (the value of Access-Control-Allow-Origin; preflights are granted then), `redirect` (Location; 302
          unless `status` says otherwise), `retry_after` (503 unless `status` says otherwise).
        - `etag`: True is a strong one that follows from the body, for status 200; None is none.
        - `date`: the Date of the answer, as `last_modified`; True is the time of day, which is told where there is a
          Last-Modified, and in a test begins at 2026-01-01; None is none.
        - `drop_after`: the connection breaks after so many bytes of the body. A number is for the first
          connection only, a list for successive ones, None in it leaves one whole. `drop_with`: "reset", as
          when a machine dies (RST), or "close", as when a program does (FIN). A break at the last byte that
          Content-Length tells is none.
        - `hang_up`: the connection breaks, as `drop_with` says, before anything of the answer was sent.
          `garbage`: what comes in place of the answer is not HTTP.
        - `stall_after`: sends nothing more, for ever, after so many bytes. A number is for every connection.
        - `ignore_range`: always the whole, with 200. `range_etag`: the ETag of a 206. `content_range`: the
          Content-Range of a 206, with `{start}`, `{end}`, `{length}`: "bytes {start}-{end}/*".
        - `content_length`: what the header claims, in bytes, whatever the body has; False: there is none, and
          the body ends with the connection. `chunked`: no Content-Length, but chunks. A body without end is a
          `Pattern(1 << 60)` with one of the two.
        - `coding="gzip"`: the body is sent coded, asked for or not (it is in memory then, a Pattern too).
        - `delay`: seconds before the answer, beside the millisecond. `chunk`: bytes of a piece. `pace`: seconds
          from one piece to the next.
        - `responses`: several of these, as mappings of arguments: the first request gets the first, and so
          on, the last one repeats. The other arguments are what each of them starts from. `drop_after`
          counts anew for each.
        - `app`: an ASGI app that answers for `path` and all below it; the other arguments do not count.

        Raises TypeError for an argument that is not known, ValueError for a value that makes no sense.
        """
        key = self._key(path)
        if app is not None:
            self._apps[key] = AsgiTransport(app)
            return
        common = {
            "body": body,
            "status": status,
            "headers": dict(headers or {}),
            "etag": etag,
            "last_modified": last_modified,
            "date": date,
            "content_type": content_type,
            "drop_after": drop_after,
            "ignore_range": ignore_range,
            "range_etag": range_etag,
            "content_range": content_range,
            "content_length": content_length,
            "stall_after": stall_after,
            "drop_with": drop_with,
            "hang_up": hang_up,
            "garbage": garbage,
            "pace": pace,
            "delay": delay,
            "redirect": redirect,
            "retry_after": retry_after,
            "chunk": chunk,
            "chunked": chunked,
            "coding": coding,
            "cors": cors,
        }
        self._resources[key] = _Resource(tuple(Script(**{**common, **one}) for one in responses or [{}]))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await trio.sleep(DELAY)
        url = urls.parse(str(request.url))
        mine = urls.parse(self.url)
        if url.hostname != mine.hostname:
            raise unknown_host(url.hostname)
        if self.refuse or url.origin != self.url:
            raise refused(url.host)
        record = await _record(request, url)
        answer = await self.answer(record)
        if isinstance(answer, AsgiTransport):
            return await answer.handle_async_request(_replay(request, record.body))
        if answer.garbage:
            raise httpx.RemoteProtocolError(f"illegal status line: {GARBAGE!r}")
        if answer.hang_up:
            raise (reset(url.host) if answer.drop_with == "reset" else httpx.RemoteProtocolError(NO_RESPONSE))
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Stream(answer, url.host),
            extensions={"reason_phrase": answer.phrase.encode("ascii")},
        )

    async def aclose(self) -> None:
        for app in self._apps.values():
            await app.aclose()

    async def answer(self, record: RequestRecord) -> Answer | AsgiTransport:
        """What becomes of a request that has arrived: an answer, once its delay is over, or the app that answers."""
        self.requests.append(record)
        pathname, question, query = record.path.partition("?")
        resource = self._resources.get(pathname + question + query) or self._resources.get(pathname)
        app = self._app_for(pathname)
        if resource is None:
            return answer_to(_NOT_FOUND, record, 0) if app is None else app
        script = resource.scripts[min(resource.asked, len(resource.scripts) - 1)]
        granted = preflight(script, record)
        if granted is not None:
            return granted
        script, connection = resource.next()
        if script.delay:
            await trio.sleep(script.delay)
        return answer_to(script, record, connection)

    def _key(self, path: str) -> str:
        url = ada_url.URL(path, base=self.url)
        return url.pathname + url.search

    def _app_for(self, pathname: str) -> AsgiTransport | None:
        fitting = [p for p in self._apps if pathname == p or pathname.startswith(p.rstrip("/") + "/")]
        return self._apps[max(fitting, key=len)] if fitting else None


class ScriptedInternet(httpx.AsyncBaseTransport):
    """Several scripted origins behind one transport. A host that none of them has does not resolve."""

    def __init__(self, origins: Iterable[Origin] = ()) -> None:
        self._origins = {origin.url: origin for origin in origins}

    def origin_at(self, url: str) -> Origin:
        """The origin at `url`; made, with nothing on it, if there is none yet."""
        key = ada_url.URL(url).origin
        return self._origins.setdefault(key, Origin(key))

    @asynccontextmanager
    async def on_sockets(self) -> AsyncIterator[SocketNetwork]:
        """The same origins as real servers on loopback sockets, and a network that finds them under their names.

        For `open_user_agent(network=...)`. Each connection is a real one, but for two things: names resolve to
        the loopback, and https is spoken without TLS.
        """
        async with unwrapped_nursery() as nursery:
            async with SocketNetwork(opener=LoopbackOpener(self, nursery)) as network:
                yield network
            nursery.cancel_scope.cancel()

    def origin_of(self, host: str, port: int) -> Origin | None:
        """The origin that is connected to there. Raises httpx.ConnectError for a host that does not resolve."""
        hosts = set()
        for origin in self._origins.values():
            url = ada_url.URL(origin.url)
            hosts.add(url.hostname)
            if url.hostname == host and int(url.port or _PORTS[url.protocol]) == port:
                return origin
        if host not in hosts:
            raise unknown_host(host)
        return None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = urls.parse(str(request.url))
        origin = self._origins.get(url.origin)
        if origin is not None:
            return await origin.handle_async_request(request)
        await trio.sleep(DELAY)
        if any(urls.parse(known).hostname == url.hostname for known in self._origins):
            raise refused(url.host)
        raise unknown_host(url.hostname)

    async def aclose(self) -> None:
        for origin in self._origins.values():
            await origin.aclose()


class _Stream(httpx.AsyncByteStream):
    """The bytes of an answer, and the break or the stall in them."""

    def __init__(self, answer: Answer, host: str) -> None:
        self._answer = answer
        self._host = host
        self._sent = 0

    def __aiter__(self) -> _Stream:
        return self

    async def __anext__(self) -> bytes:
        await trio.lowlevel.checkpoint()
        answer, stop = self._answer, self._answer.stop
        if stop is not None and self._sent >= stop:
            if self._sent and answer.is_told_to_end(self._sent):
                raise StopAsyncIteration
            if not answer.drops:
                await trio.sleep_forever()
            raise self._broken()
        size = answer.chunk if stop is None else min(answer.chunk, stop - self._sent)
        piece = answer.piece(self._sent, size)
        if not piece:
            raise StopAsyncIteration
        if self._sent and answer.pace:
            await trio.sleep(answer.pace)
        self._sent += len(piece)
        return piece

    def _broken(self) -> Exception:
        if self._answer.drop_with == "reset":
            return reset(self._host)
        if self._answer.is_chunked:
            return httpx.RemoteProtocolError(f"{CUT_SHORT} (incomplete chunked read)")
        return StopAsyncIteration()  # whoever knows the length sees that some of it is missing


def _replay(request: httpx.Request, body: bytes) -> httpx.Request:
    replayed = httpx.Request(
        "", request.url, headers=request.headers, stream=OneBody(body), extensions=request.extensions
    )
    replayed.method = request.method
    return replayed


async def _record(request: httpx.Request, url: urls.ParsedURL) -> RequestRecord:
    assert isinstance(request.stream, httpx.AsyncByteStream)
    body = b"".join([piece async for piece in request.stream])
    headers = {name.lower(): value for name, value in request.headers.items()}
    path = url.pathname + url.search
    return RequestRecord(request.method, path, url.origin + path, headers, body, headers.get("range"))
