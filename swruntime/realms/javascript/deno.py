"""A Deno process without rights: how it is started, how it is spoken to, how it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
from contextlib import ExitStack, suppress
from typing import IO, NamedTuple

import trio

from swruntime.errors import NotSupportedError
from swruntime.ports.outside import clock_is_virtual
from swruntime.realms.javascript.confinement import by_what, kernel
from swruntime.realms.javascript.engine_files import engine_files
from swruntime.realms.javascript.launch import before_exec, command, environment
from swruntime.realms.javascript.wall import Wall

PIPE = 256 * 1024
"""Bytes that a pipe holds: a piece of a body goes over it at once. A system's own 64 KiB are a little too few."""


class Exchanged(NamedTuple):
    taken: int
    """Bytes that the process has taken."""
    said: bytes | None
    """What it wrote: b"" at its end, None where there was nothing."""
    words: bytes
    """What the engine wrote on standard error."""


class Process:
    """One process, its two pipes, and the pipe for answers that a script waits for without giving way.

    It ends with this one, however that ends, and `kill` ends it at once, whatever it does.
    """

    def __init__(self, process: subprocess.Popen[bytes], answers: int) -> None:
        self._process = process
        self._answers = answers
        stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
        assert stdin is not None
        assert stdout is not None
        assert stderr is not None
        # The descriptors are the streams' from now on.
        with ExitStack() as ours:
            streams = []
            for pipe in (stdin, stdout, stderr):
                descriptor = os.dup(pipe.fileno())
                ours.callback(os.close, descriptor)
                streams.append(descriptor)
            ours.pop_all()
        self.stdin, self.stdout, self.stderr = map(trio.lowlevel.FdStream, streams)
        for pipe in (stdin, stdout, stderr):
            pipe.close()
        self.holds = _size(self.stdout.fileno())
        """Bytes that the pipe from it holds."""

    def unread(self) -> int:
        """Bytes that it has written and nobody has read. May be called in another thread, also while it is closed."""
        count = bytearray(struct.calcsize("i"))
        try:
            fcntl.ioctl(self.stdout.fileno(), termios.FIONREAD, count)
        except (OSError, ValueError):
            return 0  # closed, and nobody will read
        return int(struct.unpack("i", count)[0])

    @property
    def pid(self) -> int:
        return self._process.pid

    def answer(self, data: bytes) -> None:
        """Write the answer to an `ask`. The script reads, so this does not wait long; a dead one needs no answer."""
        view = memoryview(data)
        with contextlib.suppress(BrokenPipeError):
            while view:
                view = view[os.write(self._answers, view) :]

    def exchange(self, data: memoryview, *, hear: bool) -> Exchanged:
        """Hold up this thread until the process has taken something of `data`, or has said something.

        It is not heard where it shall take something first.
        """
        stdin, stdout, stderr = self.stdin.fileno(), self.stdout.fileno(), self.stderr.fileno()
        ready = select.poll()
        if hear or not data:
            ready.register(stdout, select.POLLIN)
        ready.register(stderr, select.POLLIN)
        if data:
            ready.register(stdin, select.POLLOUT)
        found = {descriptor for descriptor, _ in ready.poll()}
        taken = 0
        if stdin in found:
            try:
                taken = os.write(stdin, data)
            except BrokenPipeError:
                taken = len(data)  # its end is seen by who reads
        return Exchanged(
            taken,
            os.read(stdout, PIPE) if stdout in found else None,
            os.read(stderr, PIPE) if stderr in found else b"",
        )

    async def wait_dead(self) -> None:
        """Wait until it is dead. Where the system cannot tell, for ever: then it is seen when it is asked next."""
        if sys.platform != "linux":
            await trio.sleep_forever()
        descriptor = os.pidfd_open(self.pid)
        try:
            await trio.lowlevel.wait_readable(descriptor)
        finally:
            os.close(descriptor)

    def kill(self) -> None:
        """End it now. Nothing that it was doing is waited for."""
        self._process.kill()

    async def aclose(self) -> None:
        """Kill it, and close the pipes."""
        self.kill()
        with trio.CancelScope(shield=True):
            for stream in (self.stdin, self.stdout, self.stderr):
                await stream.aclose()
            # It is dead, or is about to be: nothing that it does is waited for. Where a seed tells the order of all
            # that happens, no thread may come in between.
            if clock_is_virtual():
                self._process.wait()
            else:
                await trio.to_thread.run_sync(self._process.wait)
        if self._answers >= 0:
            os.close(self._answers)
            self._answers = -1


def start_process() -> Process:
    """Start one, behind the wall. Raises NotSupportedError where Deno is not there, or cannot be confined as it should.

    In this very thread: a process dies with the thread that has started it, and a borrowed one ends when it likes.
    """
    files = engine_files()
    answers, ours = os.pipe()
    try:
        with Wall(kernel(), files.allowed) as wall:
            process = subprocess.Popen(
                command(files.program, answers),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[answers],
                env=environment(files.cache),
                cwd="/",
                start_new_session=True,  # Ctrl-C is the runtime's to handle; and no terminal is its own
                preexec_fn=before_exec(answers, wall),
            )
    except subprocess.SubprocessError as error:
        os.close(ours)
        raise NotSupportedError(f"the engine's process could not be confined {by_what(kernel())}") from error
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(answers)
    for pipe in (process.stdin, process.stdout):
        _enlarge(pipe)
    try:
        return Process(process, ours)
    except OSError:  # there are too few descriptors
        process.kill()
        process.communicate()
        os.close(ours)
        raise


def _enlarge(pipe: IO[bytes] | None) -> None:
    assert pipe is not None
    if sys.platform == "linux":
        # A user who has many large pipes gets no more of them: then it is slower, and right.
        with suppress(PermissionError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)


def _size(pipe: int) -> int:
    return fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) if sys.platform == "linux" else 64 * 1024
