"""Contestants that take turns, so that the machine's moods meet all of them.

A run that failed, or whose bytes are wrong, is not a time: whoever made it is out of the row, with all that it ran
before, and the reason is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from benchmarks.figures import Comparison, Sample, differences, ratios


class Refused(Exception):
    """A run that must not count: its process failed, or what it stored is wrong."""


@attrs.frozen
class Contestant:
    name: str
    run: Callable[[], Sample]
    """Runs once and checks what came of it. Raises Refused."""
    missing: str | None = None
    """Why it cannot run here, where it cannot."""
    rounds: int | None = None
    """It runs in the first so many rounds alone, where one of its runs takes minutes."""


@attrs.frozen
class Pair:
    """Two contestants of a row, by name: `ours` divided by `theirs`; with `more`, the seconds that it takes more."""

    ours: str
    theirs: str
    more: bool = False


@attrs.frozen
class Row:
    """What was measured of one workload. `samples` has one of each contestant a round, from the first on."""

    name: str
    title: str
    samples: dict[str, list[Sample]]
    pairs: Sequence[Pair] = ()
    missing: dict[str, str] = attrs.field(factory=dict)
    refused: dict[str, str] = attrs.field(factory=dict)
    notes: Sequence[str] = ()
    unit: str = "s"
    """In what its times are shown: `s` or `ms`."""

    def compared(self) -> list[tuple[Pair, Comparison]]:
        """Those pairs of which both were measured, over the rounds in which both ran."""
        found = []
        for pair in self.pairs:
            if pair.ours in self.samples and pair.theirs in self.samples:
                ours, theirs = self.samples[pair.ours], self.samples[pair.theirs]
                both = min(len(ours), len(theirs))
                found.append((pair, (differences if pair.more else ratios)(ours[:both], theirs[:both])))
        return found


def hold(
    name: str,
    title: str,
    contestants: Sequence[Contestant],
    repeat: int,
    *,
    pairs: Sequence[Pair] = (),
    notes: Sequence[str] = (),
    unit: str = "s",
    between: Callable[[], None] = lambda: None,
) -> Row:
    """Run all of them `repeat` times, or their own `rounds`, in turns.

    `between` is called before each run, and is not measured.
    """
    missing = {each.name: each.missing for each in contestants if each.missing is not None}
    running = [each for each in contestants if each.missing is None]
    samples: dict[str, list[Sample]] = {each.name: [] for each in running}
    refused: dict[str, str] = {}
    for number in range(repeat):
        # There and back: nobody always follows the same one.
        for each in running if number % 2 == 0 else reversed(running):
            if each.name in refused or (each.rounds is not None and number >= each.rounds):
                continue
            between()
            try:
                samples[each.name].append(each.run())
            except Refused as reason:
                refused[each.name] = str(reason)
                del samples[each.name]
    return Row(name, title, samples, pairs, missing, refused, notes, unit)


def against_each(ours: Sequence[str], contestants: Sequence[Contestant]) -> list[Pair]:
    """Each of `ours` by each contestant that is not one of them, then the first of `ours` by the others."""
    peers = [each.name for each in contestants if each.name not in ours]
    found = [Pair(name, peer) for peer in peers for name in ours]
    return found + [Pair(ours[0], earlier) for earlier in ours[1:]]
