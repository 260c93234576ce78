"""Processes without the second that an import takes: a server has imported what they need, and forks for each.

They are processes as others are (a kill is a kill, a death a death) and end as Python does. The server is a process of
its own, of a single thread, and ends with whoever has started it. What it does: `python -m tests.forks DESCRIPTOR NAME ...`
imports each NAME, "module" or "module:function", which is called then; DESCRIPTOR is its end of a socket.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

ROOT = Path(__file__).parents[1]
_LONGEST = 64 * 1024


class Forks:
    """A server. It starts with its first fork; used by one thread."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self._socket: socket.socket | None = None

    def start(self, function: str, arguments: Sequence[str], out: BinaryIO | int, err: BinaryIO | int) -> int:
        """Run "module:function" with `arguments`, in a process whose exit status is what it answers; its id."""
        message = json.dumps({"run": function, "arguments": list(arguments)}).encode()
        descriptors = [each if isinstance(each, int) else each.fileno() for each in (out, err)]
        return int(self._ask(message, descriptors))

    def wait(self, process: int) -> int:
        """Its exit status, negative where a signal ended it, as in subprocess. Until then its id is nobody else's."""
        return int(self._ask(json.dumps({"wait": process}).encode(), []))

    def _ask(self, message: bytes, descriptors: list[int]) -> str:
        assert len(message) < _LONGEST
        if self._socket is None:
            self._socket = self._serve()
        socket.send_fds(self._socket, [message], descriptors)
        answer = self._socket.recv(_LONGEST).decode()
        assert answer, f"the server of {self._names} has ended"
        return answer

    def _serve(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            server = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "tests.forks", str(theirs.fileno()), *self._names],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd=ROOT,
            )

        def close() -> None:
            ours.close()
            server.wait()

        atexit.register(close)
        return ours


def find(name: str) -> Any:
    """What "module" or "module:function" means."""
    module, _, function = name.partition(":")
    found = import_module(module)
    return getattr(found, function) if function else found


def main(arguments: Sequence[str]) -> int:
    descriptor, *names = arguments
    for name in names:
        found = find(name)
        if ":" in name:
            found()
    with socket.socket(fileno=int(descriptor)) as asked:
        program = serve(asked)
    return program() if program else 0


def serve(asked: socket.socket) -> Callable[[], int] | None:
    """Answer until nobody asks any more. In a process that was forked: what it has to run."""
    while True:
        data, descriptors, *_ = socket.recv_fds(asked, _LONGEST, 2)
        if not data:
            return None
        request = json.loads(data)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            asked.send(str(os.waitstatus_to_exitcode(status)).encode())
        elif child := os.fork():
            for each in descriptors:
                os.close(each)
            asked.send(str(child).encode())
        else:
            for number, each in enumerate(descriptors, start=1):
                os.dup2(each, number)
                os.close(each)
            # As Python opens them when it starts; those of the server knew where they wrote to.
            sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - open to the end
            sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
            function, run_with = find(request["run"]), request["arguments"]
            return lambda: int(function(run_with))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
