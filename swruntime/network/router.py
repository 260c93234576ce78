"""Which origin is answered by whom."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

import ada_url

from swruntime.algorithms import urls
from swruntime.ports.network import Network, WireRequest, WireResponse


class OriginRouter:
    """The port Network that hands each exchange to the network of its URL's origin, or to `default`.

    The keys of `origins` are URLs of which the origin counts: `http://localhost:8400`.
    """

    def __init__(self, default: Network, origins: Mapping[str, Network]) -> None:
        self._default = default
        self._origins = {ada_url.URL(url).origin: network for url, network in origins.items()}

    def exchange(self, request: WireRequest) -> AbstractAsyncContextManager[WireResponse]:
        """See `swruntime.ports.network.Network.exchange`."""
        return self._origins.get(urls.parse(request.url).origin, self._default).exchange(request)
