"""How the engine is started: its arguments, its environment, its limits, its descriptors."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from swruntime.realms.javascript import linux
from swruntime.realms.javascript.wall import Wall

MAIN = Path(__file__).parent / "js" / "main.js"

HEAP = 512
"""MiB that the objects of a script may take."""
DATA = 2 * 1024 * 1024 * 1024
"""Bytes of memory that a process may take in all, array buffers among them."""
DESCRIPTORS = 256
"""Descriptors that a process may have. It reads the modules of the realm all at once, more than sixty."""

NO_FOLDER = "/dev/null/swruntime"
"""No folder can ever be there, nor made there."""


def command(program: str, answers: int) -> list[str]:
    """To start the engine with; `answers` is the descriptor of the pipe that it may read besides its standard input."""
    return [
        program,
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
    ]


def environment(cache: Path | None) -> dict[str, str]:
    """All that the engine gets. Without `cache` it keeps nothing: as root it would make the folder that HOME names."""
    return {
        "NO_COLOR": "1",
        "DENO_NO_UPDATE_CHECK": "1",
        "HOME": "/nonexistent",
        "DENO_DIR": NO_FOLDER if cache is None else str(cache),
    }


def before_exec(answers: int, wall: Wall | None) -> Callable[[], None]:
    """What the process does between its fork and its exec. All that it needs is looked up here, before the fork."""
    limits = [
        (kind, _limited(kind, wanted))
        for kind, wanted in ((resource.RLIMIT_DATA, DATA), (resource.RLIMIT_CORE, 0))
    ]
    descriptors = _limited(resource.RLIMIT_NOFILE, DESCRIPTORS)

    def limit_descriptors() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, descriptors)

    parent = os.getpid()

    def prepare() -> None:
        if sys.platform == "linux":
            # It dies with the runtime, also where that is killed and the script never gives way.
            linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
            # Python closes its own; others may be open above the limit, or where it no longer sees them.
            with suppress(OSError):
                linux.close_all_at_exec(3)
                os.set_inheritable(answers, True)
        for kind, limit in limits:
            resource.setrlimit(kind, limit)
        # The runtime's own are there until the exec, and may be more than that: the wall needs one besides.
        if wall is not None:
            wall.raise_(limit_descriptors)
        else:
            limit_descriptors()

    return prepare


def _limited(kind: int, wanted: int) -> tuple[int, int]:
    """Nobody but root may raise a limit that is there already."""
    _, hard = resource.getrlimit(kind)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    return limit, limit
