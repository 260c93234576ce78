"""The command line: `python -m swruntime`.

    arguments  what can be said
    site       SITE's scripts, and the profile
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

import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from swruntime.errors import OutputFailed

if TYPE_CHECKING:
    from swruntime.cli.interrupts import Interrupts

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Those that end a command (`swruntime.cli.interrupts`)."""

TOLD = "interrupted; what was stored stays, and 'run' or 'resume' goes on from there"
INTERRUPTED_LINE = f"swruntime: {TOLD}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; answers with the exit status. One line on standard error tells what was wrong.

    What is a defect of swruntime comes out as it is, with its traceback.
    """
    from swruntime.cli.interrupts import Interrupts

    interrupts = Interrupts()
    return _main(arguments, interrupts, interrupts.heed)


def process_main() -> NoReturn:
    """`main`, as the whole of a process: once its end has begun no signal interrupts it any more.

    Until the command's module is imported, which is most of its start, a signal ends the process at once.
    """
    gc.disable()  # what is imported stays: looking through it for garbage, again and again, is a fifth of a start
    for number in SIGNALS:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, _end_at_once)
    try:
        from swruntime.cli.interrupts import Interrupts

        interrupts = Interrupts(for_good=True)

        def imported() -> None:
            gc.freeze()
            gc.enable()
            interrupts.heed()

        status = _main(None, interrupts, imported)
    except KeyboardInterrupt:
        # It came in the instant in which another was dealt with.
        # Nothing may be imported now that was not there before.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        with suppress(OSError):
            os.write(2, INTERRUPTED_LINE.encode())
        status = INTERRUPTED
    sys.exit(status)


def _end_at_once(number: int, frame: FrameType | None) -> NoReturn:
    """Nothing was begun that would have to be ended; and an import that is broken off says so in a traceback."""
    try:
        with suppress(OSError):
            os.write(2, INTERRUPTED_LINE.encode())
    finally:
        os._exit(128 + number)


def _main(arguments: Sequence[str] | None, interrupts: Interrupts, imported: Callable[[], None]) -> int:
    """`imported` is called when all is there that the command needs, and it begins."""
    from swruntime.cli.failures import failed
    from swruntime.cli.output import prepare_standard_streams

    prepare_standard_streams()
    with interrupts.restored():
        try:
            from swruntime.cli.arguments import parse
            from swruntime.cli.commands import load

            options = parse(arguments)
            options.interrupts = interrupts
            command = load(options.name)
            imported()
            status = command(options)
            interrupts.over()
        except SystemExit as exit:
            interrupts.over()
            status = exit.code if isinstance(exit.code, int) else WRONG
        except BaseException as error:  # noqa: BLE001 - a defect is raised again
            interrupts.over()
            status = failed(error, interrupts.status)
        return _flushed(status)


def _flushed(status: int) -> int:
    """The exit status, once standard output has all that was written to it."""
    from swruntime.cli.failures import tell
    from swruntime.cli.streams import flush_standard_output

    try:
        flush_standard_output()
    except OutputFailed as failure:
        if status == DONE:
            return tell(failure, INTERRUPTED) or FAILED
    return status
