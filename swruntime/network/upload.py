"""The request's half of an exchange: its headers, its body on the way out, and who waits for whom meanwhile."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import attrs
import trio

from swruntime.algorithms import urls
from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure
from swruntime.network.failures import timeout_failure
from swruntime.ports.network import WireRequest
from swruntime.ports.outside import awaiting_server

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[^\0\r\n\u0100-\U0010ffff]*")


@attrs.frozen
class Timeouts:
    """In seconds. `read` and `write` limit how long nothing moves, not how long all of it takes."""

    connect: float = 30.0
    read: float = 60.0
    write: float = 60.0


async def close(pieces: object) -> None:
    """Close an async generator, or what is closed like one."""
    aclose = getattr(pieces, "aclose", None)
    if aclose is not None:
        await aclose()


class Waiting:
    """How an exchange waits for its transport: the clock held (outside), or limited by it (in process)."""

    def __init__(self, url: str, outside: bool, timeouts: Timeouts) -> None:
        self._url = url
        self._outside = outside
        self._timeouts = timeouts
        self._scope: trio.CancelScope | None = None
        self._hold: ExitStack | None = None

    @contextmanager
    def sending(self) -> Iterator[None]:
        """From the request's first byte to the response's headers."""
        if not self._outside:
            with self._limit(self._timeouts.read) as self._scope:
                yield
            return
        with ExitStack() as self._hold:
            self._hold.enter_context(awaiting_server())
            yield

    @contextmanager
    def caller(self) -> Iterator[None]:
        """While `sending` waits for the next piece of the caller's body: the transport is not to blame."""
        if self._scope is not None:
            self._scope.deadline = math.inf
        if self._hold is not None:
            self._hold.close()
        try:
            yield
        finally:
            if self._scope is not None:
                self._scope.deadline = trio.current_time() + self._timeouts.write
            if self._hold is not None:
                self._hold.enter_context(awaiting_server())

    def body_sent(self) -> None:
        if self._scope is not None:
            self._scope.deadline = trio.current_time() + self._timeouts.read

    def reading(self) -> AbstractContextManager[object]:
        return awaiting_server() if self._outside else self._limit(self._timeouts.read)

    @contextmanager
    def _limit(self, seconds: float) -> Iterator[trio.CancelScope]:
        with trio.move_on_after(seconds) as scope:
            yield scope
        if scope.cancelled_caught:
            raise timeout_failure(self._url, seconds)


class Upload:
    """The request's body on its way out. Remembers what the body itself raised.

    `keeps` is how many bytes of it are kept after they were sent, so that `again()` can send them once more.
    """

    def __init__(self, request: WireRequest, waiting: Waiting, keeps: int = 0) -> None:
        self._open: Callable[[], AsyncIterator[bytes]] | None = request.body
        self._length = request.body_length
        self._pieces: AsyncIterator[bytes] | None = None
        self._waiting = waiting
        self._sent = 0
        self._ended = False
        self._keeps = keeps
        self._kept: list[bytes] = []
        self._at = 0
        """How many of the kept pieces have been sent since the body began, or began again."""
        self.error: Exception | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._at < len(self._kept):
            self._at += 1
            return self._kept[self._at - 1]
        if self._ended:
            raise StopAsyncIteration
        if self._pieces is None:
            if self._open is None:
                raise StopAsyncIteration
            self._pieces = self._open()
        with self._waiting.caller():
            try:
                piece = await anext(self._pieces)
            except StopAsyncIteration:
                self._check(ended=True)
            except Exception as error:
                self.error = error
                raise
            else:
                self._sent += len(piece)
                self._check(ended=False)
                self._keep(piece)
                return piece
        self._ended = True
        self._waiting.body_sent()
        raise StopAsyncIteration

    def again(self) -> bool:
        """Go back to the body's beginning. False where more has been sent than was kept."""
        if self._sent > self._keeps:
            return False
        self._at = 0
        return True

    def _keep(self, piece: bytes) -> None:
        if self._sent > self._keeps:
            self._kept = []
        else:
            self._kept.append(piece)
        self._at = len(self._kept)

    def _check(self, *, ended: bool) -> None:
        if self._length is None or (self._sent == self._length if ended else self._sent <= self._length):
            return
        raise NetworkFailure(
            "protocol", f"the request's body should have {self._length} bytes, and {self._sent} have come"
        )

    async def aclose(self) -> None:
        if self._pieces is not None:
            with trio.CancelScope(shield=True):
                await close(self._pieces)


def is_repeatable(request: WireRequest) -> bool:
    """Whether nobody minds that `request` is sent again: https://www.rfc-editor.org/rfc/rfc9110#name-safe-methods"""
    return request.method in ("GET", "HEAD", "OPTIONS") and request.body is None


def headers_to_send(
    request: WireRequest, host: str, more: Iterable[tuple[str, str]] = ()
) -> list[tuple[bytes, bytes]]:
    """The request's headers with Host and what frames its body, and `more`.

    Raises NetworkFailure for a header that cannot be sent.
    """
    headers = request.headers.delete("content-length", "transfer-encoding")
    if "host" not in headers:
        headers = HeaderList((("Host", host), *headers))
    if request.body is None:
        # https://fetch.spec.whatwg.org/#http-network-or-cache-fetch, the step on contentLengthHeaderValue
        if request.method in ("POST", "PUT"):
            headers = headers.append("Content-Length", "0")
    elif request.body_length is None:
        headers = headers.append("Transfer-Encoding", "chunked")
    else:
        headers = headers.append("Content-Length", str(request.body_length))
    return [_encoded(name, value) for name, value in (*headers, *more)]


def _encoded(name: str, value: str) -> tuple[bytes, bytes]:
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise NetworkFailure("protocol", f"a header cannot be sent: {name!r}: {value!r}")
    return name.encode("ascii"), value.encode("latin-1")


def target_of(url: str) -> str:
    """The request line has the URL as the URL standard wrote it, without its fragment."""
    parsed = urls.parse(url)
    return f"{parsed.pathname}{parsed.search}"
