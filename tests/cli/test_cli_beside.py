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
READS = (("status",), ("status", "--check"), ("cache",), ("cache", "--json"), ("status", "--json"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_reading_beside_a_writer_never_fails_and_finds_no_problem(
    site: Site, seed: int, tell: Callable[[str, str], None]
) -> None:
    profile = site.folder / ".swruntime"
    writing = [sys.executable, str(WRITER), str(profile), str(ROUNDS), str(seed)]
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
                    assert (result.status, result.err.replace("swruntime: no cache\n", "no cache\n")) in (
                        (0, ""), (0, "no cache\n")
                    ), (command, options, result)  # fmt: skip
                    assert "damage" not in result.out, result.out
                    counts[" ".join((command, *options))] += 1
        finally:
            writer.kill()
            drained.join()
        assert writer.returncode == 0, writer.stderr.read()
    assert site.cli("status", "--check").status == 0
    tell(
        "Reading beside a writer",
        f"{ROUNDS} rounds, seed {seed}: {dict(counts)}; none failed, no problem was told",
    )
