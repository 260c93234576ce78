"""The command line: `python -m swruntime`.

    arguments  what can be said
    session    a user agent for a command, the site's scripts, the exit status
    output     where lines and text go
    streams    the standard streams, which may be closed or full
    interrupts the signals that end a command
    narrate    a trace, told to a person
    commands   one module per command, or per family of them

Exit status: 0 done; 1 a script raised, or a background fetch ended otherwise than expected; 2 the command line
was wrong; 130 interrupted (143 by SIGTERM, 129 by SIGHUP). Where standard output is a pipe that nobody reads any
more, a command ends in silence, with 1.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from swruntime.errors import (
    DOMException,
    OutputFailed,
    ScriptError,
    SwruntimeError,
    UsageError,
    WaitingForUser,
)

if TYPE_CHECKING:
    from swruntime.cli.interrupts import Interrupts

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130

TOLD = "interrupted; what was stored stays, and 'run' or 'resume' goes on from there"
INTERRUPTED_LINE = f"swruntime: {TOLD}\n"

MOST_WAITING = 3
"""So many of the things that wait are named in an error's line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; answers with the exit status. One line on standard error tells what was wrong.

    What is a defect of swruntime comes out as it is, with its traceback.
    """
    from swruntime.cli.interrupts import Interrupts

    return _main(arguments, Interrupts())


def process_main() -> NoReturn:
    """`main`, as the whole of a process: once its end has begun no signal interrupts it any more."""
    try:
        from swruntime.cli.interrupts import Interrupts

        status = _main(None, Interrupts(for_good=True))
    except KeyboardInterrupt:
        # It came before there was anything to be interrupted, or in the instant in which another was dealt with.
        # Nothing may be imported now that was not there before.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        with suppress(OSError):
            os.write(2, INTERRUPTED_LINE.encode())
        status = INTERRUPTED
    sys.exit(status)


def _main(arguments: Sequence[str] | None, interrupts: Interrupts) -> int:
    from swruntime.cli.output import prepare_standard_streams

    prepare_standard_streams()
    with interrupts.heeded():
        try:
            from swruntime.cli.arguments import parse

            options = parse(arguments)
            options.interrupts = interrupts
            status = int(options.command(options))
            interrupts.over()
        except SystemExit as exit:
            interrupts.over()
            status = exit.code if isinstance(exit.code, int) else WRONG
        except BaseException as error:  # noqa: BLE001 - a defect is raised again
            interrupts.over()
            status = _failed(error, interrupts.status)
        return _flushed(status)


def _failed(error: BaseException, interrupted: int) -> int:
    """Tell what a command has raised, and answer with the exit status. Raises what is a defect of ours."""
    for leaf in _leaves(error):
        told = _tell(leaf, interrupted)
        if told is not None:
            return told
    raise error


def _flushed(status: int) -> int:
    """The exit status, once standard output has all that was written to it."""
    from swruntime.cli.streams import flush_standard_output

    try:
        flush_standard_output()
    except OutputFailed as failure:
        if status == DONE:
            return _tell(failure, INTERRUPTED) or FAILED
    return status


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """What is in a group; an interrupt first, because what it interrupted fails too."""
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    interrupts, others = error.split(KeyboardInterrupt)
    for part in (interrupts, others):
        if part is not None:
            for each in part.exceptions:
                yield from _leaves(each)


def _tell(error: BaseException, interrupted: int) -> int | None:
    """Tell what is no defect of ours, and answer with the exit status; None for a defect."""
    from swruntime.cli.output import complain
    from swruntime.cli.streams import STANDARD_OUTPUT

    match error:
        case KeyboardInterrupt():
            complain(TOLD)
            return interrupted
        case OutputFailed(what=what, errno=number) if what == STANDARD_OUTPUT and number == errno.EPIPE:
            return FAILED  # whoever read our output has enough of it
        case UsageError():
            complain(str(error))
            return WRONG
        case ScriptError():
            complain(script_error_text(error))
        case WaitingForUser():
            complain(waiting_text(error))
        case DOMException():
            complain(f"{error.name}: {error}")
        case SwruntimeError():
            complain(str(error))
        case OSError():
            complain(f"{error.filename}: {error.strerror}" if error.filename is not None else str(error))
        case _:
            return None
    return FAILED


def script_error_text(error: ScriptError) -> str:
    """What a script raised, with its file and line."""
    return f"{error.where}: {error}" if error.where else str(error)


def waiting_text(error: WaitingForUser) -> str:
    """What waits, in one line, and how the user of a command line can move it."""
    named = "; ".join(error.waiting[:MOST_WAITING])
    more = len(error.waiting) - MOST_WAITING
    others = f"; and {more} more" if more > 0 else ""
    owed = [line for line in error.waiting if " is owed " in line]
    held = [line for line in error.waiting if " is held; " in line]  # what acts on these is said there
    others_wait = len(owed) + len(held) < len(error.waiting)
    hints = ["a --scenario can do what a user does: online, resume, abort"] * others_wait
    hints += ["--permission granted lets it go on"] * any(x.endswith("permission") for x in error.waiting)
    hints += ["mend the worker and run 'resume', or give up with 'resume --drop ID'"] * bool(owed)
    told = f" ({'; '.join(hints)})" if hints else ""
    return f"nothing goes on by itself: {named}{others}{told}"
