"""What goes over the network, written to a HAR file as it goes.

Memory stays flat: a body is spilled to the disk while it comes, and copied into the file when its exchange has ended.
The file is a whole archive after every exchange, so that an interrupt, or a kill between two writes, leaves one.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

import attrs
import trio

from swruntime.algorithms.response_framing import is_bodiless
from swruntime.errors import NetworkFailure, UsageError
from swruntime.network.har import Noted, plain_entry
from swruntime.ports.network import Network, WireRequest, WireResponse
from swruntime.ports.private_output import open_output

IN_MEMORY = 1 << 20
"""Bytes of a body that are held in memory; more of it goes to the disk."""

_SLICE = 3 << 18
"""Bytes that are copied at once: a multiple of 3, which base64 wants."""

_TAIL = b"\n]}}\n"


class HarWriter:
    """An archive that grows. `path` is written anew; temporary files are beside it."""

    def __init__(self, path: Path, file: IO[bytes], version: str) -> None:
        self.folder = path.parent
        self.placeholder = secrets.token_hex(16)
        """Stands for a body in an entry until it is copied."""
        self._file = file
        self._lock = trio.Lock()
        self._first = True
        creator = json.dumps({"name": "swruntime", "version": version})
        file.write(f'{{"log": {{"version": "1.2", "creator": {creator}, "entries": ['.encode())
        self._end = file.tell()
        self._finish()

    async def add(self, entry: object, body: IO[bytes]) -> None:
        """Append an entry, with `body` where it has the placeholder, in base64."""
        async with self._lock:
            before, placeholder, after = json.dumps(entry).partition(json.dumps(self.placeholder))
            self._file.seek(self._end)
            self._file.write(b"\n" if self._first else b",\n")
            self._first = False
            self._file.write(before.encode())
            if placeholder:
                self._file.write(b'"')
                body.seek(0)
                while piece := body.read(_SLICE):
                    self._file.write(base64.b64encode(piece))
                    await trio.lowlevel.checkpoint()
                self._file.write(b'"')
            self._file.write(after.encode())
            self._end = self._file.tell()
            self._finish()

    def _finish(self) -> None:
        self._file.write(_TAIL)
        self._file.flush()


@contextmanager
def har_writer(path: Path, version: str) -> Iterator[HarWriter]:
    """An archive at `path`, as of a program of this version. Raises UsageError where it cannot be written."""
    try:
        descriptor = open_output(path, only_files=True)
    except OSError as error:
        raise UsageError(f"record is {str(path)!r}, which cannot be written: {error.strerror}") from None
    with open(descriptor, "wb") as file:
        yield HarWriter(path, file, version)


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
        with self._spool() as sent, self._spool() as received:
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

    def _spool(self) -> SpooledTemporaryFile[bytes]:
        return SpooledTemporaryFile(IN_MEMORY, dir=str(self._writer.folder))

    async def _note(self, noted: Noted, sent: IO[bytes], received: IO[bytes]) -> None:
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


def _readable(file: IO[bytes], size: int) -> str | None:
    """A body that is small, and text; None for any other."""
    if size > IN_MEMORY:
        return None
    file.seek(0)
    try:
        return file.read().decode()
    except UnicodeDecodeError:
        return None


def _sending(request: WireRequest, noted: Noted, spool: IO[bytes]) -> WireRequest:
    body = request.body
    return request if body is None else attrs.evolve(request, body=lambda: _Sent(body(), noted, spool))


class _Sent:
    """The pieces of a request's body, the first of them written down."""

    def __init__(self, inner: AsyncIterator[bytes], noted: Noted, spool: IO[bytes]) -> None:
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

    def __init__(self, inner: AsyncIterator[bytes], noted: Noted, spool: IO[bytes]) -> None:
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
