"""ExtendableEvent: its `wait_until`, and the shell around the machine that says how long it lives.

An `async def` listener's own run extends its event, as though it had been handed to `wait_until`. That is
where a Python realm differs from JavaScript, in which the work of a handler that forgets `waitUntil` is lost.

Spec: https://w3c.github.io/ServiceWorker/#extendableevent-interface
"""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import nullcontext
from inspect import iscoroutine
from typing import Any

import trio

from swruntime.agent.promise import Promise
from swruntime.errors import InvalidStateError
from swruntime.machines import extendable_event as machine
from swruntime.machines.table import Effect
from swruntime.ports.realm import EventResult
from swruntime.realms.python.context import RealmContext, error_text
from swruntime.realms.python.driver import start_script
from swruntime.realms.python.events import Event, EventTarget, fire
from swruntime.realms.python.handling import Handling
from swruntime.trace import Console


class Lifetime:
    """Feeds the machine of one event, and performs its effects. Without a context the event is untrusted."""

    def __init__(self, context: RealmContext | None = None, type: str = "") -> None:
        self._context = context
        trusted = context is not None
        self._event = machine.ExtendableEvent(
            state=machine.State.DISPATCHING if trusted else machine.State.UNTRUSTED
        )
        self._errors: list[BaseException] = []
        self.handling = None if context is None else Handling(context, type)
        self.result: EventResult | None = None
        self.ended = trio.Event()

    @property
    def active(self) -> bool:
        """https://w3c.github.io/ServiceWorker/#extendableevent-active"""
        return self._event.active

    def extended_by_script(self) -> None:
        """wait_until or respond_with was called."""
        if self.handling is not None:
            self.handling.extended = True

    def feed(self, input: machine.Input) -> None:
        """Raises InvalidStateError where the machine refuses."""
        self._event, effects = machine.feed(self._event, input)
        for effect in effects:
            self._perform(effect)

    def settled(self, promise: Promise[object]) -> None:
        """A promise that extends the event has settled."""
        error = promise.error
        # One exception may come through several promises; it counts once.
        if error is None or any(error is each for each in self._errors):
            self.feed(machine.PromiseSettled())
            return
        self._errors.append(error)
        assert self._context is not None
        self.feed(machine.PromiseSettled(error_text(error), self._context.where_of(error)))

    def _perform(self, effect: Effect) -> None:
        match effect:
            case machine.Refuse(message):
                raise InvalidStateError(message)
            case machine.WaitTurn():
                assert self._context is not None
                self._context.agent_nursery.start_soon(self._turn)
            case machine.Tell(error, where):
                assert self._context is not None
                self._context.tell(Console(level="error", text=f"Uncaught {error}", where=where))
            case machine.End(outcome, error, where):
                self.result = EventResult(outcome, error, where)
                self.ended.set()
            case _:
                raise AssertionError(f"unknown effect {effect!r}")

    async def _turn(self) -> None:
        await pass_turn()
        self.feed(machine.TurnPassed())


class ExtendableEvent(Event):
    """https://w3c.github.io/ServiceWorker/#extendableevent"""

    def __init__(
        self, type: str, *, bubbles: bool = False, cancelable: bool = False, composed: bool = False
    ) -> None:
        super().__init__(type, bubbles=bubbles, cancelable=cancelable, composed=composed)
        self._lifetime = Lifetime()

    def wait_until(self, awaitable: object) -> None:
        """Extend the event until `awaitable` is done: a promise, a coroutine, whatever can be awaited.

        A coroutine is started; what cannot be awaited counts as done. Raises TypeError for a function that
        was not called, and InvalidStateError when the event is no longer active or a script made it.
        Spec: https://w3c.github.io/ServiceWorker/#dom-extendableevent-waituntil
        """
        if callable(awaitable) and not hasattr(awaitable, "__await__"):
            name = getattr(awaitable, "__name__", None) or repr(awaitable)
            text = f"wait_until was handed the function {name} uncalled"
            self._diagnose("function-to-wait-until", text)
            raise TypeError(f"{text}: wait_until({name}()) calls it")
        try:
            self._lifetime.feed(machine.PromiseAdded())
        except InvalidStateError:
            if iscoroutine(awaitable):
                awaitable.close()
            raise
        self._lifetime.extended_by_script()
        self._observe(self._as_promise(awaitable))

    def _extend(self, promise: Promise[Any]) -> None:
        """Add a lifetime promise. Raises InvalidStateError when the event is not active.

        Spec: https://w3c.github.io/ServiceWorker/#extendableevent-add-lifetime-promise
        """
        self._lifetime.feed(machine.PromiseAdded())
        self._observe(promise)

    def _diagnose(self, code: str, text: str) -> None:
        """Of what the script does now. An event that a script made has no realm of its own."""
        context = self._lifetime._context
        if context is not None:
            context.diagnose(code, text, context.where())

    def _after_dispatch(self) -> None:
        """The last listener has run to its first suspension."""

    def _observe(self, promise: Promise[Any]) -> None:
        promise.handle()
        promise.extends_event = True
        promise.add_done_callback(self._lifetime.settled)

    def _as_promise(self, value: object) -> Promise[Any]:
        if isinstance(value, Promise):
            return value
        if not isinstance(value, Awaitable):
            return Promise.resolved(value)
        assert self._lifetime._context is not None
        coroutine = value if iscoroutine(value) else _await(value)
        return start_script(self._lifetime._context, coroutine, name=f"wait_until of {self.type}")

    def _listener_raised(self, context: RealmContext, error: Exception) -> None:
        if self._lifetime.active:
            self._lifetime.feed(machine.ListenerRaised(error_text(error), context.where_of(error)))

    def _run_started(self, context: RealmContext, run: Promise[object]) -> None:
        if self._lifetime.active:
            self._extend(run)
        else:
            super()._run_started(context, run)


async def dispatch_extendable(
    context: RealmContext, target: EventTarget, event: ExtendableEvent, turn: trio.Lock | None = None
) -> EventResult:
    """Fire `event` at `target`, and wait until it is no longer active.

    Listeners are called while `turn` is held, where there is one: so events of one kind keep their order.

    There is no time-out in here: who grants the event its time cancels this, and the event is inactive
    from then on. When the realm is discarded the outcome is `interrupted`. At the end the realm's rejections
    that nobody awaited are told.
    """
    lifetime = event._lifetime = Lifetime(context, event.type)
    forget = context.on_discard(lambda: lifetime.feed(machine.RealmDied()))
    if not context.alive:
        lifetime.feed(machine.RealmDied())
    try:
        async with turn or nullcontext():
            await fire(target, event, lifetime.handling)
        event._after_dispatch()
        assert lifetime.handling is not None
        lifetime.handling.dispatched()
        await pass_turn()
        lifetime.feed(machine.DispatchFinished())
        await lifetime.ended.wait()
        context.report_unhandled()
        if lifetime.result is not None and lifetime.result.outcome == "fulfilled":
            lifetime.handling.tell()
    finally:
        forget()
        # It is active here only when the caller ran out of patience.
        lifetime.feed(machine.TimedOut())
    assert lifetime.result is not None
    return lifetime.result


async def pass_turn() -> None:
    """Let what is due now run, reactions to a promise that has just settled among it.

    They wake in the next turn of Trio's loop; a task that begins there and waits once more comes after them.
    """
    await trio.lowlevel.checkpoint()


async def _await(awaitable: Awaitable[object]) -> object:
    return await awaitable
