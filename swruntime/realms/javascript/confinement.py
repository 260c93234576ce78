"""What confines scripts here: the kernel, as far as it can, and the engine's own permissions.

Nothing is started for the answer, and nothing heavy imported: `status` tells it.
"""

from __future__ import annotations

import gc
import threading
from functools import cache

from swruntime.errors import NotConfined
from swruntime.ports.descriptors import is_shortage
from swruntime.realms.javascript import landlock
from swruntime.realms.javascript.seccomp import this_machine
from swruntime.realms.javascript.wall import Allowed, Kernel, Wall


@cache
def kernel() -> Kernel:
    """What this kernel confines a process with: each part was tried, so it is what will hold."""
    version = landlock.version()
    return Kernel(
        landlock=version if version and _holds(Kernel(version, seccomp=False)) else 0,
        seccomp=this_machine() is not None and _holds(Kernel(0, seccomp=True)),
    )


def by_what(kernel: Kernel) -> str:
    """What confines scripts, in words: "by Landlock and seccomp", say."""
    match kernel:
        case Kernel(landlock=0, seccomp=False):
            return "by the engine's own permissions only"
        case Kernel(landlock=0):
            return "by seccomp only"
        case Kernel(seccomp=False):
            return "by Landlock only"
    return "by Landlock and seccomp"


def missing(kernel: Kernel) -> str | None:
    """What a script that breaks out of the engine can do where this does not hold; None where all of it holds."""
    match kernel:
        case Kernel(landlock=0, seccomp=False):
            return "what breaks out of the engine can do what you can"
        case Kernel(landlock=0):
            return "without Landlock programs can be run, and files can be read"
        case Kernel(seccomp=False):
            return "without seccomp most of the kernel's calls can be made"
    return None


def require() -> None:
    """Raises NotConfined where the kernel does not confine scripts, or not in full."""
    here = kernel()
    lacks = missing(here)
    if lacks is not None:
        raise NotConfined(
            f"confinement is required, and JavaScript would be confined {by_what(here)}: {lacks}; "
            "expected by Landlock and seccomp"
        )


def _holds(kernel: Kernel) -> bool:
    """Whether a wall of these parts can be raised: tried by a thread, which it confines, and which ends then.

    Raises OSError where there are too few descriptors to know.
    """
    held: list[bool] = []
    short: list[OSError] = []

    def try_it() -> None:
        try:
            wall.raise_()
        except OSError as error:
            short.extend([error] if is_shortage(error) else [])
            return
        held.append(True)

    try:
        wall = Wall(kernel, Allowed())
    except OSError as error:
        if is_shortage(error):
            raise
        return False
    # Nothing else may be finalized behind that wall.
    collects = gc.isenabled()
    gc.disable()
    try:
        with wall:
            thread = threading.Thread(target=try_it)
            thread.start()
            thread.join()
    finally:
        if collects:
            gc.enable()
    if short:
        raise short[0]
    return bool(held)
