"""Processes: one from its start to its end, and the processor time of a tree of them that goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contest import Refused
from benchmarks.figures import Sample

TIMER = """\
import os, sys, time
begun = time.perf_counter()
null = os.open(os.devnull, os.O_WRONLY)
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
_, status, usage = os.wait4(child, 0)
print(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status) and 1)
"""
"""A parent with next to nothing in it: a child's memory counts from what its parent has when it is made."""

UNWANTED = {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "pythondontwritebytecode"}
"""Of the environment: the server is on this machine, and nobody's modules are to be compiled at each start."""

TICKS = os.sysconf("SC_CLK_TCK")


def environment() -> dict[str, str]:
    """What each contestant finds."""
    return {name: value for name, value in os.environ.items() if name.lower() not in UNWANTED}


def timed(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Sample:
    """The whole process, and the children that it waited for. Raises Refused where its exit status is not 0."""
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", TIMER, *command],
        check=False,
        cwd=cwd,
        env=environment() if env is None else env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if ended.returncode != 0:
        raise Refused(f"{Path(command[0]).name} failed: {last_line(ended.stderr)}")
    wall, cpu, kilobytes = ended.stdout.split()
    return Sample(float(wall), float(cpu), int(kilobytes) * 1024)


def answered(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> dict[str, Any]:
    """The JSON object that a program prints, which measures itself. Raises Refused where its exit status is not 0."""
    ended = subprocess.run(command, check=False, cwd=cwd, env=env, capture_output=True, text=True)
    if ended.returncode != 0:
        raise Refused(f"{Path(command[0]).name} failed: {last_line(ended.stderr)}")
    said: dict[str, Any] = json.loads(ended.stdout)
    return said


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it says nothing"])[-1]


def tree_cpu(root: int) -> float:
    """Seconds of the processor that the process `root` and all below it took so far, in steps of a clock tick."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            stat = (entry / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile; its parent has its time
            continue
        # After the name, which may hold anything: state, ppid, ...; utime is the 14th field of all.
        fields = stat.rpartition(")")[2].split()
        parents[int(entry.name)] = int(fields[1])
        seconds[int(entry.name)] = sum(map(int, fields[11:15])) / TICKS
    return sum(seconds[each] for each in seconds if _is_below(each, root, parents))


def _is_below(process: int, root: int, parents: Mapping[int, int]) -> bool:
    while process != root:
        if process not in parents:
            return False
        process = parents[process]
    return True
