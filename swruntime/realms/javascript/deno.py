"""A Deno process without rights: where the program is, how it is started, what it may use, how it ends."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

import trio

from swruntime.ports.outside import outside_trio
from swruntime.realms.javascript.installed import find_deno

MAIN = Path(__file__).parent / "js" / "main.js"

HEAP = 512
"""MiB that the objects of a script may take."""
DATA = 2 * 1024 * 1024 * 1024
"""Bytes of memory that a process may take in all, array buffers among them."""
PIPE = 256 * 1024
"""Bytes that a pipe holds: a piece of a body goes over it at once. A system's own 64 KiB are a little too few."""

_PR_SET_PDEATHSIG = 1


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
        self.stdin, self.stdout, self.stderr = (
            trio.lowlevel.FdStream(os.dup(pipe.fileno())) for pipe in (stdin, stdout, stderr)
        )
        for pipe in (stdin, stdout, stderr):
            pipe.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def answer(self, data: bytes) -> None:
        """Write the answer to an `ask`. The script reads, so this does not wait long; a dead one needs no answer."""
        view = memoryview(data)
        with contextlib.suppress(BrokenPipeError):
            while view:
                view = view[os.write(self._answers, view) :]

    def kill(self) -> None:
        """End it now. Nothing that it was doing is waited for."""
        self._process.kill()

    async def aclose(self) -> None:
        """Kill it, and close the pipes."""
        self.kill()
        with trio.CancelScope(shield=True):
            for stream in (self.stdin, self.stdout, self.stderr):
                await stream.aclose()
            # It is dead, or is about to be: nothing that it does is waited for, and a virtual clock is not to jump.
            with outside_trio():
                await trio.to_thread.run_sync(self._process.wait)
        if self._answers >= 0:
            os.close(self._answers)
            self._answers = -1


def start_process() -> Process:
    """Start one. Raises NotSupportedError where Deno is not there.

    In this very thread: a process dies with the thread that has started it, and a borrowed one ends when it likes.
    """
    deno = find_deno()
    answers, ours = os.pipe()
    try:
        process = subprocess.Popen(
            [
                deno,
                "run",
                "--quiet",
                "--no-prompt",
                "--no-config",
                "--no-lock",
                "--no-remote",
                "--no-npm",
                "--cached-only",
                "--unstable-unsafe-proto",  # scripts of the web may use `__proto__`
                f"--v8-flags=--max-old-space-size={HEAP},--stack-size=900",
                f"--allow-read=/dev/fd/{answers}",
                str(MAIN),
                f"/dev/fd/{answers}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[answers],
            env={"NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1", "HOME": "/nonexistent"},
            start_new_session=True,  # Ctrl-C is the runtime's to handle
            preexec_fn=_prepare(),
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(answers)
    for pipe in (process.stdin, process.stdout):
        _enlarge(pipe)
    return Process(process, ours)


def _enlarge(pipe: IO[bytes] | None) -> None:
    assert pipe is not None
    if sys.platform == "linux":
        # A user who has many large pipes gets no more of them: then it is slower, and right.
        with suppress(PermissionError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)


def _prepare() -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    parent = os.getpid()

    def prepare() -> None:
        """In the child, before Deno is there."""
        resource.setrlimit(resource.RLIMIT_DATA, (DATA, DATA))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if libc is not None:
            # It dies with the runtime, also where that is killed and the script never gives way.
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

    return prepare
