"""A cache of 100,000 entries: what it costs to open its profile, to tell its status, and to find something in it."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.contest import Contestant, Pair, Refused, Row, hold
from benchmarks.figures import Sample
from benchmarks.processes import answered, last_line, timed
from benchmarks.sides import Side

FEW = 10

NOTES = (
    "There is no peer: what many entries cost beside ten, and beside the version before. Each version made its own "
    "profile, whose entries have a body of 100 bytes each.",
)


def profile(bench: Bench) -> Row:
    numbers = (FEW, bench.amounts.entries)
    contestants = []
    for what in ("open", "status"):
        for number in numbers:
            for side in bench.sides:
                site = site_of(bench, side, number)
                command = side.program("open_profile", str(site))
                if what == "status":
                    command = side.command("status", str(site))
                run = partial(timed, command, cwd=site, env=side.env)
                contestants.append(Contestant(_name(side, what, number), run))
    pairs = [
        Pair(_name(side, what, numbers[1]), _name(side, what, FEW), more=True)
        for what in ("open", "status")
        for side in bench.sides
    ]
    pairs += [
        Pair(_name(bench.sides[0], what, numbers[1]), _name(earlier, what, numbers[1]))
        for what in ("open", "status")
        for earlier in bench.sides[1:]
    ]
    notes = (*NOTES, "Whole processes. `open` opens the profile as a writer does, and ends.")
    title = f"Opening a profile, and `status`, with {numbers[1]:,} cache entries"
    return hold("profile", title, contestants, bench.amounts.rounds(3), pairs=pairs, notes=notes)


def cache(bench: Bench) -> Row:
    number = bench.amounts.entries
    contestants, pairs = [], []
    for what, title in (("match", "match, ignoreSearch"), ("keys", "keys")):
        names = []
        for side in bench.sides:
            program = side.program("look_up", str(site_of(bench, side, number)), str(number), what)
            names.append(f"{side.name} {title}")
            contestants.append(Contestant(names[-1], partial(_told, program, bench.folder, side)))
        pairs += [Pair(names[0], earlier) for earlier in names[1:]]
    title = f"`cache.match` with `ignoreSearch`, and `cache.keys`, at {number:,} entries: one call"
    rounds = bench.amounts.rounds(3)
    return hold("cache", title, contestants, rounds, pairs=pairs, notes=NOTES, unit="ms")


def site_of(bench: Bench, side: Side, number: int) -> Path:
    """A site with such a profile, which is made where it is not there. Raises Refused where that does not work."""
    site = bench.folder / f"entries-{bench.sides.index(side)}-{number}"
    if site.exists():
        return site
    site.mkdir()
    _run(side, site, *side.program("make_entries", str(site), str(number)))
    told = json.loads(_run(side, site, *side.command("cache", str(site), "--json")))
    if [each["entries"] for each in told["caches"]] != [number]:
        raise Refused(f"{side.name} does not find {number} entries: {told}")
    return site


def _name(side: Side, what: str, number: int) -> str:
    return f"{side.name} {what}, {number:,}"


def _told(program: list[str], folder: Path, side: Side) -> Sample:
    said = answered(program, cwd=folder, env=side.env)
    return Sample(said["wall"], said["cpu"])


def _run(side: Side, site: Path, *command: str) -> str:
    ended = subprocess.run(command, env=side.env, cwd=site, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise Refused(f"the profile is not what it should be: {last_line(ended.stderr or ended.stdout)}")
    return ended.stdout
