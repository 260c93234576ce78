"""Side one, the whole: a background fetch with up to three records, every order of all that can happen to them.

Each step is held against specs/: what the machine of the background fetch and those of its records should do, in
one list, as the effects of the one become inputs of the others. And against what must hold whatever the tables say
(`_invariants`). Records are interchangeable here, so that states which differ in their order alone are one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import get_args

import attrs

from swruntime.concepts.enums import EventOutcome, RecordResult
from swruntime.errors import ImpossibleInput
from swruntime.machines import background_fetch as fetches, record as records
from swruntime.machines.background_fetch import Fetch, Machine, OnRecord
from swruntime.machines.record import Record
from swruntime.machines.snapshots import FetchSnapshot
from swruntime.monitor import facts, inputs
from swruntime.monitor.explore import Figures, told
from swruntime.monitor.naming import kebab, label
from swruntime.monitor.states import Transition, machines

Told = list[tuple[int | None, str]]
"""Effects as specs/ names them, each with its record's number, None for those of the background fetch."""

_ON_RECORDS: dict[str, records.Input | None] = {
    "begin-records": None,
    "pause-records": records.Pause(),
    "resume-records": records.Resume(),
    "abort-records": records.Abort(""),
}

_FETCH_INPUTS: tuple[tuple[fetches.Input, bool], ...] = (
    (fetches.Begin("granted"), True),
    (fetches.Begin("prompt"), False),
    (fetches.Pause("user"), False),
    (fetches.Resume("user"), True),
    (fetches.Abort("user"), False),
    (fetches.Clear(), False),
    (fetches.Dispatch(), False),
    *((fetches.EventEnded(outcome), False) for outcome in get_args(EventOutcome)),
    (fetches.Drop(), False),
    (fetches.Retry(), False),
)
"""Each with whether it is what happens when everybody is kind."""


@attrs.frozen
class State:
    fetch: Fetch
    records: tuple[Record, ...]

    @property
    def settled(self) -> bool:
        return not self.fetch.active


@attrs.frozen
class Op:
    """An input, of the background fetch or of the record numbered `index`."""

    input: fetches.Input | records.Input
    index: int | None = None

    def __str__(self) -> str:
        return str(self.input) if self.index is None else f"record {self.index}: {self.input}"


def explore_fetch(*methods: str, download_total: int = 0, has_integrity: bool = False) -> Figures:
    """A background fetch with a request for each of `methods`. `download_total` is in bytes, 0 for no limit.

    `has_integrity`: each request has integrity metadata.
    """
    return _Exploration(methods, download_total, has_integrity).run()


class _Exploration:
    def __init__(self, methods: tuple[str, ...], download_total: int, has_integrity: bool) -> None:
        total = f", download total {download_total}" if download_total else ""
        integrity = ", with integrity" if has_integrity else ""
        self.figures = Figures(f"background-fetch of {', '.join(methods)}{total}{integrity}")
        self.total = download_total
        self.root = State(
            Fetch(), tuple(inputs.first(method=m, has_integrity=has_integrity) for m in methods)
        )
        self.spec = machines()["background-fetch"]
        self.record_spec = machines()["record"]
        self.ids: dict[Record, int] = {}
        self.abstracted: dict[Record, Record] = {}
        self.kind: dict[State, list[State]] = {}
        """Backwards: from which states a kind world leads to one."""

    def run(self) -> Figures:
        seen = {self.root}
        queue = deque(seen)
        while queue:
            state = queue.popleft()
            nexts = list(self._deaths(state))
            for op, kind in self._ops(state):
                new = self._step(state, op)
                if new is not None:
                    nexts.append(new)
                    if kind:
                        self.kind.setdefault(new, []).append(state)
            for new in nexts:
                if new not in seen:
                    seen.add(new)
                    queue.append(new)
        self.figures.states = len(seen)
        self._all_can_settle(seen)
        return self.figures

    def _ops(self, state: State) -> Iterator[tuple[Op, bool]]:
        for input, kind in _FETCH_INPUTS:
            if _may_come(input, state.fetch):
                yield Op(input), kind
        if state.settled or not state.fetch.begun:
            return  # no record acts: that they are not fed then is the agent's part, and the monitor sees it
        tried = set()
        for index, record in enumerate(state.records):
            if record not in tried and not record.settled:
                tried.add(record)
                for each, kind in inputs.of_one_among_others(record):
                    # What is impossible for a record is tried on a record by itself.
                    if (record.state, type(each)) in records.TABLE:
                        yield Op(each, index), kind

    def _machine(self, state: State) -> Machine:
        downloaded = sum(r.stored for r in state.records)
        return Machine(state.records, download_total=self.total, fetch=state.fetch, downloaded=downloaded)

    def _step(self, state: State, op: Op) -> State | None:
        """What the code makes of `op`, held against specs/; None where it is impossible."""
        machine = self._machine(state)
        expected = self._expected(machine, op)
        self.figures.steps += 1
        try:
            if op.index is None:
                effects = machine.feed(op.input)  # type: ignore[arg-type] # an Op without an index is a fetch's
            else:
                effects = machine.feed_record(op.index, op.input)  # type: ignore[arg-type]
        except ImpossibleInput:
            self.figures.refused += 1
            if expected is not None:
                self._wrong(state, op, "the code refuses it", expected[1])
            return None
        if expected is None:
            self._wrong(state, op, "specs/ has no transition for it, the code has one", None)
            return None
        due, transition, ends = expected
        now: Told = [
            (e.index, label(e.effect)) if isinstance(e, OnRecord) else (None, label(e)) for e in effects
        ]
        if now != due:
            self._wrong(state, op, f"its effects were {now}, not {due}", transition)
        if ends != [machine.fetch.state.value, *(r.state.value for r in machine.records)]:
            self._wrong(state, op, f"it led to {machine.fetch.state.value}, not to {ends}", transition)
        self._invariants(state, op, machine, now, transition)
        return self._state(machine.fetch, machine.records)

    def _wrong(self, state: State, op: Op, what: str, transition: Transition | None) -> None:
        where = f"{state.fetch.state.value} with {[r.state.value for r in state.records]}"
        by = f"; {told(transition)}" if transition is not None else ""
        self.figures.problem(f"{self.figures.name}: {where}, {op}: {what}{by}")

    # What specs/ expects

    def _expected(self, machine: Machine, op: Op) -> tuple[Told, Transition, list[str]] | None:
        """The effects that are due, the transition, and the states after it: the fetch's, then the records'."""
        ends = [machine.fetch.state.value, *(r.state.value for r in machine.records)]
        if op.index is None:
            input = op.input
            if isinstance(input, fetches.Begin):
                input = _overdue(machine) or input
            return self._of_fetch(machine, input, ends)
        return self._of_record(machine, op.index, op.input, ends)

    def _of_fetch(
        self, machine: Machine, input: object, ends: list[str], just_settled: int | None = None
    ) -> tuple[Told, Transition, list[str]] | None:
        known = facts.of_fetch(machine, input, just_settled=just_settled)
        transition = self.spec.next(machine.fetch.state.value, kebab(type(input)), known)
        if transition is None:
            return None
        self.figures.taken.add(transition)
        ends[0] = transition.target
        due: Told = []
        for text in transition.expected(known):
            if text not in _ON_RECORDS:
                due.append((None, text))
                continue
            for index, record in enumerate(machine.records):
                if not record.settled and index != just_settled:
                    due += self._on_record(record, index, _ON_RECORDS[text], ends)
        return due, transition, ends

    def _on_record(self, record: Record, index: int, input: records.Input | None, ends: list[str]) -> Told:
        if input is None:
            return [(index, "enqueue")]
        known = facts.of_record(record, input, room=None)
        transition = self.record_spec.next(record.state.value, kebab(type(input)), known)
        if transition is None:
            return [(index, f"impossible: {kebab(type(input))}")]
        ends[index + 1] = transition.target
        return [(index, text) for text in transition.expected(known)]

    def _of_record(
        self, machine: Machine, index: int, input: object, ends: list[str]
    ) -> tuple[Told, Transition, list[str]] | None:
        record = machine.records[index]
        room = self.total - sum(r.stored for r in machine.records) if self.total else None
        known = facts.of_record(record, input, room=room)
        transition = self.record_spec.next(record.state.value, kebab(type(input)), known)
        if transition is None:
            return None
        ends[index + 1] = transition.target
        due: Told = []
        for text in transition.expected(known):
            due.append((index, text))
            name, _, result = text.partition(" ")
            if name == "settled":
                settled = fetches.RecordSettled(result, None, None, 0)  # type: ignore[arg-type]
                follows = self._of_fetch(machine, settled, ends, just_settled=index)
                due += [(None, "impossible: record-settled")] if follows is None else follows[0]
        return due, transition, ends

    # What must hold whatever the tables say

    def _invariants(
        self, old: State, op: Op, machine: Machine, effects: Told, transition: Transition
    ) -> None:
        settles = [text for _, text in effects if text.startswith("settle ")]
        ends_now = not old.settled and not machine.fetch.active
        if len(settles) != ends_now:
            self._wrong(old, op, f"it settles {len(settles)} times, and ends: {ends_now}", transition)
        if ends_now and machine.fetch.result == "success":
            bad = [r.result for r in machine.records if r.result != "success"]
            if bad:
                self._wrong(old, op, f"success, with records that are {bad}", transition)
        said_true = isinstance(op.input, fetches.Abort) and (None, "answer true") in effects
        if said_true and settles != ["settle failure backgroundfetchabort"]:
            self._wrong(old, op, f"abort() said true, and it is {settles}", transition)
        if old.settled and machine.fetch.state is not old.fetch.state:
            self._wrong(old, op, "it was settled, and changed its mind", transition)
        before = sum(r.stored for r in old.records)
        anew = any(text == "store-response fresh" for _, text in effects)
        if machine.downloaded < before and not anew and not isinstance(op.input, records.NoRoom):
            self._wrong(old, op, f"downloaded shrank from {before} to {machine.downloaded}", transition)
        if self.total and machine.downloaded > self.total:
            self._wrong(
                old,
                op,
                f"downloaded is {machine.downloaded}, over the download total {self.total}",
                transition,
            )

    def _all_can_settle(self, seen: Iterable[State]) -> None:
        """From every state a settled one can be reached when the network and the user are kind."""
        reached = {state for state in seen if state.settled}
        queue = deque(reached)
        while queue:
            for before in self.kind.get(queue.popleft(), ()):
                if before not in reached:
                    reached.add(before)
                    queue.append(before)
        for state in seen:
            if state not in reached:
                stuck = f"{state.fetch.state.value} with {[r.state.value for r in state.records]}"
                self.figures.problem(f"{self.figures.name}: nothing leads from {stuck} to an end")

    # States

    def _state(self, fetch: Fetch, of_records: Iterable[Record]) -> State:
        known = sorted((self._abstract(r) for r in of_records), key=self._id)
        # Only the attempts since it was asked for last count.
        tried = fetch.attempts - fetch.attempts_before
        fetch = attrs.evolve(fetch, cause=None, message=None, attempts=tried, attempts_before=0)
        return State(fetch, tuple(known))

    def _abstract(self, record: Record) -> Record:
        # Most steps touch one record of three.
        found = self.abstracted.get(record)
        if found is None:
            found = self.abstracted[record] = inputs.abstract_among_others(record)
        return found

    def _id(self, record: Record) -> int:
        return self.ids.setdefault(record, len(self.ids))

    def _deaths(self, state: State) -> Iterator[State]:
        """What another process finds when this one dies; also between a record's result and the fetch's."""
        machine = self._machine(state)
        yield self._restored(machine.snapshot(), state.records)
        if state.settled and state.fetch.event == "owed" and state.fetch.attempts == 0:
            failed = [r.result for r in state.records if r.result not in ("success", "aborted")]
            uncommitted = FetchSnapshot(failure_reason=failed[0] if failed else "")  # type: ignore[arg-type]
            kept = [
                attrs.evolve(r, state=records.State.PENDING, result="") if r.result == "aborted" else r
                for r in state.records
            ]
            yield self._restored(uncommitted, kept)
            # A disk that was full kept the pause, and not that it had ended.
            yield self._restored(attrs.evolve(uncommitted, state="paused", pause_cause="user"), kept)

    def _restored(self, snapshot: FetchSnapshot, kept: Iterable[Record]) -> State:
        restored = [
            records.restore(
                r.snapshot(),
                method=r.method,
                headers=r.headers,
                give_up=r.give_up,
                stored=r.stored,
                has_integrity=r.has_integrity,
            )
            for r in kept
        ]
        machine = Machine.restore(snapshot, restored, download_total=self.total)
        return self._state(machine.fetch, machine.records)


def _may_come(input: fetches.Input, fetch: Fetch) -> bool:
    """It begins once in a process, and an event is not dispatched more often than it may be."""
    if isinstance(input, fetches.Begin):
        return not fetch.begun
    return not isinstance(input, fetches.Dispatch) or fetch.attempts < fetches.EVENT_ATTEMPTS


def _overdue(machine: Machine) -> fetches.RecordSettled | None:
    """SPEC-NOTES' precedence, for a process that finds results whose consequence was not drawn."""
    results = [r.result for r in machine.records if r.settled]
    at_once: list[RecordResult] = [r for r in results if r in ("quota-exceeded", "download-total-exceeded")]
    if not at_once and len(results) < len(machine.records):
        return None
    worst = [*at_once, *(r for r in results if r != "success"), *results]
    return fetches.RecordSettled(worst[0], None, None, 0)
