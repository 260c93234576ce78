"""The standard's text where it is wrong (SPEC-NOTES 1 to 8), taken at its word: flags for tests, and for nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from swruntime.agent.record_run import RecordRun
from swruntime.agent.response_data import ResponseData
from swruntime.algorithms import content_range, partial
from swruntime.concepts.background import StoredHead
from swruntime.concepts.http import Response
from swruntime.machines import (
    background_fetch as fetches,
    record as records,
    record_answers as answers,
    record_rules as rules,
)
from swruntime.machines.background_fetch import Fetch, Machine, OnRecord
from swruntime.machines.table import Effect, Outcome, Row, nothing

F, R = fetches.State, records.State
Flag = Callable[[pytest.MonkeyPatch], None]

_416 = ("is_complete_already", "is_first_416", "is_second_416", "is_status_to_retry")
"""The guards of what the text does not have: a status that is not ok to a Range request is final there."""


def inverted_guard(patch: pytest.MonkeyPatch) -> None:
    """1. failureReason is only set where it is set already, so nothing fails but by `abort()`."""
    rows: tuple[Row[Fetch], ...] = (
        Row(F.SUCCESS, fetches.succeed, fetches.is_last),
        Row(F.PENDING, nothing),
    )
    patch.setitem(fetches.TABLE, (F.PENDING, fetches.RecordSettled), rows)


def users_abort_is_a_failure(patch: pytest.MonkeyPatch) -> None:
    """2. The user's abort is one record's more: what failed before it names the reason and the event."""

    def is_users_after_failure(f: Fetch, i: fetches.Abort) -> bool:
        return i.cause == "user" and f.failure_reason != ""

    def fail(f: Fetch, i: fetches.Abort) -> Outcome[Fetch]:
        aborted, (abort_records, answer, _) = fetches.abort(f, i)
        settle = fetches.Settle("failure", f.failure_reason, "backgroundfetchfail", f.cause, f.message)
        return attrs.evolve(f, event=aborted.event), (abort_records, answer, settle)

    rows = (Row(F.FAILURE, fail, is_users_after_failure), Row(F.ABORTED, fetches.abort))
    for state in (F.PENDING, F.PAUSED):
        patch.setitem(fetches.TABLE, (state, fetches.Abort), rows)


def paused_never_notices(patch: pytest.MonkeyPatch) -> None:
    """3. A paused background fetch waits to be resumed, and looks at nothing else."""

    def unnoticed(f: Fetch, i: fetches.Abort) -> Outcome[Fetch]:
        return f, (fetches.Answer(True),)

    patch.setitem(fetches.TABLE, (F.PAUSED, fetches.Abort), (Row(F.PAUSED, unnoticed),))


def aborts_overwrite(patch: pytest.MonkeyPatch) -> None:
    """4. "If aborted" makes every record aborted, the finished ones, too."""
    told = Machine._told

    def overwrite(machine: Machine, effect: Effect) -> list[Effect | OnRecord]:
        result: list[Effect | OnRecord] = []
        if isinstance(effect, fetches.AbortRecords):
            for index, record in enumerate(machine.records):
                if record.settled:
                    machine.records[index] = attrs.evolve(record, state=R.ABORTED, result="aborted")
                    settled = records.Settled("aborted", "aborted", effect.message, record.status)
                    result.append(OnRecord(index, settled))
        return result + told(machine, effect)

    patch.setattr(Machine, "_told", overwrite)


def first_response_is_redundant_data(patch: pytest.MonkeyPatch) -> None:
    """5. Every response that is no 206 begins new data, the first, too; who matched the old waits for ever."""
    begin = RecordRun.begin_response

    def begin_anew(run: RecordRun, storage_key: str, keeps_body: bool) -> None:
        run.data = ResponseData(run._store)
        begin(run, storage_key, keeps_body)

    patch.setattr(RecordRun, "begin_response", begin_anew)


def only_a_response_is_waited_for(patch: pytest.MonkeyPatch) -> None:
    """6. `responseReady` waits for a response; a failure before its head is none."""

    async def wait(data: ResponseData) -> Response:
        while data.response is None:
            await data._changed.park()
        if not data.exposed:
            raise data.error()
        return data.response

    patch.setattr(ResponseData, "wait_for_response", wait)


def content_range_with_equals(patch: pytest.MonkeyPatch) -> None:
    """7. The grammar of Content-Range says `bytes=`."""
    patch.setattr(content_range, "_RANGE", re.compile(r"bytes=([0-9]+)-([0-9]+)/([0-9]+|\*)"))


def unknown_length_is_no_end(patch: pytest.MonkeyPatch) -> None:
    """8. A 206 with `*` never ends, until the server refuses."""

    def has_no_length(r: records.Record, i: records.End) -> bool:
        return rules.is_short_part(r, i) and r.head is not None and r.head.complete_length is None

    _end(patch, Row(R.PENDING, rules.ask_for_more, has_no_length))
    _head_without(patch, *_416)


def range_at_the_end_is_refused(patch: pytest.MonkeyPatch) -> None:
    """8. 416 to a Range at the very end is a status that is not ok."""
    _head_without(patch, *_416)


def uploads_are_reissued(patch: pytest.MonkeyPatch) -> None:
    """8. A 206 to another method than GET is a part like any other: the request is made again for the next."""

    def is_part_of_upload(r: records.Record, i: records.End) -> bool:
        return rules.is_short_part(r, i) and r.method != "GET"

    def send_again(r: records.Record, i: records.End) -> Outcome[records.Record]:
        new, effects = rules.ask_for_more(r, i)
        return attrs.evolve(new, sent=False), effects

    _end(patch, Row(R.PENDING, send_again, is_part_of_upload))
    _head_without(patch, "is_206_to_other_method")


def parts_without_progress_are_reissued(patch: pytest.MonkeyPatch) -> None:
    """8. The rest is asked for until it is there, also of a server that sends nothing of it."""

    def is_part_without_progress(r: records.Record, i: records.End) -> bool:
        return rules.is_short_part(r, i) and r.transfer is not None and r.stored == r.transfer.begun_at

    _end(patch, Row(R.PENDING, rules.ask_for_more, is_part_without_progress))


def too_long_is_not_whole(patch: pytest.MonkeyPatch) -> None:
    """8. Only a body as long as its 206 says is whole: of a longer one the rest is asked for, from beyond its end."""

    def is_part_too_long(r: records.Record, i: records.End) -> bool:
        return rules.is_short_part(r, i) and r.stored > (rules._told_length(r) or 0)

    rows = tuple(
        row for row in records.TABLE[R.RECEIVING, records.Bytes] if row.do is not rules.fail_too_long
    )
    patch.setitem(records.TABLE, (R.RECEIVING, records.Bytes), rows)
    _end(patch, Row(R.PENDING, rules.ask_for_more, is_part_too_long))
    changed = partial.changed_part

    def changed_as_written(previous: StoredHead | None, *told: Any) -> str | None:
        # The text compares complete lengths only with a first response that was a 206.
        if previous is not None and previous.status != 206:
            previous = attrs.evolve(previous, complete_length=None)
        return changed(previous, *told)

    patch.setattr(answers, "changed_part", changed_as_written)


def _end(patch: pytest.MonkeyPatch, row: Row[records.Record]) -> None:
    """`row` after the one for what is whole, unless nobody knows that it is."""
    length, verified, whole, *others = records.TABLE[R.RECEIVING, records.End]
    first = (row, whole) if row.guard == "has_no_length" else (whole, row)
    patch.setitem(records.TABLE, (R.RECEIVING, records.End), (length, verified, *first, *others))


def _head_without(patch: pytest.MonkeyPatch, *guards: str) -> None:
    rows = tuple(row for row in records.TABLE[R.REQUESTED, records.Head] if row.guard not in guards)
    patch.setitem(records.TABLE, (R.REQUESTED, records.Head), rows)


FLAGS: dict[str, Flag] = {
    "1": inverted_guard,
    "2": users_abort_is_a_failure,
    "3": paused_never_notices,
    "4": aborts_overwrite,
    "5": first_response_is_redundant_data,
    "6": only_a_response_is_waited_for,
    "7": content_range_with_equals,
    "8, *": unknown_length_is_no_end,
    "8, no progress": parts_without_progress_are_reissued,
    "8, longer than asked": too_long_is_not_whole,
    "8, at the very end": range_at_the_end_is_refused,
    "8, another method": uploads_are_reissued,
}
"""By the number of the deviation."""
