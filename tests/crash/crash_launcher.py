"""The program, run as it is, but for kill -9 at a chosen instant: POINT N COMMAND SITE ...

The process kills itself at the N-th time (from 1) that it comes to POINT, one of:

    disk            before anything that changes the disk: a statement of SQLite's that is no query, and every
                    call that opens for writing, writes, syncs, cuts, renames, makes or deletes a file. Files are
                    written in two halves, and between them is such an instant too.
    NAME.before, NAME.after
                    around a call of one of PLACES

A process that never comes there goes on to its end, as it would.
"""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from tests.crash.crash_disk import Call, arm

PLACES = {
    "append": ("swruntime.storage.files", "FileBodies.append"),
    "sync": ("swruntime.storage.ledger", "BodyLedger.sync"),
    "synced": ("swruntime.storage.files", "FileBodies.sync"),
    "finish": ("swruntime.agent.background_fetch", "BackgroundFetch._commit"),
    "dispatch": ("swruntime.realms.python.worker_realm", "WorkerRealm.dispatch"),
    "evaluate": ("swruntime.realms.python.worker_realm", "WorkerRealm.evaluate"),
    "put": ("swruntime.storage.store", "SqlStore.put_entry"),
    "release": ("swruntime.storage.store", "SqlStore.release_fetch"),
    "add-fetch": ("swruntime.storage.store", "SqlStore.add_fetch"),
    "save-record": ("swruntime.storage.store", "SqlStore.save_record"),
    "save-record-state": ("swruntime.storage.store", "SqlStore.save_record_state"),
    "registration": ("swruntime.storage.store", "SqlStore.save_registration"),
    "origin": ("swruntime.storage.store", "SqlStore.set_origin"),
    "create": ("swruntime.storage.profile", "_create"),
    "recover": ("swruntime.storage.profile", "recover"),
    "collect": ("swruntime.storage.ledger", "BodyLedger.collect"),
    "delete": ("swruntime.storage.files", "FileBodies.delete"),
}


class Countdown:
    calls = 0
    """How many are left; none: nothing happens."""

    def __call__(self) -> None:
        self.calls -= 1
        if self.calls == 0:
            os.kill(os.getpid(), signal.SIGKILL)


DISK = Countdown()


def arm_disk() -> None:
    """To be done before the program is imported: it keeps some of these functions under names of its own."""

    def watch(call: Call, perform: Callable[[], Any]) -> Any:
        if call.changes:
            DISK()
        return perform()

    arm(watch)


def arm_place(name: str, when: str, tick: Countdown) -> None:
    module_name, path = PLACES[name]
    *outer, attribute = path.split(".")
    holder: Any = import_module(module_name)
    for part in outer:
        holder = getattr(holder, part)
    function = getattr(holder, attribute)
    setattr(holder, attribute, _around(function, when, tick))


def _around(function: Callable[..., Any], when: str, tick: Countdown) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):

        async def killing_async(*args: Any, **kwargs: Any) -> Any:
            if when == "before":
                tick()
            result = await function(*args, **kwargs)
            if when == "after":
                tick()
            return result

        return killing_async

    def killing(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            tick()
        result = function(*args, **kwargs)
        if when == "after":
            tick()
        return result

    return killing


def main(arguments: Sequence[str]) -> int:
    """In a process where `arm_disk` was called before all else, if POINT is `disk`."""
    point, calls, *rest = arguments
    if point == "disk":
        DISK.calls = int(calls)
    else:
        name, _, when = point.partition(".")
        assert when in ("before", "after")
        tick = Countdown()
        tick.calls = int(calls)
        arm_place(name, when, tick)
    from swruntime.cli import main as program

    return program(rest)
