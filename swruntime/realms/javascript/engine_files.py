"""The files that the engine's process uses: the program, its libraries, its code cache, figures of the system.

Which libraries it maps is seen once, in a process that runs no script: the one that fills the cache, or, where there is
no cache to be had, one for each runtime.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from functools import cache
from pathlib import Path

import attrs

from swruntime.errors import NotSupportedError
from swruntime.realms.javascript import code_cache
from swruntime.realms.javascript.confinement import kernel
from swruntime.realms.javascript.installed import find_deno
from swruntime.realms.javascript.launch import MAIN, before_exec, command, environment
from swruntime.realms.javascript.wall import Allowed

_MANIFEST = "engine.json"
_PATIENCE = 60
"""Seconds that the engine may take to start: a thousand times what it takes."""

_SYSTEM = (
    "/dev/null",
    "/dev/urandom",
    "/etc/ld.so.cache",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu/online",
)
_CGROUPS = Path("/sys/fs/cgroup")
_CGROUP_ROOTS = ("", "cpu", "cpu,cpuacct", "memory")
_CGROUP_FIGURES = (
    "cpu.max",
    "cpu.cfs_quota_us",
    "cpu.cfs_period_us",
    "memory.max",
    "memory.high",
    "memory.limit_in_bytes",
)


@attrs.frozen
class EngineFiles:
    program: str
    libraries: tuple[str, ...]
    """Absolute paths, the loader's among them; none where this system does not tell them."""
    cache: Path | None
    """The folder of its compiled code, which it may only read."""

    @property
    def allowed(self) -> Allowed:
        """What its process may use behind the wall."""
        cached = () if self.cache is None else (str(self.cache),)
        read = (str(MAIN.parent), *cached, *_SYSTEM, *_cgroup_figures())
        return Allowed(executed=(self.program, *self.libraries), read=read)

    @property
    def are_there(self) -> bool:
        """Whether all of them still are: the engine may have been updated, another process may have removed a cache."""
        paths = [self.program, *self.libraries, *([] if self.cache is None else [str(self.cache)])]
        return all(map(os.path.exists, paths))


def engine_files() -> EngineFiles:
    """Those of the engine that is installed. The first time on a machine that takes a second.

    Raises NotSupportedError where it is not there, or does not start.
    """
    asked = os.path.abspath(find_deno()), code_cache.folder()
    found = _found(*asked)
    if not found.are_there:
        _found.cache_clear()
        found = _found(*asked)
    return found


@cache
def _found(program: str, folder: Path | None) -> EngineFiles:
    if folder is not None:
        place = folder / code_cache.key(program, MAIN.parent)
        found = _read(place)
        if found is None:
            if code_cache.is_private(place):
                code_cache.remove(place)
            if code_cache.put_in_place(place, lambda begun: _fill(program, begun)):
                found = _read(place)
        if found is not None:
            return found
    # Only Landlock has to know the libraries.
    return _seen(program, None) if kernel().landlock else EngineFiles(program, (), None)


def _fill(program: str, folder: Path) -> None:
    # The first process stores the code. The second one has SQLite count what is in the databases: until that is done,
    # each process tries to, and gives up the cache where it may not write.
    _seen(program, folder)
    seen = _seen(program, folder)
    manifest = {"program": seen.program, "libraries": seen.libraries}
    (folder / _MANIFEST).write_text(json.dumps(manifest))


def _read(place: Path) -> EngineFiles | None:
    """What is kept beside a cache; None where there is no cache, or its engine is another by now."""
    if not code_cache.is_private(place):
        return None
    try:
        manifest = json.loads((place / _MANIFEST).read_text())
        found = EngineFiles(manifest["program"], tuple(manifest["libraries"]), place)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    absolute = all(isinstance(each, str) and each.startswith("/") for each in found.allowed.executed)
    return found if absolute and found.are_there else None


def _seen(program: str, folder: Path | None) -> EngineFiles:
    """Start the engine with no script, and look at what it has mapped. It may write to `folder`, and does.

    Raises NotSupportedError where it does not start.
    """
    answers, ours = os.pipe()
    with open(answers, "rb"), open(ours, "wb"):
        process = subprocess.Popen(
            command(program, answers),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[answers],
            env=environment(folder),
            cwd="/",
            start_new_session=True,
            preexec_fn=before_exec(answers, None),
        )
    with process:
        assert process.stdout is not None
        try:
            if not select.select([process.stdout], [], [], _PATIENCE)[0] or not process.stdout.read(1):
                raise _does_not_start(program, process)
            program, libraries = _mapped(process.pid, program)
            # It has stored what it has to store when it ends by itself.
            process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            raise _does_not_start(program, process) from None
        finally:
            process.kill()
    return EngineFiles(program, libraries, None)


def _does_not_start(program: str, process: subprocess.Popen[bytes]) -> NotSupportedError:
    process.kill()
    _, words = process.communicate()
    lines = words.decode(errors="replace").split("\n")
    return NotSupportedError(f"{program} does not start: {lines[0][:300] or 'it says nothing'}")


def _mapped(process: int, program: str) -> tuple[str, tuple[str, ...]]:
    """The program that a process runs (`program` may be a shell script that has started it), and its libraries."""
    if sys.platform != "linux":
        return program, ()
    proc = Path("/proc") / str(process)
    running = str((proc / "exe").readlink())
    fields = (line.split(maxsplit=5) for line in (proc / "maps").read_text().splitlines())
    executable = {each[5] for each in fields if len(each) == 6 and "x" in each[1] and each[5].startswith("/")}
    return running, tuple(sorted(executable - {running}))


@cache
def _cgroup_figures() -> tuple[str, ...]:
    """Files that tell how much of the machine this process, and so the engine, may use: of its own groups only."""
    try:
        groups = [line.split(":", 2)[2] for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except (OSError, IndexError):
        return ()
    folders = {
        _CGROUPS / root / each.relative_to("/")
        for root in _CGROUP_ROOTS
        for group in groups
        if group.startswith("/") and ".." not in group.split("/")
        for each in (Path(group), *Path(group).parents)
    }
    return tuple(
        sorted(
            str(folder / name) for folder in folders for name in _CGROUP_FIGURES if (folder / name).exists()
        )
    )
