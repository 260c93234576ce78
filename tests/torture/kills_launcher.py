"""The program, which dies when it has had so many microseconds of the processor: MICROSECONDS COMMAND SITE ...

So an instant is the same, more or less, however busy the machine is. The kernel ends it, by a signal that nobody handles:
nothing of the program runs any more, as after kill -9.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    microseconds, *rest = arguments
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, int(microseconds) / 1_000_000)
    from swruntime.cli import main as program

    return program(rest)
