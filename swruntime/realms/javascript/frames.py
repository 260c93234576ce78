"""The layout of what goes over the pipes between the runtime and a JavaScript process. Version 1.

A frame is a head of eight bytes (two unsigned 32-bit numbers, big-endian: the lengths of what follows), a header, and a
payload. The header is a JSON object; its member `t` says what the frame is. Bytes in it are `{"$bytes": LENGTH}`, and
stand in the payload one after the other, in the order in which the header names them. Numbers are JSON's; there is no
NaN, and none that is infinite.

Frames to the process. Each is one task there; any may have `updates`, pairs of an object's number and its new state,
and `clock`, what a virtual clock shows: milliseconds since 1970, and since the realm was made.

    init        kind ("worker", "window"), url, origin, module, isSecureContext, objects: once, before all others
    run         id, source, url, module: evaluate a script; answered by an `answer`. watch: names that may be globals of
                it, those of them whose reads are told, and those that are constants; the answer has what is `kept`
    completion  id: what the last classic script was worth, if that is settled; answered by an `answer`
    settle      id, and value or error: the end of a `call`
    event       event (its number), type, is (its interface), and init; a message: message, ports, origin, source;
                of a background fetch with few records: records, what `matchAll()` answers
    fire        target (a number; 0 is the global object), type, is; a message: message, ports, origin, source
    update      nothing but its updates
    ended       target: nothing more is fired at that object
    timer       id: a timer is due
    pull        id, stream: a piece of a stream of the script's is wanted; answered by a `pulled`
    cancel      stream: no more of it is
    abort       event: whoever asked for the request of a fetch event does not want an answer any more
    over        event: a fetch event is over
    indexed     message: news of IndexedDB

Frames from it. `at` is the place in a script, [URL, line, column], where there is one.

    ready       version: once, before all others
    call        id, op, args, at, event (the number of the event that is handled): answered by a `settle`
    post        op, args, at: as a call, but nobody waits for it
    ask         op, args, at: the script waits and does nothing else; answered on a pipe of its own by an `answered`,
                with value or error
    answer      id, and value, or error (whose `text` is what was thrown, in a line) and at
    life        event, input ("added", "settled", "turn", "finished", "raised"), error, at: a step in an event's life;
                left: the calls that are under way where the event may end with it
    pulled      id, and piece (bytes; null at the end) or error
    idle        seen: how many frames it has handled, all of them to their last microtask
    alive       it gives way, and has more to do
    broken      text: the runtime's own code failed there

An error is {name, message, dom (whether it is a DOMException)}. An object is mentioned as {"$object": number, "is":
its interface, "state": its attributes where they are news}, and is known until `release` was posted for every mention
of it; a request as {"$request": number, "state"}, a response as {"$response": number, "state"}, a message as
{"$message": the clone}. Numbers of objects that a script makes are below zero, and given by its process.
"""

from __future__ import annotations

import json
import math
import re
import struct
from typing import Any

VERSION = 1
HEAD = struct.Struct(">II")
MOST = 256 * 1024 * 1024
"""Bytes that a frame from a process may have."""
MOST_VALUES = 2_000_000
"""Values that its header may have: to read them takes up the runtime's one thread, and some fifty times the memory that
they take on the pipe. Bytes are in the payload, and do not count."""
VALUE = 50
"""Bytes of memory that a value takes besides its text: an empty object, or a number in a list."""

_TEXTS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


class FrameError(Exception):
    """What a process sent is no frame."""


class Received(dict[str, Any]):
    """A frame that a process sent. `size` is about what it takes in memory, in bytes."""

    size = 0


def encode(frame: dict[str, Any]) -> bytes:
    """The frame as bytes. `bytes` values may stand anywhere in it."""
    payload: list[bytes] = []

    def attach(value: object) -> object:
        if isinstance(value, bytes | bytearray | memoryview):
            payload.append(bytes(value))
            return {"$bytes": len(value)}
        raise TypeError(f"{type(value).__name__} in a frame")

    header = json.dumps(
        frame, default=attach, allow_nan=False, ensure_ascii=True, separators=(",", ":")
    ).encode()
    size = sum(len(each) for each in payload)
    return b"".join((HEAD.pack(len(header), size), header, *payload))


class Decoder:
    """Takes bytes as they come, and gives frames. Raises FrameError for what is none; it is of no use then."""

    def __init__(self, most: int = MOST) -> None:
        self._buffer = bytearray()
        self._most = most

    @property
    def waiting(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The frames that are whole now."""
        self._buffer += data
        frames: list[dict[str, Any]] = []
        start = 0
        while len(self._buffer) - start >= HEAD.size:
            header, payload = HEAD.unpack_from(self._buffer, start)
            if header + payload > self._most:
                raise FrameError(f"a frame of {header + payload:,} bytes; at most {self._most:,} are taken")
            end = start + HEAD.size + header + payload
            if len(self._buffer) < end:
                break
            begin = start + HEAD.size
            with memoryview(self._buffer) as whole:
                parts = bytes(whole[begin : begin + header]), bytes(whole[begin + header : end])
            if len(self._buffer) == end:
                # A large one is not there twice while it is decoded.
                self._buffer = bytearray()
                end = 0
            frames.append(_decoded(*parts))
            start = end
        del self._buffer[:start]
        return frames


def _refused(constant: str) -> float:
    raise FrameError(f"the header is not JSON: {constant}")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refused(text)


def _values_in(header: bytes) -> int:
    """How many values a header has, and not many more: each but the first stands behind one of these characters."""
    count = sum(map(header.count, (b",", b"[", b"{", b":")))
    if count > MOST_VALUES:
        # They may be in texts, which is to be known only where it matters.
        count = sum(map(_TEXTS.sub(b"", header).count, (b",", b"[", b"{", b":")))
    if count > MOST_VALUES:
        raise FrameError(f"a frame of {count:,} values; at most {MOST_VALUES:,} are taken")
    return count


def _decoded(header: bytes, payload: bytes) -> Received:
    values = _values_in(header)
    at = 0

    def revive(members: dict[str, Any]) -> Any:
        nonlocal at
        if members.keys() != {"$bytes"}:
            return members
        length = members["$bytes"]
        if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length <= len(payload) - at:
            raise FrameError(f"$bytes is {length!r}, and {len(payload) - at} bytes are left")
        at += length
        return payload[at - length : at]

    try:
        frame = json.loads(header, object_hook=revive, parse_constant=_refused, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"the header is not JSON: {error}") from error
    if not isinstance(frame, dict) or not isinstance(frame.get("t"), str):
        raise FrameError("the header is not an object that says what it is")
    if at != len(payload):
        raise FrameError(f"{len(payload) - at} bytes of the payload are not named in the header")
    received = Received(frame)
    received.size = len(header) + len(payload) + VALUE * values
    return received
