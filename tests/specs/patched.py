"""Patches that break one thing each on purpose, and which side of the executable specification catches which.

    python -m tests.specs.patched [NAME...]

applies each of tests/specs/patches/ to a copy of the package, has each side look at that copy, and prints the table.
A side runs in a process of its own, in which the copy comes first on sys.path. Exit status 1 where one is not caught.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
PATCHES = tuple(sorted((Path(__file__).parent / "patches").glob("*.patch")))

COPIED = ("swruntime", "specs", "tests/conftest.py", "tests/machines", "tests/specs", "pyproject.toml")
"""What a side needs beside it; a side never sees the checkout."""

LONGEST = 100
"""Seconds, for one side: a patch that makes the runtime spin says so, instead of the test's own limit."""

_MACHINES = ["pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", "tests/machines"]
# Its lives are long, and what they would find the exhaustive side finds.
_MACHINES += ["--ignore", "tests/machines/test_machines_properties.py"]

SIDES: dict[str, list[str]] = {
    "exhaustive": ["tests.specs.patch_sides", "exhaustive"],
    "random": ["tests.specs.patch_sides", "random"],
    "trace": ["tests.specs.patch_sides", "trace"],
    "tests": _MACHINES,
}
"""By its name, the module and arguments that are run for a side."""

if find_spec("tests.specs.random_runtime") is None:
    del SIDES["random"]


class StalePatchError(Exception):
    """A patch does not fit the code any more."""


@attrs.frozen
class Row:
    """Of one patch: what each side says of it, "" where it lets it pass."""

    patch: str
    breaks: str
    found: dict[str, str]

    @property
    def caught(self) -> bool:
        return any(self.found.values())


def apply(patch: Path, root: Path) -> None:
    """Apply `patch` to the tree at `root`. Raises StalePatchError where it does not fit, or changes nothing."""
    hidden = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    # A repository around `root` would have git leave out what is not in it.
    environment["GIT_CEILING_DIRECTORIES"] = str(root.resolve().parent)
    applied = subprocess.run(
        ["git", "apply", "--verbose", str(patch)], cwd=root, env=environment, capture_output=True, text=True
    )
    if applied.returncode != 0 or "Applied patch" not in applied.stderr:
        raise StalePatchError(
            f"{patch.name} does not fit today's code: {applied.stderr.strip()}\n"
            f"To refresh it: make the change that its first line tells by hand, `git diff swruntime` below that line "
            f"into tests/specs/patches/{patch.name}, and `git checkout swruntime`."
        )


def copy(root: Path) -> None:
    """What a side needs, under `root`."""
    for name in COPIED:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


def look(side: str, root: Path) -> str:
    """What `side` says of the copy at `root`: the first thing it finds, or "".

    Raises RuntimeError where the side itself fails, or does not end: a patch that breaks the import breaks too much.
    """
    try:
        ran = subprocess.run(
            [sys.executable, "-m", *SIDES[side]],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired as late:
        raise RuntimeError(
            f"{side} has not ended after {LONGEST} s: the patch makes something spin"
        ) from late
    if side == "tests" and ran.returncode in (0, 1):
        lines = ran.stdout.splitlines()
        return next((line for line in lines if line.startswith("FAILED ")), "") if ran.returncode else ""
    if ran.returncode != 0:
        raise RuntimeError(f"{side} itself failed:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
    return ran.stdout.strip()


def look_at(patch: Path | None) -> Row:
    """What every side says of `patch`, or of the package as it is."""
    with tempfile.TemporaryDirectory(prefix="swruntime-patched-") as folder:
        root = Path(folder)
        copy(root)
        if patch is not None:
            apply(patch, root)
        found = {side: look(side, root) for side in SIDES}
    name, breaks = ("none", "") if patch is None else (patch.stem, patch.read_text().splitlines()[0])
    return Row(name, breaks, found)


WIDTH = max(len(patch.stem) for patch in PATCHES)
HEAD = "  ".join([" " * WIDTH, *SIDES])


def line(row: Row) -> str:
    marks = (("x" if row.found[side] else ".").center(len(side)) for side in SIDES)
    return "  ".join([row.patch.ljust(WIDTH), *marks, row.breaks])


def table(rows: list[Row]) -> str:
    """Which side catches which."""
    return "\n".join([HEAD, *map(line, rows)])


def main(names: list[str]) -> int:
    """Print the table of these patches, or of all. Answers with the exit status."""
    unknown = [name for name in names if name not in {patch.stem for patch in PATCHES}]
    if unknown:
        print(
            f"{unknown[0]!r} is no patch; expected of {', '.join(p.stem for p in PATCHES)}", file=sys.stderr
        )
        return 2
    rows = [look_at(patch) for patch in PATCHES if not names or patch.stem in names]
    print(table(rows))
    for row in rows:
        for side, found in row.found.items():
            if found:
                print(f"\n{row.patch}, {side}: {found}")
    return 0 if all(row.caught for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
