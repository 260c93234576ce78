"""`make torture TARGET=... MINUTES=N SEED=S`: attacks on what must hold, for as long as you like, counted across runs.

    python -m tests.torture frames --minutes 10 --seed 1

A target is a module of this folder with `episode(seed)`, which answers with what it found; what is tried in an episode
follows from its seed. Episodes are played on all cores. The totals are kept in .venv/torture/, by target and seed: a run
goes on with the episodes of its seed that none before it has played. Several runs may go on side by side, with one seed
or with many, and a run that is interrupted or killed loses no more than what it was playing.

What is found is told, and kept in .venv/torture/findings/TARGET/, a small file each. `--again FILE` plays that again,
`--again SEED/EPISODE` a whole episode. The exit code is 1 where anything was found.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from tests.torture.campaign import Campaign, again

TARGETS = {name: f"tests.torture.{name}" for name in ("frames", "kills", "servers")}
STATE = Path(".venv") / "torture"


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    module = TARGETS[options.target]
    if options.again:
        played = again(module, options.again)
        for each in played.findings:
            print(f"--- {options.again}: {each}")
        return 1 if played.findings else 0
    campaign = Campaign(options.target, module, STATE, options.seed)
    interrupted = False
    try:
        campaign.play(options.minutes * 60, options.count, options.processes)
    except KeyboardInterrupt:
        interrupted = True
    print(import_module(module).sentence(campaign.totals.run, campaign.totals.all()))
    return 130 if interrupted else 1 if campaign.found else 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (1)")
    parser.add_argument("--seed", default="0", help="of all that is random (0)")
    parser.add_argument(
        "--count",
        type=int,
        default=0,
        help="end after so many frames, kills or behaviours, even before the time is over",
    )
    parser.add_argument(
        "--processes", type=int, default=0, help="so many play at once (as many as keep the cores busy)"
    )
    parser.add_argument(
        "--again", metavar="FILE|SEED/EPISODE", help="play what was found once more, or one episode"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
