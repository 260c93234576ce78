"""What goes over the network, written to a HAR file as it goes.

Memory stays flat: a body is spilled to the disk while it comes, and copied into the file when its exchange has ended.
The file is a whole archive after every exchange, so that an interrupt, or a kill between two writes, leaves one.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, cast

import attrs
import trio

from swruntime.algorithms.response_framing import is_bodiless
from swruntime.errors import NetworkFailure, OutputFailed, UsageError
from swruntime.network.har import Noted, plain_entry
from swruntime.ports.network import Network, WireRequest, WireResponse
from swruntime.ports.private_output import open_output

IN_MEMORY = 1 << 20
"""Bytes of a body that are held in memory; more of it goes to the disk."""

_SLICE = 3 << 18
"""Bytes that are copied at once: a multiple of 3, which base64 wants."""

Failed = Callable[[OutputFailed], None]

_TAIL = b"\n]}}\n"


class HarWriter:
    """An archive that grows. `path` is written anew; temporary files are beside it.

    Where there is no room for an exchange the archive stays whole, without it, and nothing more is recorded: `failed`
    is called with an OutputFailed, once. Nobody who uses the network gets that error.
    """

    def __init__(self, path: Path, descriptor: int, version: str, failed: Failed) -> None:
        self.folder = path.parent
        self.placeholder = secrets.token_hex(16)
        """Stands for a body in an entry until it is copied."""
        self.over = False
        """Something could not be written."""
        self._path = path
        self._descriptor = descriptor
        self._failed = failed
        self._lock = trio.Lock()
        self._first = True
        self._end = 0
        """Where the next entry goes: what is behind it closes the archive."""
        creator = json.dumps({"name": "swruntime", "version": version})
        with self.writing():
            self._end = self._put(
                0, f'{{"log": {{"version": "1.2", "creator": {creator}, "entries": ['.encode()
            )
            self._put(self._end, _TAIL)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around what is written for the archive, its temporary files too: an OSError is told, and goes no further."""
        try:
            yield
        except OSError as error:
            if not self.over:
                self.over = True
                with suppress(OSError):
                    os.ftruncate(self._descriptor, self._put(self._end, _TAIL))
                self._failed(OutputFailed(f"the recording {str(self._path)!r}", error))

    async def add(self, entry: object, body: IO[bytes]) -> None:
        """Append an entry, with `body` where it has the placeholder, in base64."""
        async with self._lock:
            if self.over:
                return
            with self.writing():
                before, placeholder, after = json.dumps(entry).partition(json.dumps(self.placeholder))
                at = self._put(self._end, (b"\n" if self._first else b",\n") + before.encode())
                if placeholder:
                    at = self._put(at, b'"')
                    body.seek(0)
                    while piece := body.read(_SLICE):
                        at = self._put(at, base64.b64encode(piece))
                        await trio.lowlevel.checkpoint()
                    at = self._put(at, b'"')
                at = self._put(at, after.encode())
                self._put(at, _TAIL)
                self._first, self._end = False, at

    def _put(self, at: int, data: bytes) -> int:
        """Write all of `data` at a position; answers with the one behind it. Raises OSError."""
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._descriptor, rest, at)
            rest, at = rest[written:], at + written
        return at


@contextmanager
def har_writer(path: Path, version: str, failed: Failed) -> Iterator[HarWriter]:
    """An archive at `path`, as of a program of this version. `failed` is called where it cannot be written later.

    Raises UsageError where it cannot be opened.
    """
    try:
        descriptor = open_output(path, only_files=True)
    except OSError as error:
        raise UsageError(f"record is {str(path)!r}, which cannot be written: {error.strerror}") from None
    try:
        writer = HarWriter(path, descriptor, version, failed)
        yield writer
    finally:
        # A disk may say only now that it had no room.
        with writer.writing():
            os.close(descriptor)


class RecordingNetwork:
    """The port Network that notes every exchange of `inner` in an archive, failures too. `wall`: seconds since 1970."""

    def __init__(self, inner: Network, writer: HarWriter, wall: Callable[[], float]) -> None:
        self._inner = inner
        self._writer = writer
        self._wall = wall
        self._numbers = count(1)

    @asynccontextmanager
    async def exchange(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        """See `swruntime.ports.network.Network.exchange`."""
        noted = Noted(
            number=next(self._numbers),
            wall=self._wall(),
            began=trio.current_time(),
            method=request.method,
            url=request.url,
            request_headers=request.headers,
        )
        with _Spool(self._writer) as sent, _Spool(self._writer) as received:
            try:
                async with self._inner.exchange(_sending(request, noted, sent)) as response:
                    noted.answered = trio.current_time()
                    noted.status, noted.status_text = response.status, response.status_text
                    noted.headers = response.headers
                    noted.complete = is_bodiless(request.method, response.status)
                    yield attrs.evolve(response, body=_Received(response.body, noted, received))
            except NetworkFailure as failure:
                # With an answer there it is the reader's, who has it from the body, or from the user's switch.
                if noted.answered is None:
                    noted.failure = failure
                raise
            finally:
                with trio.CancelScope(shield=True):
                    await self._note(noted, sent, received)

    async def _note(self, noted: Noted, sent: _Spool, received: _Spool) -> None:
        with self._writer.writing():
            await self._noted(noted, sent.file, received.file)

    async def _noted(self, noted: Noted, sent: IO[bytes], received: IO[bytes]) -> None:
        if self._writer.over:
            return
        text = _readable(received, noted.received)
        content = {"text": self._writer.placeholder, "encoding": "base64"} if text is None else {"text": text}
        post = None
        if noted.sent:
            post = {
                "mimeType": noted.request_headers.get("content-type") or "",
                "text": _readable(sent, noted.sent) or "",
                "params": [],
            }
        await self._writer.add(plain_entry(noted, trio.current_time(), post, content), received)


class _Spool:
    """What a body is written down in, until its exchange has ended. Where there is no room the recording is over."""

    def __init__(self, writer: HarWriter) -> None:
        self._writer = writer
        spool = SpooledTemporaryFile(IN_MEMORY, dir=str(writer.folder))  # noqa: SIM115 - closed by __exit__
        self.file = cast(IO[bytes], spool)

    def __enter__(self) -> _Spool:
        return self

    def __exit__(self, *_: object) -> None:
        with self._writer.writing():
            self.file.close()

    def write(self, data: bytes) -> None:
        if not self._writer.over:
            with self._writer.writing():
                self.file.write(data)


def _readable(file: IO[bytes], size: int) -> str | None:
    """A body that is small, and text; None for any other."""
    if size > IN_MEMORY:
        return None
    file.seek(0)
    try:
        return file.read().decode()
    except UnicodeDecodeError:
        return None


def _sending(request: WireRequest, noted: Noted, spool: _Spool) -> WireRequest:
    body = request.body
    return request if body is None else attrs.evolve(request, body=lambda: _Sent(body(), noted, spool))


class _Sent:
    """The pieces of a request's body, the first of them written down."""

    def __init__(self, inner: AsyncIterator[bytes], noted: Noted, spool: _Spool) -> None:
        self._inner = inner
        self._noted = noted
        self._spool = spool

    def __aiter__(self) -> _Sent:
        return self

    async def __anext__(self) -> bytes:
        piece = await anext(self._inner)
        self._noted.sent += len(piece)
        if self._noted.sent <= IN_MEMORY:
            self._spool.write(piece)
        return piece

    async def aclose(self) -> None:
        if hasattr(self._inner, "aclose"):
            await self._inner.aclose()


class _Received:
    """The pieces of a response's body, each written down before it is given away."""

    def __init__(self, inner: AsyncIterator[bytes], noted: Noted, spool: _Spool) -> None:
        self._inner = inner
        self._noted = noted
        self._spool = spool

    def __aiter__(self) -> _Received:
        return self

    async def __anext__(self) -> bytes:
        noted = self._noted
        try:
            piece = await anext(self._inner)
        except StopAsyncIteration:
            noted.complete = True
            raise
        except NetworkFailure as failure:
            noted.failure = failure
            raise
        self._spool.write(piece)
        noted.received += len(piece)
        if "content-encoding" not in noted.headers and noted.headers.get("content-length") == str(
            noted.received
        ):
            noted.complete = True  # whoever knows that may leave without asking for the end
        return piece


__all__ = ["HarWriter", "RecordingNetwork", "har_writer"]
