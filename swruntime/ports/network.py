"""One exchange on the wire. No policy: redirects, CORS, retries and Ranges are the agent's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import attrs

from swruntime.concepts.http import HeaderList

LARGEST_PIECE = 1 << 20
"""The most bytes that one piece of a response's body has."""


@attrs.frozen
class WireRequest:
    """`body` is called once, when the exchange begins; `body_length` (bytes) is None where it is not known."""

    method: str
    url: str
    headers: HeaderList
    body: Callable[[], AsyncIterator[bytes]] | None = None
    body_length: int | None = None


@attrs.frozen
class WireResponse:
    """`body` yields the decoded bytes in pieces of at most LARGEST_PIECE bytes.

    It ends normally only when the message's own framing, its Content-Length and its content coding all
    say that it is complete; otherwise it raises NetworkFailure (`truncated`, `reset`, `timeout`, `coding`, ...).
    """

    status: int
    status_text: str
    headers: HeaderList
    body: AsyncIterator[bytes]


class Network(Protocol):
    def exchange(self, request: WireRequest) -> AbstractAsyncContextManager[WireResponse]:
        """Send `request`; the context's value is there at the headers. Leaving it ends the exchange.

        Raises NetworkFailure with the cause. Never follows a redirect.

        What a server took no notice of, as it says or as a safe method allows to think, may go out once more on another
        connection; nothing else is tried again.
        """
        ...
