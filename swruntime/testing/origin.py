"""The scripted origin: a server in process, on Trio's clock, that does what servers do to people."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import ada_url
import attrs
import httpx
import trio

from swruntime.network.asgi import AsgiApp, AsgiTransport
from swruntime.testing.answers import Answer, Body, Cut, RequestRecord, Script, answer_to, preflight
from swruntime.testing.pattern import Pattern

__all__ = ["Origin", "Pattern", "RequestRecord", "ScriptedInternet"]

DELAY = 0.001
"""Seconds of Trio's clock before any answer: nothing answers at once."""

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
        self.refuse = False
        self._resources: dict[str, _Resource] = {}
        self._apps: dict[str, AsgiTransport] = {}

    def add(
        self,
        path: str,
        body: Body = b"",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        etag: str | Literal[True] | None = True,
        last_modified: str | float | None = None,
        content_type: str | None = None,
        drop_after: Cut = None,
        ignore_range: bool = False,
        range_etag: str | None = None,
        content_range: str | None = None,
        content_length: int | None = None,
        stall_after: Cut = None,
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
        - `drop_after`: the connection breaks after so many bytes of the body. A number is for the first
          connection only, a list for successive ones, None in it leaves one whole.
        - `stall_after`: sends nothing more, for ever, after so many bytes. A number is for every connection.
        - `ignore_range`: always the whole, with 200. `range_etag`: the ETag of a 206. `content_range`: the
          Content-Range of a 206, with `{start}`, `{end}`, `{length}`: "bytes {start}-{end}/*".
        - `content_length`: what the header claims, in bytes, whatever the body has. `chunked`: no
          Content-Length.
        - `coding="gzip"`: the body is sent coded, asked for or not (it is in memory then, a Pattern too).
        - `delay`: seconds before the answer, beside the millisecond. `chunk`: bytes of a piece.
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
            "content_type": content_type,
            "drop_after": drop_after,
            "ignore_range": ignore_range,
            "range_etag": range_etag,
            "content_range": content_range,
            "content_length": content_length,
            "stall_after": stall_after,
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
        url = ada_url.URL(str(request.url))
        mine = ada_url.URL(self.url)
        if url.hostname != mine.hostname:
            raise _unknown_host(url.hostname)
        if self.refuse or url.origin != self.url:
            raise _refused(url.host)
        record = await _record(request, url)
        self.requests.append(record)
        app = self._app_for(url.pathname)
        resource = self._resources.get(url.pathname + url.search) or self._resources.get(url.pathname)
        if resource is None and app is not None:
            return await app.handle_async_request(_replay(request, record.body))
        answer = await self._answer(resource, record)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Stream(answer, url.host),
            extensions={"reason_phrase": answer.phrase.encode("ascii")},
        )

    async def aclose(self) -> None:
        for app in self._apps.values():
            await app.aclose()

    async def _answer(self, resource: _Resource | None, record: RequestRecord) -> Answer:
        if resource is None:
            return answer_to(_NOT_FOUND, record, 0)
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

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = ada_url.URL(str(request.url))
        origin = self._origins.get(url.origin)
        if origin is not None:
            return await origin.handle_async_request(request)
        await trio.sleep(DELAY)
        if any(ada_url.URL(known).hostname == url.hostname for known in self._origins):
            raise _refused(url.host)
        raise _unknown_host(url.hostname)

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
        answer = self._answer
        size = answer.chunk
        if answer.drop_after is not None:
            if self._sent >= answer.drop_after:
                raise _reset(self._host)
            size = min(size, answer.drop_after - self._sent)
        if answer.stall_after is not None:
            if self._sent >= answer.stall_after:
                await trio.sleep_forever()
            size = min(size, answer.stall_after - self._sent)
        piece = answer.piece(self._sent, size)
        if not piece:
            raise StopAsyncIteration
        self._sent += len(piece)
        return piece


class _Replay(httpx.AsyncByteStream):
    """A body that was read already, once more."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __aiter__(self) -> _Replay:
        return self

    async def __anext__(self) -> bytes:
        if not self._body:
            raise StopAsyncIteration
        body, self._body = self._body, b""
        return body


def _replay(request: httpx.Request, body: bytes) -> httpx.Request:
    replayed = httpx.Request(
        "", request.url, headers=request.headers, stream=_Replay(body), extensions=request.extensions
    )
    replayed.method = request.method
    return replayed


async def _record(request: httpx.Request, url: ada_url.URL) -> RequestRecord:
    assert isinstance(request.stream, httpx.AsyncByteStream)
    body = b"".join([piece async for piece in request.stream])
    headers = {name.lower(): value for name, value in request.headers.items()}
    path = url.pathname + url.search
    return RequestRecord(request.method, path, url.origin + path, headers, body, headers.get("range"))


def _caused(error: Exception, cause: OSError) -> Exception:
    error.__cause__ = cause
    return error


def _unknown_host(host: str) -> Exception:
    cause = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return _caused(httpx.ConnectError(f"{host}: {cause.strerror}"), cause)


def _refused(host: str) -> Exception:
    cause = ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
    return _caused(httpx.ConnectError(f"{host}: {cause.strerror}"), cause)


def _reset(host: str) -> Exception:
    cause = ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
    return _caused(httpx.ReadError(f"{host}: {cause.strerror}"), cause)
