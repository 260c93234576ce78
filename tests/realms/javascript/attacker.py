"""Stands in for a script that has broken out of the engine: a native program behind the very wall of the engine's process.

    python -m tests.realms.javascript.attacker WAY SECRET PROFILE [USER]

It raises the wall as the engine's process does, as the user with the id USER where that is given, and then tries what there
is to try. Attacks that end the process are a WAY of their own; the others are `all` and are told on standard output, each
with what came of it: "done", or the name of the error. SECRET is a file, PROFILE a folder, which it must not get at. The
WAYs `landlock` and `seccomp` are what each of the two refuses alone, and `free` tries some of it without the wall.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import mmap
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from swruntime.realms.javascript.confinement import kernel
from swruntime.realms.javascript.engine_files import EngineFiles, engine_files
from swruntime.realms.javascript.launch import DATA, MAIN, before_exec
from swruntime.realms.javascript.seccomp import this_machine
from swruntime.realms.javascript.wall import Kernel, Wall

Attack = Callable[[], object]

MACHINE = this_machine()
NUMBERS = {} if MACHINE is None else MACHINE.numbers
X86 = os.uname().machine == "x86_64"
LIBC = ctypes.CDLL(None, use_errno=True)
PARENT = os.getpid()
"""The attacker is a child of the process that this is imported in, as the engine's process is one of the runtime's."""
ABSTRACT = f"\0swruntime attacker {PARENT}"
"""An abstract Unix socket that the parent listens at."""
LAST_CALL = 512
"""System calls are numbered up to here, and some way on."""
PROBES = {335, 336} if X86 else set()
"""uretprobe and uprobe: the kernel asks no filter, and ends a process that calls them from elsewhere than its own trap."""

CALLS = {
    # name: (x86_64, aarch64, arguments)
    "io_uring_setup": (425, 425, (1, None)),
    "io_uring_enter": (426, 426, (0, 0, 0)),
    "io_uring_register": (427, 427, (0, 0, 0)),
    "bpf": (321, 280, (0, None, 0)),
    "perf_event_open": (298, 241, (None, 0, -1, -1, 0)),
    "userfaultfd": (323, 282, (0,)),
    "memfd_create": (319, 279, (b"x", 0)),
    "memfd_secret": (447, 447, (0,)),
    "add_key": (248, 217, (b"user", b"x", b"y", 1, -1)),
    "keyctl": (250, 219, (0, 0)),
    "mount": (165, 40, (b"none", b"/mnt", b"tmpfs", 0, None)),
    "umount2": (166, 39, (b"/mnt", 0)),
    "open_tree": (428, 428, (-100, b"/", 1)),
    "fsopen": (430, 430, (b"tmpfs", 0)),
    "move_mount": (429, 429, (-1, b"", -1, b"", 0)),
    "pivot_root": (155, 41, (b"/", b"/")),
    "chroot": (161, 51, (b"/",)),
    "unshare user": (272, 97, (0x10000000,)),
    "unshare network": (272, 97, (0x40000000,)),
    "setns": (308, 268, (0, 0)),
    "ptrace traceme": (101, 117, (0, 0, 0, 0)),
    "ptrace attach": (101, 117, (16, PARENT, 0, 0)),
    "ptrace seize": (101, 117, (0x4206, PARENT, 0, 0)),
    "process_vm_readv": (310, 270, (PARENT, None, 0, None, 0, 0)),
    "process_vm_writev": (311, 271, (PARENT, None, 0, None, 0, 0)),
    "process_madvise": (440, 440, (0, None, 0, 4, 0)),
    "kcmp": (312, 272, (PARENT, PARENT, 0, 0, 0)),
    "kill": (62, 129, (PARENT, 0)),
    "kill its group": (62, 129, (0, 0)),
    "tkill": (200, 130, (PARENT, 0)),
    "tgkill": (234, 131, (PARENT, PARENT, 0)),
    "rt_sigqueueinfo": (129, 138, (PARENT, 0, None)),
    "rt_tgsigqueueinfo": (297, 240, (PARENT, PARENT, 0, None)),
    "pidfd_open": (434, 434, (PARENT, 0)),
    "pidfd_send_signal": (424, 424, (0, 0, None, 0)),
    "pidfd_getfd": (438, 438, (0, 0, 0)),
    "clone, a process": (56, 220, (signal.SIGCHLD, None, None, None, None)),
    "clone, vfork": (56, 220, (0x4000 | 0x100 | signal.SIGCHLD, None, None, None, None)),
    "clone, a namespace": (56, 220, (0x10000000 | 0x7D0F00, None, None, None, None)),
    "clone, a sibling": (56, 220, (0x8000 | signal.SIGCHLD, None, None, None, None)),
    "clone3": (435, 435, (None, 0)),
    "execveat": (322, 281, (-100, b"/bin/sh", None, None, 0)),
    "prlimit of the parent": (302, 261, (PARENT, 7, None, None)),
    "setpriority of the parent": (141, 140, (0, PARENT, 19)),
    "sched_setaffinity of the parent": (203, 122, (PARENT, 8, b"\1" * 8)),
    "sched_setscheduler": (144, 119, (PARENT, 0, b"\0" * 8)),
    "ioprio_set": (251, 30, (1, PARENT, 0)),
    "migrate_pages": (256, 238, (PARENT, 0, None, None)),
    "setuid": (105, 146, (0,)),
    "setgid": (106, 144, (0,)),
    "setresuid": (117, 147, (0, 0, 0)),
    "setgroups": (116, 159, (0, None)),
    "capset": (126, 91, (None, None)),
    "setsid": (112, 157, ()),
    "setpgid": (109, 154, (0, PARENT)),
    "personality": (135, 92, (0x0400000,)),
    "init_module": (175, 105, (None, 0, b"")),
    "finit_module": (313, 273, (0, b"", 0)),
    "kexec_load": (246, 104, (0, 0, None, 0)),
    "reboot": (169, 142, (0, 0, 0, None)),
    "swapon": (167, 224, (b"/x", 0)),
    "syslog": (103, 116, (3, None, 0)),
    "acct": (163, 89, (None,)),
    "sethostname": (170, 161, (b"x", 1)),
    "settimeofday": (164, 170, (None, None)),
    "quotactl": (179, 60, (0, None, 0, None)),
    "fanotify_init": (300, 262, (0, 0)),
    "inotify_init1": (294, 26, (0,)),
    "name_to_handle_at": (303, 264, (-100, b"/etc/passwd", None, None, 0)),
    "open_by_handle_at": (304, 265, (-100, None, 0)),
    "openat2": (437, 437, (-100, b"/etc/passwd", None, 0)),
    "shmget": (29, 194, (0, 4096, 0o1600)),
    "msgget": (68, 186, (0, 0o1600)),
    "semget": (64, 190, (0, 1, 0o1600)),
    "mq_open": (240, 180, (b"x", 0o102, 0o600, None)),
    "splice": (275, 76, (0, None, 1, None, 1, 0)),
    "vmsplice": (278, 75, (1, None, 0, 0)),
    "sendfile": (40, 71, (1, 0, None, 1)),
    "copy_file_range": (326, 285, (0, None, 1, None, 1, 0)),
    "setitimer": (38, 103, (0, None, None)),
    "timer_create": (222, 107, (0, None, None)),
    "seccomp": (317, 277, (1, 0, None)),
    "landlock_create_ruleset": (444, 444, (None, 0, 1)),
    "remap_file_pages": (216, 234, (None, 0, 0, 0, 0)),
    "fallocate": (285, 47, (1, 0, 0, 1)),
    "ftruncate": (77, 46, (1, 0)),
    "flock": (73, 32, (1, 2)),
}
ONLY_X86 = {
    "fork": (57, ()),
    "vfork": (58, ()),
    "modify_ldt": (154, (0, None, 0)),
    "iopl": (172, (3,)),
    "ioperm": (173, (0, 1, 1)),
    "creat": (85, (b"/tmp/attacker", 0o600)),
}

PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
IOCTLS = {
    "TIOCSTI": 0x5412, "TIOCSCTTY": 0x540E, "TIOCLINUX": 0x541C, "TCSETS": 0x5402, "FIOASYNC": 0x5452,
    "FIOSETOWN": 0x8901, "FIBMAP": 1,
}  # fmt: skip
PRCTLS = {
    "PR_SET_PDEATHSIG": 1, "PR_SET_DUMPABLE": 4, "PR_SET_SECCOMP": 22, "PR_CAPBSET_DROP": 24,
    "PR_SET_SECUREBITS": 28, "PR_SET_MM": 35, "PR_SET_CHILD_SUBREAPER": 36, "PR_SET_PTRACER": 0x59616D61,
    "PR_CAP_AMBIENT": 47,
}  # fmt: skip


def call(number: int, *arguments: Any) -> int:
    ctypes.set_errno(0)
    converted = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(LIBC.syscall(ctypes.c_long(number), *converted))
    if result == -1:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def reads(path: object) -> Attack:
    def read() -> bytes:
        descriptor = os.open(str(path), os.O_RDONLY)
        try:
            return os.read(descriptor, 1)
        finally:
            os.close(descriptor)

    return read


def lists(path: object) -> Attack:
    return lambda: os.listdir(str(path))


def opens(path: object, flags: int) -> Attack:
    return lambda: os.close(os.open(str(path), flags, 0o600))


def named(name: str) -> Attack:
    x86_64, aarch64, arguments = CALLS[name]
    return lambda: call(x86_64 if X86 else aarch64, *arguments)


def sends(descriptor: int, address: bytes) -> None:
    call(NUMBERS["sendto"], descriptor, b"x", 1, 0, address, len(address))


def file_attacks(files: EngineFiles, secret: Path, profile: Path) -> Iterator[tuple[str, Attack]]:
    for path in (
        "/etc/passwd", "/etc/hostname", "/etc/ssl/openssl.cnf", secret, profile / "kept.sqlite3", sys.executable,
        os.__file__, MAIN.parent.parent / "deno.py", f"/proc/{PARENT}/environ", f"/proc/{PARENT}/mem",
        f"/proc/{PARENT}/maps", f"/proc/{PARENT}/cmdline", f"/proc/{PARENT}/status", "/proc/self/environ",
        "/proc/self/mem", "/proc/self/root/etc/passwd", "/proc/self/cwd/pyproject.toml", "/proc/1/cmdline", "/proc/kcore",
        "/proc/version", "/proc/net/tcp", "/sys/kernel/security/lsm", "/dev/mem", "/dev/kmsg", "/dev/random",
        f"{MAIN.parent}/../deno.py", f"/dev/fd/../../{PARENT}/environ",
    ):  # fmt: skip
        yield f"read {path}", reads(path)
    for path in ("/", "/etc", "/proc", "/proc/self/fd", f"/proc/{PARENT}/fd", "/tmp", profile, secret.parent):
        yield f"list {path}", lists(path)
    for link in ("exe", "cwd", "root", "fd/0", "ns/net"):
        yield f"read the link /proc/{PARENT}/{link}", lambda at=f"/proc/{PARENT}/{link}": os.readlink(at)  # type: ignore[misc]
    made = profile / "made"
    kept = profile / "kept.sqlite3"
    cache = files.cache or profile
    for flags, name in (
        (os.O_WRONLY, "write"),
        (os.O_RDWR, "read and write"),
        (os.O_WRONLY | os.O_APPEND, "append to"),
        (os.O_RDONLY | os.O_TRUNC, "truncate"),
        (3, "open for ioctl"),
    ):
        for path in (
            kept,
            secret,
            MAIN,
            cache / "engine.json",
            cache / "v8_code_cache_v2",
            "/dev/null",
            "/dev/shm",
        ):
            yield f"{name} {path}", opens(path, flags)
    for folder in (profile, cache, "/tmp", "/dev/shm", "/var/tmp", Path.home(), MAIN.parent):
        yield f"make a file in {folder}", opens(Path(folder) / "attacker", os.O_RDONLY | os.O_CREAT)
        yield f"make a nameless file in {folder}", opens(folder, os.O_TMPFILE | os.O_RDWR)
        yield f"make a folder in {folder}", lambda folder=folder: os.mkdir(Path(folder) / "attacker")  # type: ignore[misc]
    yield "unlink", lambda: os.unlink(kept)
    yield "unlink of the cache", lambda: os.unlink(cache / "v8_code_cache_v2")
    yield "rmdir", lambda: os.rmdir(profile)
    yield "rename", lambda: os.rename(kept, made)
    yield "link", lambda: os.link(kept, made)
    yield "symlink", lambda: os.symlink(kept, made)
    yield "chmod", lambda: os.chmod(kept, 0o777)
    yield "chmod of the cache", lambda: os.chmod(cache, 0o777)
    yield "chown", lambda: os.chown(kept, 0, 0)
    yield "truncate", lambda: os.truncate(kept, 0)
    yield "utime", lambda: os.utime(kept)
    yield "setxattr", lambda: os.setxattr(kept, "user.x", b"x")
    yield "mknod", lambda: os.mknod(made)
    yield "mkfifo", lambda: os.mkfifo(made)
    yield "chdir", lambda: os.chdir("/")
    yield "read from /dev/tty", opens("/dev/tty", os.O_RDONLY)
    yield "read and write /dev/tty", opens("/dev/tty", os.O_RDWR)
    yield "its own standard input, to write", opens("/dev/fd/0", os.O_WRONLY)


def socket_attacks() -> Iterator[tuple[str, Attack]]:
    families = {
        "AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16, "AF_PACKET": 17, "AF_ALG": 38, "AF_VSOCK": 40,
    }  # fmt: skip
    for name, family in families.items():
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            yield f"a socket {name} {kind.name}", lambda f=family, k=kind: socket.socket(f, k)  # type: ignore[misc]
    yield "a pair of datagram sockets", lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    yield "a pair of packet sockets", lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    yield "a pair of sockets of the internet", lambda: socket.socketpair(socket.AF_INET)
    ours, _theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    address = (1).to_bytes(2, "little") + b"/run/systemd/journal/dev-log\0"
    abstract = (1).to_bytes(2, "little") + b"\0/tmp/.X11-unix/X0"
    yield "sendto a path", lambda: sends(ours.fileno(), address)
    yield "sendto an abstract address", lambda: sends(ours.fileno(), abstract)
    yield "sendmsg", lambda: ours.sendmsg([b"x"])
    yield "send a descriptor", lambda: socket.send_fds(ours, [b"x"], [0])
    yield "recvmsg", lambda: ours.recvmsg(1, 100)
    yield "connect", lambda: ours.connect("/run/systemd/journal/stdout")
    yield "connect to an abstract address", lambda: ours.connect("\0/tmp/.X11-unix/X0")
    yield "bind", lambda: ours.bind("/tmp/attacker")
    yield "listen", lambda: ours.listen()
    yield "accept", lambda: ours.accept()
    yield "setsockopt", lambda: ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)


def process_attacks(files: EngineFiles) -> Iterator[tuple[str, Attack]]:
    for name in CALLS:
        yield name, named(name)
    if X86:
        for name, (number, rest) in ONLY_X86.items():
            yield name, lambda n=number, a=rest: call(n, *a)  # type: ignore[misc]
    yield "os.fork", os.fork
    yield "posix_spawn", lambda: os.posix_spawn("/bin/true", ["true"], {})
    for program in (
        "/bin/sh",
        "/usr/bin/env",
        sys.executable,
        "/proc/self/exe",
        f"/proc/{PARENT}/exe",
        str(MAIN),
    ):
        yield f"exec {program}", lambda p=program: os.execve(p, [p], {})  # type: ignore[misc]
    limit = (ctypes.c_uint64 * 2)(4096, 4096)
    for name, process in {"its own limit": 0, "a limit of the parent": PARENT}.items():
        yield f"set {name}", lambda p=process: call(NUMBERS["prlimit64"], p, 7, limit, None)  # type: ignore[misc]
    yield "read a limit of the parent", lambda: call(NUMBERS["prlimit64"], PARENT, 7, None, limit)
    reader, _ = os.pipe()
    yield "signals of a pipe to the parent", lambda: fcntl.fcntl(reader, fcntl.F_SETOWN, PARENT)
    yield "which signal", lambda: fcntl.fcntl(reader, fcntl.F_SETSIG, signal.SIGKILL)
    yield "a pipe of a megabyte", lambda: fcntl.fcntl(reader, 1031, 2**20)
    yield "a lease", lambda: fcntl.fcntl(reader, fcntl.F_SETLEASE, 1)
    for name, request in IOCTLS.items():
        yield f"ioctl {name}", lambda r=request: fcntl.ioctl(0, r, b"\0" * 64)  # type: ignore[misc]
    for name, option in PRCTLS.items():
        yield f"prctl {name}", lambda o=option: call(NUMBERS["prctl"], o, 0, 0, 0, 0)  # type: ignore[misc]


def memory_attacks() -> Iterator[tuple[str, Attack]]:
    """More than the limit."""
    yield "private", lambda: mmap.mmap(-1, DATA + 1, PRIVATE, 3)
    yield "shared, without a file", lambda: mmap.mmap(-1, 4096)
    yield "that grows down", lambda: mmap.mmap(-1, 4096, PRIVATE | 0x100, 3)


def all_calls() -> Iterator[tuple[str, Attack]]:
    """Every number that has no business here, without looking at what it means."""
    for number in sorted(set(range(LAST_CALL)) - set(NUMBERS.values()) - PROBES):
        yield f"call {number}", lambda n=number: call(n, -1, -1, -1, -1, -1, -1)  # type: ignore[misc]


def needed() -> Iterator[tuple[str, Attack]]:
    """What the engine does, and what must go on working."""
    yield "a thread", lambda: threading.Thread(target=os.getpid).start()
    yield "random numbers", lambda: os.getrandom(8)
    yield "its own maps", reads("/proc/self/maps")
    yield "the realm's JavaScript", reads(MAIN)
    yield "the memory of the machine", reads("/proc/meminfo")
    yield "a pipe", os.pipe
    yield "its limits", lambda: resource.getrlimit(resource.RLIMIT_NOFILE)
    yield "a signal to itself", lambda: signal.raise_signal(signal.SIGURG)
    yield "memory that is code", lambda: mmap.mmap(-1, 4096, PRIVATE, 7).close()


def known() -> Iterator[tuple[str, Attack]]:
    """What cannot be refused: Landlock has no right for it."""
    yield "the status of a file", lambda: os.stat("/etc/passwd")


def free(secret: Path) -> Iterator[tuple[str, Attack]]:
    """What is refused behind the wall, and is not without it."""
    yield "read a secret", reads(secret)
    yield "read the parent's environment", reads(f"/proc/{PARENT}/environ")
    yield "make a file", opens(secret.parent / "attacker", os.O_RDONLY | os.O_CREAT)
    yield "a socket", lambda: socket.socket().close()
    yield "a pair of datagram sockets", lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for name in ("memfd_create", "pidfd_open", "kill", "tkill", "inotify_init1"):
        yield name, named(name)


def tried(attacks: Iterator[tuple[str, Attack]]) -> dict[str, str]:
    found = {}
    for name, attack in attacks:
        try:
            attack()
        except OSError as error:
            found[name] = errno.errorcode.get(error.errno or 0, str(error.errno))
        else:
            found[name] = "done"
    return found


def machine_code(code: bytes) -> None:
    """Run it."""
    page = mmap.mmap(-1, 4096, PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()


ENDINGS: dict[str, Callable[[EngineFiles], object]] = {
    "int 0x80": lambda _: machine_code(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"),  # getpid of i386
    "x32": lambda _: call(0x40000000 | 39),  # getpid of x32
    "the loader": lambda files: os.execve(
        loader := next(each for each in files.libraries if Path(each).name.startswith("ld")),
        [loader, "/bin/sh", "-c", "echo done"],
        {},
    ),
    "the engine": lambda files: os.execve(
        files.program,
        [files.program, "eval", "--no-lock", "Deno.readTextFileSync('/etc/passwd'); console.log('done')"],
        {"NO_COLOR": "1", "DENO_DIR": "/dev/null/x"},
    ),
}
"""Ways that end the process, or make it another."""


def by_landlock(files: EngineFiles, secret: Path, profile: Path) -> Iterator[tuple[str, Attack]]:
    """What Landlock refuses without a filter. Modes, owners and times of files are not its business, nor descriptors
    that can neither be read nor written.
    """
    for name, each in file_attacks(files, secret, profile):
        if (
            name.split()[0] not in ("chmod", "chown", "utime", "setxattr", "chdir", "open")
            and "/dev/" not in name
        ):
            yield name, each
    for name in ("kill", "tkill", "tgkill", "ptrace attach", "ptrace seize", "kcmp"):
        yield name, named(name)
    stream, unix = socket.socket(), socket.socket(socket.AF_UNIX)
    with_abstract_name = socket.socket(socket.AF_UNIX)
    yield "connect over TCP", lambda: stream.connect(("127.0.0.1", 9))
    yield "bind over TCP", lambda: stream.bind(("127.0.0.1", 0))
    yield "connect to an abstract socket of the parent's", lambda: unix.connect(ABSTRACT)
    yield "a socket at a path", lambda: with_abstract_name.bind(str(profile / "socket"))
    for program in ("/bin/sh", sys.executable, "/proc/self/exe"):
        yield f"exec {program}", lambda p=program: os.execve(p, [p], {})  # type: ignore[misc]
    for name in ("mount", "umount2", "chroot"):  # for want of capabilities
        yield name, named(name)


def by_seccomp(files: EngineFiles, secret: Path, profile: Path) -> Iterator[tuple[str, Attack]]:
    """What the filter refuses without Landlock: all but to read, to list, and to execute."""
    for name, each in file_attacks(files, secret, profile):
        if name.split()[0] not in ("read", "list") or name.startswith("read and write"):
            yield name, each
    yield from socket_attacks()
    for name, each in process_attacks(files):
        if not name.startswith("exec "):
            yield name, each
    yield from memory_attacks()


def main(way: str, secret: str, profile: str, user: str = "") -> int:
    """Answers with the attacker's exit status, negative where a signal has ended it."""
    if user:
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    files = engine_files()
    answers, _ = os.pipe()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(ABSTRACT)
    listening.listen()
    has = {"landlock": Kernel(kernel().landlock, False), "seccomp": Kernel(0, True), "free": Kernel(0, False)}
    with Wall(has.get(way, kernel()), files.allowed) as wall:
        prepare = before_exec(answers, wall)
        attacker = os.fork()
        if attacker == 0:
            os.setsid()  # as `start_new_session` does
            prepare()
            attack(way, files, Path(secret), Path(profile))
            os._exit(0)
        _, status = os.waitpid(attacker, 0)
    return os.waitstatus_to_exitcode(status)


def attack(way: str, files: EngineFiles, secret: Path, profile: Path) -> None:
    rooms = {"landlock": by_landlock, "seccomp": by_seccomp, "free": lambda *_: free(secret)}
    if way in ENDINGS:
        ENDINGS[way](files)
        os.write(1, b"done\n")
        return
    found = (
        {way: tried(rooms[way](files, secret, profile))}
        if way in rooms
        else {
            "files": tried(file_attacks(files, secret, profile)),
            "sockets": tried(socket_attacks()),
            "processes": tried(process_attacks(files)),
            "memory": tried(memory_attacks()),
            "calls": tried(all_calls()),
            "needed": tried(needed()),
            "known": tried(known()),
        }
    )
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.stdout.write(f"\n{main(*sys.argv[1:])}")
