"""The network outside, which is not there before somebody asks for it: a site may answer for all that a run wants.

What it takes (sockets, TLS, proxies, HTTP/2) is a quarter of a start, and is imported at the first exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from swruntime.algorithms.proxies import Proxies, Proxy
from swruntime.errors import NetworkFailure
from swruntime.network.names import Names
from swruntime.ports.network import WireRequest, WireResponse

if TYPE_CHECKING:
    from swruntime.network.opening import Origin
    from swruntime.network.proxied import ProxiedOpener
    from swruntime.network.sockets import SocketNetwork


class OutsideNetwork:
    """The port Network over real sockets (`swruntime.network.sockets`), by the proxies that are used.

    `authorities` is a file of certificates (PEM) to trust besides the usual ones; it is read here, which raises
    UsageError. `tell_extra` is called, with a sentence, where bytes came after the end of an answer; `tell_proxy` with
    the first origin that is asked through a proxy. Close it with `aclose()`.
    """

    def __init__(
        self,
        names: Names,
        proxies: Proxies,
        authorities: Path | None,
        tell_extra: Callable[[str], None],
        tell_proxy: Callable[[Proxy, Origin], None],
    ) -> None:
        self._names = names
        self._proxies = proxies
        self._tell_extra = tell_extra
        self._tell_proxy = tell_proxy
        self._trusted = None
        if authorities is not None:
            from swruntime.network.opening import tls_context

            self._trusted = tls_context(authorities)

    def exchange(self, request: WireRequest) -> AbstractAsyncContextManager[WireResponse]:
        """See `swruntime.ports.network.Network.exchange`."""
        return self._sockets.exchange(request)

    async def reach(self, origin: str, patience: float) -> None:
        """Whether `origin` takes connections; see `ProxiedOpener.reach`. `patience` is in seconds."""
        await self._opener.reach(origin, patience)

    async def aclose(self) -> None:
        """Close what is kept."""
        if "_sockets" in vars(self):
            await self._sockets.aclose()

    @cached_property
    def _opener(self) -> ProxiedOpener:
        with _importing():
            from swruntime.network.opening import DirectOpener
            from swruntime.network.proxied import ProxiedOpener

        direct = DirectOpener(self._names, self._trusted)
        return ProxiedOpener(direct, self._proxies, self._names, self._tell_proxy)

    @cached_property
    def _sockets(self) -> SocketNetwork:
        with _importing():
            from swruntime.network.sockets import SocketNetwork

        return SocketNetwork(opener=self._opener, tell=self._tell_extra)


@contextmanager
def _importing() -> Iterator[None]:
    """Our own files may not be readable at that moment, where too many are open; later they are."""
    try:
        yield
    except OSError as error:
        raise NetworkFailure("reset", f"no connection can be made now: {error.strerror}") from error
