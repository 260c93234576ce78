"""The programs that are measured beside us, and how to get them."""

from __future__ import annotations

import os
import shutil
import subprocess

from benchmarks.processes import last_line

PACKAGES = {"nginx": "nginx-light", "curl": "curl", "aria2c": "aria2", "chromium": "chromium"}
"""Debian's package of each program. httpx comes with swruntime itself; none of them is an npm package."""


def find(program: str) -> str | None:
    """Debian has some of them where the path of a user does not lead."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


def install() -> dict[str, str]:
    """Install what is not there; by program, why one could not be installed."""
    wanted = {program: package for program, package in PACKAGES.items() if find(program) is None}
    if not wanted:
        return {}
    if shutil.which("apt-get") is None:
        return dict.fromkeys(wanted, "there is no apt-get to install it with")
    as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if as_root and shutil.which("sudo") is None:
        return dict.fromkeys(wanted, "it cannot be installed: neither root nor sudo")
    failed: dict[str, str] = {}
    _run([*as_root, "apt-get", "update", "-qq"])  # where it fails, what follows says why
    for program, package in wanted.items():
        said = _run([*as_root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", package])
        if said is not None:
            failed[program] = f"it cannot be installed: {said}"
    return failed


def missing(program: str, failed: dict[str, str]) -> str | None:
    """Why `program` is not here; None where it is."""
    if find(program) is not None:
        return None
    return f"{program} is not installed" + (f"; {failed[program]}" if program in failed else "")


def _run(command: list[str]) -> str | None:
    """What it says where it fails."""
    ended = subprocess.run(
        command,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return None if ended.returncode == 0 else last_line(ended.stderr)
