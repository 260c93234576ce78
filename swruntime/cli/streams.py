"""The standard streams of the process: what becomes of what cannot be written to them.

Standard output that fails (a reader that has left, a full disk) fails once, by name: whoever writes gets OutputFailed,
or whoever is in charge of a run is told and ends it. From then on it takes everything and writes nothing, so that
neither a library, nor a script, nor Python's own end stumbles over it again. Standard error has nobody to be told:
what cannot be written there is lost, and the exit status says the rest.

A descriptor that was closed when the process began (`>&-`) leads nowhere. It must not be left free: the next file that
is opened would get its number, and whatever is printed would go into that file.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, cast

from swruntime.display.guarded import unguarded
from swruntime.errors import OutputFailed

STANDARD_OUTPUT = "standard output"

Failed = Callable[[OutputFailed], None]
"""Called with why something cannot be written, in the middle of whatever writes it. It may raise that, or note it."""


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of it, waiting where a pipe that somebody has made non-blocking is full. Raises OSError."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            select.select([], [descriptor], [])


class StandardStream(io.RawIOBase):
    """What is below `sys.stdout` or `sys.stderr`: a descriptor that fails once at most.

    `failed` is called at the first failure, None where nobody is to be told. `closed_at_start`: it leads nowhere.
    """

    def __init__(self, descriptor: int, failed: Failed | None, *, closed_at_start: bool) -> None:
        self._descriptor = descriptor
        self.failed = failed
        self.closed_at_start = closed_at_start
        self.failure: OutputFailed | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # any buffer
        view = memoryview(data)
        if self.failure is None:
            try:
                write_all(self._descriptor, view)
            except OSError as error:
                self.failure = OutputFailed(STANDARD_OUTPUT, error)
                if self.failed is not None:
                    self.failed(self.failure)
        return view.nbytes

    def write_line(self, text: str) -> None:
        self.write((text + "\n").encode("ascii"))


def raise_failure(failure: OutputFailed) -> None:
    """What is done about a failure where nobody else is in charge."""
    raise failure


def replace_standard_streams(errors: str) -> None:
    """Put a `StandardStream` below the process's own standard output and standard error, with this handling of what
    cannot be encoded. A stream that a program has put in their place, a test's capture for one, is left as it is.
    """
    closed = _fill_closed_descriptors()
    for name, descriptor, failed in (("stdout", 1, raise_failure), ("stderr", 2, None)):
        stream: TextIO | None = getattr(sys, name)
        if descriptor in closed:
            encoding, line_buffering = "utf-8", True
        elif type(stream) is io.TextIOWrapper and stream.fileno() == descriptor and not _is_ours(stream):
            stream.flush()
            encoding, line_buffering = stream.encoding, stream.line_buffering or stream.write_through
        else:
            continue
        raw = StandardStream(descriptor, failed, closed_at_start=descriptor in closed)
        text = io.TextIOWrapper(
            io.BufferedWriter(cast(io.RawIOBase, raw)),
            encoding,
            errors,
            newline="\n",
            line_buffering=line_buffering,
        )
        setattr(sys, name, text)
        setattr(sys, f"__{name}__", text)


def _fill_closed_descriptors() -> set[int]:
    """Those of the three that were closed when the process began; they lead to /dev/null from now on."""
    closed = set()
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != descriptor:
                os.dup2(nowhere, descriptor)
                os.close(nowhere)
            os.set_inheritable(descriptor, True)
            closed.add(descriptor)
    return closed


def _is_ours(stream: TextIO) -> bool:
    return isinstance(getattr(stream.buffer, "raw", None), StandardStream)


def standard_output() -> StandardStream | None:
    """What is below `sys.__stdout__`; None where it is not the process's own."""
    buffer = getattr(unguarded(sys.__stdout__), "buffer", None) if sys.__stdout__ is not None else None
    raw = getattr(buffer, "raw", None)
    return raw if isinstance(raw, StandardStream) else None


def check_standard_output() -> None:
    """Raises OutputFailed where what is asked for would go nowhere: standard output was closed from the start."""
    stream = standard_output()
    if stream is not None and stream.closed_at_start:
        raise OutputFailed(STANDARD_OUTPUT, OSError(errno.EBADF, "it is closed"))


@contextmanager
def standard_output_failing(failed: Failed) -> Iterator[None]:
    """While the block runs, `failed` is told where standard output fails; nothing that writes to it gets an error."""
    stream = standard_output()
    if stream is None:
        yield
        return
    before, stream.failed = stream.failed, failed
    try:
        yield
    finally:
        stream.failed = before


def flush_standard_output() -> None:
    """Write what is buffered. Raises OutputFailed, also where it has failed before."""
    stream = standard_output()
    if sys.stdout is not None:
        sys.stdout.flush()
    if stream is not None and stream.failure is not None:
        raise stream.failure
