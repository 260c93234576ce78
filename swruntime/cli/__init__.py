"""The command line: `python -m swruntime`.

    program    a command, from its arguments to the exit status
    arguments  the grammar; `parser`, what is said of a wrong line; `values`, what an option's value may be
    site       SITE's scripts, and the profile; `pages`, what is said of a page that is not run
    session    a user agent for a command, the exit status
    output     where lines and text go
    streams    the standard streams, which may be closed or full
    interrupts the signals that end a command
    failures   what a command has raised, told to a person
    narrate    a trace, told to a person
    commands   one module per command, or per family of them

Exit status: 0 done; 1 a script raised, or a background fetch ended otherwise than expected; 2 the command line
was wrong; 130 interrupted (143 by SIGTERM, 129 by SIGHUP). Where standard output is a pipe that nobody reads any
more, a command ends in silence, with 1.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
"""As typing's. Until `process_main` has begun a signal is Python's: what is imported here is kept short."""

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import NoReturn

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Those that end a command (`swruntime.cli.interrupts`)."""

TOLD = "interrupted; what was stored stays, and 'run' or 'resume' goes on from there"
INTERRUPTED_LINE = f"swruntime: {TOLD}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; answers with the exit status. One line on standard error tells what was wrong.

    What is a defect of swruntime comes out as it is, with its traceback.
    """
    from swruntime.cli.program import perform

    return perform(arguments)


def process_main() -> NoReturn:
    """`main`, as the whole of a process: once its end has begun no signal interrupts it any more.

    Until the command's module is imported, which is most of its start, a signal ends the process at once.
    """
    for number in SIGNALS:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, _end_at_once)
    try:
        from swruntime.cli.program import perform_in_process

        status = perform_in_process()
    except KeyboardInterrupt:
        # It came in the instant in which another was dealt with.
        # Nothing may be imported now that was not there before.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        _tell_interrupted()
        status = INTERRUPTED
    sys.exit(status)


_ending: list[int] = []
"""The signal that ends the process at once; another one may come in the midst of that."""


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """Nothing was begun that would have to be ended; and an import that is broken off says so in a traceback."""
    if _ending:
        return
    _ending.append(number)
    try:
        _tell_interrupted()
    finally:
        os._exit(128 + number)


def _tell_interrupted() -> None:
    try:  # noqa: SIM105 - contextlib may not be there yet
        os.write(2, INTERRUPTED_LINE.encode())
    except OSError:
        pass  # nobody reads it
