"""Event, EventTarget and event handlers, and how an event is fired.

No platform object of ours has a parent, so an event's path is its target alone: capturing listeners run
first, then the others, both in the phase AT_TARGET.

A listener may be an `async def`. `fire` runs it as a task of the realm and waits until it suspends for the
first time before the next listener starts; what becomes of the rest of its run is the event's to say. A
script's own `dispatch_event` is synchronous and cannot wait: the runs of async listeners start in their
order, one turn later.

Spec: https://dom.spec.whatwg.org/#events
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from contextlib import closing
from inspect import iscoroutine
from types import MethodType
from typing import TYPE_CHECKING, Any, ClassVar, Self, overload

import attrs
import trio

from swruntime.agent.promise import Promise
from swruntime.algorithms import webidl
from swruntime.errors import InvalidStateError
from swruntime.realms.python.context import RealmContext, error_text
from swruntime.realms.python.driver import start_script
from swruntime.realms.python.handling import Handling, handling
from swruntime.realms.python.unimplemented import PlatformObject

if TYPE_CHECKING:
    from swruntime.realms.python.abort import AbortSignal


class Event(PlatformObject):
    """https://dom.spec.whatwg.org/#interface-event"""

    NONE: ClassVar = 0
    CAPTURING_PHASE: ClassVar = 1
    AT_TARGET: ClassVar = 2
    BUBBLING_PHASE: ClassVar = 3

    _context: ClassVar[RealmContext | None] = None

    def __init__(
        self, type: str, *, bubbles: bool = False, cancelable: bool = False, composed: bool = False
    ) -> None:
        self._type = webidl.dom_string("type", type)
        self._bubbles = webidl.boolean("bubbles", bubbles)
        self._cancelable = webidl.boolean("cancelable", cancelable)
        self._composed = webidl.boolean("composed", composed)
        origin = 0.0 if self._context is None else self._context.time_origin
        self._time_stamp = round((trio.current_time() - origin) * 1000, 3)
        self._target: EventTarget | None = None
        self._dispatching = False
        self._is_trusted = False
        self._canceled = False
        self._in_passive_listener = False
        self._stopped = False
        self._stopped_immediately = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._type}>"

    @property
    def type(self) -> str:
        return self._type

    @property
    def target(self) -> EventTarget | None:
        return self._target

    @property
    def current_target(self) -> EventTarget | None:
        return self._target if self._dispatching else None

    @property
    def event_phase(self) -> int:
        return self.AT_TARGET if self._dispatching else self.NONE

    def composed_path(self) -> list[EventTarget]:
        return [self._target] if self._dispatching and self._target is not None else []

    @property
    def bubbles(self) -> bool:
        return self._bubbles

    @property
    def cancelable(self) -> bool:
        return self._cancelable

    @property
    def composed(self) -> bool:
        return self._composed

    @property
    def default_prevented(self) -> bool:
        return self._canceled

    @property
    def is_trusted(self) -> bool:
        return self._is_trusted

    @property
    def time_stamp(self) -> float:
        """When it was made, in milliseconds since its realm was, on the agent's clock."""
        return self._time_stamp

    def prevent_default(self) -> None:
        if self._cancelable and not self._in_passive_listener:
            self._canceled = True

    def stop_propagation(self) -> None:
        self._stopped = True

    def stop_immediate_propagation(self) -> None:
        self._stopped = True
        self._stopped_immediately = True

    # What the dispatch tells the event

    def _listener_raised(self, context: RealmContext, error: Exception) -> None:
        """A listener raised, and that was reported."""

    def _run_started(self, context: RealmContext, run: Promise[object]) -> None:
        """The run of an async listener is under way. Nobody awaits it, so what it raises is reported."""
        run.handle()
        run.add_done_callback(lambda p: _report(context, p))


@attrs.define(eq=False)
class _Listener:
    """https://dom.spec.whatwg.org/#concept-event-listener"""

    type: str
    callback: object
    capture: bool = False
    once: bool = False
    passive: bool = False
    is_handler: bool = False
    removed: bool = False
    added_at: str | None = None
    """Where in a script, "file:line", add_event_listener was called."""

    def is_for(self, type: str, callback: object, capture: bool) -> bool:
        return self.type == type and self.capture == capture and _same(self.callback, callback)


class EventTarget(PlatformObject):
    """https://dom.spec.whatwg.org/#interface-eventtarget"""

    _context: RealmContext

    def __init__(self) -> None:
        self._listeners: list[_Listener] = []
        self._handlers: dict[str, Callable[[Any], object]] = {}

    def add_event_listener(
        self,
        type: str,
        callback: object,
        *,
        capture: bool = False,
        once: bool = False,
        passive: bool | None = None,
        signal: AbortSignal | None = None,
    ) -> None:
        """Call `callback` for events of `type`: a function, an async one, or an object with `handle_event`.

        The same callback for the same type is there once only. Aborting `signal` removes it.
        Raises TypeError for what cannot be called.
        Spec: https://dom.spec.whatwg.org/#add-an-event-listener
        """
        type = webidl.dom_string("type", type)
        _check_callback("callback", callback)
        # 2. Too late.
        if signal is not None and signal.aborted:
            return
        # 3. Nothing to call.
        if callback is None:
            return
        # 4, 5. Add it if it is not there.
        if any(each.is_for(type, callback, capture) for each in self._listeners):
            return
        listener = _Listener(type, callback, capture, once, bool(passive), added_at=self._context.where())
        self._listeners.append(listener)
        # 6. The signal takes it away.
        if signal is not None:
            signal._add_algorithm(lambda: self._remove(listener))

    def remove_event_listener(self, type: str, callback: object, *, capture: bool = False) -> None:
        """https://dom.spec.whatwg.org/#dom-eventtarget-removeeventlistener"""
        for listener in tuple(self._listeners):
            if not listener.is_handler and listener.is_for(type, callback, capture):
                self._remove(listener)

    def dispatch_event(self, event: Event) -> bool:
        """Dispatch an event of the script's own; False when it was canceled.

        The runs of async listeners begin a turn later, so what they do about the event comes too late for
        the answer. Raises InvalidStateError while `event` is being dispatched, and in a discarded realm.
        Spec: https://dom.spec.whatwg.org/#dom-eventtarget-dispatchevent
        """
        if not isinstance(event, Event):
            raise TypeError(f"event is {webidl.shown(event)}; expected an Event")
        if event._dispatching:
            raise InvalidStateError(f"{event!r} is being dispatched already")
        self._context.check_alive()
        event._is_trusted = False
        return dispatch_now(self, event)

    def _remove(self, listener: _Listener) -> None:
        listener.removed = True
        if listener in self._listeners:
            self._listeners.remove(listener)

    def _set_handler(self, type: str, value: Callable[[Any], object] | None) -> None:
        """https://html.spec.whatwg.org/multipage/webappapis.html#event-handler-idl-attributes"""
        if value is None:
            self._handlers.pop(type, None)
            for listener in tuple(self._listeners):
                if listener.is_handler and listener.type == type:
                    self._remove(listener)
            return
        # Assigned again, it keeps the place in the order that it got the first time.
        if type not in self._handlers:
            self._listeners.append(_Listener(type, None, is_handler=True))
        self._handlers[type] = value


class EventHandler:
    """An event handler attribute: `onmessage = EventHandler()` in the body of an EventTarget.

    Spec: https://html.spec.whatwg.org/multipage/webappapis.html#event-handlers
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name
        self._type = name.removeprefix("on")

    @overload
    def __get__(self, target: None, owner: type) -> Self: ...
    @overload
    def __get__(self, target: EventTarget, owner: type) -> Callable[[Any], object] | None: ...
    def __get__(self, target: EventTarget | None, owner: type) -> Self | Callable[[Any], object] | None:
        return self if target is None else target._handlers.get(self._type)

    def __set__(self, target: EventTarget, value: Callable[[Any], object] | None) -> None:
        if value is not None:
            _check_function(self._name, value)
        target._set_handler(self._type, value)


@attrs.frozen
class ListenerError:
    """What a plain listener raised. `where` is "file:line" in the script."""

    error: Exception
    text: str
    where: str | None


@attrs.frozen
class FireResult:
    """`runs` are the runs of async listeners, in their order; they may be pending."""

    default_prevented: bool
    errors: tuple[ListenerError, ...]
    runs: tuple[Promise[object], ...]


async def fire(target: EventTarget, event: Event, handled: Handling | None = None) -> FireResult:
    """Fire `event`, trusted, at `target`: each listener to its first suspension before the next one starts.

    What a listener raises is reported, and the next one still runs. In a realm that is discarded nothing
    runs, or nothing more. `handled` is told what the listeners begin.
    Spec: https://dom.spec.whatwg.org/#concept-event-fire
    """
    context = target._context
    event._is_trusted = True
    errors: list[ListenerError] = []
    runs: list[Promise[object]] = []
    with handling(handled), closing(_invoke(target, event, errors)) as coroutines:
        for coroutine in coroutines:
            suspended = trio.Event()
            run = _start(context, event, coroutine, suspended.set)
            if handled is not None:
                handled.run_started(run, context.where_of_coroutine(coroutine))
            # It never suspends when it never starts.
            run.add_done_callback(lambda _, suspended=suspended: suspended.set())  # type: ignore[misc]
            runs.append(run)
            await suspended.wait()
    return FireResult(event.default_prevented, tuple(errors), tuple(runs))


def dispatch_now(target: EventTarget, event: Event) -> bool:
    with closing(_invoke(target, event, [])) as coroutines:
        for coroutine in coroutines:
            _start(target._context, event, coroutine, None)
    return not event.default_prevented


def _invoke(
    target: EventTarget, event: Event, errors: list[ListenerError]
) -> Generator[Coroutine[Any, Any, object], None, None]:
    """Call the listeners in order, and yield what async ones answer with, to be started.

    Spec: https://dom.spec.whatwg.org/#concept-event-dispatch and #concept-event-listener-inner-invoke
    """
    context = target._context
    event._target = target
    event._dispatching = True
    try:
        for capture in (True, False):
            for listener in tuple(target._listeners):
                if event._stopped_immediately or not context.alive:
                    return
                if listener.removed or listener.type != event.type or listener.capture is not capture:
                    continue
                if listener.once:
                    target._remove(listener)
                event._in_passive_listener = listener.passive
                try:
                    returned = _call(target, listener, event)
                except Exception as error:  # noqa: BLE001 - it is reported
                    _raised(context, event, error, errors)
                else:
                    if iscoroutine(returned):
                        yield returned
                    elif listener.is_handler and returned is False and event._cancelable:
                        event._canceled = True
                event._in_passive_listener = False
            if event._stopped:
                return
    finally:
        event._dispatching = False
        event._in_passive_listener = False
        event._stopped = event._stopped_immediately = False


def _call(target: EventTarget, listener: _Listener, event: Event) -> object:
    callback: Any = target._handlers[listener.type] if listener.is_handler else listener.callback
    if not callable(callback):
        callback = callback.handle_event
    with target._context.script_running:
        return callback(event)


def _start(
    context: RealmContext,
    event: Event,
    coroutine: Coroutine[Any, Any, object],
    on_first_suspension: Callable[[], None] | None,
) -> Promise[object]:
    run = start_script(
        context, coroutine, name=f"a listener for {event.type}", on_first_suspension=on_first_suspension
    )
    event._run_started(context, run)
    return run


def _raised(context: RealmContext, event: Event, error: Exception, errors: list[ListenerError]) -> None:
    context.report_error(error)
    errors.append(ListenerError(error, error_text(error), context.where_of(error)))
    event._listener_raised(context, error)


def _report(context: RealmContext, run: Promise[object]) -> None:
    # What dies with its realm is no news.
    if run.error is not None and context.alive:
        context.report_error(run.error)


def _check_callback(name: str, callback: object) -> None:
    if callback is not None and not hasattr(callback, "handle_event"):
        _check_function(name, callback)


def _check_function(name: str, value: object) -> None:
    if iscoroutine(value):
        value.close()
        raise TypeError(f"{name} is a coroutine: hand over the function itself, without calling it")
    if not callable(value):
        raise TypeError(f"{name} is {webidl.shown(value)}; expected a function")


def _same(a: object, b: object) -> bool:
    # Each access to a method makes a new object, so methods are compared by what they are bound to.
    if isinstance(a, MethodType) and isinstance(b, MethodType):
        return a.__func__ is b.__func__ and a.__self__ is b.__self__
    return a is b
