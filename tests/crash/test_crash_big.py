"""Files as big as people's: whole, in constant memory, killed, and a thousand small ones."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.crash.crash_kills import Workload, make_files
from tests.crash.crash_nginx import Nginx
from tests.crash.crash_site import Ended, Site, sha256_of

MB = 1_000_000
GIB = 1 << 30


def fetch_big(site: Site, nginx: Nginx, name: str, size: int) -> int:
    """The most memory that `fetch` had, in bytes."""
    digest = nginx.file(name, size)
    url = f"{nginx.url}/{name}"
    ended = site.run("fetch", "big", url, "--origin", nginx.url, "--json", measured=True)
    assert ended.status == 0, ended.told
    output = site.folder.parent / "output"
    taken = site.run("cache", "kept", url, "--output", str(output))
    assert taken.status == 0, taken.told
    assert sha256_of(output) == digest
    return ended.peak


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path, nginx: Nginx) -> None:
    some = fetch_big(Site(tmp_path, "some"), nginx, "100m.bin", 100 * MB)
    much = fetch_big(Site(tmp_path, "much"), nginx, "1g.bin", GIB)
    assert max(some, much) < 150 * MB
    assert abs(much - some) < 10 * MB


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_big_file_killed_in_the_middle(site: Site, nginx: Nginx, seed: int) -> None:
    """Each time after some bytes more have come, and with no other option than SITE."""
    workload = Workload(site, nginx, make_files(nginx, [GIB]))
    rng = random.Random(seed)

    def in_the_middle(site: Site, arguments: list[str]) -> Ended:
        program = site.start(*arguments)
        program.until("fetch.progress")
        return program.kill_after(rng.uniform(0, 0.2))

    workload.begin(in_the_middle)
    workload.resume(in_the_middle)
    workload.resume(in_the_middle)
    assert len(workload.deaths) == 3
    workload.finish()
    assert workload.asked == 1


@pytest.mark.slow
def test_a_thousand_records(site: Site, nginx: Nginx) -> None:
    workload = Workload(site, nginx, make_files(nginx, [1000] * 1000))
    ended = workload.begin(lambda site, arguments: site.run(*arguments, measured=True))
    workload.check()
    assert len(ended.lines("record.settle", result="success")) == 1000
    assert ended.peak < 150 * MB


@pytest.mark.slow
def test_two_sites_in_two_processes(tmp_path: Path, nginx: Nginx) -> None:
    digests = make_files(nginx, [20 * MB, 20 * MB])
    both = [Workload(Site(tmp_path, name), nginx, digests) for name in ("one", "other")]
    running = [workload.site.start("fetch", *workload.arguments) for workload in both]
    for workload, program in zip(both, running, strict=True):
        ended = program.wait()
        assert ended.status == 0, ended.told
        workload.check()
