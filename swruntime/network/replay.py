"""A HAR file in place of the network.

The first request of a method and a URL gets the first exchange that was recorded of them, and so on; the last one
repeats. A Range that was not asked for then is answered from all that was recorded of that file, as a server would; so
is a request whose exchange was left before its end, because the reader may stay longer this time. What the file does
not have is a failure of the cause `not-recorded`, which is final: asking again would change nothing.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import attrs
import ijson
import trio

from swruntime.algorithms.content_range import ContentRange, parse_content_range
from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure, UsageError
from swruntime.network.har import Entry, entry_of, without_fragment
from swruntime.network.ranges import if_range_holds, select_range
from swruntime.ports.network import Network, WireRequest, WireResponse

MOST_DEPTH = 100
"""Objects and lists in one another that an archive may have; those that tools write have some ten."""

PIECE = 65536
"""Bytes of a body that are sent at a time."""

_DELAY = 0.001
_ITEM = ["log", "entries", None]
_BOM = b"\xef\xbb\xbf"


@attrs.define
class _Recorded:
    """An exchange; its body is `size` bytes of the spill from `offset`."""

    entry: Entry
    offset: int
    size: int
    used: bool = False

    @property
    def start(self) -> int:
        """Where in the file its body begins."""
        return 0 if self._part is None else self._part.first

    @property
    def end(self) -> int | None:
        """Where in the file its body should have ended, as far as it tells."""
        return self.total if self._part is None else self._part.last + 1

    @property
    def total(self) -> int | None:
        """The length of the file that it is of, as far as it tells."""
        if self._part is not None:
            return self._part.complete
        told = self.entry.headers.get("content-length")
        if told is not None and told.isdecimal():
            return int(told)
        return self.size if self.entry.failure is None and not self.entry.left else None

    @property
    def _part(self) -> ContentRange | None:
        if self.entry.status != 206:
            return None
        return parse_content_range(self.entry.headers.get("content-range") or "")

    @property
    def is_of_a_file(self) -> bool:
        """Whether its body is known bytes of a file, so that others may be answered from it."""
        entry = self.entry
        if entry.method != "GET" or entry.is_coded or entry.body is None:
            return False
        return entry.status == 200 or (entry.status == 206 and self._part is not None)

    @property
    def identity(self) -> tuple[str | None, str | None]:
        """What tells one version of a file from another."""
        return self.entry.headers.get("etag"), self.entry.headers.get("last-modified")


@attrs.define
class Recording:
    """The exchanges of an archive; their bodies are in a temporary file. Made by `read_recording`."""

    path: Path
    _spill: IO[bytes]
    _of: dict[tuple[str, str], list[_Recorded]]

    def __contains__(self, request: WireRequest) -> bool:
        return (request.method, without_fragment(request.url)) in self._of

    def find(self, request: WireRequest) -> _Answer:
        """The answer to `request`. Raises NetworkFailure, `not-recorded` or as it was recorded."""
        url = without_fragment(request.url)
        known = self._of.get((request.method, url), [])
        if not known:
            raise NetworkFailure("not-recorded", f"{self.path.name} has no {request.method} of {url}")
        asked = request.headers.get("range")
        same = [each for each in known if each.entry.range == asked]
        chosen = next((each for each in same if not each.used), same[-1] if same else None)
        if chosen is not None:
            chosen.used = True
            return self._as_recorded(chosen, known)
        return self._from_the_file(request, known)

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._spill.fileno(), size, offset)

    def _as_recorded(self, chosen: _Recorded, known: Sequence[_Recorded]) -> _Answer:
        entry = chosen.entry
        if entry.status == 0:
            raise _again(entry.failure) or self._lacking(entry, "an answer")
        if entry.body is None:
            raise self._lacking(entry, f"the body, {entry.length} bytes,")
        pieces, failure = [(chosen.offset, chosen.size)], _again(entry.failure)
        if failure is None and entry.left:
            pieces, failure = self._longer(chosen, known)
        return _Answer(entry.status, entry.status_text, entry.headers, pieces, failure)

    def _longer(
        self, chosen: _Recorded, known: Sequence[_Recorded]
    ) -> tuple[list[tuple[int, int]], NetworkFailure | None]:
        """The body of an exchange that was left, for a reader who stays: with what others have of the same file."""
        pieces, end = [(chosen.offset, chosen.size)], chosen.end
        reached = chosen.start + chosen.size
        if chosen.is_of_a_file and end is not None:
            more, reached = _covering(_same_file(chosen, known), reached, end)
            pieces += more
        if reached == end:
            return pieces, None
        return pieces, self._lacking(chosen.entry, f"more than {reached} bytes")

    def _from_the_file(self, request: WireRequest, known: Sequence[_Recorded]) -> _Answer:
        """As a server that has what was recorded of the file would answer; RFC 9110, section 14."""
        model = next((each for each in reversed(known) if each.is_of_a_file), None)
        if model is None:
            return self._as_recorded(known[-1], known)
        files = _same_file(model, known)
        total = next((each.total for each in reversed(files) if each.total is not None), None)
        if total is None:
            return self._as_recorded(model, known)
        headers = model.entry.headers.delete("content-range", "content-length", "transfer-encoding")
        selected = None
        if if_range_holds(request.headers.get("if-range"), *model.identity):
            selected = select_range(request.headers.get("range"), total)
        if selected == "unsatisfiable":
            headers = headers.set("Content-Range", f"bytes */{total}").set("Content-Length", "0")
            return _Answer(416, "Range Not Satisfiable", headers, [], None)
        start, end = selected or (0, total)
        status, text = 200, "OK"
        if selected is not None:
            status, text = 206, "Partial Content"
            headers = headers.set("Content-Range", f"bytes {start}-{end - 1}/{total}")
        pieces, reached = _covering(files, start, end)
        failure = None
        if reached < end:
            # The file broke there at that time too, or nothing tells what came after it.
            broken = next((each.entry.failure for each in files if each.entry.failure is not None), None)
            failure = _again(broken) or self._lacking(model.entry, f"more than {reached} bytes")
        return _Answer(status, text, headers.set("Content-Length", str(end - start)), pieces, failure)

    def _lacking(self, entry: Entry, what: str) -> NetworkFailure:
        return NetworkFailure("not-recorded", f"{self.path.name} does not have {what} of {entry.url}")


def _again(failure: NetworkFailure | None) -> NetworkFailure | None:
    """The same failure, to be raised once more: an exception keeps where it was raised."""
    return None if failure is None else NetworkFailure(failure.cause, failure.message)


def _same_file(model: _Recorded, known: Sequence[_Recorded]) -> list[_Recorded]:
    return [each for each in known if each.is_of_a_file and each.identity == model.identity]


def _covering(files: Sequence[_Recorded], start: int, end: int) -> tuple[list[tuple[int, int]], int]:
    """Pieces of the spill, (offset, size), that are the file from `start` to at most `end`; and where they end."""
    pieces: list[tuple[int, int]] = []
    while start < end:
        fitting = [each for each in files if each.start <= start < each.start + each.size]
        if not fitting:
            break
        longest = max(fitting, key=lambda each: each.start + each.size)
        skipped = start - longest.start
        size = min(longest.size - skipped, end - start)
        pieces.append((longest.offset + skipped, size))
        start += size
    return pieces, start


@attrs.frozen
class _Answer:
    status: int
    status_text: str
    headers: HeaderList
    pieces: Sequence[tuple[int, int]]
    failure: NetworkFailure | None
    """After the pieces; None is a good end."""


@contextmanager
def read_recording(path: Path) -> Iterator[Recording]:
    """The archive at `path`. One entry after the other is in memory, while it is read.

    Raises UsageError where it cannot be read, and is no archive, naming the entry and what is wrong with it.
    """
    with TemporaryFile() as spill:
        try:
            with path.open("rb") as file:
                if file.read(len(_BOM)) != _BOM:
                    file.seek(0)
                recorded = list(_recorded(file, spill))
        except OSError as error:
            raise UsageError(f"replay is {str(path)!r}, which cannot be read: {error.strerror}") from None
        except (ValueError, ijson.JSONError) as error:
            told = " ".join(str(error).split())
            raise UsageError(f"replay is {str(path)!r}, which is not a HAR file: {told}") from None
        spill.flush()
        recorded.sort(key=lambda each: (each.entry.started, each.entry.number))
        of: dict[tuple[str, str], list[_Recorded]] = defaultdict(list)
        for each in recorded:
            of[each.entry.method, each.entry.url].append(each)
        yield Recording(path, spill, dict(of))


def _recorded(file: IO[bytes], spill: IO[bytes]) -> Iterator[_Recorded]:
    offset = 0
    for number, data in enumerate(_entries(file), 1):
        try:
            entry = entry_of(data)
        except ValueError as error:
            raise ValueError(f"entry {number}: {error}") from None
        if not entry.url.startswith(("http:", "https:")):
            continue
        body = entry.body or b""
        spill.write(body)
        light = entry if entry.body is None else attrs.evolve(entry, body=b"")
        yield _Recorded(light, offset, len(body))
        offset += len(body)


def _entries(file: IO[bytes]) -> Iterator[Any]:
    """The items of `log.entries`, one after the other.

    `ijson.items` does that as well, and takes memory with the square of the depth. Raises ValueError where there is no
    such list, and for what nests too deeply to be an archive.
    """
    path: list[object] = []
    """The key in each object that is open, None in a list."""
    found = False
    builder: Any = None
    for event, value in ijson.basic_parse(file, use_float=True):
        if event == "map_key":
            path[-1] = value
        elif event in ("end_map", "end_array"):
            path.pop()
        elif builder is None and path == _ITEM:
            builder = ijson.ObjectBuilder()
        if builder is not None:
            builder.event(event, value)
        if event in ("start_map", "start_array"):
            found = found or (event == "start_array" and path == _ITEM[:-1])
            path.append(None)
            if len(path) > MOST_DEPTH:
                raise ValueError(f"it nests more than {MOST_DEPTH} deep")
        elif builder is not None and path == _ITEM:
            yield builder.value
            builder = None
    if not found:
        raise ValueError("it has no list log.entries")


class ReplayNetwork:
    """The port Network that answers from `recording`. What that has not is for `otherwise`, where there is one."""

    def __init__(self, recording: Recording, otherwise: Network | None = None) -> None:
        self._recording = recording
        self._otherwise = otherwise

    @asynccontextmanager
    async def exchange(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        """See `swruntime.ports.network.Network.exchange`. Answers after a millisecond of Trio's clock."""
        async with AsyncExitStack() as stack:
            if self._otherwise is not None and request not in self._recording:
                yield await stack.enter_async_context(self._otherwise.exchange(request))
                return
            await trio.sleep(_DELAY)
            if request.body is not None:
                async for _ in request.body():
                    pass
            answer = self._recording.find(request)
            if answer.status < 200:
                # A browser's WebSocket is recorded so (101); it is not an answer of HTTP.
                raise NetworkFailure("protocol", f"a final response with status {answer.status}")
            body = _Body(self._recording, answer)
            yield WireResponse(answer.status, answer.status_text, answer.headers, body)


class _Body:
    """What was recorded of a body, and then its end or its failure."""

    def __init__(self, recording: Recording, answer: _Answer) -> None:
        self._recording = recording
        self._pieces = [
            (offset + done, min(PIECE, size - done))
            for offset, size in answer.pieces
            for done in range(0, size, PIECE)
        ][::-1]
        self._failure = answer.failure

    def __aiter__(self) -> _Body:
        return self

    async def __anext__(self) -> bytes:
        await trio.lowlevel.checkpoint()
        if self._pieces:
            return self._recording.read(*self._pieces.pop())
        if self._failure is not None:
            raise self._failure
        raise StopAsyncIteration


__all__ = ["Recording", "ReplayNetwork", "read_recording"]
