"""What the machine of a record is made of: its state, its inputs and its effects. The rules are in `record_rules`."""

from __future__ import annotations

from enum import Enum

import attrs

from swruntime.concepts.background import StoredHead
from swruntime.concepts.enums import RecordResult, WaitReason
from swruntime.concepts.http import HeaderList
from swruntime.errors import Cause
from swruntime.machines.snapshots import RecordSnapshot
from swruntime.machines.table import Effect

_NO_HEADERS = HeaderList()


class State(Enum):
    PENDING = "pending"
    WAITING = "waiting"
    PAUSED = "paused"
    REQUESTED = "requested"
    RECEIVING = "receiving"
    VERIFYING = "verifying"
    SUCCESS = "success"
    BAD_STATUS = "bad-status"
    FETCH_ERROR = "fetch-error"
    ABORTED = "aborted"
    QUOTA_EXCEEDED = "quota-exceeded"
    TOTAL_EXCEEDED = "download-total-exceeded"


SETTLED = frozenset(
    {
        State.SUCCESS,
        State.BAD_STATUS,
        State.FETCH_ERROR,
        State.ABORTED,
        State.QUOTA_EXCEEDED,
        State.TOTAL_EXCEEDED,
    }
)
IN_FLIGHT = frozenset({State.REQUESTED, State.RECEIVING})


# Inputs


@attrs.frozen
class Start:
    """A connection is free for this record."""

    now: float


@attrs.frozen
class Unavailable:
    """The user is offline: do not even try. Holds for every method, since nothing was sent."""

    message: str


@attrs.frozen
class Head:
    """The response's head. `retry_after` is in seconds, None where the server did not say."""

    now: float
    head: StoredHead
    content_range: str | None = None
    retry_after: float | None = None
    jitter: float = 0.0


@attrs.frozen
class Bytes:
    """`size` bytes of the body. `room` is what is left of the download total, None if there is no limit."""

    now: float
    size: int
    room: int | None = None


@attrs.frozen
class Overtaken:
    """The bytes that are kept apart are stored, and are as many as those that they are to replace."""


@attrs.frozen
class NoRoom:
    """The last bytes could not be stored: the quota, or the disk. `unstored` of them were counted."""

    message: str
    unstored: int = 0


@attrs.frozen
class End:
    """The body ended, and the transfer's own framing and coding say that it is whole."""

    now: float


@attrs.frozen
class Failure:
    """The exchange failed, before the head or in the middle of the body."""

    now: float
    cause: Cause
    message: str
    jitter: float = 0.0


@attrs.frozen
class Wake:
    """The wait is over: its time has come, or the network is back."""

    now: float


@attrs.frozen
class Verified:
    """The stored body was held against the request's integrity metadata. `mismatch` says what is wrong, if it is."""

    mismatch: str | None = None


@attrs.frozen
class Pause:
    pass


@attrs.frozen
class Resume:
    pass


@attrs.frozen
class Abort:
    message: str


Input = (
    Start
    | Unavailable
    | Head
    | Bytes
    | Overtaken
    | NoRoom
    | End
    | Verified
    | Failure
    | Wake
    | Pause
    | Resume
    | Abort
)


# Effects


@attrs.frozen
class Enqueue(Effect):
    """Line up for a connection; then feed Start, or Unavailable."""


@attrs.frozen
class SendRequest(Effect):
    """Fetch, with `Range: bytes={range_start}-` and If-Range when `range_start` is not 0."""

    range_start: int
    if_range: str | None


@attrs.frozen
class StoreResponse(Effect):
    """Keep the response. `fresh`: what was stored before is redundant; tell its readers, begin a new body."""

    fresh: bool


@attrs.frozen
class KeepApart(Effect):
    """Begin a body for the response that has come, beside what is stored, which stays and is what readers see.

    The bytes that come go there. It is dropped with the exchange, unless TakeOver comes first.
    """


@attrs.frozen
class TakeOver(Effect):
    """What was kept apart is the record's response and body from now on; what was stored before is redundant."""


@attrs.frozen
class Append(Effect):
    """Store the bytes that were just told of. If there is no room, feed NoRoom; else, where they are kept apart and
    the record says `has_overtaken`, feed Overtaken."""


@attrs.frozen
class Verify(Effect):
    """Hold the stored body against the request's integrity metadata; then feed Verified."""


@attrs.frozen
class Terminate(Effect):
    """End the exchange in flight."""


@attrs.frozen
class WaitFor(Effect):
    """Tell why, and feed Wake at `until`; where that is None, when the network is back."""

    reason: WaitReason
    until: float | None
    message: str | None


@attrs.frozen
class Settled(Effect):
    """The record has its result."""

    result: RecordResult
    cause: Cause | None
    message: str | None
    status: int | None


@attrs.frozen
class Apart:
    """What comes of a download that begins anew, until it has as many bytes as what is stored."""

    head: StoredHead
    stored: int = 0


@attrs.frozen
class Transfer:
    """What is known of the exchange in flight; it dies with the process. Offsets are absolute, in bytes.

    `again`: an answer had come before it began. `promised`: how long the body must be, told by an earlier answer with
    the same strong validator, where this one does not tell. `apart` is None where bytes go to what is stored.
    """

    range_start: int
    part_end: int | None = None
    begun_at: int = 0
    again: bool = False
    promised: int | None = None
    apart: Apart | None = None


@attrs.frozen(kw_only=True)
class Record:
    """The machine's state. `give_up` is in seconds; `stored` counts the bytes of the current data.

    `has_integrity`: the request has integrity metadata. `whole`: its last byte came, and it is to be verified.
    `restarted`: it was given up once to go on with what is stored; `anew`: the whole is to be asked for because of it.
    """

    method: str = "GET"
    headers: HeaderList = _NO_HEADERS
    give_up: float = 600.0
    has_integrity: bool = False

    state: State = State.PENDING
    stored: int = 0
    head: StoredHead | None = None
    whole: bool = False
    restarted: bool = False
    anew: bool = False
    sent: bool = False
    attempt: int = 0
    failures: int = 0
    best: int = 0
    progress_at: float | None = None
    queued_at: float | None = None
    transfer: Transfer | None = None
    wait: WaitFor | None = None
    refusal: StoredHead | None = None
    result: RecordResult = ""
    cause: Cause | None = None
    message: str | None = None
    status: int | None = None

    @property
    def settled(self) -> bool:
        return self.state in SETTLED

    @property
    def in_flight(self) -> bool:
        return self.state in IN_FLIGHT

    @property
    def promised(self) -> int | None:
        """How many bytes its body will have, as the server says; None where it does not, or speaks of coded ones.

        A request with a Range of its own gets a part, and the server speaks of the whole.
        """
        if self.head is None or self.head.coded or "range" in self.headers:
            return None
        return self.head.complete_length

    @property
    def exchange(self) -> Transfer:
        """The exchange in flight, of a record that has one."""
        assert self.transfer is not None
        return self.transfer

    @property
    def filled(self) -> int:
        """How many bytes the data has that the exchange in flight fills."""
        apart = self.transfer.apart if self.transfer else None
        return self.stored if apart is None else apart.stored

    @property
    def filled_head(self) -> StoredHead | None:
        """The head of the data that the exchange in flight fills."""
        apart = self.transfer.apart if self.transfer else None
        return self.head if apart is None else apart.head

    @property
    def keeps_apart(self) -> bool:
        return self.transfer is not None and self.transfer.apart is not None

    @property
    def has_overtaken(self) -> bool:
        """Whether what is kept apart has as many bytes as what is stored."""
        return self.keeps_apart and self.filled >= self.stored

    @property
    def deadline(self) -> float | None:
        """When the patience with failures ends, in seconds on the agent's clock; None before the first try.

        The time in the queue for a connection does not count: it is nobody's failure.
        """
        return None if self.progress_at is None else self.progress_at + self.give_up

    def snapshot(self) -> RecordSnapshot:
        """What is stored of it. Why it waits is not: after a restart it tries at once."""
        if not self.settled:
            return RecordSnapshot(head=self.head, restarted=self.restarted, sent=self.sent, anew=self.anew)
        return RecordSnapshot(self.result, self.cause, self.message, self.status, self.head, self.restarted)


def restore(
    snapshot: RecordSnapshot,
    *,
    method: str,
    headers: HeaderList,
    give_up: float,
    stored: int,
    has_integrity: bool = False,
) -> Record:
    """The record as it is after the process died: what was in flight or waiting is pending again."""
    state = State(snapshot.result) if snapshot.result else State.PENDING
    return Record(
        method=method,
        headers=headers,
        give_up=give_up,
        has_integrity=has_integrity,
        state=state,
        stored=stored,
        best=stored,
        head=snapshot.head,
        restarted=snapshot.restarted,
        anew=snapshot.anew,
        sent=snapshot.sent,
        result=snapshot.result,
        cause=snapshot.cause,
        message=snapshot.message,
        status=snapshot.status,
    )
