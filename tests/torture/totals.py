"""What was counted in all runs of a target, in a file."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Protocol, Self

import attrs


class Finding(Protocol):
    """What an episode came to."""

    @property
    def counts(self) -> dict[str, int]: ...

    @property
    def findings(self) -> list[str]:
        """What should not have happened, each in words."""
        ...


@attrs.define
class Totals:
    """Of one seed: `run` are the counts of this run, `before` those of the runs before it."""

    path: Path
    before: Counter[str]
    run: Counter[str] = attrs.field(factory=Counter)

    @classmethod
    def read(cls, folder: Path, target: str, seed: str) -> Self:
        """Those that are there, or new ones."""
        path = folder / target / f"{seed.replace('/', '_')}.json"
        return cls(path, _counts(path))

    @property
    def episodes(self) -> int:
        """Those that were played, which is the number of the next one."""
        return (self.before + self.run)["episodes"]

    def all(self) -> Counter[str]:
        """The counts of all runs of all seeds."""
        return sum(map(_counts, self.path.parent.glob("*.json")), Counter())

    def add(self, found: Finding) -> None:
        """Count an episode, and keep that: whoever stops the run loses nothing."""
        self.run += Counter(found.counts)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(self.before + self.run))
        new.replace(self.path)


def _counts(path: Path) -> Counter[str]:
    return Counter(json.loads(path.read_text())) if path.exists() else Counter()
