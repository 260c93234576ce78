"""What it was measured on: the machine, the versions, the moment."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.peers import PACKAGES, find
from benchmarks.sides import Side, commit_of

LIBRARIES = ("trio", "httpx", "deno")


def facts(folder: Path, sides: Sequence[Side]) -> dict[str, str]:
    """By name, in the order in which they are told. `folder`: where the contestants store."""
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{cpu_model()}, {len(os.sched_getaffinity(0))} cores, {_memory()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": file_system(folder),
        "Python": platform.python_version(),
    }
    found.update({side.name: commit_of(side.checkout) or "commit not known" for side in sides})
    found.update({name: _library(name) for name in LIBRARIES})
    found.update({program: _program(program) for program in PACKAGES})
    return found


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def file_system(folder: Path) -> str:
    """Its kind, and what it is on: of the mount that `folder` is below."""
    best, said = "", "not known"
    for line in Path("/proc/mounts").read_text().splitlines():
        device, mount, kind, *_ = line.split()
        if folder.resolve().is_relative_to(mount) and len(mount) >= len(best):
            best, said = mount, f"{kind} on {device}"
    return said


def load() -> str:
    """The load averages of the last one, five and fifteen minutes."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _memory() -> str:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{pages / 2**30:.0f} GiB"


def _library(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _program(program: str) -> str:
    path = find(program)
    if path is None:
        return "not installed"
    # nginx tells its version on standard error, under -v alone.
    asked = [path, "-v" if program == "nginx" else "--version"]
    ended = subprocess.run(asked, capture_output=True, text=True, check=False)
    text = ended.stdout if program != "nginx" else ended.stderr
    return text.strip().splitlines()[0] if text.strip() else "version not known"
