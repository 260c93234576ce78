"""The machine of a background fetch: *perform a background fetch*, with what surrounds it.

    pending   its records transfer, wait for something, or are settled
    paused    by the user, or because permission was not granted yet
    success, failure, aborted   settled; the event is owed until it has ended

`Machine` puts the table together with one record machine per request and lets inputs in by two doors: `feed`
for the background fetch, `feed_record` for one of its records. A record that settles is fed to the fetch
inside; a fetch that pauses, resumes or ends feeds its records. What comes out is one list of effects.

The order is the specification's, as resolved: the id leaves the map when the state is no longer active; the
agent stores `snapshot()` (with the event already owed) before it performs the effects; so an abort is
committed before it is answered, and a result before anybody is told.

Precedence: an abort wins over everything that is not settled; then quota, total, the first record to fail.

Spec: https://wicg.github.io/background-fetch/#perform-a-background-fetch-algorithm
(deviations: SPEC-NOTES 1 to 3, 14)
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import cast

import attrs

from swruntime.concepts.enums import (
    BackgroundFetchFailureReason,
    BackgroundFetchResult,
    EventOutcome,
    PermissionState,
    RecordResult,
)
from swruntime.machines import record as records
from swruntime.machines.record import Record
from swruntime.machines.snapshots import EVENT_ATTEMPTS as EVENT_ATTEMPTS, EventDebt, FetchSnapshot, debt
from swruntime.machines.table import Effect, Outcome, Row, Table, step


class State(Enum):
    PENDING = "pending"
    PAUSED = "paused"
    SUCCESS = "success"
    FAILURE = "failure"
    ABORTED = "aborted"


ACTIVE = frozenset({State.PENDING, State.PAUSED})


# Inputs


@attrs.frozen
class Begin:
    """The calling realm has run the task that resolves `fetch()`; or the process has started again."""

    permission: PermissionState = "granted"


@attrs.frozen
class Pause:
    """`upload_runs`: some request that is not GET is in flight (filled in by the machine)."""

    cause: str
    upload_runs: bool = False


@attrs.frozen
class Resume:
    cause: str


@attrs.frozen
class Abort:
    """By `abort()` or by the user; `cause` says which, in a word."""

    cause: str


@attrs.frozen
class Clear:
    """The registration is cleared: nobody is left to fire an event at."""

    cause: str = "unregistered"


@attrs.frozen
class RecordSettled:
    """A record has its result; `unsettled` others have not."""

    result: RecordResult
    cause: str | None
    message: str | None
    unsettled: int


@attrs.frozen
class Dispatch:
    """The owed event is about to be fired."""


@attrs.frozen
class EventEnded:
    """It ended, or (`interrupted`) its worker died or could not start."""

    outcome: EventOutcome


@attrs.frozen
class Drop:
    """The user gives up an event that is owed."""


@attrs.frozen
class Retry:
    """The user asks for the event again, or its worker's text differs from the one that failed."""


Input = Begin | Pause | Resume | Abort | Clear | RecordSettled | Dispatch | EventEnded | Drop | Retry


# Effects


@attrs.frozen
class BeginRecords(Effect):
    """Every unsettled record lines up for a connection."""


@attrs.frozen
class PauseRecords(Effect):
    pass


@attrs.frozen
class ResumeRecords(Effect):
    pass


@attrs.frozen
class AbortRecords(Effect):
    """Unsettled records become aborted; what is in flight is terminated."""

    message: str


@attrs.frozen
class Answer(Effect):
    """What `abort()`, `pause()` or `resume()` answers."""

    value: bool


@attrs.frozen
class Paused(Effect):
    cause: str


@attrs.frozen
class Resumed(Effect):
    cause: str


@attrs.frozen
class Settle(Effect):
    """Tell the instances, then fire `event` ("" if there is nobody to fire it at)."""

    result: BackgroundFetchResult
    failure_reason: BackgroundFetchFailureReason
    event: str
    cause: str | None
    message: str | None


@attrs.frozen
class Release(Effect):
    """The records go; instances learn that they are no longer available."""

    cause: str


@attrs.frozen
class OweAgain(Effect):
    """The event stays owed: dispatch it at the next start of the worker or of the process."""


@attrs.frozen
class Hold(Effect):
    """The event was tried often enough; it is kept until it is asked for again, or dropped."""


@attrs.frozen
class OnRecord:
    """An effect of record number `index`."""

    index: int
    effect: Effect


@attrs.frozen(kw_only=True)
class Fetch:
    """The state of the background fetch itself. `begun` dies with the process; no record acts before it.

    Its event was dispatched `attempts` times; `attempts_before` of them before it was asked for again.
    """

    state: State = State.PENDING
    begun: bool = False
    pause_cause: str | None = None
    failure_reason: BackgroundFetchFailureReason = ""
    cause: str | None = None
    message: str | None = None
    event: EventDebt = "none"
    attempts: int = 0
    attempts_before: int = 0

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def result(self) -> BackgroundFetchResult:
        """What scripts see: an abort is a failure."""
        return "" if self.active else "success" if self.state is State.SUCCESS else "failure"

    @property
    def event_name(self) -> str:
        """The functional event of its end: "" while it is active."""
        return _EVENTS.get(self.state, "")


_EVENTS = {
    State.SUCCESS: "backgroundfetchsuccess",
    State.FAILURE: "backgroundfetchfail",
    State.ABORTED: "backgroundfetchabort",
}

_IMMEDIATE: tuple[RecordResult, ...] = ("quota-exceeded", "download-total-exceeded")


# Guards


def permission_is_prompt(f: Fetch, i: Begin) -> bool:
    return i.permission == "prompt"


def upload_runs(f: Fetch, i: Pause) -> bool:
    """Reissuing what is not a GET could repeat a side effect."""
    return i.upload_runs


def is_immediate(f: Fetch, i: RecordSettled) -> bool:
    return i.result in _IMMEDIATE


def is_last_after_failure(f: Fetch, i: RecordSettled) -> bool:
    return i.unsettled == 0 and (f.failure_reason != "" or i.result != "success")


def is_last(f: Fetch, i: RecordSettled) -> bool:
    return i.unsettled == 0


def is_owed(f: Fetch, i: object) -> bool:
    return f.event == "owed"


def is_owed_or_held(f: Fetch, i: object) -> bool:
    return f.event in ("owed", "held")


def ended_by_itself(f: Fetch, i: EventEnded) -> bool:
    return f.event == "owed" and i.outcome != "interrupted"


def may_be_tried_again(f: Fetch, i: EventEnded) -> bool:
    return f.event == "owed" and f.attempts - f.attempts_before < EVENT_ATTEMPTS


# Actions


def begin(f: Fetch, i: Begin) -> Outcome[Fetch]:
    return attrs.evolve(f, begun=True), (BeginRecords(),)


def pause_for_permission(f: Fetch, i: Begin) -> Outcome[Fetch]:
    new = attrs.evolve(f, begun=True, pause_cause="permission")
    return new, (PauseRecords(), Paused("permission"))


def stay_paused(f: Fetch, i: Begin) -> Outcome[Fetch]:
    return attrs.evolve(f, begun=True), (PauseRecords(), Paused(f.pause_cause or "user"))


def pause(f: Fetch, i: Pause) -> Outcome[Fetch]:
    tell = (PauseRecords(),) if f.begun else ()
    return attrs.evolve(f, pause_cause=i.cause), (*tell, Paused(i.cause), Answer(True))


def refuse(f: Fetch, i: object) -> Outcome[Fetch]:
    return f, (Answer(False),)


def resume(f: Fetch, i: Resume) -> Outcome[Fetch]:
    tell = (ResumeRecords(),) if f.begun else ()
    return attrs.evolve(f, pause_cause=None), (Resumed(i.cause), *tell, Answer(True))


def abort(f: Fetch, i: Abort) -> Outcome[Fetch]:
    settle = Settle("failure", "aborted", "backgroundfetchabort", i.cause, f"aborted by the {i.cause}")
    new = attrs.evolve(f, failure_reason="aborted", cause=i.cause, message=settle.message, event="owed")
    return new, (AbortRecords(f"aborted by the {i.cause}"), Answer(True), settle)


def clear(f: Fetch, i: Clear) -> Outcome[Fetch]:
    settle = Settle("failure", "aborted", "", i.cause, "the registration was cleared")
    new = attrs.evolve(f, failure_reason="aborted", cause=i.cause, message=settle.message, event="ended")
    return new, (AbortRecords("the registration was cleared"), settle, Release(i.cause))


def release_for(f: Fetch, i: Clear) -> Outcome[Fetch]:
    return attrs.evolve(f, event="ended"), (Release(i.cause),)


def note(f: Fetch, i: RecordSettled) -> Outcome[Fetch]:
    """The first record to fail names the reason."""
    if i.result == "success" or f.failure_reason:
        return f, ()
    reason = cast(BackgroundFetchFailureReason, i.result)
    return attrs.evolve(f, failure_reason=reason, cause=i.cause, message=i.message), ()


def succeed(f: Fetch, i: RecordSettled) -> Outcome[Fetch]:
    return attrs.evolve(f, event="owed"), (Settle("success", "", "backgroundfetchsuccess", None, None),)


def fail(f: Fetch, i: RecordSettled) -> Outcome[Fetch]:
    new, _ = note(f, i)
    settle = Settle("failure", new.failure_reason, "backgroundfetchfail", new.cause, new.message)
    return attrs.evolve(new, event="owed"), (settle,)


def fail_at_once(f: Fetch, i: RecordSettled) -> Outcome[Fetch]:
    """Quota and total go before a failure that was noted earlier, and end the siblings."""
    new, effects = fail(attrs.evolve(f, failure_reason=""), i)
    return new, (AbortRecords(i.message or "another record failed"), *effects)


def dispatch(f: Fetch, i: Dispatch) -> Outcome[Fetch]:
    return attrs.evolve(f, attempts=f.attempts + 1), ()


def release(f: Fetch, i: object) -> Outcome[Fetch]:
    return attrs.evolve(f, event="ended"), (Release("event"),)


def release_dropped(f: Fetch, i: Drop) -> Outcome[Fetch]:
    return attrs.evolve(f, event="ended"), (Release("dropped"),)


def owe_again(f: Fetch, i: EventEnded) -> Outcome[Fetch]:
    return f, (OweAgain(),)


def retry(f: Fetch, i: Retry) -> Outcome[Fetch]:
    return attrs.evolve(f, event="owed", attempts_before=f.attempts), (OweAgain(),)


def hold(f: Fetch, i: EventEnded) -> Outcome[Fetch]:
    return attrs.evolve(f, event="held"), (Hold(),)


def _settled(state: State) -> dict[tuple[Enum, type], tuple[Row[Fetch], ...]]:
    return {
        (state, Abort): (Row(state, refuse),),
        (state, Pause): (Row(state, refuse),),
        (state, Resume): (Row(state, refuse),),
        (state, Clear): (Row(state, release_for),),
        (state, Dispatch): (Row(state, dispatch, is_owed),),
        (state, EventEnded): (
            Row(state, release, ended_by_itself),
            Row(state, owe_again, may_be_tried_again),
            Row(state, hold, is_owed),
        ),
        (state, Drop): (Row(state, release_dropped, is_owed_or_held),),
        (state, Retry): (Row(state, retry, is_owed_or_held),),
    }


_CONSEQUENCE = (
    Row(State.FAILURE, fail_at_once, is_immediate),
    Row(State.FAILURE, fail, is_last_after_failure),
    Row(State.SUCCESS, succeed, is_last),
)

TABLE: Table[Fetch] = {
    # Active
    (State.PENDING, Begin): (
        Row(State.PAUSED, pause_for_permission, permission_is_prompt),
        Row(State.PENDING, begin),
    ),
    (State.PENDING, Pause): (Row(State.PENDING, refuse, upload_runs), Row(State.PAUSED, pause)),
    (State.PENDING, Resume): (Row(State.PENDING, refuse),),
    (State.PENDING, Abort): (Row(State.ABORTED, abort),),
    (State.PENDING, Clear): (Row(State.ABORTED, clear),),
    (State.PENDING, RecordSettled): (*_CONSEQUENCE, Row(State.PENDING, note)),
    (State.PAUSED, Begin): (Row(State.PAUSED, stay_paused),),
    (State.PAUSED, Pause): (Row(State.PAUSED, refuse),),
    (State.PAUSED, Resume): (Row(State.PENDING, resume),),
    (State.PAUSED, Abort): (Row(State.ABORTED, abort),),
    (State.PAUSED, Clear): (Row(State.ABORTED, clear),),
    # Nothing transfers while it is paused: this one was settled before the process died.
    (State.PAUSED, RecordSettled): _CONSEQUENCE,
    # Settled
    **_settled(State.SUCCESS),
    **_settled(State.FAILURE),
    **_settled(State.ABORTED),
}


class Machine:
    """A background fetch with its records. `feed` and `feed_record` answer with effects, in order."""

    def __init__(
        self,
        records: Sequence[Record],
        *,
        download_total: int = 0,
        fetch: Fetch | None = None,
        downloaded: int = 0,
        uploaded: int = 0,
    ) -> None:
        self.fetch = fetch or Fetch()
        self.records = list(records)
        self.download_total = download_total
        self.uploaded = uploaded
        self._frozen = None if self.fetch.active else downloaded
        self._stored = sum(r.stored for r in records)
        self._unsettled = sum(not r.settled for r in records)

    @property
    def downloaded(self) -> int:
        """*Stored body bytes total*, frozen at settling."""
        return self._stored if self._frozen is None else self._frozen

    @property
    def expected(self) -> int | None:
        """How many bytes all bodies will have, as the servers say; None where one has not said so (yet)."""
        total = 0
        for each in self.records:
            size = each.stored if each.settled else each.promised
            if size is None:
                return None
            total += size
        return total

    @property
    def settled_records(self) -> int:
        return len(self.records) - self._unsettled

    @property
    def room(self) -> int | None:
        """What is left of the download total in bytes; None where there is no limit."""
        return self.download_total - self._stored if self.download_total else None

    @property
    def records_available(self) -> bool:
        return self.fetch.event != "ended"

    def snapshot(self) -> FetchSnapshot:
        f = self.fetch
        downloaded = 0 if self._frozen is None else self._frozen
        return FetchSnapshot(
            f.state.value,
            f.pause_cause,
            f.failure_reason,
            f.cause,
            f.message,
            downloaded,
            self.uploaded,
            f.event,
            f.attempts,
            f.attempts_before,
        )

    @classmethod
    def restore(cls, snapshot: FetchSnapshot, records: Sequence[Record], *, download_total: int) -> Machine:
        """The machine as it is after the process died. Feed `Begin`, or dispatch the event that is owed.

        See `debt` for what it owes then.
        """
        fetch = Fetch(
            state=State(snapshot.state),
            pause_cause=snapshot.pause_cause,
            failure_reason=snapshot.failure_reason,
            cause=snapshot.cause,
            message=snapshot.message,
            event=debt(snapshot),
            attempts=snapshot.attempts,
            attempts_before=snapshot.attempts_before,
        )
        return cls(
            records,
            download_total=download_total,
            fetch=fetch,
            downloaded=snapshot.downloaded,
            uploaded=snapshot.uploaded,
        )

    def feed(self, input: Input) -> list[Effect | OnRecord]:
        """Feed the background fetch. Raises ImpossibleInput for what its table does not list."""
        if isinstance(input, Pause):
            running = any(r.in_flight and r.method != "GET" for r in self.records)
            input = attrs.evolve(input, upload_runs=running)
        if isinstance(input, Begin):
            input = self._overdue() or input
        was_active = self.fetch.active
        self.fetch, effects = step(TABLE, self.fetch, input)
        if was_active and not self.fetch.active:
            self._frozen = self._stored
        result: list[Effect | OnRecord] = []
        for effect in effects:
            result += self._told(effect)
        return result

    def feed_record(self, index: int, input: records.Input) -> list[Effect | OnRecord]:
        """Feed record number `index`. Raises ImpossibleInput for what its table does not list."""
        if isinstance(input, records.Bytes):
            input = records.Bytes(input.now, input.size, self.room)
        result: list[Effect | OnRecord] = []
        for effect in self._step(index, input):
            result.append(OnRecord(index, effect))
            if isinstance(effect, records.Settled):
                told = RecordSettled(effect.result, effect.cause, effect.message, self._unsettled)
                result += self.feed(told)
        return result

    def _step(self, index: int, input: records.Input) -> tuple[Effect, ...]:
        old = self.records[index]
        new, effects = records.feed(old, input)
        self.records[index] = new
        self._stored += new.stored - old.stored
        self._unsettled -= new.settled and not old.settled
        return effects

    def _told(self, effect: Effect) -> list[Effect | OnRecord]:
        """An effect on all records becomes their own effects."""
        match effect:
            case BeginRecords():
                return [OnRecord(i, records.Enqueue()) for i, r in self._unsettled_records()]
            case PauseRecords():
                return self._tell(records.Pause())
            case ResumeRecords():
                return self._tell(records.Resume())
            case AbortRecords(message):
                return self._tell(records.Abort(message))
            case _:
                return [effect]

    def _tell(self, input: records.Input) -> list[Effect | OnRecord]:
        result: list[Effect | OnRecord] = []
        for index, _ in self._unsettled_records():
            result += [OnRecord(index, e) for e in self._step(index, input)]
        return result

    def _unsettled_records(self) -> list[tuple[int, Record]]:
        return [(i, r) for i, r in enumerate(self.records) if not r.settled]

    def _overdue(self) -> RecordSettled | None:
        """The process died between a record's result and the fetch's: the consequence, to be drawn first."""
        settled = [r for r in self.records if r.settled]
        failed = [r for r in settled if r.result != "success"]
        immediate = [r for r in failed if r.result in _IMMEDIATE]
        if not immediate and self._unsettled:
            return None
        last = (immediate or failed or settled)[0]
        return RecordSettled(last.result, last.cause, last.message, self._unsettled)
