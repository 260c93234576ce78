"""A command, from its arguments to the exit status."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence

from swruntime.cli import DONE, FAILED, INTERRUPTED, WRONG
from swruntime.cli.failures import failed, tell
from swruntime.cli.interrupts import Interrupts
from swruntime.cli.output import prepare_standard_streams
from swruntime.cli.streams import flush_standard_output
from swruntime.errors import OutputFailed


def perform(arguments: Sequence[str] | None) -> int:
    """In a process that goes on afterwards; see `swruntime.cli.main`."""
    interrupts = Interrupts()
    return _perform(arguments, interrupts, interrupts.heed)


def perform_in_process() -> int:
    """What the process was started with, and nothing else; see `swruntime.cli.process_main`."""
    interrupts = Interrupts(for_good=True)
    gc.disable()  # what is imported stays: looking through it for garbage, again and again, is a fifth of a start

    def imported() -> None:
        gc.freeze()
        gc.enable()
        interrupts.heed()

    return _perform(None, interrupts, imported)


def _perform(arguments: Sequence[str] | None, interrupts: Interrupts, imported: Callable[[], None]) -> int:
    """`imported` is called when all is there that the command needs, and it begins."""
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
    try:
        flush_standard_output()
    except OutputFailed as failure:
        if status == DONE:
            return tell(failure, INTERRUPTED) or FAILED
    return status
