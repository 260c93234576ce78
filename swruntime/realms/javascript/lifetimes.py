"""The extendable events of a JavaScript worker: the same machine as everywhere, fed with what the script tells.

The script's side counts too, because `waitUntil` throws or not without asking anybody; it tells each step when its
microtask has come. So the microtask rules are the engine's own, and how an event ends is decided here.
"""

from __future__ import annotations

from typing import Any
from weakref import ReferenceType, ref

import attrs

from swruntime.agent.promise import Promise
from swruntime.machines import extendable_event as machine
from swruntime.machines.table import Effect
from swruntime.realms.javascript.messages import WireError
from swruntime.realms.javascript.texts import shortened
from swruntime.realms.python.background_fetch import BackgroundFetchRegistration
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.extendable import Lifetime
from swruntime.realms.python.handling import is_work

MOST_BEGUN = 10_000
"""Calls of one event that are remembered, whether they are over or not."""


class ScriptLifetime(Lifetime):
    """One that waits for the script's turn instead of Trio's."""

    def _perform(self, effect: Effect) -> None:
        if not isinstance(effect, machine.WaitTurn):
            super()._perform(effect)


@attrs.define
class _Dispatched:
    lifetime: ScriptLifetime
    type: str
    instance: BackgroundFetchRegistration | None = None
    """What the event is about."""
    begun: dict[int, tuple[str, str, ReferenceType[Promise[Any]]]] = attrs.field(factory=dict)
    """The calls that the script made while it handled the event: the name of each, and where."""
    many: int = attrs.field(factory=lambda: MOST_BEGUN)
    """With so many of them, those that are over are forgotten: a script that is still waiting knows of no other."""

    def begin(self, call: int, promise: Promise[Any], where: str) -> None:
        self.begun[call] = promise.name, where, ref(promise)
        if len(self.begun) >= self.many:
            for number, (_, _, found) in list(self.begun.items()):
                if (known := found()) is None or known.settled:
                    del self.begun[number]
            self.many = 2 * len(self.begun) + MOST_BEGUN

    left: tuple[int, ...] = ()
    """Those of them that the script still waited for when the event ended."""
    updated: bool = False
    """It has called updateUI."""


_UPDATE_UI = ("backgroundfetchsuccess", "backgroundfetchfail")
"""https://wicg.github.io/background-fetch/#background-fetch-update-ui-event"""


class Lifetimes:
    """Those that are not over, by the number that the process knows them by."""

    def __init__(self, context: RealmContext) -> None:
        self._context = context
        self._events: dict[int, _Dispatched] = {}
        self._last = 0

    def open(self, type: str, instance: BackgroundFetchRegistration | None) -> tuple[int, ScriptLifetime]:
        """A new event's number and lifetime. `instance` is what it is about."""
        self._last += 1
        lifetime = ScriptLifetime(self._context, type)
        self._events[self._last] = _Dispatched(lifetime, type, instance)
        return self._last, lifetime

    def instance_to_update(self, number: int) -> BackgroundFetchRegistration:
        """What the UI is of that the event may update, once. Raises WireError where there is none, or it did before."""
        dispatched = self._events.get(number)
        if dispatched is None or dispatched.instance is None or dispatched.type not in _UPDATE_UI:
            raise WireError(f"event {number} has no UI to update")
        if dispatched.updated:
            raise WireError(f"event {number} updates its UI a second time")
        dispatched.updated = True
        return dispatched.instance

    def type_of(self, number: int | None) -> str | None:
        """The type of an event; None for one that is over."""
        dispatched = None if number is None else self._events.get(number)
        return None if dispatched is None else dispatched.type

    def close(self, number: int) -> None:
        """The event is over. Tell what it did not wait for, if it ended well."""
        dispatched = self._events.pop(number)
        result = dispatched.lifetime.result
        if result is None or result.outcome != "fulfilled":
            return
        for call in dispatched.left:
            if call in dispatched.begun:
                name, where, _ = dispatched.begun[call]
                text = f"the {dispatched.type} event has ended, and nothing made it wait for {name}"
                self._context.diagnose("missing-wait-until", text, where)

    def begun(self, number: int, call: int, promise: Promise[Any], where: str | None) -> None:
        """The script made a call while it handled event `number`, or after it: then nobody asks."""
        dispatched = self._events.get(number)
        if dispatched is not None and where is not None and is_work(promise):
            dispatched.begin(call, promise, where)

    def feed(self, number: int, frame: dict[str, Any], where: str | None) -> None:
        """What the script tells of its event. Of one that is over it is too late to tell anything."""
        dispatched = self._events.get(number)
        if dispatched is None:
            return
        error = frame.get("error")
        error = None if error is None else shortened(error)
        inputs: dict[Any, machine.Input] = {
            "added": machine.PromiseAdded(),
            "settled": machine.PromiseSettled(error, where) if error else machine.PromiseSettled(),
            "turn": machine.TurnPassed(),
            "finished": machine.DispatchFinished(),
        }
        if error is not None:
            inputs["raised"] = machine.ListenerRaised(error, where)
        given = inputs.get(frame["input"])
        if given is None:
            raise WireError("what a listener raised is not told")
        try:
            dispatched.lifetime.feed(given)
        except Exception as refused:
            raise WireError(f"an event's life: {refused}") from refused
        if (left := frame.get("left")) is not None:
            dispatched.left = tuple(left)
