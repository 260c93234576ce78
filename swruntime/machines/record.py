"""The machine of one background fetch record: from its request to its result.

In Background Fetch this is the algorithm *complete a record*, which calls itself to try again or to ask for
the next part. As a machine it is easier to see:

    pending     wants a connection (of the six that an origin has)
    waiting     cannot go on now, and says why; wakes at a time, or when the network is back
    paused      the background fetch is paused
    requested   the request is sent, the response's head has not come
    receiving   the head has come, bytes come
    success, bad-status, fetch-error, aborted, quota-exceeded, download-total-exceeded   settled

Three things in here are not pretty, and they are the world's fault, not the table's:

- The server's word about the length comes from three places (Content-Length, Content-Range, the framing),
  and they may disagree; `part_end` and `complete_length` keep them apart.
- A server that cuts a body which cannot be resumed would keep us busy for ever; so *progress* is a new
  high-water mark (`best`), not just any byte.
- Whether an answer that is not ok is final depends on what was asked: to a Range request it never is at
  first, because the bytes that are here came from the same URL with an ok status.

Times are seconds on the agent's clock, passed in as `now`; sizes are bytes; `jitter` is in [0, 1), passed in.

Spec: https://wicg.github.io/background-fetch/#complete-a-record-algorithm (deviations: SPEC-NOTES 4 to 8)
"""

from __future__ import annotations

from enum import Enum
from typing import cast

import attrs

from swruntime.algorithms.content_range import ContentRange, parse_content_range, unsatisfied_length
from swruntime.algorithms.partial import if_range, may_resume, validate_partial_response
from swruntime.concepts.background import StoredHead
from swruntime.concepts.enums import RecordResult, WaitReason
from swruntime.concepts.http import HeaderList
from swruntime.errors import Cause
from swruntime.machines.snapshots import RecordSnapshot
from swruntime.machines.table import Effect, Outcome, Row, Table, step

FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 60.0
"""Seconds to wait after the first failure without progress, doubled after each, and the longest."""

TEMPORARY: dict[Cause, WaitReason] = {
    "offline": "offline",
    "dns": "dns",
    "connect": "connect",
    "reset": "reset",
    "timeout": "timeout",
    "truncated": "reset",
}
"""The failures that mean *temporarily unavailable*, and what a record is said to wait for then."""

_NO_HEADERS = HeaderList()

_SAFE = ("GET", "HEAD")
"""Methods that may be sent again although nobody knows what became of the first time."""


class State(Enum):
    PENDING = "pending"
    WAITING = "waiting"
    PAUSED = "paused"
    REQUESTED = "requested"
    RECEIVING = "receiving"
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
class Pause:
    pass


@attrs.frozen
class Resume:
    pass


@attrs.frozen
class Abort:
    message: str


Input = Start | Unavailable | Head | Bytes | NoRoom | End | Failure | Wake | Pause | Resume | Abort


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
class Append(Effect):
    """Store the bytes that were just told of; if there is no room, feed NoRoom."""


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
class Transfer:
    """What is known of the exchange in flight; it dies with the process. Offsets are absolute, in bytes."""

    range_start: int
    part_end: int | None = None
    begun_at: int = 0


@attrs.frozen(kw_only=True)
class Record:
    """The machine's state. `give_up` is in seconds; `stored` counts the bytes of the current data."""

    method: str = "GET"
    headers: HeaderList = _NO_HEADERS
    give_up: float = 600.0

    state: State = State.PENDING
    stored: int = 0
    head: StoredHead | None = None
    restarted: bool = False
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
    def deadline(self) -> float | None:
        """When the patience with failures ends, in seconds on the agent's clock; None before the first try.

        The time in the queue for a connection does not count: it is nobody's failure.
        """
        return None if self.progress_at is None else self.progress_at + self.give_up

    def snapshot(self) -> RecordSnapshot:
        """What is stored of it. Why it waits is not: after a restart it tries at once."""
        if not self.settled:
            return RecordSnapshot(head=self.head, restarted=self.restarted, sent=self.sent)
        return RecordSnapshot(self.result, self.cause, self.message, self.status, self.head, self.restarted)


def restore(
    snapshot: RecordSnapshot, *, method: str, headers: HeaderList, give_up: float, stored: int
) -> Record:
    """The record as it is after the process died: what was in flight or waiting is pending again."""
    state = State(snapshot.result) if snapshot.result else State.PENDING
    return Record(
        method=method,
        headers=headers,
        give_up=give_up,
        state=state,
        stored=stored,
        best=stored,
        head=snapshot.head,
        restarted=snapshot.restarted,
        sent=snapshot.sent,
        result=snapshot.result,
        cause=snapshot.cause,
        message=snapshot.message,
        status=snapshot.status,
    )


def feed(record: Record, input: Input) -> tuple[Record, tuple[Effect, ...]]:
    """One step. Raises ImpossibleInput for what the table does not list."""
    return step(TABLE, record, input)


# Guards. Their names are what specs/ calls them.


def _own_range(r: Record) -> bool:
    return "range" in r.headers


def _ok(head: StoredHead) -> bool:
    return 200 <= head.status <= 299


def _patient(r: Record, now: float) -> bool:
    """Within the limit: the time without progress has not exceeded it."""
    return r.deadline is None or now < r.deadline


def is_all_here(r: Record, i: Start) -> bool:
    """The process died between the last byte and the result."""
    return r.head is not None and not _own_range(r) and r.head.complete_length == r.stored


def was_sent_by_an_earlier_process(r: Record, i: Start) -> bool:
    """The process died while a POST was under way: sending it again could repeat a side effect."""
    return r.sent


def asks_for_the_rest(r: Record) -> bool:
    return r.transfer is not None and r.transfer.range_start > 0


def is_complete_already(r: Record, i: Head) -> bool:
    """416 to a Range at the very end: everything is here, unless another length was told before."""
    return (
        asks_for_the_rest(r)
        and i.head.status == 416
        and unsatisfied_length(i.content_range) == r.stored
        and (r.head is None or r.head.complete_length is None)
    )


def is_first_416(r: Record, i: Head) -> bool:
    return asks_for_the_rest(r) and i.head.status == 416 and not r.restarted


def is_second_416(r: Record, i: Head) -> bool:
    return asks_for_the_rest(r) and i.head.status == 416


def is_status_to_retry(r: Record, i: Head) -> bool:
    """429 and 503 with Retry-After, or whatever is not ok when the rest was asked for."""
    said_when = i.head.status in (429, 503) and i.retry_after is not None
    return (
        not _ok(i.head) and r.method == "GET" and (said_when or asks_for_the_rest(r)) and _patient(r, i.now)
    )


def is_not_ok(r: Record, i: Head) -> bool:
    return not _ok(i.head)


def is_206_to_other_method(r: Record, i: Head) -> bool:
    return i.head.status == 206 and r.method != "GET"


def is_answer_to_own_range(r: Record, i: Head) -> bool:
    """The script asked for a range itself: whatever it gets is the whole answer."""
    return i.head.status == 206 and _own_range(r)


def is_invalid_206(r: Record, i: Head) -> bool:
    return i.head.status == 206 and _invalid_206(r, i) is not None


def is_continuing_206(r: Record, i: Head) -> bool:
    return i.head.status == 206 and asks_for_the_rest(r)


def is_beginning_206(r: Record, i: Head) -> bool:
    return i.head.status == 206


def exceeds_download_total(r: Record, i: Bytes) -> bool:
    return i.room is not None and i.size > i.room


def is_longer_than_told(r: Record, i: Bytes) -> bool:
    end = r.transfer.part_end if r.transfer else None
    if end is None and r.head is not None:
        end = r.head.complete_length
    return end is not None and r.stored + i.size > end


def is_whole(r: Record, i: End) -> bool:
    length = _told_length(r)
    return length is None or r.stored == length


def is_short_part_with_progress(r: Record, i: End) -> bool:
    return (
        _in_a_part(r)
        and r.transfer is not None
        and r.stored > r.transfer.begun_at
        and may_resume(r.method, r.headers, r.head)
    )


def is_short_part(r: Record, i: End) -> bool:
    return _in_a_part(r)


def ended_early_but_may_retry(r: Record, i: End) -> bool:
    return r.method == "GET" and _patient(r, i.now)


def is_temporary(r: Record, i: Failure) -> bool:
    """Temporarily unavailable, and reissuing the request has no side effect, and there is patience left."""
    if i.cause not in TEMPORARY or r.method != "GET":
        return False
    return i.cause == "offline" or _patient(r, i.now)


def has_given_up_on_status(r: Record, i: Wake) -> bool:
    return has_given_up(r, i) and r.refusal is not None


def has_given_up(r: Record, i: Wake) -> bool:
    return r.wait is not None and r.wait.until is not None and not _patient(r, i.now)


# Actions


def _invalid_206(r: Record, i: Head) -> str | None:
    start = r.transfer.range_start if r.transfer else 0
    return validate_partial_response(
        start,
        content_range=i.content_range,
        etag=i.head.etag,
        last_modified=i.head.last_modified,
        previous=r.head if start else None,
    )


def _in_a_part(r: Record) -> bool:
    return r.transfer is not None and r.transfer.part_end is not None and not _own_range(r)


def _told_length(r: Record) -> int | None:
    """The length of the file; where nobody told it, or the script asked for a part, where the part ends."""
    whole = r.head.complete_length if r.head else None
    if whole is None or (_own_range(r) and r.head is not None and r.head.status == 206):
        return r.transfer.part_end if r.transfer else None
    return whole


def send_request(r: Record, i: Start) -> Outcome[Record]:
    resumes = r.stored > 0 and may_resume(r.method, r.headers, r.head)
    range_start = r.stored if resumes else 0
    queued = 0.0 if r.queued_at is None else i.now - r.queued_at
    new = attrs.evolve(
        r,
        attempt=r.attempt + 1,
        sent=r.method not in _SAFE,
        transfer=Transfer(range_start, begun_at=range_start),
        progress_at=i.now if r.progress_at is None else r.progress_at + queued,
        queued_at=None,
    )
    return new, (SendRequest(range_start, if_range(r.head) if resumes and r.head else None),)


def wait_offline(r: Record, i: Unavailable) -> Outcome[Record]:
    wait = WaitFor("offline", None, i.message)
    return attrs.evolve(r, wait=wait, queued_at=None, refusal=None), (wait,)


def _back_off(r: Record, now: float, jitter: float) -> float:
    delay = min(FIRST_BACKOFF * 2.0 ** min(r.failures, 10), LONGEST_BACKOFF)
    return now + delay * (1 - jitter / 2)


def _wait(
    r: Record, reason: WaitReason, until: float | None, message: str, cause: Cause, refusal: StoredHead | None
) -> Outcome[Record]:
    if until is not None and r.deadline is not None:
        until = min(until, r.deadline)
    wait = WaitFor(reason, until, message)
    new = attrs.evolve(
        r, wait=wait, transfer=None, failures=r.failures + 1, cause=cause, message=message, refusal=refusal
    )
    return new, (wait,)


def wait_for_retry_after(r: Record, i: Head) -> Outcome[Record]:
    until = _back_off(r, i.now, i.jitter)
    if i.retry_after is not None:
        until = max(until, i.now + i.retry_after)
    new, effects = _wait(r, "retry-after", until, f"the server answered {i.head.status}", "status", i.head)
    return new, (Terminate(), *effects)


def wait_for_network(r: Record, i: Failure) -> Outcome[Record]:
    reason = TEMPORARY[i.cause]
    until = None if reason == "offline" else _back_off(r, i.now, i.jitter)
    return _wait(r, reason, until, i.message, i.cause, None)


def wait_after_early_end(r: Record, i: End) -> Outcome[Record]:
    return _wait(r, "reset", _back_off(r, i.now, 0.0), _short(r), "truncated", None)


def _short(r: Record) -> str:
    return f"the body ended after {r.stored} of {_told_length(r)} bytes"


def queue_again(r: Record, i: Wake) -> Outcome[Record]:
    """After an unlimited wait (offline) the patience begins anew."""
    unlimited = r.wait is not None and r.wait.until is None
    progress_at = i.now if unlimited else r.progress_at
    new = attrs.evolve(
        r, wait=None, cause=None, message=None, refusal=None, progress_at=progress_at, queued_at=i.now
    )
    return new, (Enqueue(),)


def ask_for_more(r: Record, i: End) -> Outcome[Record]:
    return attrs.evolve(r, transfer=None, queued_at=i.now), (Enqueue(),)


def start_over_once(r: Record, i: Head) -> Outcome[Record]:
    new = attrs.evolve(r, head=None, restarted=True, transfer=None, queued_at=i.now)
    return new, (Terminate(), Enqueue())


def pause(r: Record, i: Pause) -> Outcome[Record]:
    effects: tuple[Effect, ...] = (Terminate(),) if r.in_flight else ()
    wait = WaitFor("paused", None, None)
    return attrs.evolve(r, wait=wait, transfer=None, cause=None, message=None, refusal=None), (*effects, wait)


def resume(r: Record, i: Resume) -> Outcome[Record]:
    return attrs.evolve(r, wait=None, progress_at=None, queued_at=None, failures=0), (Enqueue(),)


def begin_body(r: Record, i: Head) -> Outcome[Record]:
    """The first response, or one that makes what was stored redundant (SPEC-NOTES 5)."""
    fresh = r.stored > 0 or r.head is not None
    return attrs.evolve(r, head=i.head, stored=0, transfer=Transfer(0)), (StoreResponse(fresh),)


def begin_part(r: Record, i: Head) -> Outcome[Record]:
    new, effects = begin_body(r, i)
    return attrs.evolve(new, transfer=Transfer(0, part_end=_part_end(i))), effects


def begin_own_range(r: Record, i: Head) -> Outcome[Record]:
    new, effects = begin_body(r, i)
    part = _part(i)
    length = part.length if part else None
    return attrs.evolve(new, transfer=Transfer(0, part_end=length)), effects


def continue_body(r: Record, i: Head) -> Outcome[Record]:
    head = cast(StoredHead, r.head)
    if head.complete_length is None:
        head = attrs.evolve(head, complete_length=i.head.complete_length)
    return attrs.evolve(r, head=head, transfer=Transfer(r.stored, _part_end(i), begun_at=r.stored)), ()


def _part(i: Head) -> ContentRange | None:
    return parse_content_range(i.content_range) if i.content_range is not None else None


def _part_end(i: Head) -> int | None:
    part = _part(i)
    return part.last + 1 if part else None


def append(r: Record, i: Bytes) -> Outcome[Record]:
    stored = r.stored + i.size
    if stored <= r.best:
        return attrs.evolve(r, stored=stored), (Append(),)
    return attrs.evolve(r, stored=stored, best=stored, progress_at=i.now, failures=0), (Append(),)


def _settle(
    r: Record,
    result: RecordResult,
    cause: Cause | None = None,
    message: str | None = None,
    status: int | None = None,
    *,
    terminate: bool = True,
) -> Outcome[Record]:
    if status is None and r.head is not None:
        status = r.head.status
    effects: tuple[Effect, ...] = (Terminate(),) if terminate and r.in_flight else ()
    new = attrs.evolve(
        r,
        sent=False,
        transfer=None,
        wait=None,
        refusal=None,
        result=result,
        cause=cause,
        message=message,
        status=status,
    )
    return new, (*effects, Settled(result, cause, message, status))


def succeed(r: Record, i: Start | End) -> Outcome[Record]:
    return _settle(r, "success", terminate=False)


def succeed_at_the_end(r: Record, i: Head) -> Outcome[Record]:
    return _settle(r, "success")


def _bad_status(r: Record, head: StoredHead) -> Outcome[Record]:
    """The body is not stored, counts nothing and reads as empty; the response itself is kept and exposed."""
    new, effects = _settle(r, "bad-status", "status", f"the server answered {head.status}", head.status)
    fresh = r.stored > 0 or r.head is not None
    return attrs.evolve(new, stored=0, head=head), (StoreResponse(fresh), *effects)


def bad_status(r: Record, i: Head) -> Outcome[Record]:
    return _bad_status(r, i.head)


def bad_status_at_last(r: Record, i: Wake) -> Outcome[Record]:
    return _bad_status(r, cast(StoredHead, r.refusal))


def give_up(r: Record, i: Wake) -> Outcome[Record]:
    return _settle(r, "fetch-error", r.cause, f"{r.message}; gave up after {r.give_up:g} s without progress")


def fail(r: Record, i: Failure) -> Outcome[Record]:
    return _settle(r, "fetch-error", i.cause, i.message, terminate=False)


def fail_sent(r: Record, i: Start) -> Outcome[Record]:
    message = f"the process ended while the {r.method} request was under way; it may not be sent again"
    return _settle(r, "fetch-error", "reset", message)


def fail_changed(r: Record, i: Head) -> Outcome[Record]:
    return _settle(r, "fetch-error", "changed", _invalid_206(r, i))


def fail_416(r: Record, i: Head) -> Outcome[Record]:
    return _settle(r, "fetch-error", "changed", "the server refused the range (416) again")


def fail_206(r: Record, i: Head) -> Outcome[Record]:
    return _settle(r, "fetch-error", "protocol", f"206 to a {r.method} request")


def fail_too_long(r: Record, i: Bytes) -> Outcome[Record]:
    return _settle(r, "fetch-error", "protocol", "the body is longer than the server said")


def fail_short(r: Record, i: End) -> Outcome[Record]:
    return _settle(r, "fetch-error", "truncated", _short(r), terminate=False)


def fail_total(r: Record, i: Bytes) -> Outcome[Record]:
    return _settle(r, "download-total-exceeded", "download-total", "the download total was exceeded")


def fail_quota(r: Record, i: NoRoom) -> Outcome[Record]:
    return _settle(attrs.evolve(r, stored=r.stored - i.unstored), "quota-exceeded", "quota", i.message)


def abort(r: Record, i: Abort) -> Outcome[Record]:
    return _settle(r, "aborted", "aborted", i.message)


_FAILURE = (
    Row(State.WAITING, wait_for_network, is_temporary),
    Row(State.FETCH_ERROR, fail),
)
_PAUSE = (Row(State.PAUSED, pause),)
_ABORT = (Row(State.ABORTED, abort),)

TABLE: Table[Record] = {
    # Not transferring
    (State.PENDING, Start): (
        Row(State.SUCCESS, succeed, is_all_here),
        Row(State.FETCH_ERROR, fail_sent, was_sent_by_an_earlier_process),
        Row(State.REQUESTED, send_request),
    ),
    (State.PENDING, Unavailable): (Row(State.WAITING, wait_offline),),
    (State.PENDING, Pause): _PAUSE,
    (State.PENDING, Abort): _ABORT,
    (State.WAITING, Wake): (
        Row(State.BAD_STATUS, bad_status_at_last, has_given_up_on_status),
        Row(State.FETCH_ERROR, give_up, has_given_up),
        Row(State.PENDING, queue_again),
    ),
    (State.WAITING, Unavailable): (Row(State.WAITING, wait_offline),),
    (State.WAITING, Pause): _PAUSE,
    (State.WAITING, Abort): _ABORT,
    (State.PAUSED, Resume): (Row(State.PENDING, resume),),
    (State.PAUSED, Abort): _ABORT,
    # Transferring, before the head
    (State.REQUESTED, Head): (
        Row(State.SUCCESS, succeed_at_the_end, is_complete_already),
        Row(State.PENDING, start_over_once, is_first_416),
        Row(State.FETCH_ERROR, fail_416, is_second_416),
        Row(State.WAITING, wait_for_retry_after, is_status_to_retry),
        Row(State.BAD_STATUS, bad_status, is_not_ok),
        Row(State.FETCH_ERROR, fail_206, is_206_to_other_method),
        Row(State.RECEIVING, begin_own_range, is_answer_to_own_range),
        Row(State.FETCH_ERROR, fail_changed, is_invalid_206),
        Row(State.RECEIVING, continue_body, is_continuing_206),
        Row(State.RECEIVING, begin_part, is_beginning_206),
        Row(State.RECEIVING, begin_body),
    ),
    (State.REQUESTED, Failure): _FAILURE,
    (State.REQUESTED, Pause): _PAUSE,
    (State.REQUESTED, Abort): _ABORT,
    # Transferring, in the body
    (State.RECEIVING, Bytes): (
        Row(State.TOTAL_EXCEEDED, fail_total, exceeds_download_total),
        Row(State.FETCH_ERROR, fail_too_long, is_longer_than_told),
        Row(State.RECEIVING, append),
    ),
    (State.RECEIVING, NoRoom): (Row(State.QUOTA_EXCEEDED, fail_quota),),
    (State.RECEIVING, End): (
        Row(State.SUCCESS, succeed, is_whole),
        Row(State.PENDING, ask_for_more, is_short_part_with_progress),
        Row(State.FETCH_ERROR, fail_short, is_short_part),
        Row(State.WAITING, wait_after_early_end, ended_early_but_may_retry),
        Row(State.FETCH_ERROR, fail_short),
    ),
    (State.RECEIVING, Failure): _FAILURE,
    (State.RECEIVING, Pause): _PAUSE,
    (State.RECEIVING, Abort): _ABORT,
}
