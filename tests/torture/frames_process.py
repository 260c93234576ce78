"""A stand-in for a JavaScript process, in this one: it says whatever it is given to say, and keeps what it is told.

It takes part in the exchange in step, as a process does under a virtual clock, one frame at a time. So how many frames
the runtime has heard before it ended the process is known to the frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import trio

from swruntime.realms.javascript import frames
from swruntime.realms.javascript.deno import Exchanged
from swruntime.realms.javascript.frames import Decoder, encode

Frame = dict[str, Any]
REQUEST, RESPONSE = "Request", "Response"


class StandIn:
    """Has what the runtime asks of a `swruntime.realms.javascript.deno.Process`.

    `overhear` is called with all bytes that the runtime sends. `react` may answer a frame with frames.
    """

    holds = 256 * 1024
    pid = 0

    def __init__(self, name: str, overhear: Callable[[bytes], None]) -> None:
        self.name = name
        self.to_say: deque[bytes] = deque([encode({"t": "ready", "version": frames.VERSION})])
        self.said = 0
        """Frames that the runtime has heard."""
        self.kind = ""
        """Of which kind of realm it is: "worker" or "window"; "" before it is told."""
        self.heard = 0
        self.last_call = 0
        self.own = 3
        """How many numbers it has given; the first ones in a way that is known."""
        self.objects: dict[str, list[int]] = {}
        """The numbers of the objects that it was told of, by interface."""
        self.types: dict[int, str] = {}
        """The types of the responses."""
        self.events: list[tuple[int, str]] = []
        """Events that it was told of, with their interfaces."""
        self.lives: dict[int, list[str]] = {}
        """What it has still to say of each."""
        self.pulls: list[tuple[int, int]] = []
        """Pieces of streams that are wanted: id and stream."""
        self.runs: list[int] = []
        """Questions that it has not answered."""
        self.settled: dict[int, Frame] = {}
        """How its calls ended."""
        self.connections: list[int] = []
        self.transactions: list[int] = []
        """Of IndexedDB, as it was told."""
        self.killed = trio.Event()
        self.react: Callable[[Frame], list[Frame]] = lambda frame: []
        self._overhear = overhear
        self._token = trio.lowlevel.current_trio_token()
        self._decoder = Decoder(1 << 40)

    def say(self, *said: Frame | bytes) -> None:
        for each in said:
            self.to_say.append(each if isinstance(each, bytes) else encode(each))

    def call(self, op: str, *arguments: Any) -> int:
        """Call an operation as the engine does. Answers with the id, by which it will be `settled`."""
        self.last_call += 1
        self.say({"t": "call", "id": self.last_call, "op": op, "args": list(arguments), "at": None})
        return self.last_call

    def post(self, op: str, *arguments: Any) -> None:
        self.say({"t": "post", "op": op, "args": list(arguments), "at": None})

    @property
    def numbers(self) -> list[int]:
        return [number for each in self.objects.values() for number in each]

    # What the runtime asks of a process

    def exchange(self, data: memoryview, *, hear: bool) -> Exchanged:
        taken = bytes(data)
        if self.killed.is_set():
            return Exchanged(len(taken), b"", b"")
        self._hear(taken)
        if not hear:
            return Exchanged(len(taken), None, b"")
        if not self.to_say:
            return Exchanged(len(taken), encode({"t": "idle", "seen": self.heard}), b"")
        self.said += 1
        return Exchanged(len(taken), self.to_say.popleft(), b"")

    def answer(self, data: bytes) -> None:
        self._overhear(data)

    def unread(self) -> int:
        return 0

    def kill(self) -> None:
        """May be called in the watchdog's thread."""
        if trio.lowlevel.in_trio_run():
            self.killed.set()
        else:
            self._token.run_sync_soon(self.killed.set)

    async def wait_dead(self) -> None:
        await self.killed.wait()

    async def aclose(self) -> None:
        self.kill()
        await trio.lowlevel.checkpoint()

    # What it is told

    def _hear(self, data: bytes) -> None:
        if data:
            self._overhear(data)
        for frame in self._decoder.feed(data):
            self.heard += 1
            self._note(frame)
            answers = self.react(frame)
            self.runs = [id for id in self.runs if id not in [each.get("id") for each in answers]]
            self.say(*answers)

    def _note(self, frame: Frame) -> None:
        for mention in _mentions(frame):
            self._note_object(mention)
        match frame:
            case {"t": "init", "kind": kind}:
                self.kind = kind
            case {"t": "run" | "completion", "id": id}:
                self.runs.append(id)
            case {"t": "event", "event": number, "is": interface}:
                self.events.append((number, interface))
            case {"t": "over", "event": number}:
                self.events = [each for each in self.events if each[0] != number]
            case {"t": "pull", "id": id, "stream": stream}:
                self.pulls.append((id, stream))
            case {"t": "settle", "id": id}:
                self.settled[id] = frame
                match frame.get("value"):
                    case {"connection": int(connection), "transaction": transaction}:
                        self.connections.append(connection)
                        self.transactions += [] if transaction is None else [transaction]

    def _note_object(self, mention: Frame) -> None:
        match mention:
            case {"$object": number, "is": interface}:
                pass
            case {"$request": number}:
                interface = REQUEST
            case {"$response": number, "state": state}:
                interface = RESPONSE
                self.types[number] = state["type"]
            case _:
                return
        known = self.objects.setdefault(interface, [])
        if number not in known:
            known.append(number)


def _mentions(value: object) -> Iterator[Frame]:
    """All objects in a frame."""
    rest = [value]
    while rest:
        match rest.pop():
            case dict() as found:
                yield found
                rest.extend(found.values())
            case list() as found:
                rest.extend(found)
