"""The machine of a sync registration: one tag that a script wants a `sync` event for.

    pending         it is fired as soon as the network is there
    firing          its event is under way
    reregistered-while-firing
                    so it is, and a script has registered the tag once more: it is fired once more
    waiting         an attempt failed, and the time of the next one has not come
    gone            it was handled, given up after its last chance, or cleared with its worker's registration

An attempt counts when its event has ended otherwise than `fulfilled`: rejected, timed out, or interrupted by the
end of its worker. One that the end of the whole process cut does not count, because nobody saw it end: it is pending
again. The standard leaves to the user agent how often and when an event is retried; `Retries` holds what Chromium
does: three attempts, the second five minutes after the first has failed, the third fifteen minutes after the second.
Whoever registers a tag again that waits, or that fires, begins with the first attempt anew.

Times are seconds since 1970: they outlive the process.
Spec: https://wicg.github.io/background-sync/spec/#sync-registration
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
    REREGISTERED = "reregistered-while-firing"
    WAITING = "waiting"
    GONE = "gone"


@attrs.frozen
class Retries:
    """How often an event is fired in all, and the seconds until the next attempt, `factor` times longer each time."""

    attempts: int = 3
    delay: float = 300.0
    factor: float = 3.0

    def delay_after(self, failures: int) -> float:
        """Seconds from the end of the last of so many failed attempts to the next one."""
        return self.delay * self.factor ** (failures - 1)


# Inputs


@attrs.frozen
class Register:
    """A script called `register` with its tag, and it was registered already."""


@attrs.frozen
class Fire:
    """The network is there."""


@attrs.frozen
class Ended:
    """The event that was dispatched is over, at the time `now`."""

    outcome: EventOutcome
    now: float


@attrs.frozen
class RetryTime:
    """The time that `RetryAt` named has come."""


@attrs.frozen
class Clear:
    """Its service worker registration was cleared."""


Input = Register | Fire | Ended | RetryTime | Clear


# Effects


@attrs.frozen
class Store(Effect):
    """Keep `failures` and `retry_at`."""


@attrs.frozen
class FireWhenOnline(Effect):
    """Feed `Fire`, now or as soon as the network is there."""


@attrs.frozen
class Dispatch(Effect):
    """Fire `sync`. `attempt` counts from 1."""

    attempt: int
    last_chance: bool


@attrs.frozen
class RetryAt(Effect):
    """Feed `RetryTime` then."""

    time: float


@attrs.frozen
class Remove(Effect):
    """Take it out of the list of sync registrations."""


@attrs.frozen(kw_only=True)
class SyncRegistration:
    """`failures` counts the attempts that failed since it was registered last."""

    state: State = State.PENDING
    failures: int = 0
    retry_at: float | None = None
    retries: Retries = Retries()

    def seconds_left(self, now: float) -> float:
        """Until the next attempt, of one that waits."""
        if self.retry_at is None:
            return 0.0
        return wall_clock.seconds_left(self.retry_at, self.retries.delay_after(self.failures), now)

    @property
    def last_chance(self) -> bool:
        """No attempt follows the next one, or the one that is under way."""
        return self.failures + 1 >= self.retries.attempts


def restore(failures: int, retry_at: float | None, retries: Retries, now: float) -> SyncRegistration:
    """What an earlier process left: where its event was under way, it is pending again.

    `now` may be of a clock that was set since: the next attempt is never further away than its delay.
    """
    state = State.PENDING if retry_at is None else State.WAITING
    if retry_at is not None:
        retry_at = wall_clock.due_at(retry_at, retries.delay_after(failures), now)
    return SyncRegistration(state=state, failures=failures, retry_at=retry_at, retries=retries)


# Guards


def was_fulfilled(r: SyncRegistration, i: Ended) -> bool:
    return i.outcome == "fulfilled"


def was_last_chance(r: SyncRegistration, i: Ended) -> bool:
    return r.last_chance


# Actions


def begin_anew(r: SyncRegistration, i: Input) -> Outcome[SyncRegistration]:
    return attrs.evolve(r, failures=0, retry_at=None), (Store(), FireWhenOnline())


def dispatch(r: SyncRegistration, i: Fire) -> Outcome[SyncRegistration]:
    return r, (Dispatch(r.failures + 1, r.last_chance),)


def retry(r: SyncRegistration, i: Ended) -> Outcome[SyncRegistration]:
    failures = r.failures + 1
    retry_at = i.now + r.retries.delay_after(failures)
    return attrs.evolve(r, failures=failures, retry_at=retry_at), (Store(), RetryAt(retry_at))


def stop_waiting(r: SyncRegistration, i: RetryTime) -> Outcome[SyncRegistration]:
    return attrs.evolve(r, retry_at=None), (FireWhenOnline(),)


def remove(r: SyncRegistration, i: Input) -> Outcome[SyncRegistration]:
    return r, (Remove(),)


_CLEAR = (Row(State.GONE, remove),)

TABLE: Table[SyncRegistration] = {
    # register, 8.3-8.4; fire a sync event, 4-5
    (State.PENDING, Register): (Row(State.PENDING, begin_anew),),
    (State.PENDING, Fire): (Row(State.FIRING, dispatch),),
    (State.PENDING, Clear): _CLEAR,
    # register, 8.2; fire a sync event, 5.2 and 5.3
    (State.FIRING, Register): (Row(State.REREGISTERED, nothing),),
    (State.FIRING, Ended): (
        Row(State.GONE, remove, was_fulfilled),
        Row(State.GONE, remove, was_last_chance),
        Row(State.WAITING, retry),
    ),
    (State.FIRING, Clear): _CLEAR,
    # Fire a sync event, 5.2.1 and 5.3.1: however it ended
    (State.REREGISTERED, Register): (Row(State.REREGISTERED, nothing),),
    (State.REREGISTERED, Ended): (Row(State.PENDING, begin_anew),),
    (State.REREGISTERED, Clear): _CLEAR,
    # register, 8.1; fire a sync event, 5.3.2
    (State.WAITING, Register): (Row(State.PENDING, begin_anew),),
    (State.WAITING, RetryTime): (Row(State.PENDING, stop_waiting),),
    (State.WAITING, Clear): _CLEAR,
    # Cleared while its event was under way
    (State.GONE, Ended): (Row(State.GONE, nothing),),
}


def feed(registration: SyncRegistration, input: Input) -> Outcome[SyncRegistration]:
    """Feed `input`. Raises ImpossibleInput where the table has no row for it."""
    return step(TABLE, registration, input)
