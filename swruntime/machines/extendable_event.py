"""The machine of an extendable event: how long it lives, and how it ended.

    untrusted     a script made it: nothing can extend it
    dispatching   its dispatch flag is set: its listeners run
    extended      the listeners have run; promises that were handed to `waitUntil` are pending
    ended         it is no longer active

The event is *active* in the two in the middle. What extends it is a count, not a list: each promise added
while it is active adds one. A promise that settles takes its one away a turn later (`WaitTurn`, answered
by `TurnPassed`), because a reaction to the last promise may hand over another, and that one still counts.
So the count has two parts: `pending`, all that count, and `settling`, those of them whose turn runs.

The dispatch flag works like one more promise: the shell feeds `DispatchFinished` a turn after the last
listener. When flag and count are both gone the event ends.

How it ended is decided by what came first of its failures: a promise that was rejected, a listener that
raised. What fails after the first one is told (`Tell`), because the outcome has room for one only.
Time-out and death end it wherever it is; what settles afterwards is too late to matter, and is let pass.

Spec: https://w3c.github.io/ServiceWorker/#extendableevent-add-lifetime-promise
"""

from __future__ import annotations

from enum import Enum

import attrs

from swruntime.concepts.enums import EventOutcome
from swruntime.machines.table import Effect, Outcome, Row, Table, nothing, step


class State(Enum):
    UNTRUSTED = "untrusted"
    DISPATCHING = "dispatching"
    EXTENDED = "extended"
    ENDED = "ended"


ACTIVE = frozenset({State.DISPATCHING, State.EXTENDED})


# Inputs


@attrs.frozen
class PromiseAdded:
    """Something was handed to `waitUntil`, or an `async def` listener began its run."""


@attrs.frozen
class PromiseSettled:
    """`error` is the rejection in words, None where it was fulfilled; `where` is "file:line"."""

    error: str | None = None
    where: str | None = None


@attrs.frozen
class TurnPassed:
    """A scheduling turn is over since a promise settled: its reactions have run."""


@attrs.frozen
class ListenerRaised:
    error: str
    where: str | None = None


@attrs.frozen
class DispatchFinished:
    """The last listener ran to its first suspension, and a turn has passed since."""


@attrs.frozen
class TimedOut:
    """It lasted longer than the agent grants."""


@attrs.frozen
class RealmDied:
    """The worker was stopped, or its process died."""


Input = PromiseAdded | PromiseSettled | TurnPassed | ListenerRaised | DispatchFinished | TimedOut | RealmDied


# Effects


@attrs.frozen
class WaitTurn(Effect):
    """Feed `TurnPassed` when the reactions to what just settled have run."""


@attrs.frozen
class Refuse(Effect):
    """Throw InvalidStateError with this message at who called `waitUntil`."""

    message: str


@attrs.frozen
class Tell(Effect):
    """A failure after the first: the outcome does not show it."""

    error: str
    where: str | None


@attrs.frozen
class End(Effect):
    outcome: EventOutcome
    error: str | None = None
    where: str | None = None


@attrs.frozen(kw_only=True)
class ExtendableEvent:
    """`pending` promises extend it, `settling` of them have settled and wait for their turn to pass."""

    state: State = State.DISPATCHING
    pending: int = 0
    settling: int = 0
    error: str | None = None
    where: str | None = None

    @property
    def active(self) -> bool:
        return self.state in ACTIVE


# Guards


def something_is_pending(e: ExtendableEvent, i: object) -> bool:
    return e.pending > 0


def was_last(e: ExtendableEvent, i: TurnPassed) -> bool:
    return e.pending == 1 and e.settling == 1


def one_is_settling(e: ExtendableEvent, i: TurnPassed) -> bool:
    return e.settling > 0


def one_is_unsettled(e: ExtendableEvent, i: PromiseSettled) -> bool:
    return e.pending > e.settling


# Actions


def add(e: ExtendableEvent, i: PromiseAdded) -> Outcome[ExtendableEvent]:
    return attrs.evolve(e, pending=e.pending + 1), ()


def refuse_untrusted(e: ExtendableEvent, i: PromiseAdded) -> Outcome[ExtendableEvent]:
    return e, (Refuse("an event that a script made cannot be extended: the runtime did not dispatch it"),)


def refuse_ended(e: ExtendableEvent, i: PromiseAdded) -> Outcome[ExtendableEvent]:
    return e, (Refuse("the event is over: it can be extended only while it is dispatched or still extended"),)


def settle(e: ExtendableEvent, i: PromiseSettled) -> Outcome[ExtendableEvent]:
    e, effects = _note(e, i.error, i.where)
    return attrs.evolve(e, settling=e.settling + 1), (*effects, WaitTurn())


def note(e: ExtendableEvent, i: ListenerRaised) -> Outcome[ExtendableEvent]:
    return _note(e, i.error, i.where)


def fall(e: ExtendableEvent, i: TurnPassed) -> Outcome[ExtendableEvent]:
    return attrs.evolve(e, pending=e.pending - 1, settling=e.settling - 1), ()


def fall_and_end(e: ExtendableEvent, i: TurnPassed) -> Outcome[ExtendableEvent]:
    e, _ = fall(e, i)
    return e, _end(e)


def end(e: ExtendableEvent, i: DispatchFinished) -> Outcome[ExtendableEvent]:
    return e, _end(e)


def time_out(e: ExtendableEvent, i: TimedOut) -> Outcome[ExtendableEvent]:
    return e, (End("timed-out", e.error, e.where),)


def interrupt(e: ExtendableEvent, i: RealmDied) -> Outcome[ExtendableEvent]:
    return e, (End("interrupted", e.error, e.where),)


def _note(e: ExtendableEvent, error: str | None, where: str | None) -> Outcome[ExtendableEvent]:
    if error is None:
        return e, ()
    if e.error is not None:
        return e, (Tell(error, where),)
    return attrs.evolve(e, error=error, where=where), ()


def _end(e: ExtendableEvent) -> tuple[Effect, ...]:
    return (End("fulfilled" if e.error is None else "rejected", e.error, e.where),)


TABLE: Table[ExtendableEvent] = {
    # Made by a script
    (State.UNTRUSTED, PromiseAdded): (Row(State.UNTRUSTED, refuse_untrusted),),
    # Active, the flag set
    (State.DISPATCHING, PromiseAdded): (Row(State.DISPATCHING, add),),
    (State.DISPATCHING, PromiseSettled): (Row(State.DISPATCHING, settle, one_is_unsettled),),
    (State.DISPATCHING, TurnPassed): (Row(State.DISPATCHING, fall, one_is_settling),),
    (State.DISPATCHING, ListenerRaised): (Row(State.DISPATCHING, note),),
    (State.DISPATCHING, DispatchFinished): (
        Row(State.EXTENDED, nothing, something_is_pending),
        Row(State.ENDED, end),
    ),
    (State.DISPATCHING, TimedOut): (Row(State.ENDED, time_out),),
    (State.DISPATCHING, RealmDied): (Row(State.ENDED, interrupt),),
    # Active by its promises alone
    (State.EXTENDED, PromiseAdded): (Row(State.EXTENDED, add),),
    (State.EXTENDED, PromiseSettled): (Row(State.EXTENDED, settle, one_is_unsettled),),
    (State.EXTENDED, TurnPassed): (
        Row(State.ENDED, fall_and_end, was_last),
        Row(State.EXTENDED, fall, one_is_settling),
    ),
    (State.EXTENDED, TimedOut): (Row(State.ENDED, time_out),),
    (State.EXTENDED, RealmDied): (Row(State.ENDED, interrupt),),
    # Over
    (State.ENDED, PromiseAdded): (Row(State.ENDED, refuse_ended),),
    (State.ENDED, PromiseSettled): (Row(State.ENDED, nothing),),
    (State.ENDED, TurnPassed): (Row(State.ENDED, nothing),),
    (State.ENDED, ListenerRaised): (Row(State.ENDED, nothing),),
    (State.ENDED, DispatchFinished): (Row(State.ENDED, nothing),),
    (State.ENDED, TimedOut): (Row(State.ENDED, nothing),),
    (State.ENDED, RealmDied): (Row(State.ENDED, nothing),),
}


def feed(event: ExtendableEvent, input: Input) -> Outcome[ExtendableEvent]:
    """Feed `input`. Raises ImpossibleInput where the table has no row for it."""
    return step(TABLE, event, input)
