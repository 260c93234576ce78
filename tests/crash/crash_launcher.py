"""The program, run as it is, but for kill -9 at a chosen instant: crash_launcher.py POINT N COMMAND SITE ...

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
import sys
from collections.abc import Callable
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
    "registration": ("swruntime.storage.store", "SqlStore.save_registration"),
    "origin": ("swruntime.storage.store", "SqlStore.set_origin"),
    "create": ("swruntime.storage.profile", "_create"),
    "recover": ("swruntime.storage.profile", "recover"),
    "collect": ("swruntime.storage.ledger", "BodyLedger.collect"),
    "delete": ("swruntime.storage.files", "FileBodies.delete"),
}


class Countdown:
    def __init__(self, calls: int) -> None:
        self._left = calls

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def arm_disk(tick: Countdown) -> None:
    """To be done before the program is imported: it keeps some of these functions under names of its own."""

    def watch(call: Call, perform: Callable[[], Any]) -> Any:
        if call.changes:
            tick()
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


def main() -> int:
    point, calls, *arguments = sys.argv[1:]
    tick = Countdown(int(calls))
    if point == "disk":
        arm_disk(tick)
    else:
        name, _, when = point.partition(".")
        assert when in ("before", "after")
        arm_place(name, when, tick)
    from swruntime.cli import main as program

    return program(arguments)


if __name__ == "__main__":
    sys.exit(main())
