"""What was counted in all runs of a target, in files; several runs may count at once, and any may be killed.

FOLDER/TARGET/SEED.json has the counts of a seed, and which of its episodes were played: all below a number, and some
beyond it. FOLDER/TARGET/SEED.N.playing is locked by the run that plays episode N; the kernel unlocks it where that run
dies, so that another plays it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import attrs

BEYOND = "beyond"
"""The key of the episodes that were played although one before them was not."""


class Finding(Protocol):
    """What an episode came to."""

    @property
    def counts(self) -> dict[str, int]:
        """With "episodes": 1."""
        ...

    @property
    def findings(self) -> list[str]:
        """What should not have happened, each in words."""
        ...


@attrs.define
class Totals:
    """Of one seed. Its methods may be called from any thread."""

    folder: Path
    """Of the target."""
    seed: str
    run: Counter[str] = attrs.field(factory=Counter)
    """The counts of this run."""
    _held: dict[int, int] = attrs.field(factory=dict)
    """The descriptors of the episodes that this run plays."""

    @classmethod
    def open(cls, folder: Path, target: str, seed: str) -> Totals:
        """Those that are there, or new ones."""
        (folder / target).mkdir(parents=True, exist_ok=True)
        return cls(folder / target, seed.replace("/", "_"))

    def claim(self) -> int:
        """The number of the first episode that nobody has played and nobody plays. It is this run's until `add`."""
        with self._locked():
            counts, beyond = self._read()
            number = counts["episodes"] - len(beyond)
            while number in beyond or not self._hold(number):
                number += 1
            return number

    def add(self, number: int, counts: Mapping[str, int]) -> None:
        """Count a claimed episode, and keep that: whoever stops the run afterwards loses nothing."""
        with self._locked():
            all, beyond = self._read()
            all += Counter(counts)
            beyond.add(number)
            first = all["episodes"] - len(beyond)
            while first in beyond:
                beyond.remove(first)
                first += 1
            kept = {**all, BEYOND: sorted(beyond)} if beyond else all
            new = self._path.with_suffix(".new")
            new.write_text(json.dumps(kept))
            new.replace(self._path)
            self._playing(number).unlink()
            os.close(self._held.pop(number))
            self.run += Counter(counts)

    def all(self) -> Counter[str]:
        """The counts of all runs of all seeds."""
        return sum((_counts(path)[0] for path in self.folder.glob("*.json")), Counter())

    @property
    def _path(self) -> Path:
        return self.folder / f"{self.seed}.json"

    def _playing(self, number: int) -> Path:
        return self.folder / f"{self.seed}.{number}.playing"

    def _read(self) -> tuple[Counter[str], set[int]]:
        return _counts(self._path)

    def _hold(self, number: int) -> bool:
        descriptor = os.open(self._playing(number), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._held[number] = descriptor
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # One descriptor for each: threads of this process wait for each other as processes do.
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _counts(path: Path) -> tuple[Counter[str], set[int]]:
    if not path.exists():
        return Counter(), set()
    found = json.loads(path.read_text())
    beyond = set(found.pop(BEYOND, ()))
    return Counter(found), beyond
