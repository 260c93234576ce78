"""A kernel that has less: runs a program for which Landlock, or seccomp, or both are as though they were not there.

    python -m tests.realms.javascript.less_kernel landlock,seccomp PROGRAM ARGUMENT...

The program cannot tell: a filter answers its system calls as a kernel without these would.
"""

from __future__ import annotations

import ctypes
import os
import sys

from swruntime.realms.javascript import linux
from swruntime.realms.javascript.seccomp import ALLOW, MODE_FILTER, Instruction, this_machine

_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER, _FIRST_ARGUMENT = 0, 16
_NOT_THERE, _INVALID = 0x00050000 | 38, 0x00050000 | 22
_LANDLOCK = (444, 445, 446)


def take_away(*parts: str) -> None:
    """From this process, and from all that it starts."""
    machine = this_machine()
    assert machine is not None
    filter = [Instruction(_LOAD, 0, 0, _NUMBER)]
    if "landlock" in parts:
        for call in _LANDLOCK:
            filter += [Instruction(_EQUAL, 0, 1, call), Instruction(_RETURN, 0, 0, _NOT_THERE)]
    if "seccomp" in parts:
        filter += [
            Instruction(_EQUAL, 0, 3, machine.numbers["prctl"]),
            Instruction(_LOAD, 0, 0, _FIRST_ARGUMENT),
            Instruction(_EQUAL, 0, 1, linux.PR_SET_SECCOMP),
            Instruction(_RETURN, 0, 0, _INVALID),
        ]
    filter.append(Instruction(_RETURN, 0, 0, ALLOW))
    text = b"".join(
        each.code.to_bytes(2, "little") + bytes((each.then, each.otherwise)) + each.k.to_bytes(4, "little")
        for each in filter
    )
    buffer = ctypes.create_string_buffer(text, len(text))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.prctl(
        linux.PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(Program(len(filter), ctypes.addressof(buffer)))
    )


if __name__ == "__main__":
    take_away(*sys.argv[1].split(","))
    os.execvp(sys.argv[2], sys.argv[2:])
