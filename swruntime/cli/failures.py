"""What a command has raised, in one line on standard error, and the exit status that follows."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from swruntime.cli import FAILED, TOLD, WRONG
from swruntime.cli.output import complain
from swruntime.cli.streams import STANDARD_OUTPUT
from swruntime.errors import (
    DOMException,
    OutputFailed,
    ScriptError,
    SwruntimeError,
    UsageError,
    WaitingForUser,
)

MOST_WAITING = 3
"""So many of the things that wait are named in an error's line."""


def failed(error: BaseException, interrupted: int) -> int:
    """Tell what a command has raised, and answer with the exit status. Raises what is a defect of ours."""
    for leaf in _leaves(error):
        told = tell(leaf, interrupted)
        if told is not None:
            return told
    raise error


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


def tell(error: BaseException, interrupted: int) -> int | None:
    """Tell what is not a defect of ours, and answer with the exit status; None for a defect."""
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
