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
    """`run` are the counts of this run, `all` those of all runs; `episodes` the next episode of each seed."""

    path: Path
    episodes: dict[str, int]
    all: Counter[str]
    run: Counter[str] = attrs.field(factory=Counter)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Those that are there, or new ones. Raises ValueError for a file that is none of these."""
        if not path.exists():
            return cls(path, {}, Counter())
        kept = json.loads(path.read_text())
        return cls(path, kept["episodes"], Counter(kept["all"]))

    def next_episode(self, seed: str) -> int:
        return self.episodes.get(seed, 0)

    def add(self, seed: str, found: Finding) -> None:
        """Count an episode, and keep that: whoever stops the run loses nothing."""
        self.run += Counter(found.counts)
        self.all += Counter(found.counts)
        self.episodes[seed] = self.next_episode(seed) + 1
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps({"episodes": self.episodes, "all": self.all}))
        new.replace(self.path)
