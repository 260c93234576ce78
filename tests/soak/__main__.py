"""`make soak MINUTES=N SEED=S`: a long life, and what of it stays in memory.

    python -m tests.soak --minutes 60 --seed 1

One user agent with a profile on disk lives all that time on the real clock. In it a page in Python and one in JavaScript,
each with a worker of its language, make background fetches, messages, notifications, windows and what else a page
makes many of, in an order that the seed gives, as fast as they are done; the workers are stopped again and again.

At each quarter of the time everything is counted. A life is flat where the second half has added no more than `MOST`:
the first half is for what is filled once. The exit code is 1 where it is not.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import attrs
import trio

import swruntime
from tests.soak.life import Life, build_site

MOST = {
    "objects": 0.05,
    "tasks": 0.001,
    "descriptors": 0.001,
    "rss": 256.0,
    "children": 2048.0,
}
"""What each background fetch of the second half may have added: objects of Python, tasks, descriptors, bytes."""

ALLOWANCE = {
    "objects": 2_000,
    "tasks": 20,
    "descriptors": 20,
    "rss": 6 * 1024 * 1024,
    "children": 64 * 1024 * 1024,
}
"""What may come and go besides, however long it lasts: what is under way, caches with a bound, the engine's own heap."""


@attrs.frozen
class Sample:
    """What there is at one moment. `rss` and `children` in bytes."""

    seconds: float
    fetches: int
    stops: int
    objects: int
    tasks: int
    descriptors: int
    rss: int
    children: int

    def line(self) -> str:
        return (
            f"{self.seconds:7.0f} s  {self.fetches:7,} fetches  {self.stops:6,} stops  {self.objects:9,} objects  "
            f"{self.tasks:4} tasks  {self.descriptors:4} descriptors  {self.rss / 2**20:7.1f} MiB, "
            f"engines {self.children / 2**20:7.1f} MiB"
        )


async def sample(life: Life, begun: float) -> Sample:
    """Count everything once nothing is under way."""
    await life.rest()
    for _ in range(3):
        gc.collect()
    return Sample(
        time.monotonic() - begun,
        life.fetches,
        life.stops,
        len(gc.get_objects()),
        trio.lowlevel.current_statistics().tasks_living,
        len(os.listdir("/proc/self/fd")),
        _rss(os.getpid()),
        sum(map(_rss, _children())),
    )


def _rss(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0  # it has ended meanwhile
    return pages * os.sysconf("SC_PAGE_SIZE")


def _children() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task")
    return [int(pid) for each in tasks.iterdir() for pid in (each / "children").read_text().split()]


def grown(half: Sample, end: Sample) -> list[str]:
    """What the second half has added too much of, in words."""
    fetches = max(end.fetches - half.fetches, 1)
    return [
        f"{name}: {getattr(half, name):,} at half-time and {getattr(end, name):,} at the end, after {fetches:,} "
        f"background fetches more"
        for name, each in MOST.items()
        if getattr(end, name) - getattr(half, name) > ALLOWANCE[name] + each * fetches
    ]


async def soak(minutes: float, seed: str, most: int) -> list[Sample]:
    begun = time.monotonic()
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as folder:
        site = build_site(Path(folder) / "site")
        async with swruntime.open_user_agent(site=site, profile=Path(folder) / "profile") as agent:
            life = await Life.begin(agent, random.Random(seed))
            for quarter in range(1, 5):
                until, count = begun + quarter * minutes * 15, quarter * most // 4
                while time.monotonic() < until and (not most or life.fetches < count):
                    await life.step()
                samples.append(await sample(life, begun))
                print(samples[-1].line(), flush=True)
            life.end()
    return samples


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (60)")
    parser.add_argument("--seed", default="0", help="of what is done in which order (0)")
    parser.add_argument("--count", type=int, default=0, help="end after so many background fetches")
    options = parser.parse_args(arguments)
    logging.getLogger().addHandler(logging.NullHandler())
    _, half, _, end = trio.run(soak, options.minutes, options.seed, options.count)
    found = grown(half, end)
    for each in found:
        print(f"--- not flat: {each}")
    hours = end.seconds / 3600
    print(
        f"{end.fetches:,} background fetches and {end.stops:,} stops of workers in {hours:.2f} hours: "
        f"{'not flat' if found else 'flat'}"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
