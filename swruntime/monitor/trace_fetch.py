"""What the lines of one background fetch may be, read along: its own, its records', its event's.

A record is followed through specs/'s machine of a record: `record.start`, `record.wait` and `record.settle` tell
some of its transitions, others are not told, so what is known is the set of states in which it may be. What a line
says is impossible where no state of the set has a transition that tells it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

import attrs

from swruntime.errors import TraceViolation
from swruntime.monitor.states import StateMachine, Transition, machines

Line = dict[str, Any]

MOST_LINES = 12
"""So many lines of the same thing are kept, to be shown when one breaks a rule."""

_TOLD = {"send-request": "record.start", "wait-for": "record.wait", "settled": "record.settle"}
"""The effects of a record that are told, and the kind of line that tells them."""

_BY_THE_FETCH = ("pause", "resume", "abort")
"""Inputs of a record that come from its background fetch alone, and are told there."""

_UNDER_WAY = frozenset({"requested", "receiving"})
"""States of a record in which bytes may come."""

_ALL_HERE = ("is_all_here", "is_all_here_to_verify")
"""Guards of a record that need not be asked for (again)."""

_IMMEDIATE = ("quota-exceeded", "download-total-exceeded")


def _kind(transition: Transition) -> str | None:
    return next((_TOLD[e.name] for e in transition.effects if e.name in _TOLD), None)


def closure(machine: StateMachine, states: Iterable[str], *, begun: bool = True) -> frozenset[str]:
    """The states that can be reached from these without a line that tells it.

    `begun` False: of a record that was never asked for, and cannot be all here.
    """
    reached, new = set(states), set(states)
    while new:
        new = {
            t.target
            for t in machine.transitions
            if t.source in new
            and _kind(t) is None
            and t.input not in _BY_THE_FETCH
            and (begun or t.when not in _ALL_HERE)
        } - reached
        reached |= new
    return frozenset(reached)


@attrs.define
class RecordWatch:
    """A record as its lines show it. `states` are those in which it may be."""

    states: frozenset[str]
    last: Line | None = None
    starts: int = 0
    result: str = ""
    restored: bool = False
    """An earlier process had begun it."""
    unseen: bool = False
    """It was paused: what was about to be sent then was not told."""
    bytes: int | None = 0
    """None where its result came in an earlier process."""
    may_have_grown: bool = False
    """It was under way at some time since progress was told last."""

    @property
    def begun(self) -> bool:
        """It was asked for, in this process or an earlier one."""
        return self.starts > 0 or self.restored or self.unseen

    @property
    def last_reason(self) -> str | None:
        """What it waited for, where its last line told that."""
        return None if self.last is None else self.last.get("reason")


@attrs.define
class Broken:
    """Raises for a line, with those that led to it."""

    lines: deque[Line] = attrs.field(factory=lambda: deque(maxlen=MOST_LINES))

    def note(self, line: Line) -> None:
        self.lines.append(line)

    def rule(self, text: str, step: str, anchor: str | None) -> TraceViolation:
        line = self.lines[-1]
        about = f"fetch {line['fetch']} ({line['id']!r})" if "fetch" in line else str(line.get("scope", ""))
        where = f"; {anchor}" if anchor else ""
        return TraceViolation(
            f"{line['kind']} at {line['time']:g} s, {about}: {text} (broken: {step}{where})",
            step=step,
            anchor=anchor,
            lines=tuple(self.lines),
        )

    def transition(self, text: str, transition: Transition) -> TraceViolation:
        return self.rule(text, transition.step, transition.anchor)


class FetchWatch:
    """One background fetch. `begun` is False until a `fetch.start` of this process."""

    def __init__(self, line: Line) -> None:
        self.fetch = machines()["background-fetch"]
        self.record = machines()["record"]
        self.broken = Broken()
        self.key = (line["scope"], line["id"])
        self.number = line["fetch"]
        self.state = "unknown"
        self.begun = False
        self.pausing = False
        self.asked = ""
        """What the user did last to it."""
        self.taken_up = False
        """Its last line is a `fetch.start` of what an earlier process had begun."""
        self.records: list[RecordWatch] = []
        self.total = 0
        self.progress: Line | None = None
        self.fell = False
        """A record failed, which may make `downloaded` shrink."""
        self.may_fall: set[int] = set()
        """Records that began anew: each may lose what it had, once, when its answer's head has come."""
        self.first_failure = ""
        self.event = ""
        """Of the settled event: "" not fired, "open", or how it ended last."""
        self.clicks = 0
        self.attempt: int | None = None
        self.released = False
        self.dropped = False
        """It was released in the middle of what fires its event, which may still come."""

    @property
    def active(self) -> bool:
        return self.state in ("pending", "paused")

    @property
    def owes_release(self) -> bool:
        """Its event has ended by itself: its records are released in the very same step."""
        return not self.released and self.event not in ("", "open", "interrupted")

    @property
    def over(self) -> bool:
        """Nothing of it can come any more."""
        return self.released and self.event != "open" and self.clicks == 0

    def died(self) -> None:
        """The process died: what it keeps is not known before it is told again."""
        self.begun = self.pausing = False
        self.records, self.progress, self.first_failure = [], None, ""
        self.clicks, self.event = 0, "interrupted" if self.event == "open" else self.event
        if self.active or self.state == "settling":
            self.state = "unknown"

    def take(self, line: Line) -> None:
        """The next line of it. Raises TraceViolation."""
        self.broken.note(line)
        kind = line["kind"]
        if self.released and kind != "event.end":
            raise self._into("it was released, and nothing of it is left", "release")
        if self.pausing and kind not in ("record.wait", "fetch.pause"):
            raise self._into("its records are paused, and it is not told that it is", "paused")
        getattr(self, "_" + kind.replace(".", "_"))(line)
        self.taken_up = (self.taken_up and kind == "record.wait") or (
            kind == "fetch.start" and line.get("results") is not None
        )

    def _into(self, text: str, effect: str) -> TraceViolation:
        """Broken is the step of specs/ that has this effect."""
        found = next(t for t in self.fetch.transitions if any(e.text.startswith(effect) for e in t.effects))
        return self.broken.transition(text, found)

    # The background fetch

    def _fetch_start(self, line: Line) -> None:
        if self.begun or self.state not in ("unknown", "pending"):
            raise self._into(f"it began already, and is {self.state}", "begin-records")
        count, results = len(line["requests"]), line.get("results")
        self.begun, self.state, self.total = True, "pending", line["download_total"]
        fresh = closure(self.record, {"pending"}, begun=results is not None)
        self.records = [RecordWatch(fresh) for _ in range(count)]
        for record, result in zip(self.records, results or (), strict=False):
            if result:
                record.states, record.result, record.bytes = frozenset({result}), result, None
                self._note_failure(result)
            else:
                record.restored = results is not None
        self.first_failure = "?" if results and self.first_failure else self.first_failure

    def _fetch_pause(self, line: Line) -> None:
        if self.state == "paused" or not (self.active or self.state == "unknown"):
            raise self._into(f"it cannot be paused, for it is {self.state}", "answer false")
        waiting = [r for r in self.records if not r.result and r.states != {"paused"}]
        if waiting:
            raise self._into(f"{len(waiting)} of its records were not told to pause", "pause-records")
        if line["cause"] == "user" and self.asked != "pause" and not self.taken_up:
            raise self.broken.rule("the user did not pause it", "a cause comes before what it causes", None)
        self.state, self.pausing = "paused", False

    def _fetch_resume(self, line: Line) -> None:
        if self.state not in ("paused", "unknown"):
            raise self._into(f"it is not paused, but {self.state}", "resumed")
        if line["cause"] == "user" and self.asked != "resume":
            raise self.broken.rule("the user did not resume it", "a cause comes before what it causes", None)
        if self.state == "paused":
            self.state = "pending"
        for record in self.records:
            if not record.result:
                resumed = {t.target for s in record.states for t in self.record.of(s, "resume")}
                record.states = closure(self.record, resumed)  # what was about to be sent then was not told
                record.last, record.unseen = None, True

    def _fetch_progress(self, line: Line) -> None:
        if not self.active:
            raise self._into(f"it makes progress, and is {self.state}", "settle")
        if self.progress == line:
            raise self.broken.rule(
                "the same progress is told twice", "progress is told when it has changed", None
            )
        self._check_growth(line)
        before, self.progress = self.progress, line
        if self.total and line["downloaded"] > self.total:
            raise self._record_rule(
                f"downloaded is {line['downloaded']}, over the download total {self.total}",
                "bytes",
                "settled download-total-exceeded",
            )
        if before is not None:
            if line["uploaded"] < before["uploaded"]:
                raise self.broken.rule("uploaded shrank", "what was sent stays sent", None)
            if line["downloaded"] < before["downloaded"]:
                self._fall(f"downloaded shrank from {before['downloaded']} to {line['downloaded']}")
        self.fell = False
        self.may_fall = {index for index in self.may_fall if not self.records[index].result}

    def _fall(self, text: str) -> None:
        if not self.fell and not self.may_fall:
            raise self._record_rule(text, "bytes", "append")
        if not self.fell and len(self.may_fall) == 1:
            self.may_fall.clear()  # of several it is not told which

    def _check_growth(self, line: Line) -> None:
        """Bytes come to a record that is under way. What an earlier process had stored is not told before."""
        if not any(record.restored for record in self.records) or self.progress is not None:
            before = 0 if self.progress is None else self.progress["downloaded"]
            if line["downloaded"] > before and not any(r.may_have_grown for r in self.records):
                raise self._record_rule(
                    f"downloaded grew from {before} to {line['downloaded']}, and none of its records was under way",
                    "bytes",
                    "append",
                )
        for record in self.records:
            record.may_have_grown = not record.result and bool(record.states & _UNDER_WAY)

    def _fetch_settle(self, line: Line) -> None:
        result, reason = line["result"], line["failure_reason"]
        state = "aborted" if reason == "aborted" else result
        if not (self.active or self.state in ("unknown", "settling")):
            raise self._into(f"it has settled once, as {self.state}", "settle")
        if state not in self.fetch.settled or (state == "success") != (reason == ""):
            raise self._into(f"it ends with {result!r}, {reason!r}", "settle")
        open_ = [i for i, r in enumerate(self.records) if not r.result]
        if open_:
            raise self._into(f"records {open_} have no result", f"settle {result}")
        results = [r.result for r in self.records]
        if state == "success" and any(r != "success" for r in results):
            raise self._into(f"success, and its records are {results}", "settle success")
        if state == "failure" and self.records and reason not in results:
            raise self._into(f"the reason is {reason!r}, and its records are {results}", "settle failure")
        self._check_reason(state, reason)
        stored = [r.bytes for r in self.records]
        known = [n for n in stored if n is not None]
        if stored and len(known) == len(stored) and line["downloaded"] != sum(known):
            raise self._into(
                f"downloaded is {line['downloaded']}, its records have {sum(known)}", f"settle {result}"
            )
        self.state = state

    def _check_reason(self, state: str, reason: str) -> None:
        """Quota and total go first, then the first record to fail."""
        if state == "failure" and reason not in _IMMEDIATE and self.first_failure not in ("", "?", reason):
            raise self._into(
                f"the first record to fail was {self.first_failure!r}, not {reason!r}", "settle failure"
            )

    def _fetch_release(self, line: Line) -> None:
        if self.active:
            raise self._into("it is released, and has not settled", "release")
        if line["cause"] == "event" and self.event in ("", "open", "interrupted"):
            raise self._into(
                f"its event has not ended by itself, but: {self.event or 'none was fired'}", "release"
            )
        self.released = True
        self.dropped = line["cause"] != "event" and self.event != "open"

    # Its event

    def _event_start(self, line: Line) -> None:
        name = line["name"]
        if name == "backgroundfetchclick":
            self.clicks += 1
            return
        due = [
            t.target for t in self.fetch.transitions if any(e.text.endswith(f" {name}") for e in t.effects)
        ]
        if self.state not in (*due, "unknown"):
            raise self._into(
                f"{name} is fired, and it is {self.state}",
                f"settle {'success' if name.endswith('success') else 'failure'}",
            )
        if self.event == "open":
            raise self._into(f"{name} is under way already", "owe-again")
        if self.event not in ("", "interrupted"):
            raise self._into(f"{name} ended {self.event}, and is not owed any more", "release")
        if self.attempt is not None and line["attempt"] != self.attempt + 1:
            raise self._into(f"attempt {line['attempt']} comes after {self.attempt}", "owe-again")
        self.state = due[0] if self.state == "unknown" else self.state
        self.event, self.attempt = "open", line["attempt"]

    def _event_end(self, line: Line) -> None:
        if line["name"] == "backgroundfetchclick":
            if self.clicks == 0:
                raise self.broken.rule("it was not fired", "an event ends once", None)
            self.clicks -= 1
            return
        if self.event != "open":
            raise self._into(f"{line['name']} was not under way", "release")
        self.event = line["outcome"]

    # Its records

    def _record_start(self, line: Line) -> None:
        record = self._record(line)
        self._step(record, line, None)
        skipped = line["attempt"] - record.starts - 1
        if skipped < 0 or (skipped > 0 and not record.unseen):
            raise self._record_rule(
                f"attempt {line['attempt']} comes after {record.starts}", "start", "send-request"
            )
        if line["attempt"] > 1 or record.restored:
            self.may_fall.add(line["index"])
        record.starts, record.unseen = line["attempt"], False

    def _record_wait(self, line: Line) -> None:
        record = self._record(line)
        if record.last == line or (line["reason"] == "slot" and record.last_reason == "slot"):
            raise self._record_rule("it is told twice that it waits", "unavailable", "wait-for")
        if line["reason"] == "slot":
            if "pending" not in record.states:
                raise self._record_rule(
                    f"it is {_shown(record)}, and waits for a connection", "wake", "enqueue"
                )
            record.states = closure(self.record, {"pending"}, begun=record.begun)
        else:
            by_fetch = line["reason"] in ("paused", "permission")
            self._step(record, line, "paused" if by_fetch else "waiting")
            self.pausing = self.pausing or by_fetch
        record.last = line

    def _record_settle(self, line: Line) -> None:
        result = line["result"]
        if self.state == "unknown" and result == "aborted":
            return  # aborted before it was begun in this process
        record = self._record(line)
        if result == "fetch-error" and line["cause"] == "quota":
            # That it is sent could not be stored, so it was not sent, and not told.
            record.states |= {"requested"}
        self._step(record, line, result)
        self._check_bytes(record, line)
        record.result = result
        record.bytes = line["bytes"]
        self.fell = self.fell or result != "success"
        self._note_failure(result)
        if self.total and line["bytes"] > self.total:
            raise self._record_rule("it has more than the download total", "bytes", "settled download-total")

    def _check_bytes(self, record: RecordWatch, line: Line) -> None:
        """A record that was not under way since progress was told last has no more than was left for it then."""
        others = [r.bytes for r in self.records if r is not record and r.result]
        if self.progress is None or record.may_have_grown or None in others:
            return
        most = self.progress["downloaded"] - sum(n for n in others if n is not None)
        if line["bytes"] > most:
            raise self._record_rule(
                f"it has {line['bytes']} bytes, at most {most} were told, and it was not under way since",
                "bytes",
                "append",
            )

    def _note_failure(self, result: str) -> None:
        if result != "success" and not self.first_failure:
            self.first_failure = result

    def _record(self, line: Line) -> RecordWatch:
        if not self.active:
            broken = "begin-records" if self.state == "unknown" else "settle"
            raise self._into(f"a record acts, and it is {self.state}", broken)
        if not 0 <= line["index"] < len(self.records):
            raise self.broken.rule(
                f"there are {len(self.records)} records", "index is a record's number", None
            )
        record = self.records[line["index"]]
        if record.result:
            raise self._record_rule(f"it has its result already: {record.result}", "abort", "settled")
        return record

    def _step(self, record: RecordWatch, line: Line, target: str | None) -> None:
        """Follow the transitions that such a line tells; `target` where it says where they lead."""
        found = [
            t for t in self.record.transitions if _kind(t) == line["kind"] and target in (None, t.target)
        ]
        taken = [t for t in found if t.source in record.states and _may(t, record, line)]
        if not taken:
            to = f" to {target}" if target else ""
            text = f"it is {_shown(record)}, from where no such step leads{to}"
            if not found:
                raise self.broken.rule(text, "a result is one of the specification's", self.record.anchor)
            raise self.broken.transition(text, found[0])
        begun = line["kind"] == "record.start" or record.begun
        record.states = closure(self.record, {t.target for t in taken}, begun=begun)
        record.may_have_grown = record.may_have_grown or bool(record.states & _UNDER_WAY)
        record.last = line

    def _record_rule(self, text: str, input: str, effect: str) -> TraceViolation:
        found = next(
            t
            for t in self.record.transitions
            if t.input == input and any(e.text.startswith(effect) for e in t.effects)
        )
        return self.broken.transition(text, found)


def _may(transition: Transition, record: RecordWatch, line: Line) -> bool:
    """What the guard of a transition asks, as far as lines show it."""
    if transition.when in (*_ALL_HERE, "was_sent_by_an_earlier_process"):
        return record.starts > 0 or record.restored
    if line["kind"] == "record.wait":
        at_head = transition.input == "head"
        if at_head or line["reason"] == "retry-after":
            return at_head and line["reason"] == "retry-after"
        return transition.input != "unavailable" or line["reason"] == "offline"
    return True


def _shown(record: RecordWatch) -> str:
    return " or ".join(sorted(record.states))
