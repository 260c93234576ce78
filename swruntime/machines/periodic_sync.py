"""The machine of a periodic sync registration: one tag that a script wants a `periodicsync` event for, again and again.

    pending   its next event comes when it is due and the network is there
    firing    its event is under way
    gone      it was unregistered, its permission was taken away, or its worker's registration was cleared

However an event ended, the next one comes an interval later: the standard lets a user agent retry, with no retry
where nothing is said, and this one does not. So its state "reregistered-while-firing", which only cuts retries
short, is not needed here, and neither is "suspended", which none of its algorithms uses. Nor is the pace of all origins
together capped, only that of each one.

Times are seconds since 1970, intervals seconds.
Spec: https://wicg.github.io/periodic-background-sync/#periodic-sync-registration-construct
"""

from __future__ import annotations

from enum import Enum

import attrs

from swruntime.algorithms import wall_clock
from swruntime.concepts.enums import EventOutcome
from swruntime.machines.table import Effect, Outcome, Row, Table, nothing, step


class State(Enum):
    PENDING = "pending"
    FIRING = "firing"
    GONE = "gone"


# Inputs


@attrs.frozen
class Register:
    """A script called `register` with its tag, and it was registered already."""

    min_interval: float


@attrs.frozen
class Fire:
    """It is due, and the network is there."""


@attrs.frozen
class Ended:
    """The event that was dispatched is over, at the time `now`."""

    outcome: EventOutcome
    now: float


@attrs.frozen
class Unregister:
    """A script gave it up, its permission was taken away, or its worker's registration was cleared."""


Input = Register | Fire | Ended | Unregister


# Effects


@attrs.frozen
class Store(Effect):
    """Keep `min_interval` and `anchor`; reckon anew when it is due."""


@attrs.frozen
class Dispatch(Effect):
    """Fire `periodicsync`."""


@attrs.frozen
class Fired(Effect):
    """Its event was handled: *time of last fire* of its origin is `now`."""

    now: float


@attrs.frozen
class Remove(Effect):
    """Take it out of the map of active periodic sync registrations."""


@attrs.frozen(kw_only=True)
class PeriodicSyncRegistration:
    """`anchor` is when its last event ended, or when it was registered."""

    state: State = State.PENDING
    min_interval: float
    anchor: float

    def due(self, least: float) -> float:
        """When it may be fired next, where nothing of its origin is fired more often than every `least` seconds.

        One that was just registered waits as well, as in Chromium: otherwise whoever unregistered and
        registered again would set the pace.
        """
        return self.anchor + max(self.min_interval, least)

    def anchored(self, now: float) -> PeriodicSyncRegistration:
        """The same, by a clock that was set back since: its anchor cannot be later than now."""
        return attrs.evolve(self, anchor=wall_clock.happened_at(self.anchor, now))


# Guards


def has_another_interval(r: PeriodicSyncRegistration, i: Register) -> bool:
    return i.min_interval != r.min_interval


def was_fulfilled(r: PeriodicSyncRegistration, i: Ended) -> bool:
    return i.outcome == "fulfilled"


# Actions


def change_interval(r: PeriodicSyncRegistration, i: Register) -> Outcome[PeriodicSyncRegistration]:
    return attrs.evolve(r, min_interval=i.min_interval), (Store(),)


def dispatch(r: PeriodicSyncRegistration, i: Fire) -> Outcome[PeriodicSyncRegistration]:
    return r, (Dispatch(),)


def rest(r: PeriodicSyncRegistration, i: Ended) -> Outcome[PeriodicSyncRegistration]:
    return attrs.evolve(r, anchor=i.now), (Store(),)


def note_and_rest(r: PeriodicSyncRegistration, i: Ended) -> Outcome[PeriodicSyncRegistration]:
    r, effects = rest(r, i)
    return r, (Fired(i.now), *effects)


def remove(r: PeriodicSyncRegistration, i: Unregister) -> Outcome[PeriodicSyncRegistration]:
    return r, (Remove(),)


_REMOVE = (Row(State.GONE, remove),)

TABLE: Table[PeriodicSyncRegistration] = {
    # register, 8
    (State.PENDING, Register): (
        Row(State.PENDING, change_interval, has_another_interval),
        Row(State.PENDING, nothing),
    ),
    # Fire a periodicsync event, 5
    (State.PENDING, Fire): (Row(State.FIRING, dispatch),),
    (State.PENDING, Unregister): _REMOVE,
    (State.FIRING, Register): (
        Row(State.FIRING, change_interval, has_another_interval),
        Row(State.FIRING, nothing),
    ),
    # Fire a periodicsync event, 6.6
    (State.FIRING, Ended): (
        Row(State.PENDING, note_and_rest, was_fulfilled),
        Row(State.PENDING, rest),
    ),
    (State.FIRING, Unregister): _REMOVE,
    # Unregistered while its event was under way
    (State.GONE, Ended): (Row(State.GONE, nothing),),
}


def feed(registration: PeriodicSyncRegistration, input: Input) -> Outcome[PeriodicSyncRegistration]:
    """Feed `input`. Raises ImpossibleInput where the table has no row for it."""
    return step(TABLE, registration, input)
