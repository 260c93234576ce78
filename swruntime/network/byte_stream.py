"""A connection's bytes over Trio, with the interface that httpcore's HTTP/2 connection wants."""

from __future__ import annotations

import math
import ssl
from typing import Any

import httpcore
import trio

from swruntime.network.tls_records import TlsRecords

LARGEST_READ = 65536
"""The most bytes that one read takes while nobody knows how many come."""


class ByteStream(httpcore.AsyncNetworkStream):
    """A TCP connection, or TLS over one, or over a proxy's TLS.

    Raises httpcore's exceptions; time-outs are in seconds, None is no limit.
    """

    def __init__(self, stream: trio.SocketStream | trio.SSLStream[TlsRecords]) -> None:
        self._stream = stream
        self._ended = False
        """TLS has said that it ends, after bytes that were read together with that."""
        self._broken: trio.BrokenResourceError | None = None
        """What the next read raises: it came after bytes that were read together with it."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Raises httpcore.ReadTimeout and httpcore.ReadError."""
        try:
            with trio.fail_after(math.inf if timeout is None else timeout):
                return await self._receive(max_bytes)
        except trio.TooSlowError as error:
            raise httpcore.ReadTimeout(error) from error
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpcore.ReadError(error) from error

    async def _receive(self, most: int) -> bytes:
        """TLS gives a record at a time, 16 KiB. Those that have come as well are taken at once, without waiting."""
        if self._broken is not None:
            raise self._broken
        stream = self._stream
        data = bytes(await stream.receive_some(most))
        if not isinstance(stream, trio.SSLStream) or not stream.transport_stream.has_record:
            return data
        pieces, size, records = [data], len(data), stream.transport_stream
        records.waits = False
        try:
            while size < most and records.has_record and not self._ended:
                pieces.append(bytes(await stream.receive_some(most - size)))
                size += len(pieces[-1])
                self._ended = not pieces[-1]
        except trio.WouldBlock:
            pass  # it was no data: a session ticket, say
        except trio.BrokenResourceError as error:
            self._broken = error
        finally:
            records.waits = True
        return b"".join(pieces)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Raises httpcore.WriteTimeout and httpcore.WriteError."""
        if not buffer:
            return
        try:
            with trio.fail_after(math.inf if timeout is None else timeout):
                await self._stream.send_all(buffer)
        except trio.TooSlowError as error:
            raise httpcore.WriteTimeout(error) from error
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpcore.WriteError(error) from error

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> ByteStream:
        """TLS over this connection, which is closed where that fails.

        Raises httpcore.ConnectTimeout and httpcore.ConnectError, whose cause says what is wrong.
        """
        secure = trio.SSLStream(
            TlsRecords(self._stream), ssl_context, server_hostname=server_hostname, https_compatible=True
        )
        try:
            with trio.fail_after(math.inf if timeout is None else timeout):
                await secure.do_handshake()
        except BaseException as error:
            with trio.CancelScope(shield=True):
                await self.aclose()
            if isinstance(error, trio.TooSlowError):
                raise httpcore.ConnectTimeout(error) from error
            if isinstance(error, trio.BrokenResourceError):
                raise httpcore.ConnectError(error) from error
            raise
        return ByteStream(secure)

    def get_extra_info(self, info: str) -> Any:
        """Of `info`, "socket" is Trio's socket, and "is_readable" whether something has come, or its end."""
        inner = self._stream
        while isinstance(inner, trio.SSLStream):
            inner = inner.transport_stream.inner
        socket = inner.socket
        if info == "is_readable":
            return socket.is_readable()
        return socket if info == "socket" else None

    @property
    def protocol(self) -> str | None:
        """What TLS agreed on (ALPN): "h2", "http/1.1", or None."""
        if not isinstance(self._stream, trio.SSLStream):
            return None
        protocol: str | None = self._stream.selected_alpn_protocol()
        return protocol

    async def ended_with_notice(self) -> bool:
        """After a read that gave no byte: whether the other side said that this is the end.

        TCP alone always does. TLS says so by `close_notify`; without it anybody on the way may have cut the connection:
        https://www.rfc-editor.org/rfc/rfc9112#name-tls-connection-closure
        """
        try:
            return await self._stream.receive_some(1) == b""
        except trio.BrokenResourceError:
            return False

    def has_more(self) -> bool:
        """Whether anything has come that nobody has read, or the end, so that a kept connection is of no more use."""
        if self._ended or self._broken is not None:
            return True
        inner = self._stream
        while isinstance(inner, trio.SSLStream):
            if inner.pending() or inner.transport_stream.has_more:
                return True
            inner = inner.transport_stream.inner
        return inner.socket.is_readable()

    async def take_what_came(self) -> bytes:
        """What `has_more` is about, as far as that is known without waiting: TLS may have less than a record."""
        if isinstance(self._stream, trio.SSLStream) or not self.has_more():
            return b""
        try:
            return bytes(await self._stream.receive_some(LARGEST_READ))
        except trio.BrokenResourceError:
            return b""
