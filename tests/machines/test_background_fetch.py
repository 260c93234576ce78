"""The machine of a background fetch, row by row: first the table's own rows, then what SPEC-NOTES says of it."""

from __future__ import annotations

from typing import get_args

import attrs
import pytest

from swruntime.concepts.background import StoredHead
from swruntime.concepts.enums import EventOutcome, PermissionState
from swruntime.concepts.http import HeaderList
from swruntime.errors import ImpossibleInput
from swruntime.machines import background_fetch as fetches, record as records
from swruntime.machines.background_fetch import (
    EVENT_ATTEMPTS,
    TABLE,
    Abort,
    AbortRecords,
    Answer,
    Begin,
    BeginRecords,
    Clear,
    Dispatch,
    Drop,
    EventEnded,
    Fetch,
    Hold,
    Input,
    Machine,
    OnRecord,
    OweAgain,
    Pause,
    Paused,
    PauseRecords,
    RecordSettled,
    Release,
    Resume,
    Resumed,
    ResumeRecords,
    Retry,
    Settle,
    State,
)
from swruntime.machines.record import Record
from swruntime.machines.snapshots import EventDebt, FetchSnapshot, RecordSnapshot
from swruntime.machines.table import Effect, Row, step

PENDING = Fetch(begun=True)
PAUSED = Fetch(begun=True, state=State.PAUSED, pause_cause="user")
FAILED = Fetch(begun=True, failure_reason="bad-status", cause="status", message="the server answered 404")
FINAL = (State.SUCCESS, State.FAILURE, State.ABORTED)
SUCCEEDED = RecordSettled("success", None, None, 0)
QUOTA = RecordSettled("quota-exceeded", "quota", "the disk is full", 2)
TOTAL = RecordSettled("download-total-exceeded", "download-total", "too much", 2)
NETWORK = RecordSettled("fetch-error", "reset", "it broke", 0)
SUCCESS = Settle("success", "", "backgroundfetchsuccess", None, None)
ABORT = Settle("failure", "aborted", "backgroundfetchabort", "user", "aborted by the user")


def settled(state: State, event: EventDebt = "owed", attempts: int = 1) -> Fetch:
    return Fetch(state=state, event=event, attempts=attempts)


CASES: list[tuple[Fetch, Input, str, State, tuple[Effect, ...]]] = [
    (
        Fetch(),
        Begin("prompt"),
        "permission_is_prompt",
        State.PAUSED,
        (PauseRecords(), Paused("permission")),
    ),
    (Fetch(), Begin(), "", State.PENDING, (BeginRecords(),)),
    (PENDING, Pause("user", upload_runs=True), "upload_runs", State.PENDING, (Answer(False),)),
    (PENDING, Pause("user"), "", State.PAUSED, (PauseRecords(), Paused("user"), Answer(True))),
    (PENDING, Resume("user"), "", State.PENDING, (Answer(False),)),
    (
        PENDING,
        Abort("user"),
        "",
        State.ABORTED,
        (AbortRecords("aborted by the user"), Answer(True), ABORT),
    ),
    (
        PENDING,
        Clear(),
        "",
        State.ABORTED,
        (
            AbortRecords("the registration was cleared"),
            Settle("failure", "aborted", "", "unregistered", "the registration was cleared"),
            Release("unregistered"),
        ),
    ),
    (
        FAILED,
        QUOTA,
        "is_immediate",
        State.FAILURE,
        (
            AbortRecords("the disk is full"),
            Settle("failure", "quota-exceeded", "backgroundfetchfail", "quota", "the disk is full"),
        ),
    ),
    (
        PENDING,
        NETWORK,
        "is_last_after_failure",
        State.FAILURE,
        (Settle("failure", "fetch-error", "backgroundfetchfail", "reset", "it broke"),),
    ),
    (PENDING, SUCCEEDED, "is_last", State.SUCCESS, (SUCCESS,)),
    (PENDING, attrs.evolve(NETWORK, unsettled=1), "", State.PENDING, ()),
    (Fetch(state=State.PAUSED), Begin(), "", State.PAUSED, (PauseRecords(), Paused("user"))),
    (PAUSED, Pause("user"), "", State.PAUSED, (Answer(False),)),
    (PAUSED, Resume("user"), "", State.PENDING, (Resumed("user"), ResumeRecords(), Answer(True))),
    (
        PAUSED,
        Abort("user"),
        "",
        State.ABORTED,
        (AbortRecords("aborted by the user"), Answer(True), ABORT),
    ),
    (
        PAUSED,
        Clear("cleared"),
        "",
        State.ABORTED,
        (
            AbortRecords("the registration was cleared"),
            Settle("failure", "aborted", "", "cleared", "the registration was cleared"),
            Release("cleared"),
        ),
    ),
    (
        PAUSED,
        TOTAL,
        "is_immediate",
        State.FAILURE,
        (
            AbortRecords("too much"),
            Settle("failure", "download-total-exceeded", "backgroundfetchfail", "download-total", "too much"),
        ),
    ),
    (
        attrs.evolve(FAILED, state=State.PAUSED),
        SUCCEEDED,
        "is_last_after_failure",
        State.FAILURE,
        (Settle("failure", "bad-status", "backgroundfetchfail", "status", "the server answered 404"),),
    ),
    (PAUSED, SUCCEEDED, "is_last", State.SUCCESS, (SUCCESS,)),
]
for _state in FINAL:
    CASES += [
        (settled(_state), Abort("user"), "", _state, (Answer(False),)),
        (settled(_state), Pause("user"), "", _state, (Answer(False),)),
        (settled(_state), Resume("user"), "", _state, (Answer(False),)),
        (settled(_state), Clear(), "", _state, (Release("unregistered"),)),
        (settled(_state), Dispatch(), "is_owed", _state, ()),
        (settled(_state), EventEnded("fulfilled"), "ended_by_itself", _state, (Release("event"),)),
        (settled(_state), EventEnded("interrupted"), "may_be_tried_again", _state, (OweAgain(),)),
        (settled(_state, attempts=5), EventEnded("interrupted"), "is_owed", _state, (Hold(),)),
        (settled(_state, "held"), Drop(), "is_owed_or_held", _state, (Release("dropped"),)),
        (settled(_state, "held"), Retry(), "is_owed_or_held", _state, (OweAgain(),)),
    ]


def taken(fetch: Fetch, input: Input) -> Row[Fetch]:
    return next(row for row in TABLE[fetch.state, type(input)] if row.when is None or row.when(fetch, input))


@pytest.mark.parametrize(("fetch", "input", "guard", "to", "effects"), CASES)
def test_each_row_of_the_table(
    fetch: Fetch, input: Input, guard: str, to: State, effects: tuple[Effect, ...]
) -> None:
    row = taken(fetch, input)
    assert (row.guard, row.to) == (guard, to)
    new, told = step(TABLE, fetch, input)
    assert (new.state, told) == (to, effects)


@pytest.mark.parametrize("state", FINAL)
def test_the_rows_of_a_settled_state_are_made_again_as_they_are(state: State) -> None:
    """The table was made when the module was imported: a mutant of its maker shows only in what it makes now."""
    assert fetches._settled(state) == {pair: rows for pair, rows in TABLE.items() if pair[0] is state}


def test_no_row_is_left_out_above() -> None:
    rows = {(state, input, row.guard) for (state, input), rows in TABLE.items() for row in rows}
    assert {(fetch.state, type(input), guard) for fetch, input, guard, _, _ in CASES} == rows
    assert len(CASES) == len(rows)


@pytest.mark.parametrize("state", FINAL)
@pytest.mark.parametrize("event", ["held", "ended"])
@pytest.mark.parametrize("input", [Dispatch(), *(EventEnded(o) for o in get_args(EventOutcome))])
def test_an_event_that_is_not_owed_is_not_fired(state: State, event: EventDebt, input: Input) -> None:
    with pytest.raises(ImpossibleInput, match="Fetch"):
        step(TABLE, settled(state, event), input)


def test_an_event_that_has_ended_cannot_be_dropped() -> None:
    with pytest.raises(ImpossibleInput, match="^Fetch: no transition from success on Drop "):
        step(TABLE, settled(State.SUCCESS, "ended"), Drop())


@pytest.mark.parametrize("state", [State.PENDING, State.PAUSED])
@pytest.mark.parametrize("input", [Dispatch(), EventEnded("fulfilled"), Drop()])
def test_an_active_one_owes_no_event(state: State, input: Input) -> None:
    with pytest.raises(ImpossibleInput):
        step(TABLE, Fetch(state=state), input)


@pytest.mark.parametrize(
    ("state", "result", "event"),
    [
        (State.PENDING, "", ""),
        (State.PAUSED, "", ""),
        (State.SUCCESS, "success", "backgroundfetchsuccess"),
        (State.FAILURE, "failure", "backgroundfetchfail"),
        (State.ABORTED, "failure", "backgroundfetchabort"),
    ],
)
def test_what_scripts_see_of_a_state(state: State, result: str, event: str) -> None:
    fetch = Fetch(state=state)
    assert (fetch.result, fetch.event_name, fetch.active) == (result, event, result == "")


# With records


def machine(*methods: str, download_total: int = 0) -> Machine:
    return Machine([Record(method=m, give_up=100.0) for m in methods], download_total=download_total)


def begun(*methods: str, download_total: int = 0) -> Machine:
    m = machine(*methods, download_total=download_total)
    m.feed(Begin())
    return m


def send(m: Machine, index: int, length: int | None = 10, *, bytes: int = 0) -> None:
    """Start record number `index`, and let its head and `bytes` come."""
    m.feed_record(index, records.Start(0.0))
    m.feed_record(index, records.Head(0.0, StoredHead(200, '"a"', complete_length=length)))
    if bytes:
        m.feed_record(index, records.Bytes(0.0, bytes))


def succeed(m: Machine, index: int) -> list[Effect | OnRecord]:
    send(m, index, bytes=10)
    return m.feed_record(index, records.End(0.0))


def fail(m: Machine, index: int, code: int = 404) -> list[Effect | OnRecord]:
    m.feed_record(index, records.Start(0.0))
    return m.feed_record(index, records.Head(0.0, StoredHead(code)))


def states(m: Machine) -> list[str]:
    return [r.state.value for r in m.records]


def of_fetch(effects: list[Effect | OnRecord]) -> list[Effect | OnRecord]:
    return [e for e in effects if not isinstance(e, OnRecord)]


@pytest.mark.parametrize("permission", ["granted", "denied"])
def test_beginning_lines_every_record_up(permission: PermissionState) -> None:
    assert machine("GET", "POST").feed(Begin(permission)) == [
        OnRecord(0, records.Enqueue()),
        OnRecord(1, records.Enqueue()),
    ]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_prompt_pauses_from_the_start_whatever_the_methods(method: str) -> None:
    m = machine(method, method)
    waits = [OnRecord(i, records.WaitFor("paused", None, None)) for i in (0, 1)]
    assert m.feed(Begin("prompt")) == [*waits, Paused("permission")]
    assert (m.fetch.state, m.fetch.pause_cause) == (State.PAUSED, "permission")
    enqueued = [OnRecord(i, records.Enqueue()) for i in (0, 1)]
    assert m.feed(Resume("user")) == [Resumed("user"), *enqueued, Answer(True)]
    assert (m.fetch.state, m.fetch.pause_cause) == (State.PENDING, None)


def test_refusing_the_permission_is_an_abort() -> None:
    m = machine("GET")
    m.feed(Begin("prompt"))
    assert of_fetch(m.feed(Abort("user"))) == [Answer(True), ABORT]


def test_a_pause_terminates_what_runs() -> None:
    m = begun("GET", "GET")
    send(m, 0, bytes=4)
    assert m.feed(Pause("user")) == [
        OnRecord(0, records.Terminate()),
        OnRecord(0, records.WaitFor("paused", None, None)),
        OnRecord(1, records.WaitFor("paused", None, None)),
        Paused("user"),
        Answer(True),
    ]
    assert m.downloaded == 4
    m.feed(Resume("user"))
    assert m.feed_record(0, records.Start(1.0)) == [OnRecord(0, records.SendRequest(4, '"a"'))]


def test_a_pause_is_refused_while_an_upload_runs() -> None:
    m = begun("GET", "POST")
    m.feed_record(1, records.Start(0.0))
    assert m.feed(Pause("user")) == [Answer(False)]
    send_head = records.Head(0.0, StoredHead(200, complete_length=0))
    m.feed_record(1, send_head)
    assert m.feed(Pause("user")) == [Answer(False)]
    m.feed_record(1, records.End(0.0))
    assert m.feed(Pause("user"))[-1] == Answer(True)


def test_an_upload_that_waits_for_a_connection_is_paused() -> None:
    assert begun("POST").feed(Pause("user"))[-1] == Answer(True)


def test_before_it_has_begun_no_record_is_told_of_a_pause() -> None:
    m = machine("GET")
    assert m.feed(Pause("user")) == [Paused("user"), Answer(True)]
    assert m.feed(Resume("user")) == [Resumed("user"), Answer(True)]
    assert m.feed(Begin()) == [OnRecord(0, records.Enqueue())]
    m = machine("GET")
    m.feed(Pause("user"))
    assert m.feed(Begin()) == [OnRecord(0, records.WaitFor("paused", None, None)), Paused("user")]
    assert m.feed(Resume("user"))[1] == OnRecord(0, records.Enqueue())


def test_success_is_that_of_every_record() -> None:
    m = begun("GET", "GET")
    assert of_fetch(succeed(m, 1)) == []
    assert m.fetch.active
    assert succeed(m, 0) == [OnRecord(0, records.Settled("success", None, None, 200)), SUCCESS]
    assert (m.fetch.event, m.fetch.result) == ("owed", "success")


def test_the_first_record_to_fail_is_the_reason() -> None:
    m = begun("GET", "POST", "GET")
    assert of_fetch(fail(m, 0)) == []
    assert m.fetch.failure_reason == "bad-status"
    m.feed_record(1, records.Start(0.0))
    assert of_fetch(m.feed_record(1, records.Failure(0.0, "reset", "it broke"))) == []
    message = "the server answered 404"
    assert of_fetch(succeed(m, 2)) == [
        Settle("failure", "bad-status", "backgroundfetchfail", "status", message)
    ]
    assert m.fetch.state is State.FAILURE


def test_the_last_record_may_be_the_first_to_fail() -> None:
    m = begun("GET", "GET")
    succeed(m, 0)
    assert of_fetch(fail(m, 1, 500)) == [
        Settle("failure", "bad-status", "backgroundfetchfail", "status", "the server answered 500")
    ]


def test_no_room_ends_the_siblings_at_once_and_goes_before_an_earlier_failure() -> None:
    m = begun("GET", "GET", "GET", "GET")
    fail(m, 0)
    send(m, 1, bytes=4)
    send(m, 2, bytes=4)
    told = records.Settled("aborted", "aborted", "the disk is full", 200)
    untold = records.Settled("aborted", "aborted", "the disk is full", None)
    assert m.feed_record(1, records.NoRoom("the disk is full", unstored=4)) == [
        OnRecord(1, records.Terminate()),
        OnRecord(1, records.Settled("quota-exceeded", "quota", "the disk is full", 200)),
        OnRecord(2, records.Terminate()),
        OnRecord(2, told),
        OnRecord(3, untold),
        Settle("failure", "quota-exceeded", "backgroundfetchfail", "quota", "the disk is full"),
    ]
    assert states(m) == ["bad-status", "quota-exceeded", "aborted", "aborted"]
    assert m.downloaded == 4


def test_the_download_total_is_shared_by_all_records() -> None:
    m = begun("GET", "GET", download_total=10)
    assert m.room == 10
    send(m, 0, bytes=6)
    send(m, 1, bytes=4)
    assert (m.downloaded, m.room) == (10, 0)
    effects = m.feed_record(1, records.Bytes(0.0, 1))
    assert effects[-1] == Settle(
        "failure",
        "download-total-exceeded",
        "backgroundfetchfail",
        "download-total",
        "the download total was exceeded",
    )
    assert states(m) == ["aborted", "download-total-exceeded"]
    assert m.downloaded == 10


def test_a_status_longer_than_the_total_is_bad_status() -> None:
    m = begun("GET", download_total=1)
    assert isinstance(fail(m, 0)[-1], Settle)
    assert states(m) == ["bad-status"]


def test_without_a_total_there_is_no_limit() -> None:
    m = begun("GET")
    assert m.room is None
    send(m, 0, None, bytes=1 << 60)
    assert m.fetch.active


def test_an_abort_spares_what_was_settled() -> None:
    m = begun("GET", "GET", "GET")
    succeed(m, 0)
    fail(m, 1)
    assert of_fetch(m.feed(Abort("user"))) == [Answer(True), ABORT]
    assert states(m) == ["success", "bad-status", "aborted"]
    assert (m.fetch.failure_reason, m.fetch.event) == ("aborted", "owed")
    assert (m.fetch.cause, m.fetch.message) == ("user", "aborted by the user")
    assert m.feed(Abort("user")) == [Answer(False)]


def test_an_abort_ends_a_paused_one() -> None:
    m = begun("GET")
    m.feed(Pause("user"))
    assert of_fetch(m.feed(Abort("abort()"))) == [
        Answer(True),
        Settle("failure", "aborted", "backgroundfetchabort", "abort()", "aborted by the abort()"),
    ]
    assert states(m) == ["aborted"]


def test_clearing_the_registration_fires_at_nobody() -> None:
    m = begun("GET")
    effects = of_fetch(m.feed(Clear()))
    assert effects == [
        Settle("failure", "aborted", "", "unregistered", "the registration was cleared"),
        Release("unregistered"),
    ]
    assert not m.records_available
    assert (m.fetch.failure_reason, m.fetch.event) == ("aborted", "ended")
    assert (m.fetch.cause, m.fetch.message) == ("unregistered", "the registration was cleared")
    m = begun("GET")
    succeed(m, 0)
    assert m.feed(Clear()) == [Release("unregistered")]
    assert not m.records_available


def test_a_new_one_has_no_limit_and_has_transferred_nothing() -> None:
    m = Machine([Record()])
    assert (m.download_total, m.downloaded, m.uploaded, m.room) == (0, 0, 0, None)
    assert Machine([], fetch=settled(State.SUCCESS)).downloaded == 0


def test_downloaded_is_frozen_at_settling() -> None:
    m = begun("GET", "GET")
    send(m, 0, bytes=4)
    m.feed(Abort("user"))
    assert m.downloaded == 4
    assert m.snapshot().downloaded == 4
    again = Machine.restore(m.snapshot(), [Record(), Record()], download_total=0)
    assert again.downloaded == 4


# The event


@pytest.mark.parametrize("outcome", ["fulfilled", "rejected", "timed-out"])
def test_an_event_that_ended_releases_the_records(outcome: EventOutcome) -> None:
    m = begun("GET")
    succeed(m, 0)
    assert m.records_available
    assert m.feed(Dispatch()) == []
    assert m.feed(EventEnded(outcome)) == [Release("event")]
    assert (m.fetch.event, m.records_available) == ("ended", False)


def test_an_interrupted_event_is_tried_five_times_and_then_held() -> None:
    m = begun("GET")
    succeed(m, 0)
    for attempt in range(1, EVENT_ATTEMPTS):
        m.feed(Dispatch())
        assert m.fetch.attempts == attempt
        assert m.feed(EventEnded("interrupted")) == [OweAgain()]
    m.feed(Dispatch())
    assert m.feed(EventEnded("interrupted")) == [Hold()]
    assert (m.fetch.event, m.records_available) == ("held", True)
    assert m.feed(Drop()) == [Release("dropped")]


def test_a_handler_that_kills_the_process_is_held_as_well() -> None:
    m = begun("GET")
    succeed(m, 0)
    for _ in range(EVENT_ATTEMPTS):
        assert m.fetch.event == "owed"
        m.feed(Dispatch())
        m = Machine.restore(m.snapshot(), m.records, download_total=0)
    assert (m.fetch.event, m.fetch.event_name) == ("held", "backgroundfetchsuccess")
    assert m.feed(Drop()) == [Release("dropped")]


def test_an_event_that_is_held_is_tried_five_times_more_when_it_is_asked_for_again() -> None:
    m = begun("GET")
    succeed(m, 0)
    for asked in range(3):
        for attempt in range(1, EVENT_ATTEMPTS + 1):
            assert m.fetch.event == "owed"
            m.feed(Dispatch())
            assert m.fetch.attempts == asked * EVENT_ATTEMPTS + attempt
            m.feed(EventEnded("interrupted"))
        assert m.fetch.event == "held"
        m = Machine.restore(m.snapshot(), m.records, download_total=0)
        assert (m.fetch.event, m.fetch.attempts) == ("held", (asked + 1) * EVENT_ATTEMPTS)
        assert m.feed(Retry()) == [OweAgain()]
    assert m.snapshot().attempts_before == m.snapshot().attempts == 3 * EVENT_ATTEMPTS


def test_a_death_counts_from_where_it_was_asked_for_again() -> None:
    m = begun("GET")
    succeed(m, 0)
    m.feed(Dispatch())
    assert m.feed(Retry()) == [OweAgain()]  # its text differs already
    for _ in range(EVENT_ATTEMPTS):
        assert m.fetch.event == "owed"
        m.feed(Dispatch())
        m = Machine.restore(m.snapshot(), m.records, download_total=0)
    assert (m.fetch.event, m.fetch.attempts, m.fetch.attempts_before) == ("held", 6, 1)


@pytest.mark.parametrize("event", ["none", "ended"])
def test_what_is_not_owed_is_not_asked_for_again(event: EventDebt) -> None:
    with pytest.raises(ImpossibleInput):
        step(TABLE, settled(State.SUCCESS, event), Retry())


def test_an_event_may_be_dropped_while_it_is_owed() -> None:
    m = begun("GET")
    succeed(m, 0)
    m.feed(Dispatch())
    assert m.feed(Drop()) == [Release("dropped")]
    assert (m.fetch.event, m.records_available) == ("ended", False)
    with pytest.raises(ImpossibleInput):
        m.feed(Drop())


# After the process died


def after_death(m: Machine) -> Machine:
    """The fetch's own result was not committed, those of its records were."""
    again = [
        records.restore(r.snapshot(), method=r.method, headers=HeaderList(), give_up=100.0, stored=r.stored)
        for r in m.records
    ]
    noted = FetchSnapshot(failure_reason=m.fetch.failure_reason, cause=m.fetch.cause, message=m.fetch.message)
    return Machine.restore(noted, again, download_total=0)


def test_a_snapshot_holds_all_that_is_not_under_way() -> None:
    m = begun("GET", "GET")
    m.uploaded = 7
    fail(m, 0)
    m.feed(Pause("user"))
    snapshot = m.snapshot()
    assert snapshot == FetchSnapshot(
        "paused", "user", "bad-status", "status", "the server answered 404", uploaded=7
    )
    again = Machine.restore(snapshot, m.records, download_total=0)
    assert again.snapshot() == snapshot
    assert again.uploaded == 7
    assert again.fetch == attrs.evolve(m.fetch, begun=False)


def test_what_was_paused_stays_paused_until_it_is_resumed() -> None:
    m = Machine.restore(FetchSnapshot("paused", "permission"), [Record()], download_total=0)
    assert m.feed(Begin()) == [OnRecord(0, records.WaitFor("paused", None, None)), Paused("permission")]
    assert m.feed(Resume("user")) == [Resumed("user"), OnRecord(0, records.Enqueue()), Answer(True)]


def test_what_was_paused_can_be_resumed_before_it_is_taken_up() -> None:
    m = Machine.restore(FetchSnapshot("paused", "user"), [Record()], download_total=0)
    assert m.feed(Resume("user")) == [Resumed("user"), Answer(True)]
    assert m.feed(Begin()) == [OnRecord(0, records.Enqueue())]


@pytest.mark.parametrize("permission", ["granted", "prompt"])
@pytest.mark.parametrize("pause", [False, True])
def test_a_result_that_was_not_committed_is_found_again(permission: PermissionState, pause: bool) -> None:
    m = begun("GET", "GET")
    succeed(m, 0)
    succeed(m, 1)
    m = after_death(m)
    if pause:
        m.feed(Pause("user"))
    assert m.feed(Begin(permission)) == [SUCCESS]


def test_a_failure_that_was_not_committed_is_found_again() -> None:
    m = begun("GET", "GET", "GET")
    succeed(m, 0)
    fail(m, 2)
    told = Settle("failure", "bad-status", "backgroundfetchfail", "status", "the server answered 404")
    assert of_fetch(fail(m, 1, 500)) == [told]
    assert after_death(m).feed(Begin()) == [told]


def test_a_success_beside_a_failure_is_never_the_result_that_is_found_again() -> None:
    """Not even where the process died before anything was noted of the failure."""
    m = begun("GET", "GET")
    succeed(m, 0)
    told = of_fetch(fail(m, 1))
    assert told == [
        Settle("failure", "bad-status", "backgroundfetchfail", "status", "the server answered 404")
    ]
    assert Machine.restore(FetchSnapshot(), after_death(m).records, download_total=0).feed(Begin()) == told


def test_a_lack_of_room_that_was_not_committed_ends_the_siblings_without_a_request() -> None:
    m = begun("GET", "GET")
    fail(m, 0)
    full = RecordSnapshot("quota-exceeded", "quota", "the disk is full", 200)
    again = Machine.restore(
        FetchSnapshot(failure_reason="bad-status"),
        [
            m.records[0],
            records.restore(full, method="GET", headers=HeaderList(), give_up=100.0, stored=4),
            Record(),
        ],
        download_total=0,
    )
    assert again.feed(Begin()) == [
        OnRecord(2, records.Settled("aborted", "aborted", "the disk is full", None)),
        Settle("failure", "quota-exceeded", "backgroundfetchfail", "quota", "the disk is full"),
    ]


def test_one_whose_records_are_not_all_settled_goes_on() -> None:
    m = begun("GET", "GET")
    fail(m, 0)
    m = after_death(m)
    assert m.feed(Begin()) == [OnRecord(1, records.Enqueue())]
    assert isinstance(succeed(m, 1)[-1], Settle)


def test_how_many_bytes_all_bodies_will_have() -> None:
    coming = Record(state=records.State.RECEIVING, stored=3, head=StoredHead(200, complete_length=10))
    done = Record(state=records.State.SUCCESS, result="success", stored=7)
    assert Machine([coming, done]).expected == 17
    assert Machine([done, attrs.evolve(coming, result="success", state=records.State.SUCCESS)]).expected == 10
    for unknown in (
        Record(),
        attrs.evolve(coming, head=StoredHead(200)),
        attrs.evolve(coming, head=StoredHead(200, coded=True, complete_length=10)),
        attrs.evolve(coming, headers=HeaderList((("Range", "bytes=0-4"),))),
    ):
        assert Machine([coming, unknown]).expected is None


def test_how_many_records_are_settled() -> None:
    done = Record(state=records.State.SUCCESS, result="success")
    assert Machine([Record(), done, done]).settled_records == 2
    assert Machine([Record()]).settled_records == 0


def test_bytes_are_progress_at_the_time_at_which_they_came() -> None:
    m = begun("GET")
    send(m, 0, 10)
    m.feed_record(0, records.Bytes(7.0, 4))
    assert m.records[0].progress_at == 7.0
