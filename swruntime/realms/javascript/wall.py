"""What the engine's process is put behind, by the kernel: no new privileges, Landlock, seccomp.

It is made here and raised by the process itself, between its fork and its exec; whatever the process becomes or starts
stays behind it. What a kernel does not have is left out: see `swruntime.realms.javascript.confinement`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType

import attrs

from swruntime.realms.javascript import linux
from swruntime.realms.javascript.capabilities import DAC_READ_SEARCH, Capabilities
from swruntime.realms.javascript.landlock import EXECUTE, READ_DIR, READ_FILE, Ruleset
from swruntime.realms.javascript.seccomp import Filter, this_machine

_OWN = ("/proc/self/maps", "/proc/self/cgroup")
"""What a process may read of itself; these are other files for each."""


@attrs.frozen
class Kernel:
    """What a kernel has to confine a process with."""

    landlock: int
    """The version of Landlock, 0 where there is none."""
    seccomp: bool


@attrs.frozen
class Allowed:
    """The files that a process behind a wall may use, where Landlock holds. Nothing may be written."""

    executed: tuple[str, ...] = ()
    """Programs and their libraries, which may be read, too."""
    read: tuple[str, ...] = ()
    """Files, and folders with all that is below them. What is not there needs no mention."""


class Wall:
    """For one process. A context manager: leaving it, in the process that has made it, takes down the scaffolding."""

    def __init__(self, kernel: Kernel, allowed: Allowed) -> None:
        """Raises OSError where a file to be executed is not there."""
        machine = this_machine() if kernel.seccomp else None
        self._filter = None if machine is None else Filter(machine)
        self._capabilities = Capabilities()
        self._ruleset = Ruleset(kernel.landlock) if kernel.landlock else None
        if self._ruleset is not None:
            try:
                _allow(self._ruleset, allowed.executed, allowed.read)
            except BaseException:
                self._ruleset.close()
                raise

    def raise_(self, before_filter: Callable[[], None] = lambda: None) -> None:
        """Confine this thread for ever, and what it starts or executes. Raises OSError.

        `before_filter` is called when no more is opened, and before system calls are refused.
        """
        if self._filter is None and self._ruleset is None:
            before_filter()
            return
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        self._capabilities.give_up_all_but(DAC_READ_SEARCH)
        if self._ruleset is not None:
            for path in _OWN:
                self._ruleset.allow_where_there(path, READ_FILE)
            self._ruleset.enforce()
        before_filter()
        if self._filter is not None:
            self._filter.install()  # last: it refuses all of the above

    def __enter__(self) -> Wall:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._ruleset is not None:
            self._ruleset.close()


def _allow(ruleset: Ruleset, executed: Iterable[str], read: Iterable[str]) -> None:
    for path in executed:
        ruleset.allow(path, EXECUTE | READ_FILE)
    for path in read:
        ruleset.allow_where_there(path, READ_FILE | READ_DIR)
