"""The machine of one record, row by row: first the table's own rows, then what SPEC-NOTES says of a record."""

from __future__ import annotations

import attrs
import pytest

from swruntime.concepts.background import StoredHead
from swruntime.concepts.http import HeaderList
from swruntime.errors import Cause, ImpossibleInput
from swruntime.machines.record import (
    FIRST_BACKOFF,
    IN_FLIGHT,
    LONGEST_BACKOFF,
    SETTLED,
    TABLE,
    TEMPORARY,
    Abort,
    Apart,
    Append,
    Bytes,
    End,
    Enqueue,
    Failure,
    Head,
    Input,
    KeepApart,
    NoRoom,
    Overtaken,
    Pause,
    Record,
    Resume,
    SendRequest,
    Settled,
    Start,
    State,
    StoreResponse,
    TakeOver,
    Terminate,
    Transfer,
    Unavailable,
    Verified,
    Verify,
    WaitFor,
    Wake,
    feed,
    restore,
)
from swruntime.machines.snapshots import RecordSnapshot
from swruntime.machines.table import Effect, Row

OWN_RANGE = HeaderList((("Range", "bytes=1-4"),))
NEW = Record(give_up=100.0)
POST = Record(method="POST", give_up=100.0)
OWN = Record(headers=OWN_RANGE, give_up=100.0)
SURE = Record(give_up=100.0, has_integrity=True)


def ok(length: int | None = 10, *, etag: str | None = '"a"', now: float = 0.0) -> Head:
    return Head(now, StoredHead(200, etag=etag, complete_length=length))


def part(
    content_range: str | None = "bytes 4-9/10", *, etag: str | None = '"a"', length: int | None = 10
) -> Head:
    return Head(1.0, StoredHead(206, etag=etag, complete_length=length), content_range=content_range)


def status(code: int, *, now: float = 1.0, retry_after: float | None = None, says: str | None = None) -> Head:
    return Head(now, StoredHead(code), content_range=says, retry_after=retry_after)


def fed(record: Record, *inputs: Input) -> Record:
    for input in inputs:
        record, _ = feed(record, input)
    return record


def last(record: Record, *inputs: Input) -> tuple[Record, tuple[Effect, ...]]:
    return feed(fed(record, *inputs[:-1]), inputs[-1])


def failure(cause: Cause = "reset", now: float = 1.0, jitter: float = 0.0) -> Failure:
    return Failure(now, cause, "the connection broke", jitter)


REQUESTED = fed(NEW, Start(0.0))
RECEIVING = fed(REQUESTED, ok(), Bytes(0.0, 4))
WAITING = fed(RECEIVING, failure())
PAUSED = fed(RECEIVING, Pause())
RESUMED = fed(PAUSED, Resume())
ASKING = fed(WAITING, Wake(2.0), Start(2.0))
"""Asked for bytes 4 and following of 10."""
UNTOLD = fed(REQUESTED, ok(None), Bytes(0.0, 4), failure(), Wake(2.0), Start(2.0))
"""The same, and nobody told how long the file is."""
BLIND = fed(REQUESTED, ok(None, etag=None))
REFUSED = fed(ASKING, status(503, now=2.0, retry_after=1000.0))
ANEW = fed(ASKING, part(None), Start(3.0))
"""The rest could not be had, and the whole was asked for, with 4 bytes stored."""
APART = fed(ANEW, ok(), Bytes(3.0, 3))
"""And it comes, of the same file, with 3 bytes by now."""
SURE_WHOLE = fed(SURE, Start(0.0), ok(4), Bytes(0.0, 4))
VERIFYING = fed(SURE_WHOLE, End(1.0))
SURE_UNTOLD = fed(SURE, Start(0.0), ok(None), Bytes(0.0, 4))

CASES: list[tuple[Record, Input, str, State]] = [
    (fed(SURE_WHOLE, Pause(), Resume()), Start(1.0), "is_all_here_to_verify", State.VERIFYING),
    (fed(REQUESTED, ok(4), Bytes(0.0, 4), Pause(), Resume()), Start(1.0), "is_all_here", State.SUCCESS),
    (attrs.evolve(POST, sent=True), Start(1.0), "was_sent_by_an_earlier_process", State.FETCH_ERROR),
    (NEW, Start(0.0), "", State.REQUESTED),
    (NEW, Unavailable("off"), "", State.WAITING),
    (NEW, Pause(), "", State.PAUSED),
    (NEW, Abort("by the user"), "", State.ABORTED),
    (REFUSED, Wake(100.0), "has_given_up_on_status", State.BAD_STATUS),
    (WAITING, Wake(100.0), "has_given_up", State.FETCH_ERROR),
    (WAITING, Wake(2.0), "", State.PENDING),
    (WAITING, Unavailable("off"), "", State.WAITING),
    (WAITING, Pause(), "", State.PAUSED),
    (WAITING, Abort("by the user"), "", State.ABORTED),
    (PAUSED, Resume(), "", State.PENDING),
    (PAUSED, Abort("by the user"), "", State.ABORTED),
    (
        fed(SURE_UNTOLD, failure(), Wake(2.0), Start(2.0)),
        status(416, says="bytes */4"),
        "is_complete_already_to_verify",
        State.VERIFYING,
    ),
    (UNTOLD, status(416, says="bytes */4"), "is_complete_already", State.SUCCESS),
    (ASKING, status(416), "is_first_416", State.PENDING),
    (attrs.evolve(ASKING, restarted=True), status(416), "is_second_416", State.FETCH_ERROR),
    (ASKING, status(500), "is_status_to_retry", State.WAITING),
    (REQUESTED, status(404), "is_not_ok", State.BAD_STATUS),
    (fed(POST, Start(0.0)), part("bytes 0-9/10"), "is_206_to_other_method", State.FETCH_ERROR),
    (fed(OWN, Start(0.0)), part("bytes 1-4/10"), "is_answer_to_own_range", State.RECEIVING),
    (ASKING, part("bytes 4-10/11"), "is_changed_206", State.FETCH_ERROR),
    (ASKING, part("bytes 5-9/10"), "is_first_unusable", State.PENDING),
    (ANEW, part("bytes 5-9/10"), "is_unusable_206", State.FETCH_ERROR),
    (ANEW, ok(9), "is_contradiction", State.FETCH_ERROR),
    (ASKING, part(), "is_continuing_206", State.RECEIVING),
    (ANEW, ok(), "is_the_same_anew", State.RECEIVING),
    (REQUESTED, part("bytes 0-4/10"), "is_beginning_206", State.RECEIVING),
    (REQUESTED, ok(), "", State.RECEIVING),
    (REQUESTED, failure(), "is_temporary", State.WAITING),
    (REQUESTED, failure("tls"), "", State.FETCH_ERROR),
    (REQUESTED, Pause(), "", State.PAUSED),
    (REQUESTED, Abort("by the user"), "", State.ABORTED),
    (RECEIVING, Bytes(1.0, 3, room=2), "exceeds_download_total", State.TOTAL_EXCEEDED),
    (RECEIVING, Bytes(1.0, 7), "is_longer_than_told", State.FETCH_ERROR),
    (RECEIVING, Bytes(1.0, 6), "", State.RECEIVING),
    (fed(APART, Bytes(3.0, 1)), Overtaken(), "has_overtaken", State.RECEIVING),
    (APART, NoRoom("the disk is full"), "is_kept_apart", State.PENDING),
    (RECEIVING, NoRoom("the disk is full"), "", State.QUOTA_EXCEEDED),
    (fed(ANEW, ok(None), Bytes(3.0, 3)), End(3.0), "is_another_length", State.FETCH_ERROR),
    (SURE_WHOLE, End(1.0), "is_whole_to_verify", State.VERIFYING),
    (fed(RECEIVING, Bytes(1.0, 6)), End(1.0), "is_whole", State.SUCCESS),
    (
        fed(ASKING, part("bytes 4-6/10"), Bytes(2.0, 3)),
        End(2.0),
        "is_short_part_with_progress",
        State.PENDING,
    ),
    (fed(ASKING, part()), End(2.0), "is_short_part", State.FETCH_ERROR),
    (RECEIVING, End(1.0), "ended_early_but_may_retry", State.WAITING),
    (RECEIVING, End(100.0), "", State.FETCH_ERROR),
    (RECEIVING, failure(), "is_temporary", State.WAITING),
    (RECEIVING, failure("coding"), "", State.FETCH_ERROR),
    (RECEIVING, Pause(), "", State.PAUSED),
    (RECEIVING, Abort("by the user"), "", State.ABORTED),
    (VERIFYING, Verified("another file"), "is_mismatch", State.FETCH_ERROR),
    (VERIFYING, Verified(), "", State.SUCCESS),
    (VERIFYING, Pause(), "", State.PAUSED),
    (VERIFYING, Abort("by the user"), "", State.ABORTED),
]


def taken(record: Record, input: Input) -> Row[Record]:
    return next(
        row for row in TABLE[record.state, type(input)] if row.when is None or row.when(record, input)
    )


@pytest.mark.parametrize(("record", "input", "guard", "to"), CASES)
def test_each_row_of_the_table(record: Record, input: Input, guard: str, to: State) -> None:
    row = taken(record, input)
    assert (row.guard, row.to) == (guard, to)
    new, effects = feed(record, input)
    assert new.state is to
    settled = [e for e in effects if isinstance(e, Settled)]
    assert len(settled) == new.settled
    assert (new.result != "") == new.settled
    assert [State(e.result) for e in settled] == [to] * new.settled
    assert (Terminate() in effects) == (
        record.in_flight and not new.in_flight and not isinstance(input, End | Failure)
    )
    assert (new.transfer is not None) == new.in_flight
    assert [new.wait] == [e for e in effects if isinstance(e, WaitFor)] or new.wait is None


def test_no_row_is_left_out_above() -> None:
    rows = {(state, input, row.guard) for (state, input), rows in TABLE.items() for row in rows}
    assert {(record.state, type(input), guard) for record, input, guard, _ in CASES} == rows
    assert len(CASES) == len(rows)


@pytest.mark.parametrize("state", [state for state in State if state in SETTLED])
def test_nothing_can_be_fed_to_a_settled_record(state: State) -> None:
    assert not [pair for pair in TABLE if pair[0] is state]
    with pytest.raises(ImpossibleInput, match="Record"):
        feed(attrs.evolve(NEW, state=state), Abort("late"))


# In flight: failure


@pytest.mark.parametrize("cause", sorted(TEMPORARY))
@pytest.mark.parametrize("record", [REQUESTED, RECEIVING])
def test_a_temporary_failure_waits_keeps_the_bytes_and_tells_why(record: Record, cause: Cause) -> None:
    new, effects = feed(record, failure(cause))
    until = None if cause == "offline" else 1.0 + FIRST_BACKOFF
    assert effects == (WaitFor(TEMPORARY[cause], until, "the connection broke"),)
    assert (new.stored, new.head) == (record.stored, record.head)


@pytest.mark.parametrize("record", [fed(POST, Start(0.0)), fed(POST, Start(0.0), ok(), Bytes(0.0, 4))])
@pytest.mark.parametrize("cause", sorted(TEMPORARY))
def test_a_failure_of_another_method_is_final(record: Record, cause: Cause) -> None:
    status = 200 if record.head else None
    _, effects = feed(record, failure(cause))
    assert effects == (Settled("fetch-error", cause, "the connection broke", status),)


@pytest.mark.parametrize("cause", ["protocol", "tls", "coding"])
def test_what_is_not_http_is_final_at_the_very_first_answer_alone(cause: Cause) -> None:
    for record in (REQUESTED, RECEIVING, fed(REQUESTED, failure(), Wake(2.0), Start(2.0))):
        assert feed(record, failure(cause))[0].state is State.FETCH_ERROR
    without_validator = fed(BLIND, Bytes(0.0, 4), failure(), Wake(2.0), Start(2.0))
    without_bytes = fed(REQUESTED, ok(), failure(), Wake(2.0), Start(2.0))
    without_head = restore(RecordSnapshot(), method="GET", headers=HeaderList(), give_up=100.0, stored=1)
    again = (ASKING, ANEW, APART, fed(ASKING, part()), without_validator, without_bytes)
    for record in (*again, fed(without_head, Start(2.0))):
        new, effects = feed(record, failure(cause, now=3.0))
        assert new.wait is not None
        assert effects == (WaitFor("reset", new.wait.until, "the connection broke"),)
        assert (new.cause, new.stored, new.head) == (cause, record.stored, record.head)
        given_up = fed(new, Wake(1e6))
        assert (given_up.result, given_up.cause) == ("fetch-error", cause)
        assert feed(record, failure(cause, now=1e6))[0].state is State.FETCH_ERROR
    post = attrs.evolve(ASKING, method="POST")
    assert feed(post, failure(cause))[0].state is State.FETCH_ERROR
    restored = restore(
        RECEIVING.snapshot(), method="GET", headers=HeaderList(), give_up=100.0, stored=RECEIVING.stored
    )
    assert fed(restored, Start(9.0), failure(cause, now=9.0)).state is State.WAITING
    lost = attrs.evolve(restored, head=None)
    assert fed(lost, Start(9.0), failure(cause, now=9.0)).state is State.WAITING


@pytest.mark.parametrize(
    "cause", ["tls", "cors", "csp", "mixed-content", "redirect", "protocol", "coding", "not-recorded"]
)
def test_another_failure_is_final(cause: Cause) -> None:
    assert feed(REQUESTED, failure(cause))[1] == (
        Settled("fetch-error", cause, "the connection broke", None),
    )


def test_patience_ends_when_the_limit_has_passed_without_progress() -> None:
    assert RECEIVING.deadline == 100.0
    assert feed(RECEIVING, failure(now=99.9))[0].state is State.WAITING
    assert feed(RECEIVING, failure(now=100.0))[0].state is State.FETCH_ERROR
    assert fed(RECEIVING, Bytes(50.0, 1), failure(now=100.0)).state is State.WAITING


def test_being_offline_never_exhausts_the_patience() -> None:
    record = fed(RECEIVING, failure("offline", now=1e6), Wake(2e6))
    assert (record.state, record.deadline) == (State.PENDING, 2e6 + 100.0)
    record = fed(NEW, Unavailable("off"), Wake(1e6), Start(1e6), failure(now=1e6 + 99))
    assert record.state is State.WAITING


def test_a_wait_that_ends_while_offline_goes_on_without_limit() -> None:
    record, effects = last(WAITING, Unavailable("off"))
    assert effects == (WaitFor("offline", None, "off"),)
    assert fed(record, Wake(1e6)).deadline == 1e6 + 100.0
    record, effects = last(REFUSED, Unavailable("off"), Wake(1e6))
    assert effects == (Enqueue(),)


def test_waiting_for_a_connection_costs_no_patience() -> None:
    record = fed(WAITING, Wake(2.0), Start(1002.0))
    assert record.deadline == 1100.0
    assert fed(record, failure(now=1003.0)).state is State.WAITING
    record = fed(ASKING, part("bytes 4-5/10"), Bytes(3.0, 2), End(3.0), Start(1003.0))
    assert record.deadline == 1103.0
    record = fed(ASKING, status(416, now=3.0), Start(1003.0))
    assert record.deadline == 1100.0


def test_back_off_doubles_up_to_its_limit_and_starts_again_with_progress() -> None:
    record, waits = attrs.evolve(NEW, give_up=1e9), []
    for _ in range(9):
        record = fed(record, Start(0.0), failure(now=0.0))
        assert record.wait is not None
        waits.append(record.wait.until)
        record = fed(record, Wake(0.0))
    assert waits == [FIRST_BACKOFF * 2**n for n in range(6)] + [LONGEST_BACKOFF] * 3
    record = fed(record, Start(0.0), ok(), Bytes(0.0, 1), failure(now=0.0))
    assert record.wait == WaitFor("reset", FIRST_BACKOFF, "the connection broke")


def test_jitter_shortens_a_wait_by_less_than_half_and_the_deadline_bounds_it() -> None:
    assert feed(REQUESTED, failure(jitter=0.5))[0].wait == WaitFor("reset", 1.75, "the connection broke")
    assert feed(REQUESTED, failure(now=99.5))[0].wait == WaitFor("reset", 100.0, "the connection broke")


def test_giving_up_tells_the_last_failure() -> None:
    _, effects = last(REQUESTED, failure("dns", now=99.0), Wake(100.0))
    message = "the connection broke; gave up after 100 s without progress"
    assert effects == (Settled("fetch-error", "dns", message, None),)
    _, effects = feed(WAITING, Wake(100.0))
    message = "the connection broke; gave up after 100 s without progress"
    assert effects == (Settled("fetch-error", "reset", message, 200),)


def test_bytes_that_were_here_before_are_no_progress() -> None:
    """A body that cannot be resumed, cut at the same place again and again, does not keep us busy for ever."""
    record = fed(BLIND, Bytes(1.0, 4), failure(), Wake(2.0), Start(2.0), ok(None, etag=None))
    record = fed(record, Bytes(50.0, 4))
    assert (record.stored, record.deadline) == (4, 101.0)
    assert fed(record, Bytes(60.0, 1)).deadline == 160.0


# In flight: a status


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_waits_that_long(code: int) -> None:
    new, effects = feed(REQUESTED, status(code, retry_after=30.0))
    assert effects == (Terminate(), WaitFor("retry-after", 31.0, f"the server answered {code}"))
    assert (new.head, new.stored) == (None, 0)
    assert (new.cause, new.message) == ("status", f"the server answered {code}")
    assert new.refusal == StoredHead(code)
    assert feed(REQUESTED, status(code, retry_after=0.0))[0].wait == WaitFor(
        "retry-after", 1.0 + FIRST_BACKOFF, f"the server answered {code}"
    )


@pytest.mark.parametrize("code", [301, 404, 429, 500, 503])
def test_any_status_to_a_range_request_keeps_the_bytes_and_exposes_nothing(code: int) -> None:
    new, effects = feed(ASKING, status(code, now=2.0))
    assert effects == (Terminate(), WaitFor("retry-after", 4.0, f"the server answered {code}"))
    assert (new.head, new.stored) == (ASKING.head, 4)


@pytest.mark.parametrize(
    ("record", "head"),
    [
        (REQUESTED, status(404)),
        (REQUESTED, status(429)),
        (REQUESTED, status(500, retry_after=3.0)),
        (REQUESTED, status(0)),
        (REQUESTED, status(503, now=100.0, retry_after=3.0)),
        (REQUESTED, status(416, says="bytes */0")),
        (fed(POST, Start(0.0)), status(503, retry_after=3.0)),
        (fed(OWN, Start(0.0)), status(416, says="bytes */3")),
    ],
)
def test_a_final_status_is_told_at_the_head(record: Record, head: Head) -> None:
    new, effects = feed(record, head)
    code = head.head.status
    told = Settled("bad-status", "status", f"the server answered {code}", code)
    assert effects == (StoreResponse(False), Terminate(), told)
    assert (new.stored, new.head) == (0, head.head)


def test_a_final_status_to_a_range_makes_the_bytes_redundant() -> None:
    new, effects = feed(ASKING, status(404, now=100.0))
    assert effects[0] == StoreResponse(True)
    assert (new.state, new.stored) == (State.BAD_STATUS, 0)
    new, effects = feed(REFUSED, Wake(100.0))
    assert effects == (StoreResponse(True), Settled("bad-status", "status", "the server answered 503", 503))
    assert (new.stored, new.head) == (0, StoredHead(503))


def test_a_final_status_makes_bytes_redundant_whose_head_is_gone() -> None:
    """There was no room for old and new; one byte is as redundant as many."""
    one = fed(REQUESTED, ok(), Bytes(0.0, 1), failure(), Wake(2.0), Start(2.0), part(None), Start(3.0), ok())
    one = fed(one, NoRoom("the disk is full"), Start(3.0))
    assert (one.stored, one.head) == (1, None)
    new, effects = feed(one, status(404, now=3.0))
    assert effects[0] == StoreResponse(True)
    assert (new.stored, new.head) == (0, StoredHead(404))


# In flight: 206


@pytest.mark.parametrize(
    ("code", "state"), [(200, State.RECEIVING), (299, State.RECEIVING), (300, State.BAD_STATUS)]
)
def test_which_statuses_are_ok(code: int, state: State) -> None:
    assert fed(REQUESTED, status(code)).state is state


def test_one_byte_is_enough_to_ask_for_the_rest() -> None:
    record = fed(NEW, Start(0.0), ok(), Bytes(0.0, 1), failure(), Wake(2.0))
    new, effects = feed(record, Start(3.0))
    assert effects == (SendRequest(1, '"a"'),)
    assert new.transfer == Transfer(1, begun_at=1, again=True)
    assert fed(new, status(500, now=3.0)).state is State.WAITING
    assert (new.attempt, new.queued_at) == (2, None)
    assert new.sent is False


def test_the_rest_is_asked_for_with_if_range() -> None:
    assert last(WAITING, Wake(2.0), Start(2.0))[1] == (SendRequest(4, '"a"'),)
    assert feed(RESUMED, Start(2.0))[1] == (SendRequest(4, '"a"'),)
    dated = StoredHead(200, last_modified="Thu, 01 Jan 2026 00:00:00 GMT", last_modified_is_strong=True)
    record = fed(NEW, Start(0.0), Head(0.0, dated), Bytes(0.0, 4), failure(), Wake(2.0))
    assert feed(record, Start(2.0))[1] == (SendRequest(4, dated.last_modified),)


@pytest.mark.parametrize(
    "head",
    [
        StoredHead(200),
        StoredHead(200, etag='W/"a"'),
        StoredHead(200, last_modified="Thu, 01 Jan 2026 00:00:00 GMT"),
        StoredHead(200, etag='W/"a"', last_modified="Monday", last_modified_is_strong=True),
        StoredHead(200, etag='"a"', coded=True),
    ],
)
def test_without_a_validator_or_with_a_coding_it_starts_over(head: StoredHead) -> None:
    record = fed(REQUESTED, Head(0.0, head), Bytes(0.0, 4), failure(), Wake(2.0))
    assert feed(record, Start(2.0))[1] == (SendRequest(0, None),)


def test_a_valid_206_appends() -> None:
    new, effects = feed(ASKING, part())
    assert effects == ()
    assert new.transfer == Transfer(4, 10, begun_at=4, again=True)
    new, effects = feed(new, Bytes(3.0, 6))
    assert effects == (Append(),)
    assert feed(new, End(3.0))[1] == (Settled("success", None, None, 200),)


def test_a_206_tells_the_length_that_was_not_known() -> None:
    new, _ = feed(UNTOLD, part())
    assert new.head == StoredHead(200, etag='"a"', complete_length=10)
    assert feed(fed(new, failure(), Wake(3.0), Start(3.0)), part("bytes 4-11/12"))[0].cause == "changed"


@pytest.mark.parametrize(
    "head",
    [
        part("bytes 4-9/10", etag='"b"'),
        part("bytes 4-9/10", etag=None),
        part("bytes 4-10/11"),
        part("bytes 4-10/*"),
        part("bytes 3-10/11"),
        part(None, etag='"b"'),
    ],
)
def test_a_206_of_another_file_is_final(head: Head) -> None:
    new, effects = feed(ASKING, head)
    assert new.stored == 4
    assert effects[0] == Terminate()
    assert isinstance(effects[1], Settled)
    assert (effects[1].result, effects[1].cause) == ("fetch-error", "changed")
    assert effects[1].message
    assert effects[1].message == new.message


def coded(content_range: str, etag: str) -> Head:
    return Head(1.0, StoredHead(206, etag=etag, coded=True), content_range=content_range)


UNUSABLE = [
    part("bytes 3-9/10"),
    part("bytes 5-9/10"),
    part(None),
    part("bytes=4-9/10"),
    part("bytes 4-9"),
    coded("bytes 4-9/10", '"a"'),
    coded("bytes 4-99/100", '"a-gzip"'),
]
"""Answers to a Range of the same file, or of nobody knows which."""


@pytest.mark.parametrize("head", UNUSABLE)
def test_an_unusable_206_asks_for_the_whole_once(head: Head) -> None:
    """What is stored stays, and its head; a second one is a failure, whatever came in between."""
    new, effects = feed(ASKING, attrs.evolve(head, now=7.0))
    assert effects == (Terminate(), Enqueue())
    assert (new.stored, new.head, new.restarted, new.anew, new.queued_at) == (4, ASKING.head, True, True, 7.0)
    new, effects = feed(new, Start(8.0))
    assert effects == (SendRequest(0, None),)
    whole, effects = feed(new, ok())
    assert effects == (KeepApart(),)
    again = fed(whole, failure(now=8.0), Wake(9.0), Start(9.0))
    assert again.transfer == Transfer(4, begun_at=4, again=True)
    for record in (again, new):
        failed, effects = feed(record, attrs.evolve(head, content_range=None))
        message = f"the 206 has {'a content coding' if head.head.coded else 'no Content-Range'}, again"
        status = None if failed.head is None else failed.head.status
        if head.head.etag == '"a"' or head.head.coded:
            assert effects == (Terminate(), Settled("fetch-error", "protocol", message, status))
        assert failed.stored == 4


@pytest.mark.parametrize("says", ["bytes 1-9/10", None, "nonsense"])
def test_an_unusable_206_to_a_plain_request_asks_for_the_whole_once(says: str | None) -> None:
    new, effects = feed(REQUESTED, part(says))
    assert effects == (Terminate(), Enqueue())
    assert (new.restarted, new.anew, new.head) == (True, False, None)
    new = fed(new, Start(2.0))
    assert feed(new, ok())[1] == (StoreResponse(False),)
    assert (feed(new, part(says))[0].result, feed(new, part(says))[0].cause) == ("fetch-error", "protocol")


def test_a_206_is_as_long_as_the_rest_alone() -> None:
    """A 200 of that length would be the rest without saying so."""
    assert feed(ASKING, part("bytes 4-9/*", length=6))[0].state is State.RECEIVING
    assert feed(ASKING, ok(6))[1] == (Terminate(), Enqueue())


def test_what_is_stored_is_gone_on_with_until_there_is_more_of_the_new() -> None:
    """What came of the whole dies with its exchange, and with the process."""
    assert (APART.stored, APART.filled, APART.keeps_apart, APART.has_overtaken) == (4, 3, True, False)
    assert APART.snapshot() == RecordSnapshot(head=ASKING.head, restarted=True)
    with pytest.raises(ImpossibleInput):
        feed(APART, Overtaken())
    with pytest.raises(ImpossibleInput):
        feed(RECEIVING, Overtaken())
    assert not RECEIVING.has_overtaken
    for over in (failure(), Pause()):
        new = fed(APART, over)
        assert (new.stored, new.head, new.transfer, new.filled) == (4, ASKING.head, None, 4)
    restored = restore(APART.snapshot(), method="GET", headers=HeaderList(), give_up=100.0, stored=4)
    assert feed(restored, Start(9.0))[1] == (SendRequest(4, '"a"'),)


def test_as_many_new_bytes_take_over() -> None:
    same = fed(APART, Bytes(4.0, 1))
    assert (same.stored, same.filled, same.has_overtaken) == (4, 4, True)
    new, effects = feed(same, Overtaken())
    assert effects == (TakeOver(),)
    assert (new.stored, new.filled, new.keeps_apart) == (4, 4, False)
    assert new.head == StoredHead(200, etag='"a"', complete_length=10)
    assert new.transfer == Transfer(0, again=True)
    more = fed(APART, Bytes(4.0, 3), Overtaken())
    assert (more.stored, more.snapshot().head) == (6, StoredHead(200, etag='"a"', complete_length=10))
    more, effects = last(more, Bytes(5.0, 4), End(5.0))
    assert effects == (Settled("success", None, None, 200),)
    _, effects = last(fed(new, Bytes(5.0, 2)), failure(now=5.0), Wake(6.0), Start(6.0))
    assert effects == (SendRequest(6, '"a"'),)


def test_the_new_response_takes_over_with_its_bytes() -> None:
    newer = StoredHead(200, etag='"a"', last_modified="Tuesday", complete_length=10)
    record = fed(ANEW, Head(3.0, newer), Bytes(3.0, 4))
    assert (record.anew, record.head) == (False, ASKING.head)
    assert record.anew is False
    record = fed(record, Overtaken())
    assert record.head == newer
    assert record.snapshot().head == newer


def test_a_whole_without_a_length_is_held_against_the_one_that_is_known() -> None:
    record = fed(ANEW, ok(None))
    assert record.exchange == Transfer(0, again=True, promised=10, apart=Apart(StoredHead(200, etag='"a"')))
    record = fed(record, Bytes(3.0, 6), Overtaken())
    assert feed(record, End(3.0))[1] == (
        Settled(
            "fetch-error",
            "changed",
            "the validator is the same, and the length was 10 bytes and is now 6",
            200,
        ),
    )
    assert last(record, Bytes(3.0, 4), End(3.0))[0].result == "success"
    # A Content-Range of all that there is makes no part of a 200.
    whole = fed(ANEW, attrs.evolve(ok(None), content_range="bytes 0-9/10"))
    assert (whole.exchange.part_end, whole.exchange.promised) == (None, 10)


def test_bytes_that_are_kept_apart_are_progress_when_they_are_more() -> None:
    record = fed(ANEW, ok(), Bytes(50.0, 4))
    assert (record.best, record.deadline, record.failures) == (4, 102.0, 1)
    record = fed(record, Overtaken(), Bytes(60.0, 1))
    assert (record.best, record.deadline, record.failures) == (5, 160.0, 0)
    at_once = fed(ANEW, ok(), Bytes(70.0, 5))
    assert (at_once.best, at_once.deadline) == (5, 170.0)


def test_the_download_total_counts_the_larger_of_both() -> None:
    """Three of the new replace none of the four that are stored: five more are four more."""
    assert feed(APART, Bytes(4.0, 5, room=4))[0].state is State.RECEIVING
    assert feed(APART, Bytes(4.0, 5, room=3))[0].state is State.TOTAL_EXCEEDED
    assert feed(APART, Bytes(4.0, 1, room=0))[0].state is State.RECEIVING


def test_the_new_bytes_are_held_against_their_own_length() -> None:
    short = fed(ANEW, part("bytes 0-2/10"))
    assert short.transfer == Transfer(
        0, 3, again=True, apart=Apart(StoredHead(206, etag='"a"', complete_length=10))
    )
    assert feed(short, Bytes(3.0, 4))[0].cause == "protocol"
    assert feed(fed(short, Bytes(3.0, 3)), End(3.0))[1] == (Enqueue(),)
    assert feed(short, End(3.0))[0].cause == "truncated"
    assert feed(APART, Bytes(3.0, 8))[0].cause == "protocol"
    assert feed(APART, End(3.0))[1] == (WaitFor("reset", 5.0, "the body ended after 3 of 10 bytes"),)


def test_a_part_anew_with_an_asterisk_has_the_length_that_is_known() -> None:
    new, effects = feed(ANEW, part("bytes 0-9/*", length=None))
    assert effects == (KeepApart(),)
    assert new.filled_head == StoredHead(206, etag='"a"', complete_length=10)
    assert new.transfer is not None
    assert (new.transfer.part_end, new.transfer.promised) == (10, None)
    assert feed(ANEW, part("bytes 0-10/*", length=None))[0].cause == "changed"
    nobody_knows = attrs.evolve(ANEW, head=StoredHead(200, etag='"a"'))
    new, _ = feed(nobody_knows, part("bytes 0-9/*", length=None))
    assert new.filled_head == StoredHead(206, etag='"a"')


def test_there_is_room_for_one_of_both() -> None:
    new, effects = feed(APART, NoRoom("the disk is full", unstored=3))
    assert effects == (Terminate(), Enqueue())
    assert (new.stored, new.head, new.transfer, new.anew) == (4, None, None, False)
    new, effects = last(new, Start(4.0), ok())
    assert effects == (StoreResponse(True),)
    assert (new.stored, new.keeps_apart) == (0, False)
    assert feed(new, NoRoom("the disk is full"))[0].state is State.QUOTA_EXCEEDED


def test_the_whole_of_another_file_makes_what_is_stored_redundant_at_once() -> None:
    for head in (ok(12, etag='"b"'), ok(12, etag=None), part("bytes 0-11/12", etag='"b"', length=12)):
        new, effects = feed(ANEW, head)
        assert effects == (StoreResponse(True),)
        assert (new.stored, new.anew, new.keeps_apart) == (0, False, False)
        assert new.head == head.head


def test_what_fails_before_the_whole_comes_asks_for_the_whole_again() -> None:
    for lost in (failure(now=3.0), failure("protocol", now=3.0), status(500, now=3.0), status(416, now=3.0)):
        new = fed(ANEW, lost)
        assert (new.state, new.anew, new.stored, new.head) == (State.WAITING, True, 4, ASKING.head)
        assert feed(fed(new, Wake(4.0)), Start(4.0))[1] == (SendRequest(0, None),)
    assert fed(ANEW, Pause()).snapshot() == RecordSnapshot(head=ASKING.head, restarted=True, anew=True)
    restored = restore(ANEW.snapshot(), method="GET", headers=HeaderList(), give_up=100.0, stored=4)
    assert (restored.anew, restored.restarted) == (True, True)
    assert feed(restored, Start(9.0))[1] == (SendRequest(0, None),)
    assert feed(ANEW, status(404, now=102.0))[0].result == "bad-status"


@pytest.mark.parametrize(
    "head",
    [
        ok(6),
        ok(7),
        ok(6, etag='"b"'),
        ok(6, etag=None),
        attrs.evolve(ok(6), content_range="bytes 4-9/10"),
        attrs.evolve(ok(10), content_range="bytes 0-9/10"),
        attrs.evolve(ok(6, etag='"b"'), content_range="bytes 4-9/10"),
        attrs.evolve(ok(None), content_range="nonsense"),
    ],
)
def test_what_is_not_the_whole_although_it_should_be_is_not_taken(head: Head) -> None:
    new, effects = feed(ASKING, head)
    assert effects == (Terminate(), Enqueue())
    assert (new.stored, new.head, new.restarted, new.anew) == (4, ASKING.head, True, True)
    assert feed(new, Start(3.0))[1] == (SendRequest(0, None),)
    failed, effects = feed(attrs.evolve(ASKING, restarted=True), head)
    assert effects == (Terminate(), Settled("fetch-error", "changed", failed.message, 200))
    assert failed.message


def test_the_whole_is_held_against_what_was_told_before() -> None:
    """A server that sends the rest whatever it is asked for, and says nothing of it."""
    for rest in (ok(6), attrs.evolve(ok(None), content_range="bytes 4-9/10"), part("bytes 0-5/6", length=6)):
        assert (feed(ANEW, rest)[0].result, feed(ANEW, rest)[0].cause) == ("fetch-error", "changed")
    said = feed(ANEW, ok(6))[0].message
    assert said == "the validator is the same, and the length was 10 bytes and is now 6"
    whole = attrs.evolve(ok(), content_range="bytes 0-9/10")
    assert feed(ANEW, whole)[1] == (KeepApart(),)
    assert feed(ANEW, attrs.evolve(ok(), content_range="nonsense"))[1] == (KeepApart(),)
    # At the first answer there is nothing to hold it against.
    assert feed(REQUESTED, attrs.evolve(ok(6), content_range="bytes 4-9/10"))[1] == (StoreResponse(False),)


def test_a_body_without_a_length_must_have_the_one_that_was_told_before() -> None:
    record = fed(ASKING, ok(None))
    assert record.transfer == Transfer(0, again=True, promised=10)
    assert last(record, Bytes(3.0, 10), End(3.0))[0].result == "success"
    _, effects = last(record, Bytes(3.0, 6), End(3.0))
    message = "the validator is the same, and the length was 10 bytes and is now 6"
    assert effects == (Settled("fetch-error", "changed", message, 200),)
    assert last(record, Bytes(3.0, 11), End(3.0))[0].cause == "changed"
    for other in (ok(None, etag='"b"'), Head(0.0, StoredHead(200, '"a"', coded=True))):
        told = fed(ASKING, other).transfer
        assert told == Transfer(0, again=True)
    assert fed(REQUESTED, ok(), failure(), Wake(2.0), Start(2.0), ok(None)).transfer == Transfer(
        0, again=True
    )


def test_a_whole_that_is_shorter_than_what_is_stored_is_not_the_same_file() -> None:
    unknown = fed(UNTOLD, part(None), Start(3.0), ok(None), Bytes(3.0, 3))
    assert (unknown.stored, unknown.filled) == (4, 3)
    message = "the validator is the same, and the length was at least 4 bytes and is now 3"
    assert feed(unknown, End(3.0))[1] == (Settled("fetch-error", "changed", message, 200),)
    assert last(unknown, Bytes(3.0, 1), Overtaken(), End(3.0))[0].result == "success"


def test_another_last_modified_is_a_changed_file() -> None:
    def dated(code: int, date: str, says: str | None = None) -> Head:
        head = StoredHead(code, last_modified=date, complete_length=10, last_modified_is_strong=True)
        return Head(0.0, head, content_range=says)

    record = fed(REQUESTED, dated(200, "Monday"), Bytes(0.0, 4), failure(), Wake(2.0), Start(2.0))
    assert fed(record, dated(206, "Monday", "bytes 4-9/10")).state is State.RECEIVING
    assert fed(record, dated(206, "Tuesday", "bytes 4-9/10")).cause == "changed"


def test_an_asterisk_leaves_the_length_as_it_is_known() -> None:
    star = fed(ASKING, part("bytes 4-9/*", length=None))
    assert star.head == ASKING.head
    assert last(star, Bytes(2.0, 6), End(2.0))[1] == (Settled("success", None, None, 200),)
    middle = fed(ASKING, part("bytes 4-6/*", length=None), Bytes(2.0, 3))
    new, effects = feed(middle, End(2.0))
    assert effects == (Enqueue(),)
    assert feed(new, Start(2.0))[1] == (SendRequest(7, '"a"'),)


def test_a_206_to_another_method_is_a_fetch_error() -> None:
    _, effects = feed(fed(POST, Start(0.0)), part("bytes 0-9/10"))
    assert effects == (Terminate(), Settled("fetch-error", "protocol", "206 to a POST request", None))


def test_a_206_that_nobody_asked_for_must_begin_at_zero() -> None:
    new, effects = feed(REQUESTED, part("bytes 0-4/10"))
    assert (effects, new.transfer) == ((StoreResponse(False),), Transfer(0, 5))


def test_more_bytes_than_the_head_told_are_a_fetch_error() -> None:
    told = Settled("fetch-error", "protocol", "the body is longer than the server said", 200)
    assert last(ASKING, part("bytes 4-6/10"), Bytes(3.0, 4))[1] == (Terminate(), told)
    assert last(REQUESTED, ok(3), Bytes(3.0, 4))[1] == (Terminate(), told)
    assert last(REQUESTED, ok(None), Bytes(3.0, 4))[1] == (Append(),)


def test_a_range_of_the_scripts_own_is_the_whole_answer() -> None:
    record, effects = last(OWN, Start(0.0), part("bytes 1-4/10"))
    assert effects == (StoreResponse(False),)
    assert record.transfer == Transfer(0, part_end=4)
    assert last(record, Bytes(1.0, 4), End(1.0))[1] == (Settled("success", None, None, 206),)
    assert last(record, Bytes(1.0, 5))[0].state is State.FETCH_ERROR
    assert last(record, Bytes(1.0, 3), End(1.0))[0].state is State.WAITING
    record = fed(record, Bytes(1.0, 3), failure(), Wake(2.0))
    record, effects = feed(record, Start(2.0))
    assert effects == (SendRequest(0, None),)
    assert feed(record, part("bytes 1-4/10"))[1] == (StoreResponse(True),)


@pytest.mark.parametrize("says", [None, "nonsense", "bytes 1-4/*"])
def test_a_range_of_the_scripts_own_is_not_validated(says: str | None) -> None:
    record = fed(OWN, Start(0.0), part(says, length=None), Bytes(1.0, 4))
    assert feed(record, End(1.0))[0].state is State.SUCCESS
    assert fed(record, Pause(), Resume(), Start(2.0)).state is State.REQUESTED


def test_a_whole_answer_to_a_range_of_the_scripts_own_is_taken_as_it_is() -> None:
    assert fed(OWN, Start(0.0), ok(10), Bytes(1.0, 10), End(1.0)).state is State.SUCCESS
    assert fed(OWN, Start(0.0), ok(10), Bytes(1.0, 4), End(1.0)).state is State.WAITING


# In flight: 416


def test_416_at_the_very_end_is_success() -> None:
    new, effects = feed(UNTOLD, status(416, says="bytes */4"))
    assert effects == (Terminate(), Settled("success", None, None, 200))
    assert new.stored == 4


@pytest.mark.parametrize(
    ("etag", "state"),
    [(None, State.SUCCESS), ("here", State.SUCCESS), ('"another"', State.PENDING)],
)
def test_416_at_the_very_end_of_another_version_is_none(etag: str | None, state: State) -> None:
    """The length tells nothing where the ETag says that it is not the file whose bytes are here."""
    assert UNTOLD.head is not None
    assert UNTOLD.head.etag is not None
    told = UNTOLD.head.etag if etag == "here" else etag
    refused = status(416, says="bytes */4")
    refused = attrs.evolve(refused, head=attrs.evolve(refused.head, etag=told))
    assert feed(UNTOLD, refused)[0].state is state


def test_416_never_makes_a_success_of_half_a_file() -> None:
    assert feed(ASKING, status(416, says="bytes */4"))[0].state is State.PENDING


@pytest.mark.parametrize("says", ["bytes */5", None, "nonsense"])
def test_416_otherwise_starts_over_once(says: str | None) -> None:
    record, effects = feed(UNTOLD, status(416, says=says))
    assert effects == (Terminate(), Enqueue())
    assert (record.head, record.restarted, record.anew) == (UNTOLD.head, True, True)
    record, effects = feed(record, Start(3.0))
    assert effects == (SendRequest(0, None),)
    record, effects = feed(record, ok(None))
    assert (effects, record.stored) == ((KeepApart(),), 4)
    record = fed(record, Bytes(4.0, 2), failure(now=4.0), Wake(5.0), Start(5.0))
    _, effects = feed(record, status(416, says=says))
    told = Settled("fetch-error", "changed", "the server refused the range (416) again", 200)
    assert effects == (Terminate(), told)


@pytest.mark.parametrize(
    ("says", "length"), [("bytes */10", 10), ("bytes */12", None), (None, 10), ("bytes */x", 10)]
)
def test_a_416_may_say_that_the_length_is_another(says: str | None, length: int | None) -> None:
    """The Content-Length was wrong, once: the next one is not held against it."""
    record = fed(ASKING, status(416, says=says), Start(3.0))
    assert record.head == StoredHead(200, etag='"a"', complete_length=length)
    assert (feed(record, ok(12))[0].state is State.RECEIVING) == (length is None)
    # Of another status that header says nothing.
    assert fed(ASKING, attrs.evolve(part(None), content_range="bytes */12")).head == ASKING.head


# In flight: an ok status, bytes, the end


def test_an_ok_status_to_a_range_request_starts_over_in_new_data() -> None:
    new, effects = feed(ASKING, ok(12, etag='"b"'))
    assert effects == (StoreResponse(True),)
    assert (new.stored, new.transfer, new.head) == (
        0,
        Transfer(0, again=True),
        StoredHead(200, '"b"', complete_length=12),
    )
    assert feed(fed(REQUESTED, ok(), failure(), Wake(2.0), Start(2.0)), ok())[1] == (StoreResponse(True),)
    assert feed(REQUESTED, ok())[1] == (StoreResponse(False),)


def test_the_download_total_is_exceeded_by_more_than_the_room_only() -> None:
    assert feed(RECEIVING, Bytes(1.0, 3, room=3))[0].state is State.RECEIVING
    new, effects = feed(RECEIVING, Bytes(1.0, 3, room=2))
    told = Settled("download-total-exceeded", "download-total", "the download total was exceeded", 200)
    assert effects == (Terminate(), told)
    assert new.stored == 4


def test_bytes_that_could_not_be_stored_are_not_counted() -> None:
    new, effects = last(RECEIVING, Bytes(1.0, 6), NoRoom("the disk is full", unstored=6))
    assert effects == (Terminate(), Settled("quota-exceeded", "quota", "the disk is full", 200))
    assert new.stored == 4


def test_a_body_of_unknown_length_is_complete_where_its_framing_is() -> None:
    assert feed(BLIND, End(1.0))[1] == (Settled("success", None, None, 200),)
    post = fed(POST, Start(0.0), ok(None), Bytes(0.0, 3))
    assert feed(post, End(1.0))[1] == (Settled("success", None, None, 200),)


def test_a_206_short_of_the_whole_asks_for_the_rest_after_progress() -> None:
    new, effects = last(ASKING, part("bytes 4-6/10"), Bytes(2.0, 3), End(2.0))
    assert effects == (Enqueue(),)
    assert feed(new, Start(2.0))[1] == (SendRequest(7, '"a"'),)


@pytest.mark.parametrize("received", [(), (Bytes(2.0, 3),)])
def test_a_206_short_of_the_whole_is_final_without_progress_or_validator(received: tuple[Bytes, ...]) -> None:
    record = fed(REQUESTED, part("bytes 0-4/10", etag=None), *received)
    _, effects = feed(record, End(2.0))
    message = f"the body ended after {record.stored} of 10 bytes"
    assert effects == (Settled("fetch-error", "truncated", message, 206),)


def test_a_206_of_unknown_length_is_success_at_the_end_of_its_part_only() -> None:
    record = fed(UNTOLD, part("bytes 4-9/*", length=None), Bytes(2.0, 5))
    assert feed(record, End(2.0))[1] == (Enqueue(),)
    assert last(record, Bytes(2.0, 1), End(2.0))[1] == (Settled("success", None, None, 200),)


def test_a_body_that_ends_too_early_is_never_success() -> None:
    new, effects = feed(RECEIVING, End(1.0))
    assert effects == (WaitFor("reset", 2.0, "the body ended after 4 of 10 bytes"),)
    assert new.cause == "truncated"
    post = fed(POST, Start(0.0), ok(), Bytes(0.0, 4))
    message = "the body ended after 4 of 10 bytes"
    assert feed(post, End(1.0))[1] == (Settled("fetch-error", "truncated", message, 200),)
    assert feed(RECEIVING, failure("truncated"))[0].state is State.WAITING


# Any unsettled


@pytest.mark.parametrize("record", [NEW, WAITING, REQUESTED, RECEIVING])
def test_a_pause_ends_the_exchange_and_keeps_the_bytes(record: Record) -> None:
    new, effects = feed(record, Pause())
    wait = WaitFor("paused", None, None)
    assert effects == ((Terminate(), wait) if record.in_flight else (wait,))
    assert (new.stored, new.head) == (record.stored, record.head)


def test_what_it_waited_for_is_forgotten_when_it_goes_on() -> None:
    """Not only until the next failure: who looks at it meanwhile would see the last one."""
    for waits in (WAITING, REFUSED):
        assert waits.cause is not None
        again = fed(waits, Wake(2.0))
        assert (again.wait, again.cause, again.message, again.refusal) == (None, None, None, None)
        paused = fed(waits, Pause())
        assert (paused.cause, paused.message, paused.refusal) == (None, None, None)
        assert paused.wait == WaitFor("paused", None, None)
        assert fed(paused, Resume()).wait is None
        offline = fed(again, Unavailable("the user is offline"))
        assert (again.queued_at, offline.queued_at) == (2.0, None)
        assert fed(again, Pause(), Resume()).queued_at is None


def test_resuming_begins_with_fresh_patience() -> None:
    record = fed(RECEIVING, failure(), Pause(), Resume(), Start(1e6), failure(now=1e6))
    assert record.wait == WaitFor("reset", 1e6 + FIRST_BACKOFF, "the connection broke")


def test_complete_bytes_need_no_request() -> None:
    record = fed(RECEIVING, Bytes(1.0, 6), Pause(), Resume())
    assert feed(record, Start(2.0))[1] == (Settled("success", None, None, 200),)
    assert feed(fed(OWN, Start(0.0), ok(0), Pause(), Resume()), Start(1.0))[0].state is State.REQUESTED


def test_complete_bytes_are_no_failure_when_the_patience_is_over() -> None:
    whole = fed(RECEIVING, Bytes(1.0, 6))
    late = fed(whole, failure(now=1e6))
    assert late.state is State.WAITING
    assert fed(late, Wake(1e6), Start(1e6)).state is State.SUCCESS
    waiting = fed(whole, failure(now=2.0))
    assert fed(waiting, Wake(1e6), Start(1e6)).state is State.SUCCESS
    # One byte is missing; or what was asked for is a part, whose length says nothing.
    assert fed(RECEIVING, Bytes(1.0, 5), failure(now=1e6)).state is State.FETCH_ERROR
    assert fed(OWN, Start(0.0), ok(0), failure(now=1e6)).state is State.FETCH_ERROR


@pytest.mark.parametrize("record", [NEW, WAITING, REQUESTED, RECEIVING, PAUSED])
def test_an_abort_settles_every_unsettled_one(record: Record) -> None:
    new, effects = feed(record, Abort("by the user"))
    code = record.head.status if record.head else None
    told = Settled("aborted", "aborted", "by the user", code)
    assert effects == ((Terminate(), told) if record.in_flight else (told,))
    assert new.stored == record.stored


def test_properties_agree_with_the_states() -> None:
    for state in State:
        record = attrs.evolve(NEW, state=state)
        assert record.settled == (state in SETTLED)
        assert record.in_flight == (state in IN_FLIGHT)


# Integrity


def test_the_last_byte_is_the_end_of_the_exchange_and_the_beginning_of_the_verification() -> None:
    new, effects = feed(SURE_WHOLE, End(1.0))
    assert effects == (Verify(),)
    assert (new.state, new.in_flight, new.settled, new.result) == (State.VERIFYING, False, False, "")
    assert (new.stored, new.whole, new.transfer) == (4, True, None)


def test_a_body_that_matches_is_a_success() -> None:
    new, effects = feed(VERIFYING, Verified())
    assert effects == (Settled("success", None, None, 200),)
    assert new.stored == 4


def test_a_body_that_does_not_match_is_a_fetch_error() -> None:
    new, effects = feed(VERIFYING, Verified("its integrity is another"))
    assert effects == (Settled("fetch-error", "integrity", "its integrity is another", 200),)
    assert (new.stored, new.sent) == (4, False)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("length", [4, None])
def test_what_is_paused_while_it_is_verified_is_not_asked_for_again(method: str, length: int | None) -> None:
    record = fed(attrs.evolve(SURE, method=method), Start(0.0), ok(length), Bytes(0.0, 4), End(1.0))
    assert record.state is State.VERIFYING
    paused, effects = feed(record, Pause())
    assert effects == (WaitFor("paused", None, None),)
    again, effects = last(paused, Resume(), Start(9.0))
    assert effects == (Verify(),)
    assert (again.state, again.queued_at) == (State.VERIFYING, None)


def test_an_abort_while_it_is_verified() -> None:
    new, effects = feed(VERIFYING, Abort("by the user"))
    assert effects == (Settled("aborted", "aborted", "by the user", 200),)
    assert new.stored == 4


def test_a_416_at_the_very_end_is_verified_too() -> None:
    record = fed(SURE_UNTOLD, failure(), Wake(2.0), Start(2.0))
    new, effects = feed(record, status(416, says="bytes */4"))
    assert effects == (Terminate(), Verify())
    assert (new.transfer, new.whole) == (None, True)


@pytest.mark.parametrize("wait", [failure("offline"), failure()])
def test_what_broke_after_the_last_byte_is_verified_at_the_next_start(wait: Failure) -> None:
    record = fed(SURE_WHOLE, wait, Wake(50.0))
    assert (record.state, record.queued_at) == (State.PENDING, 50.0)
    new, effects = feed(record, Start(60.0))
    assert effects == (Verify(),)
    assert new.queued_at is None


def test_what_is_not_whole_is_not_verified() -> None:
    short = fed(SURE, Start(0.0), ok(), Bytes(0.0, 4))
    assert feed(short, End(1.0))[0].state is State.WAITING
    assert feed(fed(short, Pause(), Resume()), Start(1.0))[0].state is State.REQUESTED
    assert feed(fed(SURE, Start(0.0)), status(404))[0].state is State.BAD_STATUS
    assert feed(fed(short, failure(), Wake(2.0), Start(2.0)), status(416))[0].state is State.PENDING


def test_without_integrity_metadata_nothing_is_verified() -> None:
    for record, input, _, to in CASES:
        if not record.has_integrity:
            assert to is not State.VERIFYING
            assert Verify() not in feed(record, input)[1]


def test_it_is_verified_again_after_the_process_died() -> None:
    snapshot = VERIFYING.snapshot()
    assert snapshot == RecordSnapshot(head=VERIFYING.head)
    again = restore(snapshot, method="GET", headers=HeaderList(), give_up=100.0, stored=4, has_integrity=True)
    assert (again.state, again.has_integrity, again.whole) == (State.PENDING, True, False)
    assert feed(again, Start(9.0))[1] == (Verify(),)


def test_without_a_length_the_end_is_asked_for_again_after_the_process_died() -> None:
    snapshot = fed(SURE_UNTOLD, End(1.0)).snapshot()
    again = restore(snapshot, method="GET", headers=HeaderList(), give_up=100.0, stored=4, has_integrity=True)
    again, effects = feed(again, Start(9.0))
    assert effects == (SendRequest(4, '"a"'),)
    assert feed(again, status(416, says="bytes */4"))[1] == (Terminate(), Verify())


# After the process died


@pytest.mark.parametrize("record", [NEW, WAITING, REQUESTED, RECEIVING, PAUSED, ASKING])
def test_what_is_unsettled_is_pending_again(record: Record) -> None:
    snapshot = record.snapshot()
    assert snapshot == RecordSnapshot(head=record.head)
    again = restore(snapshot, method="GET", headers=HeaderList(), give_up=100.0, stored=record.stored)
    assert (again.state, again.deadline) == (State.PENDING, None)
    assert feed(again, Start(9.0))[1] == (SendRequest(record.stored, '"a"' if record.stored else None),)


def test_a_range_of_the_scripts_own_is_remembered() -> None:
    """What is stored is the part that was asked for: its length says nothing of the file's."""
    record = fed(OWN, Start(0.0), part("bytes 1-4/4", length=4), Bytes(0.0, 4))
    again = restore(record.snapshot(), method="GET", headers=OWN_RANGE, give_up=100.0, stored=4)
    assert feed(again, Start(9.0))[1] == (SendRequest(0, None),)


def test_what_an_earlier_process_got_is_no_progress() -> None:
    record = fed(BLIND, Bytes(0.0, 4))
    again = restore(record.snapshot(), method="GET", headers=HeaderList(), give_up=100.0, stored=4)
    again = fed(again, Start(0.0), ok(None, etag=None), Bytes(50.0, 4))
    assert (again.stored, again.deadline) == (4, 100.0)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_must_not_be_sent_twice_is_not(method: str) -> None:
    """Sending it again could repeat a side effect, as in a pause."""
    record = Record(method=method, give_up=100.0)
    for sent in (fed(record, Start(0.0)), fed(record, Start(0.0), ok(), Bytes(0.0, 4))):
        snapshot = sent.snapshot()
        again = restore(snapshot, method=method, headers=HeaderList(), give_up=100.0, stored=sent.stored)
        new, effects = feed(again, Start(9.0))
        assert [type(e) for e in effects] == [Settled]
        assert (new.result, new.cause) == ("fetch-error", "reset")
        assert new.message == (
            f"the process ended while the {method} request was under way; it may not be sent again"
        )
    waiting = restore(record.snapshot(), method=method, headers=HeaderList(), give_up=100.0, stored=0)
    assert feed(waiting, Start(9.0))[1] == (SendRequest(0, None),)
    complete = fed(record, Start(0.0), ok(4), Bytes(0.0, 4))
    again = restore(complete.snapshot(), method=method, headers=HeaderList(), give_up=100.0, stored=4)
    assert feed(again, Start(9.0))[0].state is State.SUCCESS


def test_what_is_settled_stays_so() -> None:
    for record, input, _, to in CASES:
        settled, _ = feed(record, input)
        if to not in SETTLED:
            continue
        snapshot = settled.snapshot()
        again = restore(
            snapshot, method=record.method, headers=record.headers, give_up=100.0, stored=settled.stored
        )
        assert (again.state, again.stored, again.snapshot()) == (to, settled.stored, snapshot)


def test_starting_over_because_of_416_is_remembered() -> None:
    snapshot = fed(ASKING, status(416)).snapshot()
    assert snapshot == RecordSnapshot(head=ASKING.head, restarted=True, anew=True)
    again = restore(snapshot, method="GET", headers=HeaderList(), give_up=100.0, stored=4)
    assert feed(again, Start(9.0))[1] == (SendRequest(0, None),)


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ((Start(0.0), ok(), Bytes(1.0, 10), End(1.0)), 200),
        ((Start(0.0), ok(), Bytes(1.0, 4), failure("tls")), 200),
        ((Start(0.0), status(404)), 404),
        ((Start(0.0), failure("tls")), None),
    ],
    ids=["success", "a failure in the body", "a bad status", "a failure before the head"],
)
def test_the_status_of_its_response_is_kept(inputs: tuple[Input, ...], code: int | None) -> None:
    record, effects = last(Record(), *inputs)
    assert isinstance(effects[-1], Settled)
    assert (record.status, record.snapshot().status, effects[-1].status) == (code, code, code)
