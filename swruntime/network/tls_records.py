"""TLS, one record at a time.

Trio's SSLStream takes whatever has come and keeps what it has not decrypted yet where nobody sees it. Then bytes after
the end of a response would be the beginning of the next one. So it is given no more than one record, and what is left
is seen: https://www.rfc-editor.org/rfc/rfc8446#section-5.1
"""

from __future__ import annotations

import trio

HEADER = 5
"""Bytes of a record before its content; the last two say how long that is."""

_RECEIVE = 65536


class TlsRecords(trio.abc.Stream):
    """`inner`, for an SSLStream over it; with a proxy in between that may be one itself."""

    def __init__(self, inner: trio.SocketStream | trio.SSLStream[TlsRecords]) -> None:
        self.inner = inner
        self._data = b""
        self._left = 0
        """Bytes of the record that are still to be handed over."""

    @property
    def has_more(self) -> bool:
        """Whether more has come than was handed over."""
        return bool(self._data)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if not self._left:
            while len(self._data) < HEADER:
                more = await self.inner.receive_some(_RECEIVE)
                if not more:
                    rest, self._data = self._data, b""
                    return rest
                self._data += more
            self._left = HEADER + int.from_bytes(self._data[3:HEADER], "big")
        elif not self._data:
            self._data = bytes(await self.inner.receive_some(_RECEIVE))
        else:
            await trio.lowlevel.checkpoint()
        size = self._left if max_bytes is None else min(self._left, max_bytes)
        piece, self._data = self._data[:size], self._data[size:]
        self._left -= len(piece)
        return piece

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.inner.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self.inner.aclose()
