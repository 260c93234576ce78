"""Connections through proxies that speak HTTP: requests in absolute form for http, a tunnel (CONNECT) for https.

A tunnel's other end is the server itself: the name in its certificate is the server's, and the proxy sees no more of an
https request than host and port.
Spec: https://www.rfc-editor.org/rfc/rfc9110#name-connect, https://www.rfc-editor.org/rfc/rfc9112#name-absolute-form
"""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from swruntime.algorithms import urls
from swruntime.algorithms.proxies import Proxies, Proxy
from swruntime.algorithms.response_head import HeadReader, NotHttp, ResponseHead
from swruntime.errors import Cause, NetworkFailure
from swruntime.network.byte_stream import LARGEST_READ, ByteStream
from swruntime.network.failures import (
    TRANSPORT_ERRORS,
    failure_of,
    login_failure,
    proxy_failure,
    timeout_failure,
)
from swruntime.network.names import Names
from swruntime.network.opening import DirectOpener, Opened, Origin
from swruntime.ports.outside import awaiting_server

LARGEST_HEAD = 65536
"""The most bytes of a proxy's answer to CONNECT."""


class ProxiedOpener:
    """Opens a connection through the proxy that `proxies` names for an origin, and where it names none, directly.

    A host that has an address of its own (`names`) is asked there, past what the environment says of proxies.
    `used` is called when a proxy is used for the first time.
    """

    def __init__(
        self,
        direct: DirectOpener,
        proxies: Proxies,
        names: Names,
        used: Callable[[Proxy, Origin], None] | None = None,
    ) -> None:
        self._direct = direct
        self._proxies = proxies
        self._names = names
        self._used = used
        self._told: set[Proxy] = set()

    async def open(self, origin: Origin, timeout: float | None) -> Opened:  # noqa: ASYNC109
        """See `Opener.open`. Raises NetworkFailure, too, naming the proxy, for what is wrong on this side of it.

        `timeout` is for all of it together.
        """
        proxy = self.proxy_for(origin)
        if proxy is None:
            return await self._direct.open(origin, timeout)
        with trio.move_on_after(math.inf if timeout is None else timeout):
            stream = await self._through(proxy, origin)
            if origin.scheme != "https":
                return Opened(stream, absolute_form=True, headers=_login(proxy), proxy=proxy)
            return Opened(await stream.start_tls(self._direct.tls(), origin.host))
        raise _too_slow(proxy, origin)

    async def reach(self, url: str, timeout: float) -> None:  # noqa: ASYNC109
        """Whether there is a way to the server of `url`, as far as that takes no request: to the server, through the
        tunnel that a proxy makes, or for http to the proxy. Raises NetworkFailure.
        """
        origin = Origin(urls.scheme(url), urls.host(url).strip("[]"), urls.port(url) or 0)
        proxy = self.proxy_for(origin)
        with awaiting_server():
            try:
                with trio.fail_after(timeout):
                    if proxy is None:
                        stream = await self._direct.connect(origin.host, origin.port, None)
                    else:
                        stream = await self._through(proxy, origin)
            except trio.TooSlowError:
                raise timeout_failure(url, timeout) from None
            except TRANSPORT_ERRORS as error:
                raise failure_of(error, url) from error
            await stream.aclose()

    def proxy_for(self, origin: Origin) -> Proxy | None:
        """The proxy for requests to `origin`."""
        if not self._proxies.loopback and self._names.rule(origin.host, origin.port) is not None:
            return None
        return self._proxies.proxy_for(origin.scheme, origin.host, origin.port)

    async def _through(self, proxy: Proxy, origin: Origin) -> ByteStream:
        """A connection to the proxy; for https through it, as far as the server."""
        if proxy not in self._told:
            self._told.add(proxy)
            if self._used is not None:
                self._used(proxy, origin)
        try:
            stream = await self._direct.connect(proxy.host, proxy.port, None)
            if proxy.scheme == "https":
                stream = await stream.start_tls(self._direct.tls("http/1.1"), proxy.host)
        except TRANSPORT_ERRORS as error:
            raise proxy_failure(error, proxy) from error
        if origin.scheme == "https":
            try:
                await _connect(stream, proxy, origin)
            except BaseException:
                with trio.CancelScope(shield=True):
                    await stream.aclose()
                raise
        return stream


async def _connect(stream: ByteStream, proxy: Proxy, origin: Origin) -> None:
    """Ask the proxy for a tunnel. Raises NetworkFailure where it makes none."""
    authority = f"[{origin.host}]:{origin.port}" if ":" in origin.host else f"{origin.host}:{origin.port}"
    fields = (("Host", authority), *_login(proxy))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    try:
        await stream.write(f"CONNECT {authority} HTTP/1.1\r\n{head}\r\n".encode("ascii"))
        answer = await _answer(stream, proxy)
    except TRANSPORT_ERRORS as error:
        raise proxy_failure(error, proxy) from error
    if answer.status == 407:
        raise login_failure(proxy)
    if not 200 <= answer.status <= 299:
        said = f"{answer.status} {answer.reason}".rstrip()
        # 5xx is what proxies say of a server that they cannot reach, which may be back in a while.
        cause: Cause = "connect" if answer.status >= 500 else "proxy"
        raise NetworkFailure(cause, f"the proxy {proxy} made no connection to {authority}: {said}")


async def _answer(stream: ByteStream, proxy: Proxy) -> ResponseHead:
    """The head of the proxy's final answer, after which nothing has come."""
    data = b""
    try:
        while True:
            reader = HeadReader(LARGEST_HEAD)
            while (head := reader.feed(data)) is None:
                data = await stream.read(LARGEST_READ)
                if not data:
                    raise NetworkFailure(
                        "reset", f"the proxy {proxy} closed the connection without a response"
                    )
            if head.status >= 200:
                break
            data = reader.rest
    except NotHttp as error:
        raise NetworkFailure("protocol", f"what the proxy {proxy} sent is not HTTP: {error}") from None
    if 200 <= head.status <= 299 and reader.rest:
        raise NetworkFailure("protocol", f"the proxy {proxy} sent something of its own through the tunnel")
    return head


def _login(proxy: Proxy) -> tuple[tuple[str, str], ...]:
    return () if proxy.authorization is None else (("Proxy-Authorization", proxy.authorization),)


def _too_slow(proxy: Proxy, origin: Origin) -> NetworkFailure:
    return NetworkFailure("timeout", f"the proxy {proxy} made no connection to {origin.host} in time")
