"""Side four: the tests themselves. Every small change of machines/ and algorithms/ must make a test fail.

    python -m tests.specs.mutation [--continue | --survivors | --tenth] [--children N]

runs mutmut (its settings are in pyproject.toml, what it makes is in mutants/) and holds what survived against
survivors.toml, both ways: a survivor that nobody explained is an error, and so is an explanation of what is caught.
With --tenth it is one mutant of ten, those whose number in their function ends in a digit that changes with each commit:
what CI has time for. What is explained and was not tried is no error then. It prints the figures. Exit status: 0, or 1
for a difference or less than 95 % caught, 2 for a wrong command line.

The same mutants survive in every run of a commit, however busy the machine is: the examples of Hypothesis are the same
(the profile `mutation`), and so is the order of a mutant's tests; one that never ends is caught by its time, which is
15 seconds and 15 times what its tests take, or by `MEMORY`, before the system ends something else instead.

An explanation names the function (its dotted name, or a pattern as of fnmatch), and the change: either the changed
lines as they `was` and `now` are, each stripped, or one of the `kind`s of change below. Line numbers do not matter, nor
mutmut's own numbers. Where a function has the same line twice, one explanation does for both.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import attrs
import cattrs

HERE = Path(__file__).parent
MADE = Path("mutants")
LEAST = 0.95
"""Of all mutants must be caught."""

MEMORY = 2 * 1024**3
"""Bytes that a mutant may have, several times what the tests need. More is a MemoryError, which a test fails with."""

OUT_OF_MEMORY = 120
"""The exit status of a Python that could not write its last words. One that has no memory left fails at that, too."""

QUICK = "-p no:unraisableexception -p no:threadexception --assert=plain --tb=no"
"""Of a run of a few tests these take the most time, thousands of times over, and nobody reads what they say."""

Kind = Literal["case", "wording"]


@attrs.frozen
class Mutant:
    """`function` is dotted, `was` and `now` are the lines that differ, stripped, one a line."""

    name: str
    function: str
    was: str
    now: str


@attrs.frozen
class Survivor:
    """One entry of survivors.toml. `why` it is harmless, or no change at all."""

    function: str
    why: str
    was: str | None = None
    now: str | None = None
    kind: Kind | None = None

    def __attrs_post_init__(self) -> None:
        if (self.kind is None) == (self.was is None or self.now is None):
            raise ValueError(f"the survivor {self.function!r} has was {self.was!r}, now {self.now!r} and kind "
                             f"{self.kind!r}; expected was and now, or kind")  # fmt: skip
        if not self.why.strip():
            raise ValueError(f"the survivor {self.function!r} has an empty why; expected a sentence")

    def explains(self, mutant: Mutant) -> bool:
        if not fnmatchcase(mutant.function, self.function):
            return False
        if self.kind is not None:
            return KINDS[self.kind](mutant.was, mutant.now)
        return (mutant.was, mutant.now) == (self.was, self.now)


@attrs.frozen
class Figures:
    mutants: int
    survivors: tuple[Mutant, ...]
    seconds: float

    @property
    def caught(self) -> int:
        return self.mutants - len(self.survivors)

    def __str__(self) -> str:
        share = self.caught / self.mutants if self.mutants else 0.0
        return (f"{self.mutants} mutants, {self.caught} caught ({share:.1%}), {len(self.survivors)} survivors, "
                f"{self.seconds:.0f} seconds")  # fmt: skip


def is_case(was: str, now: str) -> bool:
    """Nothing but the case of letters."""
    return was != now and was.lower() == now.lower()


def is_wording(was: str, now: str) -> bool:
    """Nothing but the letters' case, or XX at both ends, of one string of several words: one for people to read."""
    literal = re.compile(r"""(['"])(?P<text>(?:(?!\1)[^\\]|\\.)*)\1""")
    changed = [
        a["text"]
        for a, b in zip(literal.finditer(was), literal.finditer(now), strict=False)
        if a["text"] != b["text"]
    ]
    same = was.lower() == now.replace("XX", "").lower()
    return same and len(changed) == 1 and " " in changed[0].strip()


KINDS: dict[Kind, Callable[[str, str], bool]] = {"case": is_case, "wording": is_wording}


def read_survivors(path: Path = HERE / "survivors.toml") -> list[Survivor]:
    """Raises ValueError for an entry that is none."""
    converter = cattrs.Converter(forbid_extra_keys=True)
    given = tomllib.loads(path.read_text()).get("survivor", [])
    return [converter.structure(entry, Survivor) for entry in given]


def differences(
    explained: Sequence[Survivor], survived: Iterable[Mutant], *, all_tried: bool = True
) -> list[str]:
    """What has no explanation, and, `all_tried`, which explanations explain nothing; a line each, or a few."""
    survived = list(survived)
    told = [
        f"{m.function} survives, and survivors.toml has no reason ({m.name})\n"
        + indented("-", m.was)
        + "\n"
        + indented("+", m.now)
        for m in survived
        if not any(e.explains(m) for e in explained)
    ]
    told += [
        f"survivors.toml explains {e.function}, {e.kind or repr(e.now)}; that is caught now, or gone"
        for e in explained
        if all_tried and not any(e.explains(m) for m in survived)
    ]
    return told


def indented(sign: str, text: str) -> str:
    return "\n".join(f"    {sign} {line}" for line in text.splitlines())


def results(tried: str = "*") -> tuple[int, list[Mutant]]:
    """How many mutants there are, of those whose name is like `tried`, and which of them no test caught.

    One that was not tried counts as a survivor.
    """
    from mutmut.mutation.diff_apply import get_diff_for_mutant
    from mutmut.stats import status_by_exit_code

    count, survived = 0, []
    for meta in sorted(MADE.rglob("*.py.meta")):
        path = meta.relative_to(MADE).with_suffix("")
        for name, code in json.loads(meta.read_text())["exit_code_by_key"].items():
            if not fnmatchcase(name, tried):
                continue
            count += 1
            if status_by_exit_code[code] not in ("killed", "timeout") and code != OUT_OF_MEMORY:
                diff = get_diff_for_mutant(name, path=path).splitlines()[2:]
                survived.append(Mutant(name, function_name(name), lines("-", diff), lines("+", diff)))
    return count, survived


def function_name(name: str) -> str:
    """The dotted name of the function that mutmut calls `name`: a.b.x_f__mutmut_1, or a.b.xǁCǁf__mutmut_1."""
    module, _, mangled = name.rpartition(".")
    plain = re.sub(r"__mutmut_\d+$", "", mangled)
    return f"{module}.{plain[2:].replace('ǁ', '.') if plain.startswith('xǁ') else plain.removeprefix('x_')}"


def lines(sign: str, diff: Iterable[str]) -> str:
    return "\n".join(line[1:].strip() for line in diff if line.startswith(sign) and line[1:].strip())


def tenth() -> str:
    """What the names of this commit's tenth are like. Outside of a checkout it is always the same."""
    counted = subprocess.run(
        ["git", "rev-list", "--count", "HEAD"], capture_output=True, text=True, check=False
    )
    return f"*__mutmut_*{counted.stdout.strip()[-1:] or '0'}"


def mutmut(*arguments: str) -> None:
    """Raises CalledProcessError when mutmut could not do its work; survivors are no reason."""
    command = str(Path(sys.executable).with_name("mutmut"))
    # mutmut hands the tests of a mutant on as a set, so that their order is that of their hashes.
    environment = {**os.environ, "PYTEST_ADDOPTS": QUICK, "PYTHONHASHSEED": "0"}
    subprocess.run([command, *arguments], check=True, env=environment, preexec_fn=limit_memory)


def limit_memory() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.specs.mutation", description="Side four: mutants.")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--continue", action="store_true", dest="goes_on", help="where an earlier run stopped")
    again.add_argument("--survivors", action="store_true", help="try again what survived the earlier run")
    again.add_argument("--tenth", action="store_true", help="one of ten, others with each commit")
    parser.add_argument("--children", type=int, default=2, metavar="N", help="mutants at once (2)")
    given = parser.parse_args(arguments)
    if given.children < 1:
        parser.error(f"--children is {given.children}; expected 1 or more")
    begun = time.monotonic()
    if not (given.goes_on or given.survivors):
        shutil.rmtree(MADE, ignore_errors=True)
    tried = tenth() if given.tenth else "*"
    names = [m.name for m in results()[1]] if given.survivors else [tried] if given.tenth else []
    if names or not given.survivors:
        mutmut("run", "--max-children", str(given.children), *names)
    count, survived = results(tried)
    figures = Figures(count, tuple(survived), time.monotonic() - begun)
    told = differences(read_survivors(), survived, all_tried=not given.tenth)
    print(*told, figures, sep="\n")
    if figures.caught < LEAST * count:
        print(f"expected {LEAST:.0%} caught")
    return 1 if told or not count or figures.caught < LEAST * count else 0


if __name__ == "__main__":
    sys.exit(main())
