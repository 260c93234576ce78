"""What the engine's process is started with, and what confines it: with all that a kernel can have, and with less."""

from __future__ import annotations

import errno
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swruntime.errors import NotConfined, NotSupportedError, UsageError
from swruntime.realms.javascript import confinement, deno, landlock, launch, linux
from swruntime.realms.javascript.confinement import by_what, kernel, missing
from swruntime.realms.javascript.deno import start_process
from swruntime.realms.javascript.engine_files import engine_files
from swruntime.realms.javascript.wall import Allowed, Kernel, Wall

pytest.importorskip("deno")

ROOT = Path(__file__).parents[3]
PATIENCE = 120
READY = b'"ready"'

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
WHOLE = pytest.mark.skipif(missing(kernel()) is not None, reason="needs a kernel with Landlock and seccomp")


@pytest.fixture
def fresh() -> Iterator[None]:
    """What this kernel has is found out anew, also by the next test."""
    kernel.cache_clear()
    yield
    kernel.cache_clear()


@pytest.mark.parametrize(
    ("has", "text", "whole"),
    [
        (Kernel(7, True), "by Landlock and seccomp", True),
        (Kernel(1, True), "by Landlock and seccomp", True),
        (Kernel(0, True), "by seccomp only", False),
        (Kernel(7, False), "by Landlock only", False),
        (Kernel(0, False), "by the engine's own permissions only", False),
    ],
)
def test_what_confines_scripts_in_words(
    has: Kernel, text: str, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confinement, "kernel", lambda: has)
    assert by_what(has) == text
    assert (missing(has) is None) == whole
    if whole:
        confinement.require()
        return
    with pytest.raises(NotConfined, match=text) as raised:
        confinement.require()
    assert isinstance(raised.value, UsageError)
    assert "\n" not in str(raised.value)


def test_where_there_is_only_seccomp_programs_can_be_run() -> None:
    assert "programs can be run" in str(missing(Kernel(0, True)))


class Without:
    """Calls of the kernel, of which some fail as they would where they are not there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, landlock: int | None, seccomp: int | None) -> None:
        self._landlock, self._seccomp = landlock, seccomp
        self._system_call, self._prctl = linux.system_call, linux.prctl
        monkeypatch.setattr(linux, "system_call", self.system_call)
        monkeypatch.setattr(linux, "prctl", self.prctl)

    def system_call(self, number: int, *arguments: object) -> int:
        if number in (444, 445, 446) and self._landlock is not None:
            raise OSError(self._landlock, "injected")
        return self._system_call(number, *arguments)

    def prctl(self, option: int, *arguments: object) -> int:
        if option == linux.PR_SET_SECCOMP and self._seccomp is not None:
            raise OSError(self._seccomp, "injected")
        return self._prctl(option, *arguments)


@WHOLE
@pytest.mark.parametrize("why", [errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM])
def test_a_kernel_without_landlock(why: int, fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    Without(monkeypatch, landlock=why, seccomp=None)
    assert kernel() == Kernel(0, True)


@WHOLE
@pytest.mark.parametrize("why", [errno.EINVAL, errno.EPERM, errno.EACCES])
def test_a_kernel_without_seccomp(why: int, fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    Without(monkeypatch, landlock=None, seccomp=why)
    assert kernel() == Kernel(landlock.version(), False)


def test_a_kernel_without_both(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    Without(monkeypatch, landlock=errno.ENOSYS, seccomp=errno.EINVAL)
    assert kernel() == Kernel(0, False)


@WHOLE
def test_a_landlock_that_can_be_asked_for_and_not_be_enforced(
    fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen of them are stacked already, say."""
    system_call = linux.system_call

    def refuse(number: int, *arguments: object) -> int:
        if number == landlock.RESTRICT_SELF:
            raise OSError(errno.E2BIG, "injected")
        return system_call(number, *arguments)

    monkeypatch.setattr(linux, "system_call", refuse)
    assert kernel() == Kernel(0, True)


def test_a_machine_without_a_table_has_no_filter(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((*machine[:4], "riscv64")))
    assert not kernel().seccomp


def test_finding_out_confines_nothing_else(fresh: None, tmp_path: Path) -> None:
    before = {name: status_of(os.getpid())[name] for name in ("NoNewPrivs", "Seccomp", "CapEff", "CapPrm")}
    kernel()
    assert {name: status_of(os.getpid())[name] for name in before} == before
    (tmp_path / "file").write_text("written")
    assert subprocess.run(["true"], check=False).returncode == 0


@WHOLE
@pytest.mark.parametrize("version", range(1, 8))
def test_every_version_of_landlock_is_asked_for_what_it_has(
    version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: list[Any] = []
    system_call = linux.system_call

    def note(number: int, *arguments: Any) -> int:
        if number == landlock.CREATE_RULESET:
            handled.append(arguments[0]._obj)
        return system_call(number, *arguments)

    monkeypatch.setattr(linux, "system_call", note)
    landlock.Ruleset(version).close()
    (asked,) = handled
    assert asked.fs == {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF}.get(version, 0xFFFF)
    assert asked.net == (3 if version >= 4 else 0)
    assert asked.scoped == (3 if version >= 6 else 0)


def status_of(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@WHOLE
async def test_the_process_is_behind_the_wall() -> None:
    process = start_process()
    try:
        assert READY in await process.stdout.receive_some()
        status = status_of(process.pid)
        limits = Path(f"/proc/{process.pid}/limits").read_text()
    finally:
        await process.aclose()
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    # Of root's capabilities none but the one that lets it find the engine.
    assert int(status["CapEff"], 16) & ~0b100 == 0
    assert int(status["CapPrm"], 16) & ~0b100 == 0
    assert (int(status["CapInh"], 16), int(status["CapAmb"], 16)) == (0, 0)
    assert re.search(r"Max open files +256 +256 ", limits)
    assert re.search(r"Max core file size +0 +0 ", limits)
    assert re.search(rf"Max data size +{launch.DATA} +{launch.DATA} ", limits)


@LINUX
async def test_the_process_has_no_descriptor_that_is_not_its_own() -> None:
    """Nor one above its limit, nor one that was opened without O_CLOEXEC."""
    _, high = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    high = min(soft - 1, 900)
    secret = os.open(__file__, os.O_RDONLY)
    opened = [os.dup2(secret, high, inheritable=True), os.dup2(secret, 300, inheritable=True)]
    try:
        process = start_process()
        try:
            assert READY in await process.stdout.receive_some()
            links = {
                int(link.name): str(link.readlink()) for link in Path(f"/proc/{process.pid}/fd").iterdir()
            }
        finally:
            await process.aclose()
    finally:
        for each in (secret, *opened):
            os.close(each)
    assert __file__ not in links.values()
    cache = engine_files().cache
    allowed = re.compile(
        rf"pipe:|anon_inode:\[event|socket:|/dev/null|/dev/urandom|{re.escape(str(cache))}/|/sys/fs/cgroup/"
    )
    assert [name for name in links.values() if not allowed.match(name)] == []
    assert max(links) < launch.DESCRIPTORS


@LINUX
async def test_the_process_has_no_environment_that_is_not_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LD_PRELOAD_NOT", "DENO_AUTH_TOKENS", "HTTPS_PROXY", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "secret")
    process = start_process()
    try:
        given = Path(f"/proc/{process.pid}/environ").read_text().split("\0")[:-1]
    finally:
        await process.aclose()
    assert {each.partition("=")[0] for each in given} == {
        "NO_COLOR",
        "DENO_NO_UPDATE_CHECK",
        "HOME",
        "DENO_DIR",
    }


@LINUX
async def test_the_process_has_no_terminal_and_a_session_of_its_own() -> None:
    process = start_process()
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    finally:
        await process.aclose()
    session, terminal = int(fields[3]), int(fields[4])
    assert session == process.pid
    assert terminal == 0


@WHOLE
def test_the_kernel_refuses_what_the_engine_would_allow() -> None:
    """The engine with all of its own permissions, behind the wall."""
    files = engine_files()
    script = """
        const attempts = {
            read: () => Deno.readTextFileSync("/etc/passwd"),
            list: () => [...Deno.readDirSync("/")],
            write: () => Deno.writeTextFileSync("/tmp/attacker", "x"),
            remove: () => Deno.removeSync("/etc/passwd"),
            run: () => new Deno.Command("/bin/true").outputSync(),
            listen: () => Deno.listen({ port: 0 }),
            connect: () => Deno.connect({ port: 80 }),
            unix: () => Deno.listen({ transport: "unix", path: "/tmp/attacker" }),
            resolve: () => Deno.resolveDns("localhost", "A"),
            kill: () => Deno.kill(Deno.ppid, "SIGURG"),
        };
        const found = {};
        for (const [name, attempt] of Object.entries(attempts)) {
            try { await attempt(); found[name] = "done"; } catch (error) { found[name] = error.name; }
        }
        console.log(JSON.stringify(found));
    """
    answers, ours = os.pipe()
    with open(answers, "rb"), open(ours, "wb"), Wall(kernel(), files.allowed) as wall:
        ran = subprocess.run(
            [files.program, "eval", "--no-config", "--no-lock", script],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=launch.environment(None),
            preexec_fn=launch.before_exec(answers, wall),
            timeout=PATIENCE,
            check=False,
        )
    assert b'"read":"PermissionDenied"' in ran.stdout, ran
    assert b"done" not in ran.stdout
    assert b"NotCapable" not in ran.stdout  # that would be the engine's own refusal


def test_a_wall_that_cannot_be_raised_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Wall) -> None:
        raise OSError(errno.EPERM, "refused")

    monkeypatch.setattr(Wall, "raise_", refuse)
    with pytest.raises(NotSupportedError, match="could not be confined"):
        start_process()


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
import trio
from swruntime.realms.javascript.deno import start_process
async def main():
    process = start_process()
    print(await process.stdout.receive_some())
    await process.aclose()
trio.run(main)
"""


def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_lower_limits_of_the_users_stay() -> None:
    """Nobody but root could raise them: it would not start."""
    ran = run("-c", LIMITED)
    assert "ready" in ran.stdout, ran.stderr


STARTED = """
import trio
from swruntime.realms.javascript.confinement import by_what, kernel
from swruntime.realms.javascript.deno import start_process
async def main():
    process = start_process()
    print(await process.stdout.receive_some(), by_what(kernel()))
    await process.aclose()
trio.run(main)
"""


@WHOLE
@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ("landlock", "by seccomp only"),
        ("seccomp", "by Landlock only"),
        ("landlock,seccomp", "by the engine's own permissions only"),
    ],
)
def test_it_runs_on_a_kernel_that_has_less(parts: str, text: str) -> None:
    command = (sys.executable, "-c", STARTED)
    ran = run("-m", "tests.realms.javascript.less_kernel", parts, *command)
    assert "ready" in ran.stdout, ran.stderr
    assert text in ran.stdout


ELSEWHERE = """
import sys, ctypes, os
sys.platform = "darwin"
for name in ("pidfd_open", "O_PATH"):
    if hasattr(os, name):
        delattr(os, name)
from swruntime.realms.javascript import code_cache, confinement, engine_files, installed, landlock, launch, seccomp, wall
print(confinement.by_what(confinement.kernel()))
with wall.Wall(confinement.kernel(), wall.Allowed(("/x",), ("/y",))) as made:
    made.raise_()
print(engine_files._mapped(1, "deno"), landlock.version(), seccomp.this_machine())
"""


def test_nothing_of_linux_is_needed_elsewhere() -> None:
    ran = run("-c", ELSEWHERE)
    assert ran.stderr == ""
    assert ran.stdout == "by the engine's own permissions only\n('deno', ()) 0 None\n"


@LINUX
def test_a_wall_of_nothing_changes_nothing() -> None:
    with Wall(Kernel(0, False), Allowed()) as wall:
        wall.raise_()
    assert status_of(os.getpid())["NoNewPrivs"] == status_of(os.getppid())["NoNewPrivs"]


async def test_processes_start_from_the_files_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each start asks; an engine that was updated meanwhile is found."""
    asked = []
    found = engine_files()

    def note() -> Any:
        asked.append(True)
        return found

    monkeypatch.setattr(deno, "engine_files", note)
    for _ in range(2):
        process = start_process()
        await process.aclose()
    assert len(asked) == 2
