"""Short commands: how long until they have done what is next to nothing?"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.contest import Contestant, Pair, Row, hold
from benchmarks.figures import Sample
from benchmarks.processes import timed
from benchmarks.sides import Side

FLOOR = "import trio, httpx"
COMMANDS = ("--help", "status", "run")

NOTES = (
    "The peer is `python -c 'import trio, httpx'`: not a program that does the same, but what any program on Trio with "
    "an HTTP client pays before its first line.",
    "`status` and `run` have a profile that a `run` before made, of a worker without a line; all modules are compiled.",
)


def start(bench: Bench) -> Row:
    with bench.fresh() as folder:
        contestants = [
            _ours(side, command, folder / f"site-{number}")
            for command in COMMANDS
            for number, side in enumerate(bench.sides)
        ]
        floor = Contestant(FLOOR, partial(_floor, bench.sides[0], folder))
        floor.run()  # compiles what it imports
        pairs = [Pair(each.name, FLOOR) for each in contestants]
        pairs += [
            Pair(f"{bench.ours[0]} {command}", f"{earlier} {command}")
            for command in COMMANDS
            for earlier in bench.ours[1:]
        ]
        title = "Start: `--help`, `status`, and `run` of an empty worker"
        return hold(
            "start",
            title,
            [*contestants, floor],
            bench.amounts.rounds(7),
            pairs=pairs,
            notes=NOTES,
            unit="ms",
        )


def _floor(side: Side, folder: Path) -> Sample:
    return timed([sys.executable, "-c", FLOOR], cwd=folder, env=side.env)


def _ours(side: Side, command: str, site: Path) -> Contestant:
    if not site.exists():
        site.mkdir()
        (site / "worker.py").write_text("")
    arguments = side.command(command) if command.startswith("--") else side.command(command, str(site))
    if command == COMMANDS[-1]:
        timed(side.command("run", str(site)), cwd=site, env=side.env)  # makes the profile, compiles
    return Contestant(f"{side.name} {command}", partial(timed, arguments, cwd=site, env=side.env))
