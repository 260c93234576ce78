"""Bodies held against a request's integrity metadata.

Where a request has any, Fetch reads the whole body before it hands over the response; a response whose body nobody
may see, or that has none, is a network error.
Spec: https://fetch.spec.whatwg.org/#main-fetch, step 22
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import trio

from swruntime.agent.pieces import closing_pieces
from swruntime.agent.response_data import PIECE
from swruntime.algorithms import filtering
from swruntime.algorithms.integrity import Verifier
from swruntime.algorithms.partial import NULL_BODY_STATUSES
from swruntime.concepts.http import Request, Response
from swruntime.errors import BodyDamaged, NetworkFailure
from swruntime.ports.store import Store

MOST_HELD = 256 * 1024 * 1024
"""Bytes of a body that `fetch()` holds until they are verified. A background fetch stores its body without a limit."""


def has_null_body(request: Request, response: Response) -> bool:
    """Whether Fetch sets the body of `response` to null, whatever the server sent."""
    return request.method == "HEAD" or response.status in NULL_BODY_STATUSES


async def read_verified(
    request: Request, response: Response, body: AsyncIterator[bytes] | None
) -> list[bytes]:
    """The chunks of `body`, all of it.

    Raises NetworkFailure, cause `integrity` or, for more than MOST_HELD bytes, `quota`; and whatever reading it raises.
    """
    if filtering.hides_body(response):
        raise _failure(f"its response is {response.type}, which nothing can be held against; use mode 'cors'")
    if body is None:
        raise _failure("its response has no body")
    verifier, chunks, held = Verifier(request.integrity), [], 0
    async with closing_pieces(body) as pieces:
        async for chunk in pieces:
            held += len(chunk)
            if held > MOST_HELD:
                most = f"more than {MOST_HELD:,} bytes are not held until they are verified"
                raise NetworkFailure("quota", f"{most}; a background fetch stores them")
            verifier.update(chunk)
            chunks.append(chunk)
    if (mismatch := verifier.mismatch()) is not None:
        raise _failure(mismatch)
    return chunks


def _failure(message: str) -> NetworkFailure:
    return NetworkFailure("integrity", message)


async def stored_mismatch(
    store: Store, request: Request, response: Response | None, body: int | None, goes_on: Callable[[], bool]
) -> str | None:
    """What is wrong with the stored `body`, None where nothing is.

    It is read piece by piece while `goes_on()`; once that is false the answer is of no use, and None.
    """
    if response is None or has_null_body(request, response):
        return "its response has no body"
    verifier, offset = Verifier(request.integrity), 0
    while goes_on():
        try:
            data = store.read(body, offset, PIECE) if body is not None else b""
        except BodyDamaged as damaged:
            return str(damaged)
        if not data:
            return verifier.mismatch()
        verifier.update(data)
        offset += len(data)
        await trio.lowlevel.checkpoint()
    return None
