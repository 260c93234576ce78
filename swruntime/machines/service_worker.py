"""The machine of a service worker: its state, from parsed to redundant.

    parsed       its script was evaluated once, without raising
    installing   its install event is under way
    installed    it waits until nobody uses the old worker any more
    activating   its activate event is under way; neither an error nor a termination keeps it from the next state
    activated    it controls clients and gets functional events
    redundant    its install failed, a newer one took its place, or its registration was cleared

There is no way back and none around: a rejected install cannot leave a worker installing for ever, because the
only inputs in that state are the two ends of an install.

Spec: https://w3c.github.io/ServiceWorker/#dfn-state
"""

from __future__ import annotations

from enum import Enum

import attrs

from swruntime.machines.table import Effect, Outcome, Row, Table, step


class State(Enum):
    PARSED = "parsed"
    INSTALLING = "installing"
    INSTALLED = "installed"
    ACTIVATING = "activating"
    ACTIVATED = "activated"
    REDUNDANT = "redundant"


@attrs.frozen
class Install:
    """It becomes its registration's installing worker."""


@attrs.frozen
class Installed:
    """Its install event ended, and nothing that extended it was rejected."""


@attrs.frozen
class Activate:
    """Nobody uses the old worker, or it need not be waited for."""


@attrs.frozen
class Activated:
    """Its activate event ended, however it ended."""


@attrs.frozen
class Discard:
    """Its install failed, it was overtaken, or its registration was cleared."""


Input = Install | Installed | Activate | Activated | Discard


@attrs.frozen
class StateChanged(Effect):
    """Tell every realm that has an object for this worker: `statechange`."""

    state: State


@attrs.frozen
class ServiceWorker:
    state: State = State.PARSED


def change(to: State) -> Row[ServiceWorker]:
    def tell(worker: ServiceWorker, input: Input) -> Outcome[ServiceWorker]:
        return worker, (StateChanged(to),)

    return Row(to, tell)


_DISCARD = (change(State.REDUNDANT),)

TABLE: Table[ServiceWorker] = {
    (State.PARSED, Install): (change(State.INSTALLING),),
    (State.PARSED, Discard): _DISCARD,
    (State.INSTALLING, Installed): (change(State.INSTALLED),),
    (State.INSTALLING, Discard): _DISCARD,
    (State.INSTALLED, Activate): (change(State.ACTIVATING),),
    (State.INSTALLED, Discard): _DISCARD,
    (State.ACTIVATING, Activated): (change(State.ACTIVATED),),
    (State.ACTIVATING, Discard): _DISCARD,
    (State.ACTIVATED, Discard): _DISCARD,
}


def feed(worker: ServiceWorker, input: Input) -> tuple[ServiceWorker, tuple[Effect, ...]]:
    """One step. Raises ImpossibleInput for what the table does not list."""
    return step(TABLE, worker, input)
