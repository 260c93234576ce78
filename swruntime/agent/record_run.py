"""What one record of a background fetch has beside its machine: the request, the data, and what is under way."""

from __future__ import annotations

import attrs
import trio

from swruntime.agent.connections import Lease, Ticket
from swruntime.agent.response_data import ResponseData
from swruntime.algorithms import urls
from swruntime.concepts.enums import WaitReason
from swruntime.concepts.http import Request, Response
from swruntime.machines.record import Record
from swruntime.machines.snapshots import RecordSnapshot
from swruntime.ports.store import Store


@attrs.frozen
class RecordView:
    """A record as the user's tools see it: `state` is the machine's word, `wait` why it does not transfer."""

    index: int
    url: str
    method: str
    state: str
    result: str
    wait: WaitReason | None
    until: float | None
    status: int | None
    downloaded: int
    message: str | None


class RecordRun:
    def __init__(
        self, store: Store, index: int, request: Request, data: ResponseData, saved: RecordSnapshot | None
    ) -> None:
        self.index = index
        self.request = request
        self.data = data
        self.origin = urls.origin_of(request.url)
        self._row = None if saved is None else (saved, data.response, data.body)
        """What is stored of it: of its machine, of the response, and the body's id. None where that is not known."""
        self.received: Response | None = None
        """The response whose head came last, stored or not."""
        self.apart: ResponseData | None = None
        """What comes of a download that begins anew, beside `data`, until it has as many bytes."""
        self._pinned: int | None = None
        """The body of `apart`."""
        self.chunk = b""
        """The bytes that the machine was just told of."""
        self.lease: Lease | None = None
        self.ticket: Ticket | None = None
        self.timer: trio.CancelScope | None = None
        self.scope: trio.CancelScope | None = None
        self.verification: object = None
        """Of several verifications, a pause in between, the one whose answer counts."""
        self._store = store

    def view(self, state: Record, reason: WaitReason | None) -> RecordView:
        """`reason`: why it waits, if it waits for anything but a connection."""
        return RecordView(
            self.index,
            self.request.url,
            self.request.method,
            state.state.value,
            state.result,
            reason or ("slot" if self.ticket else None),
            state.wait.until if state.wait else None,
            state.status,
            state.stored,
            state.message,
        )

    def begin_response(self, storage_key: str, keeps_body: bool) -> None:
        """Store the response that was received. Data that was there before becomes redundant (SPEC-NOTES 5).

        A body begins where bytes are to be kept.
        """
        if self.data.response is not None or self.data.body is not None:
            self.data = self.data.start_over()
        self.data.response = self.received
        if keeps_body:
            self.data.begin_body(self._store.create_body(storage_key))

    def begin_apart(self, storage_key: str) -> None:
        """Begin a body for the response that was received, beside what is stored. No row refers to it: it is pinned."""
        self._pinned = self._store.create_body(storage_key)
        self._store.pin(self._pinned)
        self.apart = ResponseData(self._store, self.received, self._pinned)

    def take_over(self) -> None:
        """What was kept apart is the record's data, and what was there before becomes redundant."""
        assert self.apart is not None
        self.data = self.data.start_over(self.apart)

    def lose_body(self) -> None:
        """There was no room for the response, or for its body to begin."""
        if self.apart in (None, self.data):
            self.data.lose_body()

    def end_apart(self) -> int | None:
        """Nothing is kept apart any more. Answers with the body, where it is not the record's now, and so goes."""
        body, self._pinned, apart, self.apart = self._pinned, None, self.apart, None
        if body is None:
            return None
        if apart is not self.data:
            self._store.finish_body(body)
        self._store.unpin(body)
        return None if apart is self.data else body

    def differs(self, snapshot: RecordSnapshot) -> bool:
        """Whether there is anything to `save`."""
        return self._row is None or self._row[0] != snapshot or not self._has_stored_response()

    def _has_stored_response(self) -> bool:
        if self._row is None:
            return False
        _, response, body = self._row
        return response is self.data.response and body == self.data.body

    def save(self, store: Store, number: int, snapshot: RecordSnapshot) -> None:
        """In a transaction; should that not be kept, `unsave`."""
        response, body = self.data.response, self.data.body
        if not self._has_stored_response():
            store.save_record(number, self.index, snapshot, response, body)
        elif self.differs(snapshot):
            store.save_record_state(number, self.index, snapshot, body)
        self._row = snapshot, response, body

    def unsave(self) -> None:
        """Nothing was kept of what was saved last."""
        self._row = None

    def terminate(self) -> None:
        """End the exchange in flight; its connection is free at once."""
        if self.scope is not None:
            self.scope.cancel()
            self.scope = None
        if self.lease is not None:
            self.lease.release()

    def cancel_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
