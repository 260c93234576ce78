"""The layout of what goes over the pipes between the runtime and a JavaScript process. Version 1.

A frame is a head of eight bytes (two unsigned 32-bit numbers, big-endian: the lengths of what follows), a header, and a
payload. The header is a JSON object; its member `t` says what the frame is. Bytes in it are `{"$bytes": LENGTH}`, and
stand in the payload one after the other, in the order in which the header names them. Numbers are JSON's; there is no
NaN.

Frames to the process: `init`, `run`, `completion` (both answered by an `answer` of the same `id`), `settle`, `event`,
`fire`, `update`, `timer`, `pull` (answered by a `pulled`), `cancel`, `abort` (a fetch event's request), `over` (such an
event). Each is one task there.
Frames from it: `ready`, `call` (answered by a `settle` of the same `id`), `post`, `ask` (answered on a pipe of its own,
while the script waits), `life` (a step in the life of an extendable event), `idle` (`seen`: how many frames it has
handled, all of them to their last microtask), `alive` (it gives way, and has more to do), `broken`.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any

VERSION = 1
HEAD = struct.Struct(">II")
MOST = 256 * 1024 * 1024
"""Bytes that a frame from a process may have."""


class FrameError(Exception):
    """What a process sent is no frame."""


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

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The frames that are whole now."""
        self._buffer += data
        frames = []
        start = 0
        while len(self._buffer) - start >= HEAD.size:
            header, payload = HEAD.unpack_from(self._buffer, start)
            if header + payload > self._most:
                raise FrameError(f"a frame of {header + payload:,} bytes; at most {self._most:,} are taken")
            end = start + HEAD.size + header + payload
            if len(self._buffer) < end:
                break
            begin = start + HEAD.size
            frames.append(
                _decoded(
                    bytes(self._buffer[begin : begin + header]), bytes(self._buffer[begin + header : end])
                )
            )
            start = end
        del self._buffer[:start]
        return frames


def _refused(constant: str) -> float:
    raise FrameError(f"the header is no JSON: {constant}")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refused(text)


def _decoded(header: bytes, payload: bytes) -> dict[str, Any]:
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
        raise FrameError(f"the header is no JSON: {error}") from error
    if not isinstance(frame, dict) or not isinstance(frame.get("t"), str):
        raise FrameError("the header is no object that says what it is")
    if at != len(payload):
        raise FrameError(f"{len(payload) - at} bytes of the payload are not named in the header")
    return frame
