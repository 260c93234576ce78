"""Where lines and text go. Under --json nothing but lines ever reaches standard output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from swruntime.algorithms.visible_text import visible
from swruntime.display.guarded import guard_standard_streams
from swruntime.errors import UsageError
from swruntime.ports.private_output import open_output
from swruntime.trace import Line, Sink, to_json

UNENCODABLE = "backslashreplace"
"""What the terminal's encoding lacks is an escape, as a control character is."""


def say(text: str, *, flush: bool = False) -> None:
    """A line on standard output, whatever characters are in `text`."""
    print(visible(text), flush=flush)


def complain(text: str) -> None:
    """What was wrong, in one line on standard error."""
    print(visible(f"swruntime: {text}"), file=sys.stderr, flush=True)


def prepare_standard_streams() -> None:
    """From now on they take every text, whatever the terminal's encoding lacks, and pass on no control character."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors=UNENCODABLE)
    guard_standard_streams()


def leave_standard_output() -> None:
    """Whoever read it is gone: what is still buffered goes nowhere, instead of failing when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


@contextmanager
def pure_standard_output() -> Iterator[Callable[[str], None]]:
    """Everything that writes to standard output goes to standard error, child processes included; but what is
    written with the function that this yields goes to standard output, a line each."""
    sys.stdout.flush()
    real = os.dup(1)
    os.dup2(2, 1)
    python_stdout, sys.stdout = sys.stdout, sys.stderr
    try:

        def write(text: str) -> None:
            rest = memoryview((text + "\n").encode("ascii"))
            while rest:
                rest = rest[os.write(real, rest) :]

        yield write
    finally:
        sys.stdout = python_stdout
        os.dup2(real, 1)
        os.close(real)


@contextmanager
def sinks(*, as_json: bool, file: Path | None, narrate: Sink) -> Iterator[Sink]:
    """A sink for the trace: lines on standard output (--json) or told to a person; and to a file as well.

    Raises UsageError where the file cannot be written.
    """
    with ExitStack() as stack:
        outputs: list[Sink] = []
        if as_json:
            write = stack.enter_context(pure_standard_output())
            outputs.append(lambda line: write(to_json(line)))
        else:
            outputs.append(narrate)
        if file is not None:
            outputs.append(_to_file(stack, file))

        def sink(line: Line) -> None:
            for output in outputs:
                output(line)

        yield sink


def _to_file(stack: ExitStack, path: Path) -> Sink:
    try:
        descriptor = open_output(path)
    except OSError as error:
        raise UsageError(f"--trace {str(path)!r} cannot be written: {error.strerror}") from None
    file = stack.enter_context(os.fdopen(descriptor, "w", encoding="ascii", buffering=1))

    def write(line: Line) -> None:
        file.write(to_json(line) + "\n")

    return write


def print_object(data: dict[str, Any]) -> None:
    """The one object of `status`, `cache` under --json, in ASCII."""
    print(json.dumps(data, indent=2))


def counted(count: int, one: str, many: str) -> str:
    """A number of things, as people say it."""
    return f"{count:,} {one if count == 1 else many}"
