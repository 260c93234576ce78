"""A request's body on its way from the ASGI server to whoever reads it, and the news that its client left."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import trio

from swruntime.agent.pieces import closing_pieces
from swruntime.errors import NetworkFailure

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Upload:
    """A body that is read once, by the worker or by the origin. It is what the realms call a BodySource.

    The worker may read when it has said that it answers; before that, `chunks` waits. A worker that does not
    answer leaves the body to the origin.
    """

    stored: int | None = None
    replayable = False

    def __init__(self, length: int | None) -> None:
        self.length = length
        self._send, self._pieces = trio.open_memory_channel[bytes](0)
        self._decided = trio.Event()
        self._workers = False
        self._complete = False

    async def pump(self, receive: Receive) -> None:
        """Take what comes; returns when the client has left. What nobody reads any more is dropped."""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self._send.close()
                return
            if message["type"] == "http.request":
                await self._take(bytes(message.get("body", b"")))
                if not message.get("more_body", False):
                    self._complete = True
                    self._send.close()

    async def _take(self, piece: bytes) -> None:
        if piece:
            try:
                await self._send.send(piece)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                await trio.lowlevel.checkpoint()

    def worker_answers(self) -> None:
        """The worker called `respond_with`: the body is its own."""
        self._workers = True
        self._decided.set()

    def worker_is_done(self) -> None:
        """It has answered, or it leaves the request to the origin."""
        self._decided.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """For the worker. Raises TypeError where the origin got the body, NetworkFailure when it is cut short."""
        await self._decided.wait()
        if not self._workers:
            raise TypeError("the request's body went to the origin: only who calls respond_with can read it")
        async with closing_pieces(self.read()) as pieces:
            async for piece in pieces:
                yield piece

    async def read(self) -> AsyncIterator[bytes]:
        """For the origin. Raises NetworkFailure when the client leaves before the end."""
        with self._pieces:
            async for piece in self._pieces:
                yield piece
        if not self._complete:
            raise NetworkFailure("reset", "the client left in the middle of its request")

    def close(self) -> None:
        """Nobody will read it."""
        self._pieces.close()
