"""`status`, `status --check` and `cache` beside a process that writes without rest."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Site

WRITER = Path(__file__).with_name("beside_writer.py")
ROUNDS = 150
RUNS = 5
READS = (("status",), ("status", "--check"), ("cache",), ("cache", "--json"), ("status", "--json"))


PAGE = """
async def main():
    registration = await navigator.service_worker.ready
    for number in range(40):
        cache = await caches.open(f"c{number % 3}")
        await cache.put(f"/{number}", Response("x" * number * 1000))
        if number % 7 == 0:
            await caches.delete(f"c{number % 2}")
        if number % 10 == 0:
            await registration.background_fetch.fetch(f"f{number}", ["/a.bin", "/b.bin"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_reading_beside_a_writer_never_fails_and_finds_no_problem(
    site: Site, seed: int, tell: Callable[[str, str], None]
) -> None:
    profile = site.folder / ".swruntime"
    read_beside(
        site, [sys.executable, str(WRITER), str(profile), str(ROUNDS), str(seed)], f"{ROUNDS} rounds", tell
    )


@pytest.mark.slow
def test_reading_beside_runs(site: Site, noise: bytes, tell: Callable[[str, str], None]) -> None:
    for name in ("a.bin", "b.bin"):
        site.write(name, noise)
    site.write("page.py", PAGE)
    one = f"{sys.executable} -m swruntime run {site.folder} > {site.folder}/../said 2>&1"
    script = f"set -e; {one}; echo 0; for i in $(seq {RUNS}); do {one}; done"
    read_beside(site, ["sh", "-c", script], f"{RUNS} runs", tell)


def read_beside(site: Site, writing: list[str], what: str, tell: Callable[[str, str], None]) -> None:
    counts: Counter[str] = Counter()
    with subprocess.Popen(writing, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        assert writer.stdout.readline() == "0\n"
        drained = threading.Thread(target=writer.stdout.read)
        drained.start()
        try:
            while writer.poll() is None:
                for command, *options in READS:
                    result = site.cli(command, *options)
                    assert result.status == 0, (command, options, result)
                    assert result.err in ("", "no cache\n"), (command, options, result)
                    assert "damage" not in result.out, result.out
                    counts[" ".join((command, *options))] += 1
        finally:
            writer.kill()
            drained.join()
        assert writer.returncode == 0, writer.stderr.read()
    assert site.cli("status", "--check").status == 0
    tell("Reading beside a writer", f"{what}: {dict(counts)}; none failed, no problem was told")
