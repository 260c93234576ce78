"""TLS, one record at a time.

Trio's SSLStream takes whatever has come and keeps what it has not decrypted yet where nobody sees it. Then bytes after
the end of a response would be the beginning of the next one. So it is given no more than one record, and what is left
is seen: https://www.rfc-editor.org/rfc/rfc8446#section-5.1
"""

from __future__ import annotations

import trio

HEADER = 5
"""Bytes of a record before its content; the last two say how long that is."""

_RECEIVE = 262144


class TlsRecords(trio.abc.Stream):
    """`inner`, for an SSLStream over it; with a proxy in between that may be one itself."""

    def __init__(self, inner: trio.SocketStream | trio.SSLStream[TlsRecords]) -> None:
        self.inner = inner
        self.waits = True
        """Whether it waits for what has not come; else it raises trio.WouldBlock for less than a whole record."""
        self._data = b""
        self._at = 0
        """How many of these bytes have been handed over."""
        self._left = 0
        """Bytes of the record that are still to be handed over."""

    @property
    def has_more(self) -> bool:
        """Whether more has come than was handed over."""
        return self._at < len(self._data)

    @property
    def has_record(self) -> bool:
        """Whether a whole record has come that was not handed over."""
        has_header = not self._left and self._at + HEADER <= len(self._data)
        return has_header and self._at + self._size() <= len(self._data)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if not self.waits and not self.has_record:
            raise trio.WouldBlock
        if not self._left:
            while len(self._data) - self._at < HEADER:
                more = await self.inner.receive_some(_RECEIVE)
                self._data, self._at = self._data[self._at :] + more, 0
                if not more:
                    rest, self._data = self._data, b""
                    return rest
            self._left = self._size()
        elif not self.has_more:
            self._data, self._at = bytes(await self.inner.receive_some(_RECEIVE)), 0
        else:
            await trio.lowlevel.checkpoint()
        size = self._left if max_bytes is None else min(self._left, max_bytes)
        piece = self._data[self._at : self._at + size]
        self._at += len(piece)
        self._left -= len(piece)
        return piece

    def _size(self) -> int:
        """Of the record that begins here, with its header."""
        return HEADER + int.from_bytes(self._data[self._at + 3 : self._at + HEADER], "big")

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.inner.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self.inner.aclose()
