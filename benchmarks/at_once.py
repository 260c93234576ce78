"""Background fetches that are active at once: does a call of fetch() cost the same, however many there are?"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.contest import Contestant, Pair, Row, hold
from benchmarks.figures import Sample
from benchmarks.processes import answered
from benchmarks.sides import Side

MEMORY = Path("/dev/shm")

NOTES = (
    "There is no peer. The network is off, so that only fetch() itself is measured; the profile is in memory where "
    "the system has /dev/shm, so that no disk is. What the numbers are compared by is the processor time.",
)


def at_once(bench: Bench) -> Row:
    numbers = bench.amounts.at_once
    contestants = [_contestant(side, number) for number in numbers for side in bench.sides]
    pairs = [
        Pair(_name(side, number), _name(side, numbers[0])) for number in numbers[1:] for side in bench.sides
    ]
    pairs += [
        Pair(_name(bench.sides[0], number), _name(earlier, number))
        for number in numbers
        for earlier in bench.sides[1:]
    ]
    title = "Background fetches at once: one call of fetch()"
    rounds = bench.amounts.rounds(3)
    return hold("at-once", title, contestants, rounds, pairs=pairs, notes=NOTES, unit="ms")


def _name(side: Side, number: int) -> str:
    return f"{side.name}, {number:,}"


def _contestant(side: Side, number: int) -> Contestant:
    def run() -> Sample:
        where = MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
        with tempfile.TemporaryDirectory(dir=where) as folder:
            said = answered(
                side.program("fetches_at_once", folder, str(number)), cwd=Path(folder), env=side.env
            )
            return Sample(said["wall"], said["cpu"])

    return Contestant(_name(side, number), run)
