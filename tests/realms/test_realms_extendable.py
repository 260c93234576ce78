"""swruntime.realms.python.extendable: how long an event lives, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing

from swruntime.agent.promise import Promise
from swruntime.errors import InvalidStateError
from swruntime.ports.realm import EventResult
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.events import EventTarget
from swruntime.realms.python.extendable import ExtendableEvent, dispatch_extendable
from swruntime.trace import Console, Diagnostic, TraceEvent

FULFILLED = EventResult("fulfilled")


@pytest.fixture
def target(context: RealmContext) -> EventTarget:
    return context.bind(EventTarget)()


@pytest.fixture
def event(context: RealmContext) -> ExtendableEvent:
    return context.bind(ExtendableEvent)("install")


async def _slow(value: object = None) -> object:
    await trio.sleep(10)
    return value


async def _later_broken() -> None:
    await trio.sleep(20)
    raise ValueError("no")


async def _broken(text: str = "no") -> None:
    await trio.sleep(10)
    raise ValueError(text)


async def test_without_listeners_it_ends(
    context: RealmContext, target: EventTarget, event: ExtendableEvent
) -> None:
    assert await dispatch_extendable(context, target, event) == FULFILLED


async def test_wait_until_extends_it(
    context: RealmContext,
    target: EventTarget,
    event: ExtendableEvent,
    autojump_clock: trio.testing.MockClock,
) -> None:
    promise = context.promise(_slow)
    target.add_event_listener("install", lambda event: event.wait_until(promise))
    target.add_event_listener("install", lambda event: event.wait_until(_slow()))
    target.add_event_listener("install", lambda event: event.wait_until("nothing to await"))
    began = trio.current_time()
    assert await dispatch_extendable(context, target, event) == FULFILLED
    assert promise.settled
    assert trio.current_time() - began == 10


async def test_an_async_listeners_own_run_extends_it(
    context: RealmContext,
    target: EventTarget,
    event: ExtendableEvent,
    autojump_clock: trio.testing.MockClock,
) -> None:
    ran: list[str] = []

    async def listener(event: ExtendableEvent) -> None:
        await trio.sleep(10)
        ran.append("to its end")

    target.add_event_listener("install", listener)
    assert await dispatch_extendable(context, target, event) == FULFILLED
    assert ran == ["to its end"]


async def test_what_extends_it_in_the_reaction_to_the_last_promise_counts(
    context: RealmContext, autojump_clock: trio.testing.MockClock
) -> None:
    async def react(event: ExtendableEvent, first: Promise[object], second: Promise[None]) -> None:
        # Not part of the event: it only waits for the same promise.
        await first
        event.wait_until(second)

    # Trio shuffles the tasks of a turn: an event that ends too early may be lucky a few times.
    for _ in range(30):
        target, event = context.bind(EventTarget)(), context.bind(ExtendableEvent)("install")
        first, second = context.promise(_slow), context.promise(_later_broken)
        context.nursery.start_soon(react, event, first, second)
        target.add_event_listener("install", lambda event, first=first: event.wait_until(first))
        result = await dispatch_extendable(context, target, event)
        assert (result.outcome, second.settled) == ("rejected", True)


async def test_once_it_is_over_it_cannot_be_extended(
    context: RealmContext, target: EventTarget, event: ExtendableEvent
) -> None:
    await dispatch_extendable(context, target, event)
    with pytest.raises(InvalidStateError, match="over"):
        event.wait_until(_slow())


async def test_a_scripts_own_event_cannot_be_extended(
    target: EventTarget, event: ExtendableEvent, told: list[TraceEvent]
) -> None:
    errors: list[Exception] = []

    def listener(event: ExtendableEvent) -> None:
        try:
            event.wait_until(None)
        except InvalidStateError as error:
            errors.append(error)

    async def broken(event: ExtendableEvent) -> None:
        raise ValueError("no")

    target.add_event_listener("install", listener)
    target.add_event_listener("install", broken)
    target.dispatch_event(event)
    await trio.testing.wait_all_tasks_blocked()
    assert "a script made" in str(errors[0])
    assert told == [Console(level="error", text="Uncaught ValueError: no")]


async def test_a_function_handed_over_uncalled_is_a_type_error(
    context: RealmContext, target: EventTarget, event: ExtendableEvent
) -> None:
    def listener(event: ExtendableEvent) -> None:
        event.wait_until(_slow)

    target.add_event_listener("install", listener)
    result = await dispatch_extendable(context, target, event)
    assert result.outcome == "rejected"
    assert (
        result.error
        == "TypeError: wait_until was handed the function _slow uncalled: wait_until(_slow()) calls it"
    )


async def test_the_first_failure_is_the_outcome_and_the_next_is_told(
    context: RealmContext,
    target: EventTarget,
    event: ExtendableEvent,
    told: list[TraceEvent],
    autojump_clock: trio.testing.MockClock,
) -> None:
    promise = context.promise(_broken)

    async def listener(event: ExtendableEvent) -> None:
        event.wait_until(promise)
        try:
            await promise
        finally:
            event.wait_until(context.promise(_broken, "later"))

    target.add_event_listener("install", listener)
    result = await dispatch_extendable(context, target, event)
    assert (result.outcome, result.error) == ("rejected", "ValueError: no")
    assert told == [Console(level="error", text="Uncaught ValueError: later")]


async def test_a_plain_listener_that_raises_rejects_it(
    context: RealmContext, target: EventTarget, event: ExtendableEvent, told: list[TraceEvent]
) -> None:
    def listener(event: ExtendableEvent) -> None:
        raise ValueError("no")

    target.add_event_listener("install", listener)
    result = await dispatch_extendable(context, target, event)
    assert result == EventResult("rejected", "ValueError: no")
    assert told == [Console(level="error", text="Uncaught ValueError: no")]


async def test_discarding_the_realm_interrupts_it(
    context: RealmContext, target: EventTarget, event: ExtendableEvent, nursery: trio.Nursery
) -> None:
    never = context.deferred("never")
    results: list[EventResult] = []

    async def dispatch() -> None:
        results.append(await dispatch_extendable(context, target, event))

    async def listener(event: ExtendableEvent) -> None:
        await trio.sleep_forever()

    target.add_event_listener("install", lambda event: event.wait_until(never.promise))
    target.add_event_listener("install", listener)
    nursery.start_soon(dispatch)
    await trio.testing.wait_all_tasks_blocked()
    assert results == []
    context.discard("stopped")
    await trio.testing.wait_all_tasks_blocked()
    assert results == [EventResult("interrupted")]
    again = await dispatch_extendable(context, target, ExtendableEvent("install"))
    assert again == EventResult("interrupted")


async def test_who_runs_out_of_patience_cancels_it_and_it_is_inactive(
    context: RealmContext,
    target: EventTarget,
    event: ExtendableEvent,
    autojump_clock: trio.testing.MockClock,
) -> None:
    target.add_event_listener("install", lambda event: event.wait_until(_slow()))
    with trio.move_on_after(5) as scope:
        await dispatch_extendable(context, target, event)
    assert scope.cancelled_caught
    with pytest.raises(InvalidStateError):
        event.wait_until(None)
    await trio.sleep(10)  # the promise settles, and nobody minds


async def test_its_end_tells_rejections_that_nobody_awaited(
    context: RealmContext, target: EventTarget, event: ExtendableEvent, told: list[TraceEvent]
) -> None:
    target.add_event_listener("install", lambda event: _ignore(context.rejected(ValueError("lost"))))
    assert await dispatch_extendable(context, target, event) == FULFILLED
    assert [type(each) for each in told] == [Diagnostic]


def _ignore(_: Any) -> None:
    """A plain listener's answer is nobody's."""
