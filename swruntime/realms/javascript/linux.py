"""System calls that Python has no functions for, by ctypes. Nothing of Linux is looked up elsewhere."""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38

CLOSE_RANGE = 436
"""The number of close_range: the same on every machine, as of all calls since Linux 5.1."""
_CLOSE_RANGE_CLOEXEC = 4
_ALL = 0xFFFFFFFF

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
for _name in ("syscall", "prctl", "capget", "capset") if _libc is not None else ():
    getattr(_libc, _name)  # now, so that nothing is looked up between a fork and an exec


def system_call(number: int, *arguments: object) -> int:
    """Make a system call; integers go as longs. Raises OSError where it fails, ENOSYS anywhere but on Linux."""
    if _libc is None:
        raise OSError(38, "not Linux")
    result = _libc.syscall(
        ctypes.c_long(number), *(ctypes.c_long(each) if isinstance(each, int) else each for each in arguments)
    )
    return _checked(result)


def prctl(option: int, argument: object = 0, *further: object) -> int:
    """prctl(2). Raises OSError where it fails, ENOSYS anywhere but on Linux."""
    if _libc is None:
        raise OSError(38, "not Linux")
    arguments = (argument, *further, 0, 0, 0)[:4]
    result = _libc.prctl(
        option, *(ctypes.c_ulong(each) if isinstance(each, int) else each for each in arguments)
    )
    return _checked(result)


def capget(header: object, data: object) -> None:
    """Raises OSError, ENOSYS anywhere but on Linux."""
    if _libc is None:
        raise OSError(38, "not Linux")
    _checked(_libc.capget(header, data))


def capset(header: object, data: object) -> None:
    """Raises OSError, ENOSYS anywhere but on Linux."""
    if _libc is None:
        raise OSError(38, "not Linux")
    _checked(_libc.capset(header, data))


def _checked(result: int) -> int:
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def close_all_at_exec(first: int) -> None:
    """No descriptor from `first` on gets to the program that is executed next, however it was opened.

    Raises OSError where the kernel has no such call (before Linux 5.11).
    """
    system_call(CLOSE_RANGE, first, _ALL, _CLOSE_RANGE_CLOEXEC)
