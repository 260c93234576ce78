"""Runs the coroutines of a script, and sees each time they suspend.

A listener must have run to its first suspension before the next one starts, a worker can be stopped at any
of its awaits, and a watchdog wants to know since when a script has not given way. So script coroutines are
not awaited as they are, but stepped by `drive`, which hands Trio's traps through.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from swruntime.agent.promise import Promise
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.handling import in_coroutine

T = TypeVar("T")


@types.coroutine
def drive(
    context: RealmContext,
    coroutine: Coroutine[Any, Any, T],
    on_first_suspension: Callable[[], None] | None = None,
) -> Generator[Any, Any, T]:
    """Run `coroutine` to its end, in the task that awaits this.

    `on_first_suspension` is called synchronously, exactly once, when it suspends for the first time or ends
    before that. `context.on_each_await` is called at every suspension, before Trio learns of it: a cancel
    scope that is cancelled there takes effect at this very await.
    """
    step: Callable[[Any], Any] = coroutine.send
    argument: Any = None
    while True:
        try:
            with context.script_running:
                trap = step(argument)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            if on_first_suspension is not None:
                on_first_suspension()
                on_first_suspension = None
        if context.on_each_await is not None:
            context.on_each_await(coroutine)
        try:
            argument = yield trap
            step = coroutine.send
        except BaseException as error:  # noqa: BLE001 - it is thrown into the coroutine
            context.script_running.thrown = argument = error
            step = coroutine.throw


def start_script(
    context: RealmContext,
    coroutine: Coroutine[Any, Any, T],
    *,
    name: str,
    on_first_suspension: Callable[[], None] | None = None,
) -> Promise[T]:
    """Start a script's coroutine as a task of its realm. To tell a rejection is the caller's task.

    In a realm that was discarded the coroutine is closed unstarted, and the promise is rejected: with
    InvalidStateError, or with AbortError where only its nursery is closed.
    """
    if not context.alive:
        coroutine.close()
        return Promise.rejected(context.dead_error(), name=name)
    with in_coroutine():
        promise = Promise.start(context.nursery, drive, context, coroutine, on_first_suspension, name=name)
    if promise.settled:
        coroutine.close()
    return promise


def suspended_at(context: RealmContext, coroutine: Coroutine[Any, Any, Any]) -> tuple[str, int] | None:
    """The file and the line where a coroutine of the script is suspended: its innermost frame in SITE.

    The file is a path as the interpreter has it. None where no frame of it is SITE's. An async generator hides
    what it is suspended in; then it is the line that asks it for its next value.
    """
    found: tuple[str, int] | None = None
    awaited: Any = coroutine
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None and context.script_name(frame.f_code.co_filename) is not None:
            found = (frame.f_code.co_filename, frame.f_lineno)
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return found
