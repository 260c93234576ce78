"""The filter of system calls, run as the kernel would run it, for machines that this one need not be."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import attrs
import pytest
from hypothesis import given, strategies as st

from swruntime.realms.javascript.seccomp import (
    ALLOW,
    KILL_PROCESS,
    MACHINES,
    REFUSE,
    Filter,
    Instruction,
    program,
)
from swruntime.realms.javascript.system_calls import AARCH64, X86_64

NOT_THERE = 0x00050000 | 38
PROCESS = 4321
WORD = 0xFFFFFFFF
WIDE = st.integers(0, 2**64 - 1)

MACHINE = pytest.mark.parametrize("machine", sorted(MACHINES))


@attrs.frozen
class Call:
    number: int
    arguments: tuple[int, ...] = ()
    architecture: int | None = None

    def word(self, offset: int, architecture: int) -> int:
        """A word of struct seccomp_data, little-endian."""
        if offset == 0:
            return self.number & WORD
        if offset == 4:
            return architecture if self.architecture is None else self.architecture
        index, half = divmod(offset - 16, 8)
        assert half in (0, 4)
        assert 0 <= index < 6
        value = self.arguments[index] if index < len(self.arguments) else 0
        return (value & (2**64 - 1)) >> (8 * half) & WORD


def verdict(instructions: list[Instruction], call: Call, architecture: int) -> int:
    """What a kernel's BPF machine answers."""
    accumulator, at = 0, 0
    while True:
        code, then, otherwise, k = instructions[at]
        at += 1
        if code == 0x06:
            return k
        if code == 0x20:
            accumulator = call.word(k, architecture)
        elif code == 0x54:
            accumulator &= k
        else:
            holds = {0x15: accumulator == k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}[code]
            at += then if holds else otherwise


def ask(machine: str, name: str, *arguments: int) -> int:
    made = MACHINES[machine]
    call = Call(made.numbers[name], arguments)
    return verdict(program(made, PROCESS), call, made.architecture)


@MACHINE
def test_a_jump_leads_to_an_instruction(machine: str) -> None:
    instructions = program(MACHINES[machine], PROCESS)
    assert len(instructions) < 4096
    assert instructions[-1].code == 0x06
    for at, each in enumerate(instructions):
        assert 0 <= each.then <= 255
        assert 0 <= each.otherwise <= 255
        assert at + 1 + max(each.then, each.otherwise) < len(instructions) or each.code == 0x06


@MACHINE
def test_a_call_that_is_not_in_the_table_is_refused(machine: str) -> None:
    made = MACHINES[machine]
    instructions = program(made, PROCESS)
    for number in set(range(1024)) - set(made.numbers.values()):
        assert verdict(instructions, Call(number, (1, 1, 1, 1, 1, 1)), made.architecture) == REFUSE


@MACHINE
@given(number=st.integers(0, WORD), architecture=st.integers(0, WORD))
def test_another_architecture_is_the_end(machine: str, number: int, architecture: int) -> None:
    made = MACHINES[machine]
    if architecture != made.architecture:
        call = Call(number, architecture=architecture)
        assert verdict(program(made, PROCESS), call, made.architecture) == KILL_PROCESS


@MACHINE
@given(number=st.integers(0x40000000, WORD))
def test_numbers_of_x32_are_the_end(machine: str, number: int) -> None:
    made = MACHINES[machine]
    assert verdict(program(made, PROCESS), Call(number), made.architecture) == KILL_PROCESS


READ_ONLY = 0o2000000  # O_RDONLY | O_CLOEXEC


@MACHINE
@given(flags=WIDE)
def test_files_are_opened_to_read_only(machine: str, flags: int) -> None:
    # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, __O_TMPFILE; the kernel looks at 32 bits
    writes = flags & (1 | 2 | 0o100 | 0o1000 | 0o20000000)
    expected = REFUSE if writes else ALLOW
    assert ask(machine, "openat", 1, 2, flags) == expected
    if machine == "x86_64":
        assert ask(machine, "open", 1, flags) == expected
    assert ask(machine, "openat", 1, 2, READ_ONLY) == ALLOW


THREAD = 0x3D0F00
"""What glibc starts a thread with."""
DETACHED = 0x400000


@MACHINE
@given(flags=WIDE)
def test_only_threads_are_started(machine: str, flags: int) -> None:
    ordinary = flags & WORD
    allowed = ordinary & 0x10000 and not ordinary & ~(THREAD | DETACHED)
    assert ask(machine, "clone", flags) == (ALLOW if allowed else REFUSE)


@MACHINE
def test_what_starts_a_thread_and_what_does_not(machine: str) -> None:
    assert ask(machine, "clone", THREAD) == ALLOW
    assert ask(machine, "clone", THREAD | DETACHED) == ALLOW
    assert ask(machine, "clone3", 0, 0) == NOT_THERE
    for namespace in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80):
        assert ask(machine, "clone", THREAD | namespace) == REFUSE
    for flags in (
        0,
        signal.SIGCHLD,
        0x4100 | signal.SIGCHLD,
        THREAD & ~0x10000,
        THREAD | 0x2000,
        THREAD | 0x8000,
    ):
        assert ask(machine, "clone", flags) == REFUSE


@MACHINE
@given(process=WIDE, thread=WIDE)
def test_signals_go_to_itself(machine: str, process: int, thread: int) -> None:
    expected = ALLOW if process & WORD == PROCESS else REFUSE
    assert ask(machine, "tgkill", process, thread, 9) == expected
    assert ask(machine, "tgkill", PROCESS, thread, 6) == ALLOW


@MACHINE
@given(process=WIDE, new=WIDE)
def test_limits_are_its_own_and_read_only(machine: str, process: int, new: int) -> None:
    expected = ALLOW if process & WORD == 0 and new == 0 else REFUSE
    assert ask(machine, "prlimit64", process, 7, new, 1) == expected
    assert ask(machine, "prlimit64", 0, 7, new, 1) == (REFUSE if new else ALLOW)
    assert ask(machine, "prlimit64", 0, 7, 0, 1) == ALLOW
    assert ask(machine, "prlimit64", 0, 7, 1 << 32, 1) == REFUSE


@MACHINE
@given(address=WIDE)
def test_nothing_is_sent_to_an_address(machine: str, address: int) -> None:
    assert ask(machine, "sendto", 3, 1, 1, 0, address, 16) == (REFUSE if address else ALLOW)
    assert ask(machine, "sendto", 3, 1, 1, 0, 1 << 40, 16) == REFUSE
    assert ask(machine, "sendto", 3, 1, 1, 0, 0, 0) == ALLOW


@MACHINE
def test_a_pair_of_sockets_is_a_stream_to_itself(machine: str) -> None:
    cloexec, nonblock = 0o2000000, 0o4000
    assert ask(machine, "socketpair", 1, 1 | cloexec | nonblock, 0, 1) == ALLOW
    for family, kind in ((1, 2), (1, 5), (1, 3), (2, 1), (10, 1), (1, 2 | cloexec)):
        assert ask(machine, "socketpair", family, kind, 0, 1) == REFUSE


@MACHINE
@given(flags=WIDE)
def test_memory_is_what_the_limit_counts(machine: str, flags: int) -> None:
    shared_without_file = flags & 1 and flags & 0x20
    expected = REFUSE if shared_without_file or flags & 0x100 else ALLOW
    assert ask(machine, "mmap", 0, 4096, 3, flags, -1, 0) == expected


@MACHINE
@given(option=st.integers(0, WORD))
def test_prctl_fcntl_and_ioctl_have_lists(machine: str, option: int) -> None:
    assert ask(machine, "prctl", option) == (ALLOW if option in (15, 16, 0x53564D41) else REFUSE)
    fcntl = (0, 1, 2, 3, 4, 5, 6, 7, 1030, 1032)
    assert ask(machine, "fcntl", 3, option) == (ALLOW if option in fcntl else REFUSE)
    ioctl = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
    assert ask(machine, "ioctl", 3, option) == (ALLOW if option in ioctl else REFUSE)


@MACHINE
def test_lists_hold_in_every_place(machine: str) -> None:
    for name, index, values in (
        ("prctl", 0, (15, 16, 0x53564D41)),
        ("fcntl", 1, (0, 1, 2, 3, 4, 5, 6, 7, 1030, 1032)),
        ("ioctl", 1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),
    ):
        for value in values:
            assert ask(machine, name, *[0] * index, value) == ALLOW
    for option in (1, 4, 22, 35, 36):  # PR_SET_PDEATHSIG first of all
        assert ask(machine, "prctl", option) == REFUSE
    for command in (
        8,
        10,
        1024,
        1025,
        1031,
        1033,
    ):  # F_SETOWN, F_SETSIG, F_SETLEASE, F_NOTIFY, F_SETPIPE_SZ, F_ADD_SEALS
        assert ask(machine, "fcntl", 3, command) == REFUSE
    for request in (
        0x5412,
        0x541C,
        0x540E,
        0x8901,
        0x5452,
    ):  # TIOCSTI, TIOCLINUX, TIOCSCTTY, FIOSETOWN, FIOASYNC
        assert ask(machine, "ioctl", 0, request) == REFUSE


FORBIDDEN = """
    socket bind connect listen accept accept4 sendmsg recvmsg sendmmsg recvmmsg setsockopt fork vfork ptrace process_vm_readv
    process_vm_writev io_uring_setup io_uring_enter io_uring_register bpf mount umount2 unshare setns memfd_create
    memfd_secret kill tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_send_signal pidfd_getfd mkdir mkdirat unlink
    unlinkat rename renameat renameat2 link linkat symlink symlinkat chmod fchmod fchmodat chown fchown fchownat truncate
    ftruncate openat2 creat execveat userfaultfd perf_event_open keyctl add_key setuid setgid setresuid capset chroot
    pivot_root seccomp shmget msgget semget splice vmsplice sendfile copy_file_range pwrite64 pwritev inotify_init1
"""


@pytest.mark.parametrize("table", [X86_64, AARCH64], ids=["x86_64", "aarch64"])
def test_nothing_that_reaches_others_is_in_a_table(table: dict[str, int]) -> None:
    assert set(FORBIDDEN.split()) & set(table) == set()
    assert len(set(table.values())) == len(table)


def test_the_tables_have_the_same_calls_but_for_those_that_only_x86_64_has() -> None:
    assert set(X86_64) - set(AARCH64) == {
        "open", "stat", "lstat", "access", "readlink", "poll", "epoll_wait", "arch_prctl", "time",
    }  # fmt: skip
    assert set(AARCH64) - set(X86_64) == set()


HEADERS = {
    "x86_64": ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", X86_64),
    "aarch64": ("/usr/include/asm-generic/unistd.h", AARCH64),
}


@MACHINE
def test_the_numbers_are_the_kernels(machine: str) -> None:
    header, table = HEADERS[machine]
    if not Path(header).exists():
        pytest.skip(f"there is no {header} here")
    text = Path(header).read_text()
    found = dict(re.findall(r"#define (__NR\w+)\s+(\w+)", text))
    for name, number in table.items():
        value = found[f"__NR_{name}"]
        while not value.isdigit():
            value = found[value]
        assert int(value) == number, name


@MACHINE
def test_the_process_has_its_place_in_a_filter(machine: str) -> None:
    """It is made before the process is there, and knows where its id goes: to `tgkill`, and nowhere else."""
    made = MACHINES[machine]
    assert len(Filter(made)._places) == 1
    differs = [
        at
        for at, (one, other) in enumerate(zip(program(made, 1000), program(made, 1001), strict=True))
        if one != other
    ]
    assert differs == Filter(made)._places
