"""Where lines and text go. Under --json nothing but lines ever reaches standard output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

from swruntime.algorithms.visible_text import visible
from swruntime.cli.streams import Failed, StandardStream, raise_failure, replace_standard_streams, write_all
from swruntime.display.guarded import guard_standard_streams
from swruntime.errors import OutputFailed, UsageError
from swruntime.ports.private_output import open_output

if TYPE_CHECKING:
    from swruntime.trace import Line, Sink

UNENCODABLE = "backslashreplace"
"""What the terminal's encoding lacks is an escape, as a control character is."""


def say(text: str, *, flush: bool = False) -> None:
    """A line on standard output, whatever characters are in `text`."""
    print(visible(text), flush=flush)


def complain(text: str) -> None:
    """What was wrong, in one line on standard error."""
    print(visible(f"swruntime: {text}"), file=sys.stderr, flush=True)


def prepare_standard_streams() -> None:
    """From now on they take every text, whatever the terminal's encoding lacks, pass on no control character, and fail
    once at most (`swruntime.cli.streams`)."""
    replace_standard_streams(UNENCODABLE)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors=UNENCODABLE)
    guard_standard_streams()


@contextmanager
def pure_standard_output(failed: Failed = raise_failure) -> Iterator[Callable[[str], None]]:
    """Everything that writes to standard output goes to standard error, child processes included; but what is
    written with the function that this yields goes to standard output, a line each.

    `failed` is called where it cannot be written, once, and nothing is written from then on.
    """
    sys.stdout.flush()
    real = os.dup(1)
    os.dup2(2, 1)
    python_stdout, sys.stdout = sys.stdout, sys.stderr
    stream = StandardStream(real, failed, closed_at_start=False)
    try:
        yield lambda text: stream.write_line(text)
    finally:
        sys.stdout = python_stdout
        os.dup2(real, 1)
        os.close(real)


@contextmanager
def sinks(*, as_json: bool, file: Path | None, narrate: Sink, failed: Failed) -> Iterator[Sink]:
    """A sink for the trace: lines on standard output (--json) or told to a person; and to a file as well.

    `failed` is called where one of them cannot be written, once for each; the sink itself raises nothing. Raises
    UsageError where the file cannot be opened.
    """
    with ExitStack() as stack:
        outputs: list[Sink] = []
        if as_json:
            from swruntime.trace import to_json

            write = stack.enter_context(pure_standard_output(failed))
            outputs.append(lambda line: write(to_json(line)))
        else:
            outputs.append(narrate)
        if file is not None:
            outputs.append(stack.enter_context(closing(TraceFile(file, failed))))

        def sink(line: Line) -> None:
            for output in outputs:
                output(line)

        yield sink


class TraceFile:
    """A sink that writes `path` anew, each line at once. Raises UsageError where that cannot be opened.

    Where it cannot be written `failed` is called, once; what is there ends with a whole line.
    """

    def __init__(self, path: Path, failed: Failed) -> None:
        self._name = f"--trace {str(path)!r}"
        try:
            self._descriptor = open_output(path)
        except OSError as error:
            raise UsageError(f"{self._name} cannot be written: {error.strerror}") from None
        from swruntime.trace import to_json

        self._to_json = to_json
        self._failed = failed
        self._over = False
        self._length = 0

    def __call__(self, line: Line) -> None:
        if self._over:
            return
        data = self._to_json(line).encode("ascii") + b"\n"
        try:
            write_all(self._descriptor, data)
        except OSError as error:
            self._fail(error)
        else:
            self._length += len(data)

    def close(self) -> None:
        """A disk may say only now that it had no room."""
        try:
            os.close(self._descriptor)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        if self._over:
            return
        self._over = True
        with suppress(OSError):  # what has no length, or is closed, has nothing to cut
            os.ftruncate(self._descriptor, self._length)
        self._failed(OutputFailed(self._name, error))


def print_object(data: dict[str, Any]) -> None:
    """The one object of `status`, `cache` under --json, in ASCII."""
    print(json.dumps(data, indent=2))


def print_long_object(data: dict[str, Any], name: str, items: Iterable[dict[str, Any]]) -> None:
    """As `print_object`, with the member `name` at the end, whose items are made and printed one after the other."""
    print(f"{json.dumps(data, indent=2)[:-2]},\n  {json.dumps(name)}: [", end="")
    between = "\n"
    for item in items:
        print(f"{between}{indent(json.dumps(item, indent=2), '    ')}", end="")
        between = ",\n"
    print("]\n}" if between == "\n" else "\n  ]\n}")


def counted(count: int, one: str, many: str) -> str:
    """A number of things, as people say it."""
    return f"{count:,} {one if count == 1 else many}"
