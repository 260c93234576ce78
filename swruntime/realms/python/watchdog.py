"""Names the script that does not give way.

A Python script that never awaits cannot be stopped: it holds the only thread. So another thread looks at it
now and then, and tells its file and line; what to do about it is the user's to decide (Ctrl-C works).
"""

from __future__ import annotations

import sys
import threading
import time
from types import FrameType

from swruntime.realms.python.context import RealmContext
from swruntime.trace import Trace

PATIENCE = 2.0
"""Seconds that a script may run without awaiting."""


class Watchdog:
    """Watches the realms of one agent, from a thread of its own, which is there only while there are realms."""

    def __init__(self, trace: Trace, patience: float = PATIENCE) -> None:
        self._trace = trace
        self._patience = patience
        self._contexts: dict[RealmContext, float | None] = {}
        """Each with the beginning of the run that was told of last."""
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

    def close(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(self._patience / 4):
            for context in tuple(self._contexts):
                self._look_at(context)

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
