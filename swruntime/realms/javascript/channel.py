"""Frames to and from one JavaScript process, and whether it is idle.

While it is not, a virtual clock does not jump and the agent is not settled: a script that computes is as busy as one in
this process. While a script waits for the answer to an `ask`, it is the runtime's turn.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import trio

from swruntime.ports.outside import outside_trio
from swruntime.realms.javascript import frames
from swruntime.realms.javascript.deno import Process

_PIECE = 256 * 1024
_TAIL = 4096

Frame = dict[str, Any]


class Channel:
    """Reads and writes in tasks of its own; `handle` is called with each frame, in order, and must not wait.

    `ended` is called once, with why, when the process has ended otherwise than by `close`.
    """

    def __init__(
        self,
        process: Process,
        *,
        handle: Callable[[Frame], None],
        ended: Callable[[str], None],
        begin_activity: Callable[[], Callable[[], None]],
    ) -> None:
        self.process = process
        self._handle = handle
        self._ended = ended
        self._begin_activity = begin_activity
        self._outgoing: deque[bytes] = deque()
        self._wanted = trio.Event()
        self._sent = 0
        self._seen = 0
        self._busy: ExitStack | None = None
        self.busy_since: float | None = None
        """Since when it has not said that it is idle, or at least gives way, on `time.monotonic`; None while idle."""
        self._idle = trio.Event()
        self._idle.set()
        self._closed = False
        self._room: Callable[[], trio.Event | None] = lambda: None
        self._last_words = b""
        self._stuck: str | None = None

    @property
    def idle(self) -> bool:
        return self._busy is None

    @property
    def closed(self) -> bool:
        return self._closed

    def hold_back(self, room: Callable[[], trio.Event | None]) -> None:
        """Ask `room` before each read: where it gives an event, that is waited for, and the script with it."""
        self._room = room

    def send(self, frame: Frame) -> None:
        """Send a frame. After `close` it goes nowhere."""
        if self._closed:
            return
        self._sent += 1
        self._become_busy()
        self._outgoing.append(frames.encode(frame))
        self._wanted.set()

    async def until_idle(self) -> None:
        """Wait until every frame that was sent was handled to its last microtask, or the process ended."""
        while not self._idle.is_set():
            await self._idle.wait()

    async def run(self) -> None:
        """Move frames until `close`."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write)
            nursery.start_soon(self._listen)
            try:
                reason = await self._read()
            finally:
                nursery.cancel_scope.cancel()
        if not self._closed:
            self.close()
            self._ended(reason)

    def close(self) -> None:
        """Nothing more is sent or handled; the process is killed."""
        if self._closed:
            return
        self._closed = True
        self.process.kill()
        self._become_idle()

    def end_stuck(self, reason: str) -> None:
        """See `swruntime.realms.python.watchdog.ScriptProcess.end_stuck`."""
        if not self._closed:
            self._stuck = reason
            self.process.kill()

    def waits_for_answer(self) -> None:
        """The script asked and waits: the runtime's turn. Nothing that was sent is done for it."""
        self._let_go()

    def answered(self) -> None:
        self._become_busy()

    async def _read(self) -> str:
        decoder = frames.Decoder()
        while True:
            if (full := self._room()) is not None:
                await full.wait()
            try:
                data = await self.process.stdout.receive_some(_PIECE)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                data = b""
            if not data or self._closed:
                return await self._why()
            try:
                received = decoder.feed(bytes(data))
            except frames.FrameError as error:
                return f"it broke the protocol: {error}"
            for frame in received:
                self._dispatch(frame)

    def _dispatch(self, frame: Frame) -> None:
        if self._closed:
            return
        if frame["t"] == "alive" and self._busy is not None:
            self.busy_since = time.monotonic()
        if frame["t"] not in ("idle", "alive"):
            self._handle(frame)
            return
        seen = frame.get("seen")
        if isinstance(seen, int) and seen <= self._sent:
            self._seen = seen
        if self._seen == self._sent:
            self._become_idle()

    async def _write(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            while self._outgoing:
                try:
                    await self.process.stdin.send_all(self._outgoing.popleft())
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return  # its end is seen by who reads

    async def _listen(self) -> None:
        try:
            async for piece in self.process.stderr:
                self._last_words = (self._last_words + bytes(piece))[-_TAIL:]
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def _why(self) -> str:
        await trio.lowlevel.checkpoint()
        if self._stuck is not None:
            return self._stuck
        said = self._last_words.decode(errors="replace")
        if "out of memory" in said or "OOM" in said or "memory allocation" in said:
            return "it ran out of memory"
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return f"its process ended: {lines[0][:300]}" if lines else "its process ended"

    def _become_busy(self) -> None:
        if self._busy is not None or self._closed:
            return
        self._busy = ExitStack()
        self._busy.enter_context(outside_trio())
        self._busy.callback(self._begin_activity())
        self.busy_since = time.monotonic()
        if self._idle.is_set():
            self._idle = trio.Event()

    def _become_idle(self) -> None:
        self._idle.set()
        self._let_go()

    def _let_go(self) -> None:
        busy, self._busy = self._busy, None
        self.busy_since = None
        if busy is not None:
            busy.close()
