"""The standard's text where it is wrong (SPEC-NOTES 1 and 3 to 8), taken at its word: flags for tests, and for nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs
import pytest

from swruntime.agent.record_run import RecordRun
from swruntime.agent.response_data import ResponseData
from swruntime.algorithms import content_range
from swruntime.concepts.http import Response
from swruntime.machines import background_fetch as fetches, record as records, record_rules as rules
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
    _end(patch, Row(R.PENDING, rules.ask_for_more, rules.is_short_part))
    _head_without(patch, "is_206_to_other_method")


def _end(patch: pytest.MonkeyPatch, row: Row[records.Record]) -> None:
    """`row` after the one for what is whole, unless nobody knows that it is."""
    whole, *others = records.TABLE[R.RECEIVING, records.End]
    first = (row, whole) if row.guard == "has_no_length" else (whole, row)
    patch.setitem(records.TABLE, (R.RECEIVING, records.End), (*first, *others))


def _head_without(patch: pytest.MonkeyPatch, *guards: str) -> None:
    rows = tuple(row for row in records.TABLE[R.REQUESTED, records.Head] if row.guard not in guards)
    patch.setitem(records.TABLE, (R.REQUESTED, records.Head), rows)


FLAGS: dict[str, Flag] = {
    "1": inverted_guard,
    "3": paused_never_notices,
    "4": aborts_overwrite,
    "5": first_response_is_redundant_data,
    "6": only_a_response_is_waited_for,
    "7": content_range_with_equals,
    "8, *": unknown_length_is_no_end,
    "8, at the very end": range_at_the_end_is_refused,
    "8, another method": uploads_are_reissued,
}
"""By the number of the deviation."""
