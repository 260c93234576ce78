"""What a scripted origin answers with: one response of a script, and what becomes of it for a request."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

import attrs
import httpx

from swruntime.algorithms.http_date import format_http_date
from swruntime.network.ranges import if_range_holds, is_not_modified, select_range
from swruntime.runtime import _wall_clock as wall_clock
from swruntime.testing.pattern import Pattern


@attrs.frozen
class RequestRecord:
    """A request as it reached the origin. `path` is with its query, header names are in lower case."""

    method: str
    path: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    range: str | None


GARBAGE = b"\x15\x03\x01 what is this\r\n\r\n"
"""What a proxy in trouble may send in place of an answer."""

DELAY = 0.001
"""Seconds of Trio's clock before any answer: nothing answers at once."""


class OneBody(httpx.AsyncByteStream):
    """A body that is here already, as a stream."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __aiter__(self) -> OneBody:
        return self

    async def __anext__(self) -> bytes:
        if not self._body:
            raise StopAsyncIteration
        body, self._body = self._body, b""
        return body


Content = bytes | str | Pattern
Body = Content | Callable[[RequestRecord], "Content | Mapping[str, Any]"]
Cut = int | None | Sequence[int | None]


def _limits(value: Cut) -> tuple[int | None, ...]:
    return tuple(value) if isinstance(value, Sequence) else (value,)


@attrs.frozen(kw_only=True)
class Script:
    """One response, as `Origin.add` describes it. Lengths are in bytes, times in seconds."""

    body: Body = b""
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict)
    etag: str | Literal[True] | None = True
    last_modified: str | float | None = None
    date: str | float | Literal[True] | None = True
    content_type: str | None = None
    drop_after: tuple[int | None, ...] = attrs.field(default=(), converter=_limits)
    ignore_range: bool = False
    range_etag: str | None = None
    content_range: str | None = None
    content_length: int | Literal[False] | None = None
    stall_after: Cut = None
    drop_with: Literal["reset", "close"] = attrs.field(
        default="reset", validator=attrs.validators.in_(["reset", "close"])
    )
    hang_up: bool = False
    garbage: bool = False
    pace: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    delay: float = 0.0
    redirect: str | None = None
    retry_after: int | str | None = None
    chunk: int = attrs.field(default=65536, validator=attrs.validators.ge(1))
    chunked: bool = False
    coding: Literal["gzip"] | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.in_(["gzip"]))
    )
    cors: str | None = None


@attrs.frozen
class Answer:
    """A response, ready to be sent: `content` from `start` to `end`, broken off or stalled as scripted."""

    status: int
    headers: list[tuple[str, str]]
    content: bytes | Pattern = b""
    start: int = 0
    end: int = 0
    chunk: int = 65536
    drop_after: int | None = None
    stall_after: int | None = None
    drop_with: Literal["reset", "close"] = "reset"
    hang_up: bool = False
    garbage: bool = False
    pace: float = 0.0

    @property
    def is_chunked(self) -> bool:
        return any(name.lower() == "transfer-encoding" and value == "chunked" for name, value in self.headers)

    def is_told_to_end(self, sent: int) -> bool:
        """Whether a client knows from the Content-Length, after `sent` bytes, that the body has ended."""
        lengths = [value for name, value in self.headers if name.lower() == "content-length"]
        return not self.is_chunked and bool(lengths) and lengths[0].isdecimal() and int(lengths[0]) <= sent

    @property
    def stop(self) -> int | None:
        """After how many bytes it drops or stalls, whatever comes first."""
        stops = [stop for stop in (self.drop_after, self.stall_after) if stop is not None]
        return min(stops, default=None)

    @property
    def drops(self) -> bool:
        """Whether it drops at `stop`; otherwise it stalls there. None of this for an answer without a stop."""
        return self.drop_after is not None and self.drop_after == self.stop

    @property
    def phrase(self) -> str:
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return ""

    def piece(self, sent: int, size: int) -> bytes:
        start = self.start + sent
        end = min(start + size, self.end)
        return self.content.read(start, end) if isinstance(self.content, Pattern) else self.content[start:end]


def answer_to(script: Script, request: RequestRecord, connection: int) -> Answer:
    """What `script` answers to `request`, the `connection`th (from 0) that it gets."""
    if callable(script.body):
        made = script.body(request)
        if isinstance(made, Mapping):
            script = attrs.evolve(script, **{"body": b"", **made})
            assert not callable(script.body)
        else:
            script = attrs.evolve(script, body=made)
    assert not callable(script.body)
    content = script.body.encode() if isinstance(script.body, str) else script.body
    if script.coding == "gzip":
        content = gzip.compress(bytes(content), mtime=0)
    status = script.status
    if status == 200 and script.redirect is not None:
        status = 302
    elif status == 200 and script.retry_after is not None:
        status = 503
    return _Answering(script, request, content, status).answer(connection)


@attrs.define
class _Answering:
    script: Script
    request: RequestRecord
    content: bytes | Pattern
    status: int

    @property
    def etag(self) -> str | None:
        if self.script.etag is not True:
            return self.script.etag
        return strong_etag(self.content) if self.status == 200 else None

    @property
    def last_modified(self) -> str | None:
        return _date(self.script.last_modified)

    @property
    def date(self) -> str | None:
        if self.script.date is True:
            return None if self.script.last_modified is None else format_http_date(wall_clock().now())
        return _date(self.script.date)

    def answer(self, connection: int) -> Answer:
        headers = self._common()
        if self.status == 200 and is_not_modified(self.request.headers, self.etag, self.last_modified):
            return Answer(304, headers)
        size = len(self.content)
        selected = self._selected(size)
        if selected == "unsatisfiable":
            return Answer(416, _with(headers, ("Content-Range", f"bytes */{size}"), ("Content-Length", "0")))
        start, end = selected or (0, size)
        status = self.status
        if selected is not None:
            status = 206
            pattern = self.script.content_range or "bytes {start}-{end}/{length}"
            value = pattern.format(start=start, end=end - 1, length=size)
            headers = _with(headers, ("Content-Range", value))
            if self.script.range_etag is not None:
                headers = _with(headers, ("ETag", self.script.range_etag))
        if self.script.chunked:
            headers = _with(headers, ("Transfer-Encoding", "chunked"))
        elif status not in (204, 304) and self.script.content_length is not False:
            length = self.script.content_length
            headers = _with(headers, ("Content-Length", str(end - start if length is None else length)))
        headers = _with(headers, *self.script.headers.items())  # what is said outright has the last word
        if self.request.method == "HEAD" or status in (204, 304):
            return Answer(status, headers, hang_up=self.script.hang_up, garbage=self.script.garbage)
        drops, stalls = self.script.drop_after, self.script.stall_after
        return Answer(
            status,
            headers,
            self.content,
            start,
            end,
            self.script.chunk,
            drops[connection] if connection < len(drops) else None,
            _at(stalls, connection),
            self.script.drop_with,
            self.script.hang_up,
            self.script.garbage,
            self.script.pace,
        )

    def _selected(self, size: int) -> tuple[int, int] | Literal["unsatisfiable"] | None:
        request = self.request
        if self.script.ignore_range or self.status != 200 or request.method != "GET":
            return None
        if not if_range_holds(request.headers.get("if-range"), self.etag, self.last_modified):
            return None
        return select_range(request.range, size)

    def _common(self) -> list[tuple[str, str]]:
        script = self.script
        said = (
            ("Content-Type", script.content_type),
            ("ETag", self.etag),
            ("Last-Modified", self.last_modified),
            ("Date", self.date),
            ("Accept-Ranges", None if script.ignore_range or self.status != 200 else "bytes"),
            ("Content-Encoding", script.coding),
            ("Location", script.redirect),
            ("Retry-After", None if script.retry_after is None else str(script.retry_after)),
            ("Access-Control-Allow-Origin", script.cors),
        )
        return [(name, value) for name, value in said if value is not None]


def _date(value: str | float | None) -> str | None:
    return format_http_date(value) if isinstance(value, (int, float)) else value


def preflight(script: Script, request: RequestRecord) -> Answer | None:
    """The answer to a CORS preflight for a response that `cors` opens; None for any other request.

    Spec: https://fetch.spec.whatwg.org/#cors-preflight-fetch
    """
    method = request.headers.get("access-control-request-method")
    if request.method != "OPTIONS" or method is None or script.cors is None:
        return None
    headers = [("Access-Control-Allow-Origin", script.cors), ("Access-Control-Allow-Methods", method)]
    wanted = request.headers.get("access-control-request-headers")
    if wanted is not None:
        headers.append(("Access-Control-Allow-Headers", wanted))
    return Answer(204, _with(headers, *script.headers.items()))


def strong_etag(content: bytes | Pattern) -> str:
    """An entity tag that follows from the content."""
    said = f"{content.size}:{content.seed}".encode() if isinstance(content, Pattern) else content
    return f'"{hashlib.sha256(said).hexdigest()[:16]}"'


def _at(value: Cut, connection: int) -> int | None:
    """`value`'s part for a connection; one that is not a list holds for all."""
    if isinstance(value, Sequence):
        return value[connection] if connection < len(value) else None
    return value


def _with(headers: list[tuple[str, str]], *more: tuple[str, str]) -> list[tuple[str, str]]:
    replaced = {name.lower() for name, _ in more}
    return [*((n, v) for n, v in headers if n.lower() not in replaced), *more]
