"""kill -9 at random instants: of the background fetch, and of `resume` after it, and of the one after that."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.crash_kills import KILLED, Workload, after, by_itself, make_files
from tests.crash.crash_nginx import Nginx
from tests.crash.crash_site import Site

TESTS, KILLS = 10, 8
SIZES = (4_000_000, 3_000_000, 100_000, 1_000, 0)
RATE = 5_000_000


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(TESTS))
def test_kills_at_random_instants_lose_nothing(
    tmp_path: Path, make_nginx: Callable[..., Nginx], seed: int
) -> None:
    nginx = make_nginx(limit_rate=RATE)
    digests = make_files(nginx, SIZES)
    rng = random.Random(seed)
    begun = time.monotonic()
    unharmed = Workload(Site(tmp_path, "unharmed"), nginx, digests)
    unharmed.begin(by_itself)
    unharmed.check()
    lasts = time.monotonic() - begun
    kills = number = 0
    while kills < KILLS:
        workload = Workload(Site(tmp_path, f"site{number}"), nginx, digests)
        number += 1
        workload.begin(after(rng.uniform(0.1, lasts)))
        # Not more than three: the fifth death inside its handler leaves an event to the user.
        for _ in range(rng.randrange(3)):
            if workload.resume(after(rng.uniform(0.1, lasts))).status != KILLED:
                break
        kills += len(workload.deaths)
        workload.finish()
