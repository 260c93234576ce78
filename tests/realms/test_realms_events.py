"""swruntime.realms.python.events and abort: who is called, in which order, and what becomes of exceptions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.testing

from swruntime.errors import AbortError, InvalidStateError, TimeoutError_
from swruntime.realms.python.abort import AbortController, AbortSignal
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.events import Event, EventHandler, EventTarget, fire
from swruntime.trace import Console, TraceEvent


class Target(EventTarget):
    onfetch = EventHandler()


@pytest.fixture
def target(context: RealmContext) -> Target:
    return context.bind(Target)()


@pytest.fixture
def log() -> list[str]:
    return []


def note(log: list[str], text: str) -> Callable[[Event], None]:
    return lambda event: log.append(text)


async def test_listeners_run_in_order_each_to_its_first_suspension(target: Target, log: list[str]) -> None:
    def slow(name: str) -> Callable[[Event], Awaitable[None]]:
        async def listener(event: Event) -> None:
            log.append(f"{name} begins")
            await trio.lowlevel.checkpoint()
            log.append(f"{name} goes on")

        return listener

    target.add_event_listener("fetch", slow("a"))
    target.add_event_listener("fetch", note(log, "b"))
    target.add_event_listener("fetch", slow("c"))
    result = await fire(target, Event("fetch"))
    assert [line for line in log if "goes on" not in line] == ["a begins", "b", "c begins"]
    for run in result.runs:
        await run
    assert {"a goes on", "c goes on"} <= set(log)


async def test_what_a_plain_listener_raises_is_reported_and_the_next_one_runs(
    target: Target, log: list[str], told: list[TraceEvent]
) -> None:
    def broken(event: Event) -> None:
        raise ValueError("no")

    target.add_event_listener("fetch", broken)
    target.add_event_listener("fetch", note(log, "next"))
    result = await fire(target, Event("fetch"))
    assert log == ["next"]
    assert [error.text for error in result.errors] == ["ValueError: no"]
    assert told == [Console(level="error", text="Uncaught ValueError: no")]


async def test_what_an_async_listener_raises_is_reported(target: Target, told: list[TraceEvent]) -> None:
    async def broken(event: Event) -> None:
        await trio.lowlevel.checkpoint()
        raise ValueError("no")

    target.add_event_listener("fetch", broken)
    result = await fire(target, Event("fetch"))
    with pytest.raises(ValueError, match="no"):
        await result.runs[0]
    assert told == [Console(level="error", text="Uncaught ValueError: no")]


async def test_the_same_callback_is_there_once(target: Target, log: list[str]) -> None:
    class Object:
        def method(self, event: Event) -> None:
            log.append("method")

    callback, thing = note(log, "function"), Object()
    for _ in range(2):
        target.add_event_listener("fetch", callback)
        target.add_event_listener("fetch", thing.method)
    target.add_event_listener("fetch", Object().method)
    target.add_event_listener("fetch", callback, capture=True)
    await fire(target, Event("fetch"))
    assert log == ["function", "function", "method", "method"]
    target.remove_event_listener("fetch", thing.method)
    target.remove_event_listener("fetch", callback, capture=True)
    target.remove_event_listener("fetch", print)
    log.clear()
    await fire(target, Event("fetch"))
    assert log == ["function", "method"]


async def test_once_and_removal_during_the_dispatch(target: Target, log: list[str]) -> None:
    last = note(log, "last")

    def first(event: Event) -> None:
        log.append("first")
        target.remove_event_listener("fetch", last)
        target.add_event_listener("fetch", note(log, "added"))

    target.add_event_listener("fetch", first, once=True)
    target.add_event_listener("fetch", last)
    await fire(target, Event("fetch"))
    assert log == ["first"]
    await fire(target, Event("fetch"))
    assert log == ["first", "added"]


async def test_an_object_with_handle_event(target: Target, log: list[str]) -> None:
    class Listener:
        def handle_event(self, event: Event) -> None:
            log.append(event.type)

    target.add_event_listener("fetch", Listener())
    target.add_event_listener("fetch", None)
    await fire(target, Event("fetch"))
    assert log == ["fetch"]


async def test_stopping_immediately(target: Target, log: list[str]) -> None:
    target.add_event_listener("fetch", lambda event: event.stop_immediate_propagation())
    target.add_event_listener("fetch", note(log, "never"))
    event = Event("fetch")
    await fire(target, event)
    assert log == []


async def test_an_event_that_was_stopped_can_be_dispatched_again(target: Target, log: list[str]) -> None:
    target.add_event_listener("fetch", lambda event: event.stop_immediate_propagation(), once=True)
    target.add_event_listener("fetch", note(log, "second dispatch"))
    event = Event("fetch")
    target.dispatch_event(event)
    assert log == []
    target.dispatch_event(event)
    assert log == ["second dispatch"]


async def test_stopping_keeps_the_listeners_of_the_same_phase(target: Target, log: list[str]) -> None:
    def stop(event: Event) -> None:
        event.stop_propagation()

    target.add_event_listener("fetch", stop, capture=True)
    target.add_event_listener("fetch", note(log, "capturing"), capture=True)
    target.add_event_listener("fetch", note(log, "not"))
    await fire(target, Event("fetch"))
    assert log == ["capturing"]


@pytest.mark.parametrize(
    ("cancelable", "passive", "prevented"),
    [(True, None, True), (True, False, True), (True, True, False), (False, None, False)],
)
async def test_prevent_default(
    target: Target, cancelable: bool, passive: bool | None, prevented: bool
) -> None:
    target.add_event_listener("fetch", lambda event: event.prevent_default(), passive=passive)
    assert target.dispatch_event(Event("fetch", cancelable=cancelable)) is not prevented
    assert (await fire(target, Event("fetch", cancelable=cancelable))).default_prevented is prevented


async def test_what_an_event_says_during_and_after_its_dispatch(target: Target) -> None:
    seen: list[object] = []

    def look(event: Event) -> None:
        seen.extend([event.target, event.current_target, event.event_phase, event.composed_path()])
        seen.append(event.is_trusted)

    target.add_event_listener("fetch", look)
    event = Event("fetch")
    assert (event.target, event.event_phase, event.is_trusted) == (None, Event.NONE, False)
    await fire(target, event)
    assert seen == [target, target, Event.AT_TARGET, [target], True]
    assert (event.target, event.current_target, event.event_phase) == (target, None, Event.NONE)
    assert event.composed_path() == []
    target.dispatch_event(event)
    assert seen[-1] is False


async def test_the_time_stamp_is_milliseconds_of_the_realm(
    context: RealmContext, autojump_clock: trio.testing.MockClock
) -> None:
    await trio.sleep(1.5)
    assert context.bind(Event)("x").time_stamp == 1500


async def test_an_event_is_not_dispatched_twice_at_a_time(target: Target) -> None:
    errors: list[Exception] = []

    def again(event: Event) -> None:
        try:
            target.dispatch_event(event)
        except InvalidStateError as error:
            errors.append(error)

    target.add_event_listener("fetch", again)
    target.dispatch_event(Event("fetch"))
    assert len(errors) == 1
    with pytest.raises(TypeError, match="expected an Event"):
        target.dispatch_event("fetch")  # type: ignore[arg-type]


async def test_dispatch_event_starts_async_listeners_in_order(target: Target, log: list[str]) -> None:
    async def listener(event: Event) -> None:
        log.append("run")

    target.add_event_listener("fetch", listener)
    assert target.dispatch_event(Event("fetch"))
    assert log == []
    await trio.testing.wait_all_tasks_blocked()
    assert log == ["run"]


async def test_an_event_handler_keeps_the_place_of_its_first_assignment(
    target: Target, log: list[str]
) -> None:
    target.onfetch = note(log, "old")
    target.add_event_listener("fetch", note(log, "listener"))
    target.onfetch = handler = note(log, "new")
    assert target.onfetch is handler
    await fire(target, Event("fetch"))
    assert log == ["new", "listener"]
    log.clear()
    target.onfetch = None
    await fire(target, Event("fetch"))
    assert log == ["listener"]
    log.clear()
    target.onfetch = handler
    await fire(target, Event("fetch"))
    assert log == ["listener", "new"]


async def test_a_handler_that_answers_false_cancels(target: Target) -> None:
    target.onfetch = lambda event: False
    assert not target.dispatch_event(Event("fetch", cancelable=True))
    assert target.dispatch_event(Event("fetch"))
    target.onfetch = None
    target.add_event_listener("fetch", lambda event: False)
    assert target.dispatch_event(Event("fetch", cancelable=True))


async def test_what_cannot_be_called_is_a_type_error(target: Target) -> None:
    async def listener(event: object) -> None:
        raise AssertionError

    with pytest.raises(TypeError, match="expected a function"):
        target.add_event_listener("fetch", "listener")
    with pytest.raises(TypeError, match="without calling it"):
        target.add_event_listener("fetch", listener(None))
    with pytest.raises(TypeError, match="onfetch"):
        target.onfetch = 5  # type: ignore[assignment]


async def test_in_a_discarded_realm_nothing_runs(
    target: Target, context: RealmContext, log: list[str]
) -> None:
    def last_words(event: Event) -> None:
        log.append("first")
        context.discard("stopped")

    target.add_event_listener("fetch", last_words)
    target.add_event_listener("fetch", note(log, "second"))
    await fire(target, Event("fetch"))
    assert log == ["first"]
    with pytest.raises(InvalidStateError):
        target.dispatch_event(Event("fetch"))


async def test_a_realm_that_dies_while_a_listener_begins_does_not_hang(
    target: Target, context: RealmContext
) -> None:
    async def listener(event: Event) -> None:
        context.discard("stopped")
        await trio.sleep_forever()

    target.add_event_listener("fetch", listener)
    result = await fire(target, Event("fetch"))
    with pytest.raises(AbortError):
        await result.runs[0]


async def test_a_listener_that_cannot_start_does_not_hang(
    target: Target, context: RealmContext, autojump_clock: trio.testing.MockClock
) -> None:
    async def listener(event: Event) -> None:
        raise AssertionError("its nursery is closed")

    context.nursery.cancel_scope.cancel()
    await trio.testing.wait_all_tasks_blocked()
    target.add_event_listener("fetch", listener)
    with trio.fail_after(1):
        result = await fire(target, Event("fetch"))
    assert isinstance(result.runs[0].error, AbortError)


# AbortController


async def test_a_signal_removes_a_listener(target: Target, context: RealmContext, log: list[str]) -> None:
    controller = context.bind(AbortController)()
    target.add_event_listener("fetch", note(log, "listener"), signal=controller.signal)
    await fire(target, Event("fetch"))
    controller.abort()
    target.add_event_listener("fetch", note(log, "too late"), signal=controller.signal)
    await fire(target, Event("fetch"))
    assert log == ["listener"]


async def test_aborting_fires_once_with_the_reason(context: RealmContext, log: list[str]) -> None:
    controller = context.bind(AbortController)()
    signal = controller.signal
    signal.throw_if_aborted()
    signal.onabort = lambda event: log.append(f"{event.type} {event.is_trusted} {signal.aborted}")
    controller.abort(ValueError("enough"))
    controller.abort()
    assert log == ["abort True True"]
    assert isinstance(signal, AbortSignal)
    with pytest.raises(ValueError, match="enough"):
        signal.throw_if_aborted()


async def test_the_reason_is_an_abort_error_where_none_is_given(context: RealmContext) -> None:
    assert isinstance(context.bind(AbortSignal).abort().reason, AbortError)
    bad: Any = "enough"
    with pytest.raises(TypeError, match="expected an exception"):
        context.bind(AbortController)().abort(bad)


async def test_a_signal_that_times_out(context: RealmContext, autojump_clock: trio.testing.MockClock) -> None:
    signal = context.bind(AbortSignal).timeout(1000)
    await trio.sleep(0.9)
    assert not signal.aborted
    await trio.sleep(0.2)
    assert isinstance(signal.reason, TimeoutError_)


async def test_any_of_several_signals(context: RealmContext) -> None:
    signals = context.bind(AbortSignal)
    one, other = context.bind(AbortController)(), context.bind(AbortController)()
    either = signals.any([one.signal, other.signal])
    assert not either.aborted
    other.abort(ValueError("other"))
    one.abort(ValueError("one"))
    assert str(either.reason) == "other"
    assert signals.any([one.signal]).aborted


async def test_a_signal_has_no_public_constructor(context: RealmContext) -> None:
    with pytest.raises(TypeError, match="no public constructor"):
        context.bind(AbortSignal)()  # type: ignore[call-arg]


async def test_any_is_flat_and_all_are_aborted_before_anybody_hears_of_it(context: RealmContext) -> None:
    signals = context.bind(AbortSignal)
    one, other = (context.bind(AbortController)() for _ in range(2))
    either = signals.any([one.signal, other.signal])
    nested = signals.any([either, one.signal])
    heard: list[object] = []
    for name, signal in [("nested", nested), ("either", either), ("one", one.signal)]:
        signal.onabort = lambda event, name=name: heard.append((name, either.aborted, nested.aborted))
    reason = ValueError("enough")
    one.abort(reason)
    assert heard == [("one", True, True), ("either", True, True), ("nested", True, True)]
    assert either.reason is nested.reason is reason
    other.abort()
    assert (either.reason, len(heard)) == (reason, 3)
    assert not signals.any([]).aborted
