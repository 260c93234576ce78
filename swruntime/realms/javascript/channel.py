"""Frames to and from one JavaScript process, and whether it is idle.

While it is not, a virtual clock does not jump and the agent is not settled: a script that computes is as busy as one in
this process. While a script waits for the answer to an `ask`, or because it has too many calls under way, it is the
runtime's turn. And the time for which it waits until the runtime reads what it has written is not its own.

Under a virtual clock nothing else at all happens while the process computes (`_in_step`): how fast it is must not tell
the order in which things happen, which is the seed's. Elsewhere nobody waits for it (`_side_by_side`).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import trio

from swruntime.ports.outside import clock_is_virtual, outside_trio
from swruntime.realms.javascript import frames
from swruntime.realms.javascript.deno import Exchanged, Process

_PIECE = 256 * 1024
_TAIL = 4096
MOST_UNSENT = 64 * 1024 * 1024
"""Bytes for a script that does not read them; then it is not heard, and ended if it waits for that."""

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
        self._unsent = 0
        self._fewer = trio.Event()
        self._wanted = trio.Event()
        self._sent = 0
        self._seen = 0
        self._busy: ExitStack | None = None
        self._asking = False
        self.busy_since: float | None = None
        """Since when it has not said that it is idle, or at least gives way, on `time.monotonic`; None while idle."""
        self.waited = 0.0
        """Seconds since then that were the runtime's: it had not read what the script had written."""
        self._held = False
        self._steps = self._exchanging = False
        self._handled = 0
        self._looked_at = 0
        self._computed = 0.0
        """Seconds for which it had computed when it asked; the time that it waits for an answer is not its own."""
        self._idle = trio.Event()
        self._idle.set()
        self._closed = False
        self._room: Callable[[], trio.Event | None] = lambda: None
        self._last_words = b""
        self._dead = False
        self._watch_for_death = trio.CancelScope()
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
        data = frames.encode(frame)
        self._outgoing.append(data)
        self._unsent += len(data)
        self._wanted.set()

    async def until_idle(self) -> None:
        """Wait until every frame that was sent was handled to its last microtask, or the process ended."""
        while not self._idle.is_set():
            await self._idle.wait()

    async def run(self) -> None:
        """Move frames until `close`."""
        async with trio.open_nursery() as nursery:
            if clock_is_virtual():
                nursery.start_soon(self._until_dead)
                moving = self._in_step()
            else:
                nursery.start_soon(self._write)
                nursery.start_soon(self._listen)
                moving = self._side_by_side()
            try:
                reason = await moving
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
        self._watch_for_death.cancel()
        self._wanted.set()
        self.process.kill()
        self._become_idle()

    def end_stuck(self, reason: str) -> None:
        """See `swruntime.realms.python.watchdog.ScriptProcess.end_stuck`."""
        if not self._closed:
            self._stuck = reason
            self.process.kill()

    def look(self, seconds: float) -> None:
        """See `swruntime.realms.python.watchdog.ScriptProcess.look`."""
        stands_still, self._looked_at = self._handled == self._looked_at, self._handled
        if self.busy_since is None or self._closed:
            return
        if self._steps and not self._exchanging:
            self.waited += seconds  # its turn has not come
            return
        if self._unsent > MOST_UNSENT:
            return
        # Among what is not read may be that it is idle; and where the pipe is full, it cannot even say so (of small
        # frames, each in a page of its own, a full one has half). Who floods the runtime for ever is ended for what it
        # computes between two reads.
        unread = self.process.unread()
        if unread * 2 >= self.process.holds or (stands_still and unread > 0):
            self.waited += seconds

    def waits_for_answer(self) -> None:
        """The script asked and waits: the runtime's turn. Nothing that was sent is done for it."""
        computed = 0.0 if self.busy_since is None else time.monotonic() - self.busy_since - self.waited
        self._asking = True
        self._let_go()
        self._computed = computed

    def answered(self) -> None:
        # One that asks again and again has not given way either.
        computed = self._computed
        self._asking = False
        self._become_busy()
        if self.busy_since is not None:
            self.busy_since, self.waited = time.monotonic() - computed, 0.0
        self._wanted.set()

    async def _in_step(self) -> str:
        decoder = frames.Decoder()
        received: deque[Frame] = deque()
        leaving = memoryview(b"")
        self._steps = True
        while not self._closed:
            if (full := self._room()) is not None:
                await self._hold(full)
            elif received:
                self._dispatch(received.popleft())
            elif self._busy is None and not self._dead:
                await self._wanted.wait()
                self._wanted = trio.Event()
            else:
                if not leaving:
                    leaving = memoryview(b"".join(self._outgoing))
                    self._outgoing.clear()
                done = self._exchange(leaving)
                leaving = leaving[done.taken :]
                self._unsent -= done.taken
                self._last_words = (self._last_words + done.words)[-_TAIL:]
                if done.said == b"":
                    break
                try:
                    received.extend(decoder.feed(done.said or b""))
                except frames.FrameError as error:
                    return f"it broke the protocol: {error}"
        return self._why()

    def _exchange(self, leaving: memoryview) -> Exchanged:
        self._exchanging = True
        try:
            return self.process.exchange(leaving, hear=self._unsent <= MOST_UNSENT)
        finally:
            self._exchanging = False

    async def _until_dead(self) -> None:
        with self._watch_for_death:
            await self.process.wait_dead()
            self._dead = True
            self._wanted.set()

    async def _side_by_side(self) -> str:
        decoder = frames.Decoder()
        while True:
            if (full := self._room()) is not None:
                await self._hold(full)
            while self._unsent > MOST_UNSENT:
                self._fewer = trio.Event()
                await self._fewer.wait()
            try:
                data = await self.process.stdout.receive_some(_PIECE)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                data = b""
            if not data or self._closed:
                await trio.lowlevel.checkpoint()  # for what it said last
                return self._why()
            try:
                received = decoder.feed(bytes(data))
            except frames.FrameError as error:
                return f"it broke the protocol: {error}"
            for frame in received:
                self._dispatch(frame)

    async def _hold(self, full: trio.Event) -> None:
        """Wait for `full`, and the script with it: time must pass, or what it waits for never comes."""
        busy = self._busy is not None
        if busy:
            self.waits_for_answer()
        self._held = True
        await full.wait()
        self._held = False
        if busy or (not self._asking and self._seen < self._sent):
            self.answered()

    def _dispatch(self, frame: Frame) -> None:
        if self._closed:
            return
        self._handled += 1
        if frame["t"] == "alive" and self._busy is not None:
            self._starts()
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
                data = self._outgoing.popleft()
                with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                    await self.process.stdin.send_all(data)  # its end is seen by who reads
                self._unsent -= len(data)
                self._fewer.set()

    async def _listen(self) -> None:
        try:
            async for piece in self.process.stderr:
                self._last_words = (self._last_words + bytes(piece))[-_TAIL:]
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    def _why(self) -> str:
        if self._stuck is not None:
            return self._stuck
        said = self._last_words.decode(errors="replace")
        if "out of memory" in said or "OOM" in said or "memory allocation" in said:
            return "it ran out of memory"
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return f"its process ended: {lines[0][:300]}" if lines else "its process ended"

    def _starts(self) -> None:
        self.busy_since, self.waited = time.monotonic(), 0.0

    def _become_busy(self) -> None:
        if self._busy is not None or self._closed or self._asking or self._held:
            return
        self._busy = ExitStack()
        self._busy.enter_context(outside_trio())
        self._busy.callback(self._begin_activity())
        self._starts()
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
