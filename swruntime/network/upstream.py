"""A server that answers for a site's origin: what a reverse proxy is to its upstream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import ada_url
import attrs

from swruntime.concepts.http import HeaderList
from swruntime.ports.network import Network, WireRequest, WireResponse


class UpstreamNetwork:
    """The port Network that takes requests for the origin of `site` to the origin of `upstream`.

    The server sees a client of its own: Host, and Origin and Referer where they name the site, are its own.
    A Location that names the server names the site instead.
    """

    def __init__(self, inner: Network, *, upstream: str, site: str) -> None:
        self._inner = inner
        self._upstream = ada_url.URL(upstream).origin
        self._site = ada_url.URL(site).origin

    @asynccontextmanager
    async def exchange(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        """See `swruntime.ports.network.Network.exchange`."""
        headers = _mapped(request.headers, ("origin", "referer"), self._site, self._upstream)
        outgoing = attrs.evolve(
            request, url=_moved(request.url, self._site, self._upstream), headers=headers.delete("Host")
        )
        async with self._inner.exchange(outgoing) as response:
            back = _mapped(response.headers, ("location", "content-location"), self._upstream, self._site)
            yield attrs.evolve(response, headers=back)


def _mapped(headers: HeaderList, names: tuple[str, ...], before: str, after: str) -> HeaderList:
    """`headers`; those of `names` whose value is a URL at `before` are at `after`."""
    return HeaderList.of(
        (name, _moved(value, before, after) if name.lower() in names else value) for name, value in headers
    )


def _moved(url: str, before: str, after: str) -> str:
    """`url` with the origin `after`, if its origin is `before`; what is no absolute URL stays as it is."""
    if url == before:
        return after
    rest = url[len(before) :]
    return after + rest if url.startswith(before) and rest[0] in "/?#" else url
