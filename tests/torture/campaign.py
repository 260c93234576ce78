"""A run: episodes of one target, played by processes on all cores, counted and told as they end."""

from __future__ import annotations

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from tests.torture.player import Played, Player
from tests.torture.totals import Totals

FINDINGS = "findings"
"""The folder beside the targets' totals: FINDINGS/TARGET/SEED_EPISODE.json."""


@attrs.define
class Campaign:
    """`module` is the target's, `state` the folder that outlives the run."""

    target: str
    module: str
    state: Path
    seed: str
    totals: Totals = attrs.field(init=False)
    found: int = 0
    _stopped: bool = False
    _telling: threading.Lock = attrs.field(factory=threading.Lock)

    def __attrs_post_init__(self) -> None:
        self.totals = Totals.open(self.state, self.target, self.seed)

    def play(self, seconds: float, count: int, processes: int = 0) -> None:
        """Until the time is over, or `count` is reached (0: no matter); an episode that has begun is played to its end.

        `processes` play at once; 0: as many as the target has for each core.

        An interrupt ends it at once; what was being played then is played by the next run.
        """
        target = import_module(self.module)
        processes = processes or target.PER_CORE * (os.cpu_count() or 1)
        deadline = time.monotonic() + seconds

        def goes_on() -> bool:
            enough = bool(count) and self.totals.run[target.COUNTED] >= count
            return not self._stopped and time.monotonic() < deadline and not enough

        def work(player: Player) -> None:
            try:
                while goes_on():
                    self._play_next(player)
            finally:
                player.close()

        with ThreadPoolExecutor(processes) as threads:
            try:
                for each in [threads.submit(work, Player(self.module)) for _ in range(processes)]:
                    each.result()
            except BaseException:
                self._stopped = True  # an interrupt has interrupted the players as well
                raise

    def _play_next(self, player: Player) -> None:
        number = self.totals.claim()
        played = player.play(f"{self.seed}/{number}")
        if self._stopped:
            return
        if played.findings:
            self._tell(number, played)
        self.totals.add(number, played.counts)

    def _tell(self, number: int, played: Played) -> None:
        path = self.state / FINDINGS / self.target / f"{self.totals.seed}_{number}.json"
        keep(path, self.target, f"{self.seed}/{number}", played)
        with self._telling:
            self.found += len(played.findings)
            for each in played.findings:
                print(f"--- {self.seed}/{number}: {each}")
            print(f"    again: python -m tests.torture {self.target} --again {path}", flush=True)


def keep(path: Path, target: str, episode: str, played: Played) -> None:
    """A finding, as a small file: which episode of which target, what was found, and what plays it again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept: dict[str, Any] = {"target": target, "episode": episode, "findings": played.findings}
    if played.kept is not None:
        kept["kept"] = played.kept
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def again(module: str, what: str) -> Played:
    """Play SEED/EPISODE once more, or what the file of a finding has: that alone, where the target can."""
    target = import_module(module)
    path = Path(what)
    if not path.is_file():
        return Played.of(target.episode(what))
    kept = json.loads(path.read_text())
    if "kept" in kept:
        return Played.of(target.again(kept["kept"]))
    return Played.of(target.episode(kept["episode"]))
