"""How a connection to an origin is opened: TCP to one of its addresses, then TLS where the scheme is https."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Protocol

import attrs
import trio

from swruntime.algorithms.proxies import Proxy
from swruntime.errors import UsageError
from swruntime.network.byte_stream import ByteStream
from swruntime.network.connecting import Connector
from swruntime.network.names import Names


@attrs.frozen
class Origin:
    """`host` without brackets, in lower case."""

    scheme: str
    host: str
    port: int


@attrs.frozen
class Opened:
    """A connection for the requests of one origin.

    `absolute_form` says whether the targets of requests over HTTP/1.1 name scheme and host too, as a proxy wants them
    (RFC 9112 3.2.2); `headers` go out with each of these requests, after its own.
    """

    stream: ByteStream
    absolute_form: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    proxy: Proxy | None = None
    """What reads the requests in absolute form, and may answer them itself."""


class Opener(Protocol):
    async def open(self, origin: Origin, timeout: float | None) -> Opened:  # noqa: ASYNC109
        """Raises httpcore.ConnectError, httpcore.ConnectTimeout and httpcore.ProxyError; `timeout` is in seconds."""
        ...


class DirectOpener:
    """`names` says which hosts have other addresses than the system says; SNI and the name in the certificate stay
    the host's. `tls` is what is trusted, without it the usual authorities.
    """

    def __init__(self, names: Names, tls: ssl.SSLContext | None) -> None:
        self._connector = Connector(names, _open_tcp)
        self._tls = tls

    async def open(self, origin: Origin, timeout: float | None) -> Opened:  # noqa: ASYNC109
        """See `Opener.open`."""
        stream = await self.connect(origin.host, origin.port, timeout)
        if origin.scheme == "https":
            stream = await stream.start_tls(self.tls(), origin.host, timeout)
        return Opened(stream)

    async def connect(self, host: str, port: int, timeout: float | None) -> ByteStream:  # noqa: ASYNC109
        """A connection without TLS. Raises httpcore.ConnectError and httpcore.ConnectTimeout."""
        return await self._connector.connect(host, port, timeout)

    def tls(self, *protocols: str) -> ssl.SSLContext:
        """What is trusted, made at its first use, for a handshake that begins at once: the next one has others.

        `protocols` are offered to the server (ALPN); without any these are both versions of HTTP.
        """
        if self._tls is None:
            self._tls = tls_context(None)
        self._tls.set_alpn_protocols(protocols or ("http/1.1", "h2"))
        return self._tls


def tls_context(authorities: Path | None) -> ssl.SSLContext:
    """What is trusted: the usual authorities, and those of the file `authorities` (PEM). Raises UsageError."""
    from httpx import create_ssl_context  # it brings much with it, and only https needs it

    context = create_ssl_context()
    if authorities is None:
        return context
    try:
        context.load_verify_locations(cafile=authorities)
    except ssl.SSLError:
        raise UsageError(
            f"cacert is {str(authorities)!r}, and there is no certificate in it; expected a file in PEM format"
        ) from None
    except OSError as error:
        raise UsageError(
            f"cacert is {str(authorities)!r}, which cannot be read: {error.strerror}; expected a file in PEM format"
        ) from None
    return context


async def _open_tcp(address: str, port: int) -> ByteStream:
    return ByteStream(await trio.open_tcp_stream(address, port))
