"""Landlock: a process gives up all rights to files, but for those that its rules name, and for ever.

What is given up is all that the kernel's version of Landlock knows: every right to files and folders, TCP, abstract
Unix sockets of others, signals to others. Looking at a file's status and following a path cannot be given up.

Spec: https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import stat
from contextlib import suppress

from swruntime.realms.javascript import linux

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1

EXECUTE = 1 << 0
READ_FILE = 1 << 2
READ_DIR = 1 << 3
_FILE_RIGHTS = EXECUTE | READ_FILE

_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights to files there are, from a version on."""
_BIND_AND_CONNECT_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11
_TCP_SINCE, _SCOPES_SINCE = 4, 6


class _Handled(ctypes.Structure):
    """struct landlock_ruleset_attr. An older kernel takes a longer one, as long as the rest is zeros."""

    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    """struct landlock_path_beneath_attr, which is packed: the kernel reads twelve bytes."""

    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Landlock's version in this kernel (its ABI); 0 where it has none, or it is not to be had."""
    try:
        return linux.system_call(CREATE_RULESET, None, 0, _VERSION)
    except OSError:
        return 0


class Ruleset:
    """What a process may still do. It is made where memory may be allocated, and enforced by the process itself."""

    def __init__(self, version: int) -> None:
        """Raises OSError."""
        rights = max(count for since, count in _RIGHTS.items() if since <= version)
        handled = _Handled(
            fs=(1 << rights) - 1,
            net=_BIND_AND_CONNECT_TCP if version >= _TCP_SINCE else 0,
            scoped=_ABSTRACT_SOCKETS_AND_SIGNALS if version >= _SCOPES_SINCE else 0,
        )
        self._descriptor = linux.system_call(CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0)

    def allow(self, path: str, rights: int) -> None:
        """Allow `rights` to a file, or to all that is below a folder. Raises OSError."""
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
                rights &= _FILE_RIGHTS
            beneath = _PathBeneath(allowed=rights, parent=descriptor)
            linux.system_call(ADD_RULE, self._descriptor, _PATH_BENEATH, ctypes.byref(beneath), 0)
        finally:
            os.close(descriptor)

    def allow_where_there(self, path: str, rights: int) -> None:
        """As `allow`; what is not there, or not to be had, needs no rule. Raises OSError."""
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            self.allow(path, rights)

    def enforce(self) -> None:
        """On this thread, and on what it starts or executes. It must have given up new privileges. Raises OSError."""
        linux.system_call(RESTRICT_SELF, self._descriptor, 0)

    def close(self) -> None:
        os.close(self._descriptor)
