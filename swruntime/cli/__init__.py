"""The command line: `python -m swruntime`.

    arguments  what can be said
    session    a user agent for a command, the site's scripts, the exit status
    output     where lines and text go
    narrate    a trace, told to a person
    commands   one module per command, or per family of them

Exit status: 0 done; 1 a script raised, or a background fetch ended otherwise than expected; 2 the command line
was wrong; 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from swruntime.errors import DOMException, ScriptError, SwruntimeError, UsageError, WaitingForUser

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130

MOST_WAITING = 3
"""So many of the things that wait are named in an error's line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; answers with the exit status. One line on standard error tells what was wrong.

    What is a defect of swruntime comes out as it is, with its traceback.
    """
    try:
        from swruntime.cli.arguments import parse
        from swruntime.cli.output import prepare_standard_streams

        prepare_standard_streams()
        options = parse(arguments)
        return int(options.command(options))
    except SystemExit as exit:
        return exit.code if isinstance(exit.code, int) else WRONG
    except BaseException as error:
        leaves = list(_leaves(error))
        told = next((known for leaf in leaves if (known := _tell(leaf)) is not None), None)
        if told is None:
            raise
        return told


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


def _tell(error: BaseException) -> int | None:
    """Tell what is no defect of ours, and answer with the exit status; None for a defect."""
    from swruntime.cli.output import complain, leave_standard_output

    match error:
        case KeyboardInterrupt():
            complain("interrupted; what was stored stays, and 'run' or 'resume' goes on from there")
            return INTERRUPTED
        case BrokenPipeError():
            # Whoever read our output has enough of it.
            leave_standard_output()
            return FAILED
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
