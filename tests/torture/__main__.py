"""`make torture TARGET=... MINUTES=N SEED=S`: attacks on what must hold, for as long as you like, counted across runs.

    python -m tests.torture frames --minutes 10 --seed 1

A target is a module of this folder with `episode(seed)`, which answers with what it found; all that happens in an
episode follows from its seed. The totals are kept in .venv/torture/, by target and seed: a run goes on with the
episodes of its seed that none before it has played. Runs with different seeds may go on side by side. `--again SEED/EPISODE` plays one episode, of which a run has told, alone.
The exit code is 1 where anything was found.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path

from tests.torture.totals import Finding, Totals

TARGETS = {"frames": "tests.torture.frames"}
STATE = Path(".venv") / "torture"


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    target = import_module(TARGETS[options.target])
    if options.again:
        return _tell(target.episode(options.again), options.again)
    totals = Totals.read(STATE, options.target, options.seed)
    deadline = time.monotonic() + options.minutes * 60
    code = 0
    while time.monotonic() < deadline and (not options.count or totals.run["frames"] < options.count):
        seed = f"{options.seed}/{totals.episodes}"
        each = target.episode(seed)
        totals.add(each)
        code |= _tell(each, seed)
    print(target.sentence(totals.run, totals.all()))
    return code


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (1)")
    parser.add_argument("--seed", default="0", help="of all that is random (0)")
    parser.add_argument(
        "--count", type=int, default=0, help="end after so many, even before the time is over"
    )
    parser.add_argument("--again", metavar="SEED/EPISODE", help="play one episode alone")
    return parser.parse_args(arguments)


def _tell(found: Finding, seed: str) -> int:
    for each in found.findings:
        print(f"--- {seed}: {each}", flush=True)
    return 1 if found.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
