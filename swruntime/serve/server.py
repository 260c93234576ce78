"""hypercorn around a gateway: its sockets, what it says, and how it is interrupted."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import attrs
import trio

from swruntime.errors import UsageError
from swruntime.serve.gateway import Gateway

_ATTEMPTS = 20
"""So often another free port is looked for that is free for IPv6, too."""


@attrs.frozen
class Listening:
    """Sockets that listen at one port of localhost, on IPv4 and, where there is any, IPv6."""

    port: int
    sockets: tuple[socket.socket, ...]

    def close(self) -> None:
        for each in self.sockets:
            each.close()


def listen(port: int) -> Listening:
    """Listen at `port` of localhost, at any free one for 0. Raises UsageError where that cannot be."""
    if not 0 <= port <= 65535:
        raise UsageError(f"--port is {port}; expected 0 to 65535")
    for _ in range(_ATTEMPTS):
        try:
            first = _bound(socket.AF_INET, "127.0.0.1", port)
        except OSError as error:
            raise UsageError(f"cannot listen at port {port} of localhost: {error.strerror}") from None
        found: int = first.getsockname()[1]
        try:
            return Listening(found, (first, _bound(socket.AF_INET6, "::1", found)))
        except OSError as error:
            if not socket.has_ipv6 or not _in_use(found):
                return Listening(found, (first,))
            first.close()
            if port:
                raise UsageError(f"cannot listen at port {port} of localhost: {error.strerror}") from None
    raise UsageError("no port of localhost is free; name one with --port")


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by what it accepts
        bound.bind((host, port))
        bound.listen(128)
    except OSError:
        bound.close()
        raise
    return bound


def _in_use(port: int) -> bool:
    """Whether somebody else answers at `port` over IPv6; if not, there is no IPv6 here."""
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(("::1", port)) == 0


def check_certificate(certificate: Path | None, key: Path | None) -> None:
    """Raises UsageError where the two do not make a server of https."""
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        raise UsageError("--cert and --key go together: the certificate, and its private key, in PEM")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"--cert {str(certificate)!r} and --key {str(key)!r} cannot be used: {error}"
        ) from None


async def run_server(
    gateway: Gateway,
    listening: Listening,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
    task_status: trio.TaskStatus[Any] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled. Takes the sockets over."""
    # Here, because whoever does not serve need not load it.
    from hypercorn.config import Config
    from hypercorn.trio import serve

    config = Config()
    config.bind = [f"fd://{each.detach()}" for each in listening.sockets]
    config.loglevel = "WARNING"
    config.include_date_header = config.include_server_header = False  # those of the origin go through
    # hypercorn ends an HTTP/2 stream that was cut short as though it were complete; HTTP/1.1 tells.
    config.alpn_protocols = ["http/1.1"]
    if certificate is not None and key is not None:
        config.certfile, config.keyfile = str(certificate), str(key)
    _mend_hypercorn()
    # The protocol between the two is ASGI; its types are each library's own.
    app: Any = gateway
    await serve(app, config, mode="asgi", task_status=task_status)


def _mend_hypercorn() -> None:
    """No HTTP/2 without TLS (h2c), neither by Upgrade nor by what only looks like a request (PRI).

    hypercorn offers both to everybody and has no setting for it: its connections are made by this name. RFC 9113, 3.1:
    "h2c" is deprecated, and whoever stands between a client and this server may not see what is asked.

    And where one client's bytes confuse it (some after an answer, while the connection is being closed; a body after
    the handshake of a WebSocket), its errors would end the whole server: they end that connection.
    """
    import hypercorn.protocol as protocols
    import hypercorn.trio.run as running
    from hypercorn.protocol.h11 import H11Protocol
    from hypercorn.trio.tcp_server import TCPServer

    class Http1Protocol(H11Protocol):
        async def _check_protocol(self, event: Any) -> None:
            return None

    class Connection(TCPServer):
        async def run(self) -> None:
            try:
                await super().run()
            except Exception as error:  # noqa: BLE001 - whatever it is, the other clients are served
                await self.config.log.warning("a connection was broken off: %s", _innermost(error))

    vars(protocols)["H11Protocol"] = Http1Protocol
    vars(running)["TCPServer"] = Connection


def _innermost(error: Exception) -> str:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


@contextmanager
def interrupted(then: Callable[[], None]) -> Iterator[None]:
    """While the block runs, Ctrl-C also calls `then`, in Trio. The end of the block raises KeyboardInterrupt.

    Trio raises it in whatever runs just then; in a request's task hypercorn would log it, and go on.
    """
    token = trio.lowlevel.current_trio_token()
    previous = signal.getsignal(signal.SIGINT)
    came = False

    def handler(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        token.run_sync_soon(then, idempotent=True)
        if callable(previous):
            previous(number, frame)

    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if came:
            raise KeyboardInterrupt


def hang_up(ports: Sequence[int]) -> None:
    """Break off every connection that was accepted at one of `ports`.

    hypercorn shields what it sends against cancellation, so that a client which has stopped reading would hold up
    the end of the process for ever.
    """
    for name in os.listdir("/dev/fd"):
        try:
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(name))) as connection:
                internet = connection.family in (socket.AF_INET, socket.AF_INET6)
                if internet and connection.getsockname()[1] in ports:
                    connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue  # closed meanwhile; not connected
