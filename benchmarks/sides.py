"""Checkouts of swruntime: this one, and older ones, each run by the same interpreter with the same packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import attrs

from benchmarks.processes import environment, last_line

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = Path(__file__).parent / "programs"
OURS = "swruntime"


class WrongCheckout(Exception):
    """A folder that is not a checkout, or whose code is not what runs."""


@attrs.frozen
class Side:
    name: str
    checkout: Path
    compiled: Path
    """Where its compiled modules are kept: a checkout that cannot be written to must not be compiled at each start."""

    @property
    def env(self) -> dict[str, str]:
        return {**environment(), "PYTHONPATH": str(self.checkout), "PYTHONPYCACHEPREFIX": str(self.compiled)}

    def command(self, *arguments: str) -> list[str]:
        """`python -m swruntime` of this checkout; with `env`, and not run from another checkout's folder."""
        return [sys.executable, "-m", "swruntime", *arguments]

    def program(self, name: str, *arguments: str) -> list[str]:
        """One of programs/, which imports this checkout's swruntime."""
        return [sys.executable, "-P", str(PROGRAMS / f"{name}.py"), *arguments]

    def check(self, cwd: Path) -> None:
        """Raises WrongCheckout where another swruntime than the checkout's would be measured."""
        asked = [sys.executable, "-P", "-c", "import swruntime; print(swruntime.__file__)"]
        ended = subprocess.run(asked, env=self.env, cwd=cwd, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise WrongCheckout(f"{self.checkout}: swruntime cannot be imported: {last_line(ended.stderr)}")
        found = Path(ended.stdout.strip()).resolve()
        if found.parent != (self.checkout / "swruntime").resolve():
            raise WrongCheckout(
                f"{self.checkout} is not a checkout of swruntime: {found} is what is imported"
            )


def sides(before: list[Path], folder: Path) -> list[Side]:
    """This checkout first, then each of `before`, by its commit. Raises WrongCheckout."""
    found = [Side(OURS, ROOT, folder / "compiled-0")]
    for number, path in enumerate(before, 1):
        commit = commit_of(path)
        name = f"before ({commit})" if commit else f"before ({path.name})"
        if any(side.name == name for side in found):
            name = f"{name} {number}"
        found.append(Side(name, path.resolve(), folder / f"compiled-{number}"))
    for side in found:
        side.check(folder)
    return found


def commit_of(checkout: Path) -> str | None:
    """Its commit, marked where files differ from it; None where git does not know."""
    asked = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        ended = subprocess.run(asked, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return ended.stdout.strip() or None
