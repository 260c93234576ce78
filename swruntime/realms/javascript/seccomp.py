"""seccomp: the system calls that the engine may make, and with which arguments. Every other one fails with EPERM.

A filter is a program of the kernel's classic BPF, which sees a call's number, the machine's architecture and the six
arguments, and nothing that these point at. It stays for good, also over an exec.

What is let through, and no more: computing, threads of its own, reading what is open, opening to read, writing to what
is open. `execve` is among it, because the filter is there before the engine is executed: what may be executed is for
Landlock to say. Arguments are looked at where a call could do more than is meant:

- `open`, `openat`: to read only, nothing is made or cut.
- `clone`: threads of this process only. `clone3` has its flags in memory, unseen: ENOSYS, and glibc takes `clone`.
- `tgkill`: threads of this process only; `prlimit64`: to read its own limits.
- `prctl`: names of threads and of memory. The signal that ends it with the runtime stays.
- `fcntl`, `ioctl`: what files and pipes need; F_SETOWN could send signals to others, TIOCSTI type into a terminal.
- `socketpair`, `sendto`: a stream to itself; a datagram could be addressed to any other socket.
- `mmap`: memory that the limit counts; shared memory without a file, and what grows as a stack does, it would not.

A call by another architecture's numbers (32 bits, x32) ends the process.

Spec: https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from typing import NamedTuple

from swruntime.realms.javascript import linux
from swruntime.realms.javascript.system_calls import AARCH64, X86_64, Numbers

MODE_FILTER = 2

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
REFUSE = _ERRNO | errno.EPERM
_NOT_THERE = _ERRNO | 38
"""ENOSYS, which is 38 in every table here, whatever this Python runs on."""

_LOAD, _AND, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE = 0, 4
_X32 = 0x40000000
"""From here on the numbers on x86_64 are those of x32."""

_WRITES = 0o3 | 0o100 | 0o1000 | 0o20000000
"""Flags of open: O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_TMPFILE."""
_THREAD = 0x10000
_THREAD_FLAGS = 0x7D0F00
"""What glibc and musl start a thread with: CLONE_VM | FS | FILES | SIGHAND | THREAD | SYSVSEM | SETTLS |
PARENT_SETTID | CHILD_CLEARTID | DETACHED. Not among it: namespaces, processes, vfork."""
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 1030, 1032)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_DUPFD_CLOEXEC, F_GETPIPE_SZ."""
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX."""
_PRCTL = (15, 16, 0x53564D41)
"""PR_SET_NAME, PR_GET_NAME, PR_SET_VMA."""
_SHARED_WITHOUT_FILE, _GROWS_DOWN = 0x21, 0x100
"""MAP_SHARED and MAP_ANONYMOUS; MAP_GROWSDOWN."""
_AF_UNIX, _SOCK_STREAM, _SOCKET_TYPE = 1, 1, 0xF


class Instruction(NamedTuple):
    code: int
    then: int
    otherwise: int
    k: int


class Machine(NamedTuple):
    """What a filter is made for."""

    architecture: int
    """As the kernel's audit names it."""
    numbers: Numbers


MACHINES = {"x86_64": Machine(0xC000003E, X86_64), "aarch64": Machine(0xC00000B7, AARCH64)}


def this_machine() -> Machine | None:
    """What this process runs on; None where there is no table of its calls."""
    if sys.platform != "linux" or sys.maxsize < 2**32:
        return None
    return MACHINES.get(os.uname().machine)


_Check = list[Instruction]
"""Goes on behind itself where it holds, and refuses the call where not."""


def _argument(index: int, *, high: bool = False) -> Instruction:
    """Load half of an argument; both machines are little-endian."""
    return Instruction(_LOAD, 0, 0, 16 + 8 * index + 4 * high)


def _no_bits(index: int, bits: int) -> _Check:
    return [_argument(index), Instruction(_ANY_BIT, 0, 1, bits), Instruction(_RETURN, 0, 0, REFUSE)]


def _some_bit(index: int, bits: int) -> _Check:
    return [_argument(index), Instruction(_ANY_BIT, 1, 0, bits), Instruction(_RETURN, 0, 0, REFUSE)]


def _not_all_bits(index: int, bits: int) -> _Check:
    return [
        _argument(index),
        Instruction(_AND, 0, 0, bits),
        Instruction(_EQUAL, 0, 1, bits),
        Instruction(_RETURN, 0, 0, REFUSE),
    ]


def _one_of(index: int, values: tuple[int, ...], mask: int = 0xFFFFFFFF) -> _Check:
    tests = [Instruction(_EQUAL, len(values) - i, 0, value) for i, value in enumerate(values)]
    return [
        _argument(index),
        Instruction(_AND, 0, 0, mask),
        *tests,
        Instruction(_RETURN, 0, 0, REFUSE),
    ]


def _null(index: int) -> _Check:
    """Of a pointer: both halves."""
    high = [_argument(index, high=True), Instruction(_EQUAL, 1, 0, 0), Instruction(_RETURN, 0, 0, REFUSE)]
    return [*_one_of(index, (0,)), *high]


def _checks(process: int) -> dict[str, list[_Check]]:
    return {
        "open": [_no_bits(1, _WRITES)],
        "openat": [_no_bits(2, _WRITES)],
        "clone": [_no_bits(0, 0xFFFFFFFF & ~_THREAD_FLAGS), _some_bit(0, _THREAD)],
        "tgkill": [_one_of(0, (process,))],
        "prlimit64": [_one_of(0, (0,)), _null(2)],
        "prctl": [_one_of(0, _PRCTL)],
        "fcntl": [_one_of(1, _FCNTL)],
        "ioctl": [_one_of(1, _IOCTL)],
        "socketpair": [_one_of(0, (_AF_UNIX,)), _one_of(1, (_SOCK_STREAM,), _SOCKET_TYPE)],
        "sendto": [_null(4)],
        "mmap": [_not_all_bits(3, _SHARED_WITHOUT_FILE), _no_bits(3, _GROWS_DOWN)],
    }


def program(machine: Machine, process: int) -> list[Instruction]:
    """The filter of the process with the id `process`."""
    checks = _checks(process)
    instructions = [
        Instruction(_LOAD, 0, 0, _ARCHITECTURE),
        Instruction(_EQUAL, 1, 0, machine.architecture),
        Instruction(_RETURN, 0, 0, KILL_PROCESS),
        Instruction(_LOAD, 0, 0, _NUMBER),
        Instruction(_AT_LEAST, 0, 1, _X32),
        Instruction(_RETURN, 0, 0, KILL_PROCESS),
    ]
    for name, number in machine.numbers.items():
        verdict = _NOT_THERE if name == "clone3" else ALLOW
        body = [each for check in checks.get(name, []) for each in check]
        body.append(Instruction(_RETURN, 0, 0, verdict))
        instructions += [Instruction(_EQUAL, 0, len(body), number), *body]
    return [*instructions, Instruction(_RETURN, 0, 0, REFUSE)]


class _SockFilter(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("then", ctypes.c_uint8),
        ("otherwise", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class _SockFprog(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_SockFilter)))


_ANY_PROCESS = 0x7FFFFFFF
"""Stands where the id of a process is not known yet; no process has it."""


class Filter:
    """A filter that is ready to be installed by a process that is yet to be forked. It must be kept until then."""

    def __init__(self, machine: Machine) -> None:
        instructions = program(machine, _ANY_PROCESS)
        self._places = [i for i, each in enumerate(instructions) if each.k == _ANY_PROCESS]
        self._array = (_SockFilter * len(instructions))(*(_SockFilter(*each) for each in instructions))
        self._program = _SockFprog(len(instructions), self._array)
        self._reference = ctypes.byref(self._program)

    def install(self) -> None:
        """On this thread, and on what it starts or executes. It must have given up new privileges. Raises OSError.

        In a process of its own, whose memory the id is written to.
        """
        process = os.getpid()
        for place in self._places:
            self._array[place].k = process
        linux.prctl(linux.PR_SET_SECCOMP, MODE_FILTER, self._reference)
