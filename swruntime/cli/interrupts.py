"""The signals that end a command: SIGINT (Ctrl-C), SIGTERM (a supervisor) and SIGHUP (its terminal is gone).

All three are an interrupt, which is not an abort: what was stored stays. The exit status is 128 and the signal's
number, as a shell has it: 130, 143, 129.

Python raises KeyboardInterrupt in whatever runs just then, where anything may catch it, or be left half done. So while
an agent is open a signal only asks for its end: the run is cancelled at its next await, everything is closed in order,
and then KeyboardInterrupt is raised. A script in Python that never awaits gets it at once, in the midst of its own
code. One more signal, more than a second after the first, ends the process there and then, which loses no more than
`kill -9` does.
A signal that was ignored when the process began (`nohup`) stays ignored.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from swruntime.cli import INTERRUPTED_LINE, SIGNALS
from swruntime.cli.streams import write_all

if TYPE_CHECKING:
    import trio

PATIENCE = 1.0
"""Seconds: what comes sooner after the first signal is the same key press (a terminal and npx both send one)."""

_SHOW_CURSOR = b"\x1b[?25h"


def _heeded() -> list[signal.Signals]:
    """None outside of the main thread, where Python has no signals."""
    if threading.current_thread() is not threading.main_thread():
        return []
    return [each for each in SIGNALS if signal.getsignal(each) not in (signal.SIG_IGN, None)]


class Interrupts:
    """The signals of one command. `status` is what it ends with where one came.

    `for_good`: the command is the whole of its process, and the signals stay as they are in its end.
    """

    def __init__(self, *, for_good: bool = False) -> None:
        self._for_good = for_good
        self._came: signal.Signals | None = None
        self._since = 0.0
        self._end: Callable[[], object] | None = None
        self._asking = False

    @property
    def came(self) -> bool:
        return self._came is not None

    @property
    def status(self) -> int:
        return 128 + (self._came or signal.SIGINT)

    @contextmanager
    def restored(self) -> Iterator[None]:
        """After the block the signals do what they did before, unless that is the end of the process, too."""
        kept = {each: signal.getsignal(each) for each in _heeded()}
        try:
            yield
        finally:
            if not self._for_good:
                for each, handler in kept.items():
                    signal.signal(each, handler)

    def heed(self) -> None:
        """Within `restored`: from now on SIGINT raises KeyboardInterrupt, and the other two do what SIGINT does."""

        def as_interrupt(number: int, frame: FrameType | None) -> None:
            self._note(number)
            handler = signal.getsignal(signal.SIGINT)
            if self._asking:
                # SIGINT may be ignored: a shell's script has it so in the background.
                self._ask(number, frame)
            elif callable(handler):
                handler(signal.SIGINT, frame)
            else:
                raise KeyboardInterrupt

        for each in _heeded():
            if each is not signal.SIGINT:
                signal.signal(each, as_interrupt)
            elif self._for_good:
                signal.signal(each, signal.default_int_handler)

    def over(self) -> None:
        """Within `restored`: the command has its status, which is still to be told, and none comes through any more."""
        for each in _heeded():
            signal.signal(each, signal.SIG_IGN)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While the block runs, in which Trio is started, they only ask for its end: it raises KeyboardInterrupt."""
        heeded = signal.SIGINT in _heeded()
        before: Any = signal.getsignal(signal.SIGINT)
        if heeded:
            signal.signal(signal.SIGINT, self._ask)
        self._asking = True
        try:
            yield
        except Exception as error:
            if self.came:
                raise KeyboardInterrupt from error  # whatever it is, it came of being interrupted
            raise
        finally:
            self._end, self._asking = None, False
            if heeded:
                signal.signal(signal.SIGINT, before)
        if self.came:
            raise KeyboardInterrupt

    @contextmanager
    def ending(self, scope: trio.CancelScope) -> Iterator[None]:
        """Within `asking`, in Trio: what they ask for is the end of `scope`."""
        import trio

        token = trio.lowlevel.current_trio_token()
        self._end = lambda: token.run_sync_soon(scope.cancel, idempotent=True)
        if self.came:
            scope.cancel()
        try:
            yield
        finally:
            self._end = None

    def _note(self, number: int) -> None:
        if self._came is None:
            self._came, self._since = signal.Signals(number), time.monotonic()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._came is not None and time.monotonic() - self._since > PATIENCE:
            self._end_now()
        self._note(number)
        if self._end is not None:
            self._end()
        if in_script(frame):
            raise KeyboardInterrupt

    def _end_now(self) -> None:
        """The process ends, whatever it is in the midst of: nothing of it may be waited for, nor printed through."""
        if os.isatty(1):
            os.write(1, _SHOW_CURSOR)
        try:
            write_all(2, INTERRUPTED_LINE.encode())
        finally:
            os._exit(self.status)


def in_script(frame: FrameType | None) -> bool:
    """Whether a Python script's own code runs in `frame`, or what it has called that is neither ours nor Trio's.

    A script has builtins of a type of their own (`swruntime.realms.python.importer`); whoever else has other builtins
    than Python's (a namedtuple's methods) has a plain dict of them.
    """
    while frame is not None:
        if type(frame.f_builtins) is not dict:
            return True
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in ("swruntime", "trio"):
            return False
        frame = frame.f_back
    return False
