"""Names the script that does not give way.

A Python script that never awaits cannot be stopped: it holds the only thread. So another thread looks at it
now and then, and tells its file and line; what to do about it is the user's to decide (Ctrl-C works).
A script in a process of its own holds up nobody, and can be stopped: after a while it is, by ending its process.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from types import FrameType
from typing import Protocol

from swruntime.realms.python.context import RealmContext
from swruntime.trace import Trace

PATIENCE = 2.0
"""Seconds that a script may run without awaiting."""
MOST = 10.0
"""Seconds after which the process of one is ended."""


class ScriptProcess(Protocol):
    """A process that runs a script."""

    @property
    def busy_since(self) -> float | None:
        """Since when the script runs without giving way, on `time.monotonic`; None while it is idle."""
        ...

    @property
    def waited(self) -> float:
        """Seconds since then in which it only waited for the runtime."""
        ...

    def look(self, seconds: float) -> None:
        """See whether it waits for the runtime now: then the seconds since the last look are of that kind. Called in
        another thread.
        """
        ...

    def end_stuck(self, reason: str) -> None:
        """End it, which its reader will notice. Called in another thread."""
        ...


class Watchdog:
    """Watches the realms of one agent, from a thread of its own, which is there only while there are realms.

    `patience` and `most` are PATIENCE and MOST if they are None.
    """

    def __init__(self, trace: Trace, patience: float | None = None, most: float | None = None) -> None:
        self._trace = trace
        self._patience = PATIENCE if patience is None else patience
        self._most = MOST if most is None else most
        self._processes: dict[RealmContext, ScriptProcess] = {}
        self._contexts: dict[RealmContext, float | None] = {}
        """Each with the beginning of the run that was told of last; with a process, with when that was told."""
        self._script_thread = threading.get_ident()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, context: RealmContext) -> None:
        """Watch a realm until it is discarded."""
        self._contexts[context] = None
        context.on_discard(lambda: self._contexts.__delitem__(context))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="swruntime watchdog", daemon=True)
            self._thread.start()

    def watch_process(self, context: RealmContext, process: ScriptProcess) -> None:
        """Watch the process of a realm, which is watched already, until the realm is discarded or has another one."""
        if context not in self._processes:
            context.on_discard(lambda: self._processes.__delitem__(context))
        self._processes[context] = process

    def close(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        looked = time.monotonic()
        while not self._stop.wait(self._patience / 4):
            passed, looked = time.monotonic() - looked, time.monotonic()
            for context in tuple(self._contexts):
                self._look_at(context)
            for context, process in tuple(self._processes.items()):
                process.look(passed)
                self._look_at_process(context, process)

    def _look_at_process(self, context: RealmContext, process: ScriptProcess) -> None:
        since = process.busy_since
        if since is None or (computed := time.monotonic() - since - process.waited) < self._patience:
            return
        if computed >= self._most:
            process.end_stuck(f"it has not given way for {self._most:g} s")
        elif (told := self._contexts.get(context, math.inf)) is None or told < since:
            self._contexts[context] = time.monotonic()
            text = (
                f"the script of {context.environment.url} has not given way for {self._patience:g} s: nothing else of "
                f"it can run meanwhile, and its process is ended after {self._most:g} s"
            )
            context.diagnose("script-does-not-await", text, None, tell=self._trace.emit_now)

    def _look_at(self, context: RealmContext) -> None:
        since = context.script_running.since
        if since is None or time.monotonic() - since < self._patience:
            return
        if self._contexts.get(context, since) == since:
            return
        self._contexts[context] = since
        where = self._where(context, sys._current_frames().get(self._script_thread))
        text = (
            f"the script of {context.environment.url} has not awaited for {self._patience:g} s: nothing else "
            "can run meanwhile; await trio.sleep(0) now and then, or use trio.to_thread"
        )
        context.diagnose("script-does-not-await", text, where, tell=self._trace.emit_now)

    def _where(self, context: RealmContext, frame: FrameType | None) -> str | None:
        while frame is not None:
            name = context.script_name(frame.f_code.co_filename)
            if name is not None:
                return f"{name}:{frame.f_lineno}"
            frame = frame.f_back
        return None
