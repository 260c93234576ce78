"""The guards and actions of a record's table. A guard's name is what specs/ calls it.

Times are seconds on the agent's clock, passed in as `now`; sizes are bytes; `jitter` is in [0, 1), passed in.
"""

from __future__ import annotations

from typing import Any, cast

import attrs

from swruntime.algorithms.content_range import ContentRange, parse_content_range, unsatisfied_length
from swruntime.algorithms.methods import SAFE
from swruntime.algorithms.partial import changed_part, if_range, may_resume
from swruntime.concepts.background import StoredHead
from swruntime.concepts.enums import RecordResult, WaitReason
from swruntime.errors import Cause
from swruntime.machines.record_answers import asks_for_the_rest, promised_length
from swruntime.machines.record_values import (
    Abort,
    Append,
    Bytes,
    End,
    Enqueue,
    Failure,
    Head,
    NoRoom,
    Pause,
    Record,
    Resume,
    SendRequest,
    Settled,
    Start,
    StoreResponse,
    Terminate,
    Transfer,
    Unavailable,
    Verified,
    Verify,
    WaitFor,
    Wake,
)
from swruntime.machines.table import Effect, Outcome

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

NOT_AT_FIRST: tuple[Cause, ...] = ("protocol", "tls", "coding")
"""Failures that are final at the very first answer. Once an answer had come, they may as well be a passing fault of the
way, and mean *temporarily unavailable* too; a record is then said to wait for `reset`."""


# Guards


def _own_range(r: Record) -> bool:
    return "range" in r.headers


def _ok(head: StoredHead) -> bool:
    return 200 <= head.status <= 299


def _patient(r: Record, now: float) -> bool:
    """Within the limit: the time without progress has not exceeded it."""
    return r.deadline is None or now < r.deadline


def is_all_here_to_verify(r: Record, i: Start) -> bool:
    """As `is_all_here`; or it was paused while it was verified."""
    return r.has_integrity and (r.whole or _has_all(r))


def is_all_here(r: Record, i: Start) -> bool:
    """The process died, or the connection broke, between the last byte and the result."""
    return _has_all(r)


def _has_all(r: Record) -> bool:
    return r.head is not None and not _own_range(r) and r.head.complete_length == r.stored


def was_sent_by_an_earlier_process(r: Record, i: Start) -> bool:
    """The process died while a POST was under way: sending it again could repeat a side effect."""
    return r.sent


def is_complete_already_to_verify(r: Record, i: Head) -> bool:
    return r.has_integrity and is_complete_already(r, i)


def is_complete_already(r: Record, i: Head) -> bool:
    """416 to a Range at the very end: everything is here, unless another length or ETag was told before."""
    return (
        asks_for_the_rest(r)
        and i.head.status == 416
        and unsatisfied_length(i.content_range) == r.stored
        and (r.head is None or r.head.complete_length is None)
        and (r.head is None or None in (r.head.etag, i.head.etag) or r.head.etag == i.head.etag)
    )


def is_first_416(r: Record, i: Head) -> bool:
    return asks_for_the_rest(r) and i.head.status == 416 and not r.restarted


def is_second_416(r: Record, i: Head) -> bool:
    return asks_for_the_rest(r) and i.head.status == 416


def is_status_to_retry(r: Record, i: Head) -> bool:
    """429 and 503 with Retry-After, or whatever is not ok when the rest was asked for, or the whole in its place."""
    said_when = i.head.status in (429, 503) and i.retry_after is not None
    came_ok = asks_for_the_rest(r) or r.anew
    return not _ok(i.head) and r.method == "GET" and (said_when or came_ok) and _patient(r, i.now)


def is_not_ok(r: Record, i: Head) -> bool:
    return not _ok(i.head)


def is_206_to_other_method(r: Record, i: Head) -> bool:
    return i.head.status == 206 and r.method != "GET"


def is_answer_to_own_range(r: Record, i: Head) -> bool:
    """The script asked for a range itself: whatever it gets is the whole answer."""
    return i.head.status == 206 and _own_range(r)


def is_continuing_206(r: Record, i: Head) -> bool:
    return i.head.status == 206 and asks_for_the_rest(r)


def is_beginning_206(r: Record, i: Head) -> bool:
    return i.head.status == 206


def exceeds_download_total(r: Record, i: Bytes) -> bool:
    """Bytes that are kept apart add nothing until they are more than those that they replace."""
    return i.room is not None and r.filled + i.size - r.stored > i.room


def is_longer_than_told(r: Record, i: Bytes) -> bool:
    end = r.transfer.part_end if r.transfer else None
    if end is None and r.filled_head is not None:
        end = r.filled_head.complete_length
    return end is not None and r.filled + i.size > end


def is_whole_to_verify(r: Record, i: End) -> bool:
    return r.has_integrity and is_whole(r, i)


def is_whole(r: Record, i: End) -> bool:
    length = _told_length(r)
    return length is None or r.filled == length


def is_short_part_with_progress(r: Record, i: End) -> bool:
    return (
        _in_a_part(r)
        and r.transfer is not None
        and r.filled > r.transfer.begun_at
        and may_resume(r.method, r.headers, r.head)
    )


def is_short_part(r: Record, i: End) -> bool:
    return _in_a_part(r)


def ended_early_but_may_retry(r: Record, i: End) -> bool:
    return r.method == "GET" and _patient(r, i.now)


def is_mismatch(r: Record, i: Verified) -> bool:
    return i.mismatch is not None


def is_temporary(r: Record, i: Failure) -> bool:
    """Temporarily unavailable, and reissuing the request has no side effect, and there is patience left.

    Where every byte is there, nothing needs to be asked again: its end comes with the next start.
    """
    again = r.transfer is not None and r.transfer.again
    if r.method != "GET" or not (i.cause in TEMPORARY or (again and i.cause in NOT_AT_FIRST)):
        return False
    return i.cause == "offline" or _patient(r, i.now) or _has_all(r)


def has_given_up_on_status(r: Record, i: Wake) -> bool:
    return has_given_up(r, i) and r.refusal is not None


def has_given_up(r: Record, i: Wake) -> bool:
    return r.wait is not None and r.wait.until is not None and not _patient(r, i.now) and not _has_all(r)


# Actions


def _in_a_part(r: Record) -> bool:
    return r.transfer is not None and r.transfer.part_end is not None and not _own_range(r)


def _told_length(r: Record) -> int | None:
    """The length of the file; where nobody told it, or the script asked for a part, where the part ends."""
    head = r.filled_head
    whole = head.complete_length if head else None
    if whole is None or (_own_range(r) and head is not None and head.status == 206):
        return r.transfer.part_end if r.transfer else None
    return whole


def send_request(r: Record, i: Start) -> Outcome[Record]:
    resumes = r.stored > 0 and not r.anew and may_resume(r.method, r.headers, r.head)
    range_start = r.stored if resumes else 0
    queued = 0.0 if r.queued_at is None else i.now - r.queued_at
    new = attrs.evolve(
        r,
        attempt=r.attempt + 1,
        sent=r.method not in SAFE,
        transfer=Transfer(range_start, begun_at=range_start, again=r.head is not None or r.stored > 0),
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
    reason = TEMPORARY.get(i.cause, "reset")
    until = None if reason == "offline" else _back_off(r, i.now, i.jitter)
    return _wait(r, reason, until, i.message, i.cause, None)


def wait_after_early_end(r: Record, i: End) -> Outcome[Record]:
    return _wait(r, "reset", _back_off(r, i.now, 0.0), _short(r), "truncated", None)


def _short(r: Record) -> str:
    return f"the body ended after {r.filled} of {_told_length(r)} bytes"


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


def pause(r: Record, i: Pause) -> Outcome[Record]:
    effects: tuple[Effect, ...] = (Terminate(),) if r.in_flight else ()
    wait = WaitFor("paused", None, None)
    return attrs.evolve(r, wait=wait, transfer=None, cause=None, message=None, refusal=None), (*effects, wait)


def resume(r: Record, i: Resume) -> Outcome[Record]:
    return attrs.evolve(r, wait=None, progress_at=None, queued_at=None, failures=0), (Enqueue(),)


def transfer_of(r: Record, **known: Any) -> Transfer:
    """The exchange in flight, of which the head has come: what is known of it now."""
    return attrs.evolve(r.exchange, range_start=0, begun_at=0, **known)


def begin_body(r: Record, i: Head) -> Outcome[Record]:
    """The first response, or one that makes what was stored redundant (SPEC-NOTES 5)."""
    fresh = r.stored > 0 or r.head is not None
    transfer = transfer_of(r, promised=promised_length(r, i))
    return attrs.evolve(r, head=i.head, stored=0, anew=False, transfer=transfer), (StoreResponse(fresh),)


def begin_part(r: Record, i: Head) -> Outcome[Record]:
    new, effects = begin_body(r, i)
    return attrs.evolve(new, transfer=transfer_of(r, part_end=part_end(i))), effects


def begin_own_range(r: Record, i: Head) -> Outcome[Record]:
    new, effects = begin_body(r, i)
    part = _part(i)
    length = part.length if part else None
    return attrs.evolve(new, transfer=transfer_of(r, part_end=length)), effects


def continue_body(r: Record, i: Head) -> Outcome[Record]:
    head = cast(StoredHead, r.head)
    if head.complete_length is None:
        head = attrs.evolve(head, complete_length=i.head.complete_length)
    transfer = attrs.evolve(r.exchange, part_end=part_end(i))
    return attrs.evolve(r, head=head, transfer=transfer), ()


def _part(i: Head) -> ContentRange | None:
    return parse_content_range(i.content_range) if i.content_range is not None else None


def part_end(i: Head) -> int | None:
    part = _part(i)
    return part.last + 1 if part else None


def append(r: Record, i: Bytes) -> Outcome[Record]:
    filled, transfer = r.filled + i.size, r.exchange
    changes: dict[str, Any] = {}
    if transfer.apart is None:
        changes["stored"] = filled
    else:
        apart = attrs.evolve(transfer.apart, stored=filled)
        changes["transfer"] = attrs.evolve(transfer, apart=apart)
    if filled > r.best:
        changes |= {"best": filled, "progress_at": i.now, "failures": 0}
    return attrs.evolve(r, **changes), (Append(),)


def settle(
    r: Record,
    result: RecordResult,
    cause: Cause | None = None,
    message: str | None = None,
    status: int | None = None,
    *,
    terminate: bool = True,
) -> Outcome[Record]:
    """The record has its result. `terminate`: the exchange in flight, if there is one, is to be ended."""
    if status is None and r.head is not None:
        status = r.head.status
    effects: tuple[Effect, ...] = (Terminate(),) if terminate and r.in_flight else ()
    new = attrs.evolve(
        r,
        sent=False,
        anew=False,
        transfer=None,
        wait=None,
        refusal=None,
        result=result,
        cause=cause,
        message=message,
        status=status,
    )
    return new, (*effects, Settled(result, cause, message, status))


def verify(r: Record, i: Start | End) -> Outcome[Record]:
    return attrs.evolve(r, whole=True, transfer=None, queued_at=None), (Verify(),)


def verify_at_the_end(r: Record, i: Head) -> Outcome[Record]:
    return attrs.evolve(r, whole=True, transfer=None), (Terminate(), Verify())


def fail_integrity(r: Record, i: Verified) -> Outcome[Record]:
    return settle(r, "fetch-error", "integrity", i.mismatch)


def succeed(r: Record, i: Start | End | Verified) -> Outcome[Record]:
    return settle(r, "success", terminate=False)


def succeed_at_the_end(r: Record, i: Head) -> Outcome[Record]:
    return settle(r, "success")


def _bad_status(r: Record, head: StoredHead) -> Outcome[Record]:
    """The body is not stored, counts nothing and reads as empty; the response itself is kept and exposed."""
    new, effects = settle(r, "bad-status", "status", f"the server answered {head.status}", head.status)
    fresh = r.stored > 0 or r.head is not None
    return attrs.evolve(new, stored=0, head=head), (StoreResponse(fresh), *effects)


def bad_status(r: Record, i: Head) -> Outcome[Record]:
    return _bad_status(r, i.head)


def bad_status_at_last(r: Record, i: Wake) -> Outcome[Record]:
    return _bad_status(r, cast(StoredHead, r.refusal))


def give_up(r: Record, i: Wake) -> Outcome[Record]:
    return settle(r, "fetch-error", r.cause, f"{r.message}; gave up after {r.give_up:g} s without progress")


def fail(r: Record, i: Failure) -> Outcome[Record]:
    return settle(r, "fetch-error", i.cause, i.message, terminate=False)


def fail_sent(r: Record, i: Start) -> Outcome[Record]:
    message = f"the process ended while the {r.method} request was under way; it may not be sent again"
    return settle(r, "fetch-error", "reset", message)


def fail_changed(r: Record, i: Head) -> Outcome[Record]:
    return settle(r, "fetch-error", "changed", changed_part(r.head, i.head, i.content_range))


def fail_416(r: Record, i: Head) -> Outcome[Record]:
    return settle(r, "fetch-error", "changed", "the server refused the range (416) again")


def fail_206(r: Record, i: Head) -> Outcome[Record]:
    return settle(r, "fetch-error", "protocol", f"206 to a {r.method} request")


def fail_too_long(r: Record, i: Bytes) -> Outcome[Record]:
    return settle(r, "fetch-error", "protocol", "the body is longer than the server said")


def fail_short(r: Record, i: End) -> Outcome[Record]:
    return settle(r, "fetch-error", "truncated", _short(r), terminate=False)


def fail_total(r: Record, i: Bytes) -> Outcome[Record]:
    return settle(r, "download-total-exceeded", "download-total", "the download total was exceeded")


def fail_quota(r: Record, i: NoRoom) -> Outcome[Record]:
    return settle(attrs.evolve(r, stored=r.stored - i.unstored), "quota-exceeded", "quota", i.message)


def abort(r: Record, i: Abort) -> Outcome[Record]:
    return settle(r, "aborted", "aborted", i.message)
