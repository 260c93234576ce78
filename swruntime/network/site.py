"""A site's files as an origin, in process.

Not starlette's StaticFiles: that serves dot files, and its threads wait outside Trio, so that the order of
pieces would differ from run to run (promise 6). Here a file is read synchronously in pieces of 64 KiB, with a
checkpoint between them.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import cache
from mimetypes import MimeTypes
from pathlib import Path

import attrs
import trio

from swruntime.algorithms import urls
from swruntime.algorithms.http_date import format_http_date
from swruntime.algorithms.site_headers import SiteHeaders, parse_site_headers
from swruntime.concepts.http import HeaderList
from swruntime.errors import FewDescriptors, NetworkFailure, NotServed, SiteError
from swruntime.network.ranges import if_range_holds, is_not_modified, select_range
from swruntime.network.site_files import HEADERS, SiteFile, SiteFiles
from swruntime.ports.network import WireRequest, WireResponse

PIECE = 65536
"""Bytes of a file that are sent at a time."""

_DELAY = 0.001

_REASONS = {
    200: "OK",
    206: "Partial Content",
    301: "Moved Permanently",
    304: "Not Modified",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    416: "Range Not Satisfiable",
}

_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".cjs": "text/javascript",
    ".py": "text/x-python",
    ".md": "text/markdown",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".woff2": "font/woff2",
}
"""By suffix: what Python may not know, or not as it is said now."""


class SiteNetwork:
    """The port Network over the files of SITE that are served (see `SiteFiles`), whatever the host in the URL.

    GET and HEAD; a single Range, If-Range, If-None-Match, If-Modified-Since; index.html for a folder (whose
    URL ends in a slash: without it, a redirect); no listings. A file that changes while it is sent breaks the
    exchange (`reset`). Where too many files are open, it waits until another is closed (`SiteFiles.shortage`).
    `headers` are sent with whatever they match, errors and redirects included. It answers after `delay` seconds of
    Trio's clock.
    """

    def __init__(
        self, site: SiteFiles | Path, headers: SiteHeaders | None = None, *, delay: float = _DELAY
    ) -> None:
        self.files = site if isinstance(site, SiteFiles) else SiteFiles(site)
        self._headers = headers or SiteHeaders()
        self._delay = delay
        _types()  # it reads a file: now, and not when too many are open

    @asynccontextmanager
    async def exchange(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        """See `swruntime.ports.network.Network.exchange`."""
        await trio.sleep(self._delay)
        with ExitStack() as stack:
            try:
                body = await self.files.shortage.wait_out(
                    urls.parse(request.url).pathname, lambda: self._answer(request, stack), FewDescriptors
                )
            except FewDescriptors as short:
                raise NetworkFailure("connect", f"{request.url}: {short.why}") from short
            response = body.response()
            headers = self._headers.apply(urls.parse(request.url).pathname, response.headers)
            try:
                yield attrs.evolve(response, headers=headers)
            finally:
                body.close()

    def _answer(self, request: WireRequest, stack: ExitStack) -> _Body:
        if request.method not in ("GET", "HEAD"):
            return _error(405, request, ("Allow", "GET, HEAD"))
        url = urls.parse(request.url)
        try:
            file = self.files.find(url.pathname)
            if file is None:
                if not url.pathname.endswith("/"):
                    return _error(301, request, ("Location", f"{url.pathname}/{url.search}"))
                file = self.files.find(f"{url.pathname}index.html")
                if file is None:
                    return _error(404, request)
        except FewDescriptors:
            raise
        except NotServed as refused:
            return _error(refused.status, request)
        stack.callback(os.close, file.descriptor)
        return _serve(request, file)


def load_site_headers(folder: Path) -> SiteHeaders:
    """What SITE's `_headers` says; nothing where there is none. Raises SiteError, naming the line that is wrong."""
    file = folder / HEADERS
    try:
        data = SiteFiles(folder).headers()
    except NotServed as refused:
        raise SiteError(f"{file} cannot be read: {refused.why}") from None
    return SiteHeaders() if data is None else parse_site_headers(data, str(file))


@attrs.define(eq=False)
class _Body:
    """An answer, and the iterator over its bytes: of the descriptor `file` from `start` to `end`, or of `text`."""

    status: int
    headers: list[tuple[str, str]]
    text: bytes = b""
    file: int | None = None
    start: int = 0
    end: int = 0
    found: os.stat_result | None = None
    closed: bool = False
    failure: NetworkFailure | None = None

    def response(self) -> WireResponse:
        return WireResponse(self.status, _REASONS[self.status], HeaderList.of(self.headers), self)

    def __aiter__(self) -> _Body:
        return self

    async def __anext__(self) -> bytes:
        await trio.lowlevel.checkpoint()
        if self.closed:
            raise trio.ClosedResourceError("the exchange is over")
        if self.failure is not None:
            raise self.failure
        if self.text:
            text, self.text = self.text, b""
            return text
        if self.file is None or self.start == self.end:
            raise StopAsyncIteration
        try:
            return self._read(self.file)
        except NetworkFailure as failure:
            self.failure = failure
            raise

    def _read(self, file: int) -> bytes:
        try:
            piece = os.pread(file, min(PIECE, self.end - self.start), self.start)
        except OSError as error:
            raise NetworkFailure("reset", f"the file cannot be read: {error.strerror}") from error
        self.start += len(piece)
        assert self.found is not None
        if not piece or _version(os.fstat(file)) != _version(self.found):
            raise NetworkFailure("reset", "the file was changed while it was sent")
        return piece

    def close(self) -> None:
        self.closed = True


def _serve(request: WireRequest, file: SiteFile) -> _Body:
    found = file.found
    etag, modified = '"' + "-".join(f"{n:x}" for n in _version(found)) + '"', format_http_date(found.st_mtime)
    headers = [("ETag", etag), ("Last-Modified", modified), ("Accept-Ranges", "bytes")]
    asked = {name.lower(): request.headers.get(name) or "" for name, _ in request.headers}
    if is_not_modified(asked, etag, modified):
        return _Body(304, headers)
    size = found.st_size
    selected = None
    if request.method == "GET" and if_range_holds(asked.get("if-range"), etag, modified):
        selected = select_range(asked.get("range"), size)
    if selected == "unsatisfiable":
        return _error(416, request, ("Content-Range", f"bytes */{size}"), *headers)
    start, end = selected or (0, size)
    headers += [("Content-Type", _content_type(file.name)), ("Content-Length", str(end - start))]
    if selected is not None:
        headers.append(("Content-Range", f"bytes {start}-{end - 1}/{size}"))
    body = _Body(200 if selected is None else 206, headers, found=found, start=start, end=end)
    if request.method == "GET":
        body.file = file.descriptor
    return body


def _error(status: int, request: WireRequest, *headers: tuple[str, str]) -> _Body:
    text = f"{status} {_REASONS[status]}\n".encode()
    common = [("Content-Type", "text/plain;charset=utf-8"), ("Content-Length", str(len(text)))]
    return _Body(status, [*headers, *common], text=b"" if request.method == "HEAD" else text)


def _version(found: os.stat_result) -> tuple[int, ...]:
    """Two states of one path that differ in a byte differ here too, as far as the file system can tell.

    The time of the last change of the inode is part of it because nobody can set that one back.
    """
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


@cache
def _types() -> MimeTypes:
    """Of its own, so that what the machine has installed changes nothing. Python reads that once all the same."""
    types = MimeTypes(filenames=())
    for suffix, kind in _TYPES.items():
        types.add_type(kind, suffix)
    return types


def _content_type(name: str) -> str:
    kind, coding = _types().guess_type(f"/{name}")  # a path, lest "data:text/html,x" be taken for a URL
    if coding is not None:  # the file is what it is, nobody should undo its compression
        return "application/gzip" if coding == "gzip" else "application/octet-stream"
    if kind is None:
        return "application/octet-stream"
    return f"{kind};charset=utf-8" if kind.startswith("text/") else kind
