"""Frames to and from one JavaScript process, and whether it is idle.

While it is not, a virtual clock does not jump and the agent is not settled: a script that computes is as busy as one in
this process. While a script waits for the answer to an `ask`, or because it has too many calls under way, it is the
runtime's turn. And the time for which it waits until the runtime reads what it has written is not its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

import trio

from swruntime.agent.held import Charge, Held
from swruntime.ports.outside import clock_is_virtual, outside_trio
from swruntime.realms.javascript import frames
from swruntime.realms.javascript.counting import count_frame
from swruntime.realms.javascript.deno import Process
from swruntime.realms.javascript.moving import Frame, InStep, Mover, Outgoing, SideBySide

_TAIL = 4096
UNREAD = "answers and events that its process has not read"
"""What frames to a process are counted as."""


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
        held: Held | None = None,
    ) -> None:
        self.process = process
        self.held = Held() if held is None else held
        """What is held for this realm."""
        self._handle = handle
        self._ended = ended
        self._begin_activity = begin_activity
        self.outgoing = Outgoing()
        self._sent = 0
        self._seen = 0
        self._busy: ExitStack | None = None
        self._asking = False
        self.busy_since: float | None = None
        """Since when it has not said that it is idle, or at least gives way, on `time.monotonic`; None while idle."""
        self.waited = 0.0
        """Seconds since then that were the runtime's: it had not read what the script had written."""
        self._held = False
        self._handled = 0
        self._looked_at = 0
        self._computed = 0.0
        """Seconds for which it had computed when it asked; the time that it waits for an answer is not its own."""
        self._idle = trio.Event()
        self._idle.set()
        self._closed = False
        self.room: Callable[[], trio.Event | None] = lambda: None
        """Asked before each read: where it gives an event, that is waited for, and the script with it."""
        self._last_words = b""
        self._stuck: str | None = None
        self._mover: Mover = InStep(self) if clock_is_virtual() else SideBySide(self)

    @property
    def idle(self) -> bool:
        return self._busy is None

    @property
    def closed(self) -> bool:
        return self._closed

    def send(self, frame: Frame) -> None:
        """Send a frame. After `close` it goes nowhere. Until the process has taken it, it is held for this realm."""
        if not self._closed:
            data = frames.encode(frame)
            self._put(data, self.held.charge(UNREAD, len(data)))

    def send_for(self, charge: Charge | None, frame: Frame) -> None:
        """Send a frame that another realm has caused: until the process has taken it, it is held for that realm.

        `charge` is what the message counts as there that the frame is made of; None where nothing is counted.
        """
        if not self._closed:
            data = frames.encode(frame)
            self._put(data, None if charge is None else charge.another(len(data)))

    def _put(self, data: bytes, charge: Charge | None) -> None:
        self._sent += 1
        self._become_busy()
        self.outgoing.put(data, charge)

    async def until_idle(self) -> None:
        """Wait until every frame that was sent was handled to its last microtask, or the process ended."""
        while not self._idle.is_set():
            await self._idle.wait()

    async def run(self) -> None:
        """Move frames until `close`."""
        broken = await self._mover.run()
        reason = self._why() if broken is None else f"it broke the protocol: {broken}"
        if not self._closed:
            self.close()
            self._ended(reason)

    def close(self) -> None:
        """Nothing more is sent or handled; the process is killed."""
        if self._closed:
            return
        self._closed = True
        self.outgoing.drop()
        self._mover.close()
        self.process.kill()
        self._become_idle()

    def end_stuck(self, reason: str) -> None:
        """See `swruntime.realms.python.watchdog.ScriptProcess.end_stuck`."""
        if not self._closed and self._stuck is None:
            self._stuck = reason
            self.process.kill()

    def look(self, seconds: float) -> None:
        """See `swruntime.realms.python.watchdog.ScriptProcess.look`."""
        stands_still, self._looked_at = self._handled == self._looked_at, self._handled
        if self.busy_since is None or self._closed:
            return
        if self._mover.waits_its_turn:
            self.waited += seconds
            return
        if self.outgoing.too_much:
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
        self.outgoing.wake()

    async def hold(self, full: trio.Event) -> None:
        """Wait for `full`, and the script with it: time must pass, or what it waits for never comes."""
        busy = self._busy is not None
        if busy:
            self.waits_for_answer()
        self._held = True
        await full.wait()
        self._held = False
        if busy or (not self._asking and self._seen < self._sent):
            self.answered()

    def receive(self, frame: Frame) -> None:
        if self._closed or self._stuck is not None:
            return
        self._handled += 1
        with count_frame(self.held, frame):
            if self._stuck is None:  # else it was one too many
                self._handle(frame)
        if self.closed or frame["t"] not in ("idle", "alive"):
            return
        if frame["t"] == "alive" and self._busy is not None:
            self._starts()
        self._seen = frame.get("seen", self._seen)
        if self._seen == self._sent:
            self._become_idle()

    @property
    def sent(self) -> int:
        """Frames that were sent."""
        return self._sent

    @property
    def seen(self) -> int:
        """How many of them it said last that it had handled."""
        return self._seen

    def hear_words(self, words: bytes) -> None:
        """See `swruntime.realms.javascript.moving.Moved.hear_words`."""
        self._last_words = (self._last_words + words)[-_TAIL:]

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
