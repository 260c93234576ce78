"""swruntime.agent.promise: a promise settles, whoever awaits it and whatever dies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing

from swruntime.agent.promise import Deferred, Promise
from swruntime.errors import AbortError


async def _value() -> int:
    await trio.sleep(1)
    return 5


async def _failure() -> int:
    await trio.sleep(1)
    raise ValueError("no")


async def test_it_starts_at_the_call_and_is_awaited_any_number_of_times(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    runs: list[int] = []

    async def operation(number: int) -> int:
        runs.append(number)
        await trio.sleep(1)
        return number

    promise = Promise.start(nursery, operation, 3)
    await trio.testing.wait_all_tasks_blocked()
    assert (runs, promise.state, promise.handled) == ([3], "pending", False)
    assert [await promise, await promise] == [3, 3]
    assert (runs, promise.state, promise.handled, promise.settled) == ([3], "fulfilled", True, True)


async def test_each_awaiter_gets_the_same_rejection_with_a_traceback_that_does_not_grow(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    promise = Promise.start(nursery, _failure)
    depths: list[int] = []
    errors: list[BaseException] = []
    for _ in range(3):
        with pytest.raises(ValueError, match="no") as caught:
            await promise
        depths.append(len(caught.traceback))
        errors.append(caught.value)
        assert "_failure" in [entry.name for entry in caught.traceback]
    assert len(set(depths)) == 1
    assert all(error is promise.error for error in errors)


async def test_cancelling_a_waiter_does_not_cancel_the_operation(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    promise = Promise.start(nursery, _value)
    with trio.move_on_after(0.5) as scope:
        await promise
    assert scope.cancelled_caught
    assert promise.state == "pending"
    assert await promise == 5


async def test_a_cancelled_nursery_rejects_it_with_abort_error() -> None:
    async with trio.open_nursery() as nursery:
        promise = Promise.start(nursery, trio.sleep_forever, name="Cache.put")
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    with pytest.raises(AbortError, match=r"Cache\.put"):
        await promise


async def test_a_nursery_cancelled_before_the_first_step_rejects_it_too() -> None:
    async with trio.open_nursery() as nursery:
        promise = Promise.start(nursery, _value)
        nursery.cancel_scope.cancel()
    with pytest.raises(AbortError):
        await promise


async def test_in_a_closed_nursery_nothing_is_started() -> None:
    async with trio.open_nursery() as nursery:
        pass
    promise = Promise.start(nursery, _value)
    with pytest.raises(AbortError):
        await promise


async def test_what_is_no_exception_goes_on_into_the_nursery() -> None:
    async def interrupted() -> None:
        raise KeyboardInterrupt

    promise: Promise[None] | None = None
    with pytest.raises(BaseExceptionGroup) as caught:
        async with trio.open_nursery() as nursery:
            promise = Promise.start(nursery, interrupted)
    assert isinstance(caught.value.exceptions[0], KeyboardInterrupt)
    assert promise is not None
    assert isinstance(promise.error, AbortError)


async def test_an_exception_of_the_operation_goes_no_further(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    Promise.start(nursery, _failure)
    await trio.sleep(2)
    assert not nursery.cancel_scope.cancel_called


async def test_on_unhandled_hears_of_a_rejection_that_nobody_has_awaited(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    unhandled: list[Promise[Any]] = []
    forgotten = Promise.start(nursery, _failure, on_unhandled=unhandled.append)
    awaited = Promise.start(nursery, _failure, on_unhandled=unhandled.append)
    taken_over = Promise.start(nursery, _failure, on_unhandled=unhandled.append)
    fulfilled = Promise.start(nursery, _value, on_unhandled=unhandled.append)
    taken_over.handle()
    with pytest.raises(ValueError, match="no"):
        await awaited
    await fulfilled
    rejected = Promise.rejected(ValueError("at once"), on_unhandled=unhandled.append)
    assert unhandled == [forgotten, rejected]


async def test_callbacks_run_in_order_and_before_any_awaiter() -> None:
    order: list[str] = []
    deferred: Deferred[int] = Deferred()

    async def wait() -> None:
        await deferred.promise
        order.append("awaiter")

    def note(text: str) -> Callable[[Promise[int]], None]:
        return lambda promise: order.append(f"{text} {promise.state}")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        deferred.promise.add_done_callback(note("first"))
        deferred.promise.add_done_callback(note("second"))
        deferred.resolve(1)
        assert order == ["first fulfilled", "second fulfilled"]
        deferred.promise.add_done_callback(note("late"))
    assert order == ["first fulfilled", "second fulfilled", "late fulfilled", "awaiter"]
    assert not Deferred("another").promise.handled


async def test_a_deferred_settles_once() -> None:
    deferred: Deferred[int] = Deferred()
    deferred.resolve(1)
    deferred.resolve(2)
    deferred.reject(ValueError("late"))
    assert await deferred.promise == 1
    other: Deferred[int] = Deferred()
    other.reject(ValueError("first"))
    other.resolve(1)
    with pytest.raises(ValueError, match="first"):
        await other.promise


async def test_an_await_always_gives_way() -> None:
    order: list[str] = []

    async def other() -> None:
        order.append("other")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        assert await Promise.resolved(1) == 1
        await trio.testing.wait_all_tasks_blocked()
        order.append("end")
    with trio.testing.assert_checkpoints():
        await Promise.resolved(1)
    assert order == ["other", "end"]


async def test_result_is_there_when_it_is_settled() -> None:
    deferred: Deferred[int] = Deferred("x")
    with pytest.raises(RuntimeError, match="not settled"):
        deferred.promise.result()
    deferred.resolve(7)
    assert deferred.promise.result() == 7
    assert repr(deferred.promise) == "<Promise x fulfilled>"


def test_it_has_no_public_constructor() -> None:
    with pytest.raises(TypeError, match="no public constructor"):
        Promise("x", None)
