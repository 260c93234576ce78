"""How a connection to an origin is opened: TCP to one of its addresses, then TLS where the scheme is https."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import attrs
import httpcore
import httpx
import trio

from swruntime.errors import UsageError
from swruntime.network.byte_stream import ByteStream
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


class Opener(Protocol):
    async def open(self, origin: Origin, timeout: float | None) -> Opened:  # noqa: ASYNC109
        """Raises httpcore.ConnectError, httpcore.ConnectTimeout and httpcore.ProxyError; `timeout` is in seconds."""
        ...


class DirectOpener:
    """`names` says which hosts have other addresses than the system says; SNI and the name in the certificate stay
    the host's. `tls` is what is trusted, without it the usual authorities.
    """

    def __init__(self, names: Names, tls: ssl.SSLContext | None) -> None:
        self._backend = _Backend(names)
        self._tls = tls

    async def open(self, origin: Origin, timeout: float | None) -> Opened:  # noqa: ASYNC109
        """See `Opener.open`."""
        stream = await self._backend.connect_tcp(origin.host, origin.port, timeout)
        if origin.scheme == "https":
            stream = await stream.start_tls(self.tls(), origin.host, timeout)
        return Opened(stream)

    def tls(self) -> ssl.SSLContext:
        """What is trusted, made at its first use."""
        if self._tls is None:
            self._tls = tls_context(None)
        self._tls.set_alpn_protocols(["http/1.1", "h2"])
        return self._tls


def tls_context(authorities: Path | None) -> ssl.SSLContext:
    """What is trusted: the usual authorities, and those of the file `authorities` (PEM). Raises UsageError."""
    context = httpx.create_ssl_context()
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


class _Backend(httpcore.AsyncNetworkBackend):
    """TCP under Trio, to the addresses that `names` gives."""

    def __init__(self, names: Names) -> None:
        self._names = names

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> ByteStream:
        try:
            with trio.fail_after(float("inf") if timeout is None else timeout):
                return ByteStream(await trio.open_tcp_stream(self._names.address(host, port), port))
        except trio.TooSlowError as error:
            raise httpcore.ConnectTimeout(error) from error
        except OSError as error:
            raise httpcore.ConnectError(error) from error
