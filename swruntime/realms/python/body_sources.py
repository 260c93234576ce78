"""Where the bytes of a body come from.

A source is read by operations of the agent, never in a script's task. `Pump` brings an iteration into one
task of its own, so that who reads may change, stop, or die, and the iteration ends in the task it began in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol
from weakref import ref

import attrs
import trio

from swruntime.agent.held import Charge, Held
from swruntime.agent.pieces import closing_pieces
from swruntime.agent.promise import Promise
from swruntime.algorithms import webidl
from swruntime.errors import AbortError, NetworkFailure, NetworkTypeError
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.driver import start_script

CHUNK = 64 * 1024
UNREAD = "bodies that nobody reads"
"""What a piece of a body counts as while it waits for its reader."""


class BodySource(Protocol):
    @property
    def stored(self) -> int | None:
        """The id of the body in the store that this is all of, so that it can be referred to; else None."""
        ...

    @property
    def length(self) -> int | None:
        """In bytes, None where it is not known."""
        ...

    @property
    def replayable(self) -> bool:
        """Whether `chunks` may be called more than once, so that clones share it."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes in pieces. Raises what scripts shall see, or NetworkFailure, made a TypeError."""
        ...

    def close(self) -> None:
        """Nobody will read it. Not called by who has begun to read: leaving `chunks` says it there."""
        ...


@attrs.frozen
class BytesSource:
    """Bytes in memory."""

    data: bytes
    stored: int | None = None
    replayable: bool = True
    charge: Charge | None = attrs.field(default=None, eq=False, repr=False)
    """What it counts as in the realm that it comes from, as long as it is there."""

    @property
    def length(self) -> int:
        return len(self.data)

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.data), CHUNK):
            await trio.lowlevel.checkpoint()
            yield self.data[start : start + CHUNK]

    def close(self) -> None:
        """There is nothing to let go."""


@attrs.frozen
class ScriptSource:
    """An async iterable of a script's, which is run as a task of the script's realm.

    Reading raises AbortError when that realm is discarded first, and TypeError for a piece that is not bytes.
    """

    context: RealmContext
    iterable: AsyncIterable[bytes]
    stored: int | None = None
    length: int | None = None
    replayable: bool = False

    async def chunks(self) -> AsyncIterator[bytes]:
        pump = Pump(self._start, lambda: aiter(self.iterable))
        try:
            while (chunk := await pump.receive()) is not None:
                if not isinstance(chunk, bytes | bytearray | memoryview):
                    raise TypeError(f"a piece of the body is {webidl.shown(chunk)}; expected bytes")
                yield bytes(chunk)
        finally:
            pump.cancel()

    def close(self) -> None:
        """It was never begun, so it holds nothing."""

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> Promise[None]:
        return start_script(self.context, coroutine, name="the stream of a body")


CLONED = "bodies that were cloned and are not read"
"""What pieces of a body count as that one clone has read, and the other has not."""


class Pump:
    """An iteration in a task of its own, one piece ahead of its reader. `start` starts that task."""

    def __init__(
        self,
        start: Callable[[Coroutine[Any, Any, None]], Promise[None]],
        open_chunks: Callable[[], AsyncIterator[bytes]],
        held: Held | None = None,
    ) -> None:
        self._held = held
        self._scope = trio.CancelScope()
        self._send, self._receive = trio.open_memory_channel[bytes](0)
        self._done = start(self._run(open_chunks))
        self._done.handle()
        self._done.add_done_callback(lambda _: self._send.close())

    async def receive(self) -> bytes | None:
        """The next piece, None at the end or once it was cancelled. Raises what the iteration raised."""
        try:
            return await self._receive.receive()
        except trio.EndOfChannel:
            await self._done
            return None
        except trio.ClosedResourceError:
            return None

    def cancel(self) -> None:
        """Nobody reads on: end the iteration, in its own task."""
        self._receive.close()
        self._scope.cancel()

    async def _run(self, open_chunks: Callable[[], AsyncIterator[bytes]]) -> None:
        with self._scope:
            async with closing_pieces(open_chunks()) as chunks:
                async for chunk in chunks:
                    waits = None if self._held is None else self._held.charge(UNREAD, len(chunk))
                    try:
                        await self._send.send(chunk)
                        if waits is not None:
                            waits.release()
                    except trio.BrokenResourceError:
                        return  # cancelled


class Tee:
    """Two sources out of one that can be read once only. What one branch has read waits for the other.

    A branch that is not being read when its realm is discarded can never be; when both branches are given up,
    so is the source.
    Spec: https://streams.spec.whatwg.org/#readable-stream-tee
    """

    def __init__(self, context: RealmContext, source: BodySource) -> None:
        self._context = context
        self._source = source
        self._pump: Pump | None = None
        self._turn = trio.Lock()
        self._ended = False
        self._let_go = False
        """Both branches were given up, and the source with them."""
        self.branches = (TeeBranch(self), TeeBranch(self))
        self._token = trio.lowlevel.current_trio_token()
        # The realm does not keep it: when scripts have let go of both branches, it goes.
        self._forget = _on_discard_weakly(context, self)

    def __del__(self) -> None:
        # The garbage collector may come in the midst of anything, and in any thread.
        if not self._let_go:
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._source.close if self._pump is None else self._pump.cancel)

    async def _pull(self, branch: TeeBranch) -> None:
        """See to it that `branch` has a piece, or that the end is known."""
        async with self._turn:
            if branch.pieces or self._ended:
                return
            if self._pump is None:
                self._pump = operation_pump(self._context, self._source)
            chunk = await self._pump.receive()
            if chunk is None:
                self._ended = True
            else:
                for each in self.branches:
                    if not each.closed:
                        each.add(chunk)

    def _branch_closed(self) -> None:
        if not all(branch.closed for branch in self.branches):
            return
        self._forget()
        self._let_go = True
        if self._pump is None:
            self._source.close()
        else:
            self._pump.cancel()

    def discard(self) -> None:
        """Its realm is gone: who is not reading cannot read any more."""
        for branch in self.branches:
            if not branch.reading:
                branch.close()


def _on_discard_weakly(context: RealmContext, tee: Tee) -> Callable[[], None]:
    """Have `tee` discarded with its realm if it is there then. Answers with a function that takes that back."""

    def discard() -> None:
        if (found := reference()) is not None:
            found.discard()

    forget = context.on_discard(discard)
    reference = ref(tee, lambda _: forget())
    return forget


class TeeBranch:
    """One of the two sources that a Tee makes."""

    stored: int | None = None
    replayable = False

    def __init__(self, tee: Tee) -> None:
        self._tee = tee
        self.pieces: deque[bytes] = deque()
        self._charges: deque[Charge] = deque()
        self.reading = False
        self.closed = False

    @property
    def length(self) -> int | None:
        return self._tee._source.length

    def add(self, piece: bytes) -> None:
        """A piece that waits until it is read."""
        self.pieces.append(piece)
        self._charges.append(self._tee._context.held.charge(CLONED, len(piece)))

    async def chunks(self) -> AsyncIterator[bytes]:
        if self.closed:
            # An operation took it, and its realm was discarded before it began: it has no end that could be trusted.
            raise AbortError("the realm whose body this is was discarded before it was read")
        self.reading = True
        try:
            while True:
                await self._tee._pull(self)
                if not self.pieces:
                    return
                self._charges.popleft().release()
                yield self.pieces.popleft()
        finally:
            self.close()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.pieces.clear()
            self._charges.clear()
            self._tee._branch_closed()


def operation_pump(context: RealmContext, source: BodySource) -> Pump:
    """Iterate over `source` in the agent's nursery, so that a reader's death does not tear it."""

    def start(coroutine: Coroutine[Any, Any, None]) -> Promise[None]:
        promise = Promise.start(context.agent_nursery, lambda: coroutine, name="reading a body")
        if promise.settled:
            coroutine.close()
        return promise

    return Pump(start, lambda: _as_type_errors(source), context.held)


def split(context: RealmContext, source: BodySource) -> tuple[BodySource, BodySource]:
    """Two sources with what `source` has. It must not be read any more itself."""
    return (source, source) if source.replayable else Tee(context, source).branches


async def read_all(source: BodySource) -> bytes:
    """All of it, in memory. Raises what the source raises, a NetworkFailure as a TypeError."""
    pieces: list[bytes] = []
    async with reading(source) as chunks:
        async for chunk in chunks:
            pieces.append(chunk)
    return b"".join(pieces)


@asynccontextmanager
async def reading(source: BodySource) -> AsyncIterator[AsyncIterator[bytes]]:
    """The chunks of `source`, closed at the end of the block. A NetworkFailure leaves it as a TypeError."""
    try:
        async with closing_pieces(source.chunks()) as chunks:
            yield chunks
    except NetworkFailure as failure:
        message = f"the body broke off: {failure.message} ({failure.cause})"
        raise NetworkTypeError(message, f"the body broke off ({failure.cause})") from failure


async def _as_type_errors(source: BodySource) -> AsyncIterator[bytes]:
    async with reading(source) as chunks:
        async for chunk in chunks:
            yield chunk
