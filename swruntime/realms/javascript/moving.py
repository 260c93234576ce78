"""How frames get to a process and back: in step with it under a virtual clock, side by side elsewhere.

In step nothing else at all happens while the process computes: how fast it is must not tell the order in which things
happen, which is the seed's. Side by side nobody waits for it.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import Any, Protocol

import trio

from swruntime.agent.held import Charge, Held
from swruntime.realms.javascript.deno import Process
from swruntime.realms.javascript.frames import Decoder, FrameError

_PIECE = 256 * 1024
MOST_UNSENT = 64 * 1024 * 1024
"""Bytes for a script that does not read them; then it is not heard, and ended if it waits for that."""

PARTIAL = "messages that have not come to their end"
"""What a frame that is not whole is counted as."""

Frame = dict[str, Any]


class Outgoing:
    """Frames that the process has not taken yet."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes of them."""
        self._frames: deque[bytes] = deque()
        self._put = 0
        self._taken = 0
        self._charges: deque[tuple[int, Charge | None]] = deque()
        """What each of them is counted as, and at how many bytes of all that were ever put it ends."""
        self._changed = trio.Event()
        self._less = trio.lowlevel.ParkingLot()

    @property
    def too_much(self) -> bool:
        return self.size > MOST_UNSENT

    def put(self, data: bytes, charge: Charge | None = None) -> None:
        """`charge` is kept until the process has taken all of it."""
        self._frames.append(data)
        self.size += len(data)
        self._put += len(data)
        self._charges.append((self._put, charge))
        self.wake()

    async def until_less(self) -> None:
        """Wait, where there is too much, until there is not."""
        while self.too_much:
            await self._less.park()

    def drop(self) -> None:
        """The process takes no more of them."""
        self._frames.clear()
        self._charges.clear()
        self.size = 0
        self._less.unpark_all()

    def next(self) -> bytes:
        """What goes in one write: small frames together, a large one by itself; b"" where there is none."""
        together: list[bytes] = []
        size = 0
        while self._frames and (not together or size + len(self._frames[0]) <= _PIECE):
            together.append(self._frames.popleft())
            size += len(together[-1])
        return together[0] if len(together) == 1 else b"".join(together)

    def all(self) -> bytes:
        """What there is of them."""
        data = b"".join(self._frames)
        self._frames.clear()
        return data

    def taken(self, size: int) -> None:
        """The process has so many more bytes."""
        self.size = max(self.size - size, 0)
        self._taken += size
        while self._charges and self._charges[0][0] <= self._taken:
            self._charges.popleft()
        if not self.too_much:
            self._less.unpark_all()
        self.wake()

    def wake(self) -> None:
        """Something is to be looked at."""
        self._changed.set()

    async def changed(self) -> None:
        """Wait for `wake`, once since the last time."""
        await self._changed.wait()
        self._changed = trio.Event()


class Moved(Protocol):
    """What a mover needs of a channel."""

    process: Process
    outgoing: Outgoing
    held: Held

    @property
    def idle(self) -> bool: ...

    @property
    def closed(self) -> bool: ...

    def room(self) -> trio.Event | None:
        """What to `hold` the script for before it is heard again."""
        ...

    async def hold(self, full: trio.Event) -> None: ...

    def receive(self, frame: Frame) -> None: ...

    def hear_words(self, words: bytes) -> None:
        """What the engine wrote on standard error."""
        ...


class Mover(Protocol):
    @property
    def waits_its_turn(self) -> bool:
        """Whether the process gets and says nothing now because this one moves nothing. Asked in another thread."""
        ...

    async def run(self) -> FrameError | None:
        """Move frames until the process has ended, or the channel is closed, or what comes is no frame."""
        ...

    def close(self) -> None:
        """Nothing more is to be moved."""
        ...


class InStep:
    def __init__(self, channel: Moved) -> None:
        self._channel = channel
        self._exchanging = False
        self._dead = False
        self._watch_for_death = trio.CancelScope()

    @property
    def waits_its_turn(self) -> bool:
        return not self._exchanging

    async def run(self) -> FrameError | None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._until_dead)
            broken = await self._move()
            nursery.cancel_scope.cancel()
        return broken

    def close(self) -> None:
        # Its death is no surprise, and must not come in between.
        self._watch_for_death.cancel()
        self._channel.outgoing.wake()

    async def _move(self) -> FrameError | None:
        channel = self._channel
        decoder = Decoder()
        partial = channel.held.charge(PARTIAL, 0, each=0)
        received: deque[Frame] = deque()
        leaving = memoryview(b"")
        while not channel.closed:
            if (full := channel.room()) is not None:
                await channel.hold(full)
            elif received:
                channel.receive(received.popleft())
            elif channel.idle and not self._dead:
                await channel.outgoing.changed()
            else:
                leaving = leaving or memoryview(channel.outgoing.all())
                taken, said = self._exchange(leaving)
                leaving = leaving[taken:]
                if said == b"":
                    break
                try:
                    received.extend(decoder.feed(said or b""))
                except FrameError as error:
                    return error
                partial.resize(decoder.waiting)
        return None

    def _exchange(self, leaving: memoryview) -> tuple[int, bytes | None]:
        outgoing = self._channel.outgoing
        self._exchanging = True
        done = self._channel.process.exchange(leaving, hear=not outgoing.too_much)
        self._exchanging = False
        outgoing.taken(done.taken)
        self._channel.hear_words(done.words)
        return done.taken, done.said

    async def _until_dead(self) -> None:
        with self._watch_for_death:
            await self._channel.process.wait_dead()
            self._dead = True
            self._channel.outgoing.wake()


class SideBySide:
    waits_its_turn = False

    def __init__(self, channel: Moved) -> None:
        self._channel = channel
        self._less = trio.Event()

    async def run(self) -> FrameError | None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write)
            nursery.start_soon(self._listen)
            broken = await self._read()
            nursery.cancel_scope.cancel()
        return broken

    def close(self) -> None:
        pass  # who reads sees its end

    async def _read(self) -> FrameError | None:
        channel = self._channel
        decoder = Decoder()
        partial = channel.held.charge(PARTIAL, 0, each=0)
        while True:
            if (full := channel.room()) is not None:
                await channel.hold(full)
            while channel.outgoing.too_much:
                self._less = trio.Event()
                await self._less.wait()
            try:
                data = await channel.process.stdout.receive_some(_PIECE)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                data = b""
            if not data or channel.closed:
                await trio.lowlevel.checkpoint()  # for what it said last
                return None
            try:
                received = decoder.feed(bytes(data))
            except FrameError as error:
                return error
            partial.resize(decoder.waiting)
            for frame in received:
                channel.receive(frame)

    async def _write(self) -> None:
        outgoing = self._channel.outgoing
        while True:
            while data := outgoing.next():
                with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                    await self._channel.process.stdin.send_all(data)  # its end is seen by who reads
                outgoing.taken(len(data))
                self._less.set()
            await outgoing.changed()

    async def _listen(self) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for piece in self._channel.process.stderr:
                self._channel.hear_words(bytes(piece))
