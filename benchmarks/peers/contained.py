"""Run a command, end all that it leaves behind, and say what it took of the processor, browsers included (Linux).

    python -I -S contained.py SECONDS FILE COMMAND...

FILE gets the seconds of the processor. A command that has not ended after SECONDS is killed.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys

PR_SET_CHILD_SUBREAPER = 36


def children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as listed:
        return [int(pid) for pid in listed.read().split()]


def end_all() -> None:
    """A process whose parent dies becomes a child of this one, so none is missed."""
    while left := children():
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


def main(seconds: str, file: str, *command: str) -> int:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.posix_spawnp(command[0], command, os.environ)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm(int(seconds))
    _, status = os.waitpid(child, 0)
    signal.alarm(0)
    end_all()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(file, "w") as told:
        told.write(str(usage.ru_utime + usage.ru_stime))
    return abs(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
