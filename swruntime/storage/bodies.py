"""The bytes of bodies: what keeps them, and the one that keeps them in memory (files.py has the other).

Whoever calls knows each body's length and says it: what lies beyond it does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

FOLDER = "bodies"
"""Of the profile, for their files."""


class BodyBytes(Protocol):
    def sizes(self) -> dict[int, int]:
        """The bytes that are there, of every body that has any, by id."""
        ...

    def size(self, body: int) -> int:
        """The bytes that are there, 0 where nothing was ever appended."""
        ...

    def append(self, body: int, length: int, data: bytes) -> None:
        """Add `data` at `length`. Raises StorageFull, OSError, BodyDamaged; then nothing of it counts."""
        ...

    def read(self, body: int, offset: int, size: int) -> bytes: ...

    def finish(self, body: int) -> None:
        """Close what is open for appending."""
        ...

    def truncate(self, body: int, length: int) -> None: ...

    def delete(self, body: int) -> None: ...

    async def sync(self, bodies: Sequence[int], *, names: bool) -> None:
        """Bring these bodies to the disk; with `names` also that they exist.

        A body that is gone is left out.
        """
        ...

    def close(self) -> None: ...


class MemoryBodies:
    def __init__(self) -> None:
        self._bytes: dict[int, bytearray] = {}

    def sizes(self) -> dict[int, int]:
        return {body: len(data) for body, data in self._bytes.items()}

    def size(self, body: int) -> int:
        return len(self._bytes.get(body, b""))

    def append(self, body: int, length: int, data: bytes) -> None:
        stored = self._bytes.setdefault(body, bytearray())
        del stored[length:]
        stored += data

    def read(self, body: int, offset: int, size: int) -> bytes:
        return bytes(memoryview(self._bytes.get(body, b""))[offset : offset + size])

    def finish(self, body: int) -> None:
        """Nothing is ever open."""

    def truncate(self, body: int, length: int) -> None:
        if body in self._bytes:
            del self._bytes[body][length:]

    def delete(self, body: int) -> None:
        self._bytes.pop(body, None)

    async def sync(self, bodies: Sequence[int], *, names: bool) -> None:
        import trio

        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        self._bytes.clear()
