"""One exchange of a record: *complete a record*'s fetch, from the request to the end of the body.

What happens goes to the machine as inputs; what follows is the machine's to say.
Spec: https://wicg.github.io/background-fetch/#complete-a-record-algorithm
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import attrs
import trio

from swruntime.agent.connections import Lease
from swruntime.agent.fetching import BodySource, Fetched, with_range
from swruntime.algorithms.partial import stored_head
from swruntime.algorithms.retry_after import parse_retry_after
from swruntime.concepts.http import Request, StoredBody
from swruntime.errors import BodyDamaged, NetworkFailure
from swruntime.machines import record
from swruntime.ports.store import Store

if TYPE_CHECKING:
    from swruntime.agent.background_fetch import BackgroundFetch
    from swruntime.agent.record_run import RecordRun
    from swruntime.agent.services import Services


UPLOAD_PIECE = 64 * 1024
"""Bytes of a request's body that are read at a time. They are told as sent, and the wait for the next ones begins, when
all of them are: so there are not more of them, for a connection that takes them slowly."""


async def transfer(
    services: Services,
    fetch: BackgroundFetch,
    run: RecordRun,
    send: record.SendRequest,
    scope: trio.CancelScope,
    lease: Lease,
) -> None:
    """Perform `send` for `run`, feeding its machine; give the connection back at the end."""
    try:
        with scope:
            await trio.lowlevel.checkpoint_if_cancelled()
            await _Exchange(services, fetch, run, scope).perform(send)
    finally:
        lease.release()


class _Exchange:
    def __init__(
        self, services: Services, fetch: BackgroundFetch, run: RecordRun, scope: trio.CancelScope
    ) -> None:
        self.services = services
        self.fetch = fetch
        self.run = run
        self.scope = scope
        self.stalled = trio.CancelScope()

    async def perform(self, send: record.SendRequest) -> None:
        self.bytes_came()
        try:
            with self.stalled:
                await self.exchange(send)
        except NetworkFailure as failure:
            self.fail(failure)
        else:
            if self.stalled.cancelled_caught:
                self.fail(NetworkFailure("timeout", f"no byte for {self.patience():g} s"))

    async def exchange(self, send: record.SendRequest) -> None:
        request = attrs.evolve(self.run.request, keepalive=True)
        if send.range_start:
            request = with_range(request, send.range_start, send.if_range)
        body, length = self.request_body(request)
        async with self.services.fetcher.fetch(request, body=body, body_length=length) as fetched:
            if not self.in_flight():
                return
            self.bytes_came()
            self.head(fetched)
            async for chunk in fetched.body:
                if not self.in_flight():
                    return
                self.bytes_came()
                self.run.chunk = chunk
                self.feed(record.Bytes(trio.current_time(), len(chunk)))
        if self.in_flight():
            self.feed(record.End(trio.current_time()))

    def in_flight(self) -> bool:
        """Whether it is this exchange that the record has in flight, and not one that came after it."""
        mine = self.run.scope is self.scope
        return mine and self.fetch.machine.records[self.run.index].in_flight

    def feed(self, input: record.Input) -> None:
        self.fetch.feed_record(self.run.index, input)

    def head(self, fetched: Fetched) -> None:
        response = self.run.received = fetched.response
        headers, now = response.headers, self.services.wall.now()
        retry_after = parse_retry_after(headers.get("Retry-After"), now=now, date=headers.get("Date"))
        self.feed(
            record.Head(
                trio.current_time(),
                stored_head(response, method=self.run.request.method),
                content_range=response.headers.get("Content-Range"),
                retry_after=retry_after,
                jitter=self.services.rng.random(),
            )
        )

    def fail(self, failure: NetworkFailure) -> None:
        if self.in_flight():
            now = trio.current_time()
            self.feed(record.Failure(now, failure.cause, failure.message, self.services.rng.random()))

    def patience(self) -> float:
        limits = self.services.limits
        return min(limits.stall, limits.give_up)

    def bytes_came(self) -> None:
        self.stalled.deadline = trio.current_time() + self.patience()

    def request_body(self, request: Request) -> tuple[BodySource | None, int | None]:
        """The stored body as a stream that counts what is sent."""
        if not isinstance(request.body, StoredBody):
            return None, None
        stored = request.body

        async def chunks() -> AsyncIterator[bytes]:
            offset = 0
            while data := _upload(self.services.store, stored.id, offset):
                yield data
                offset += len(data)
                self.bytes_came()
                self.fetch.uploaded(len(data))

        return chunks, stored.length


def _upload(store: Store, body: int, offset: int) -> bytes:
    """Bytes of a stored upload; empty at its end. Raises NetworkFailure where they are not there any more."""
    try:
        return store.read(body, offset, UPLOAD_PIECE)
    except BodyDamaged as damaged:
        raise NetworkFailure("truncated", f"what should be sent is not whole: {damaged}") from damaged
