"""Sweeps across machines: one process finds a failing example, another one replays it, over a real Redis server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PATIENCE = 30.0
"""Seconds until a test gives up on a server."""

SWEEP = """
import os
from hypothesis import Phase, given, settings
from hypothesis.extra.redis import RedisExampleDatabase
from redis import Redis
from swruntime.testing import keep, run_scenario, strategies

phases = [Phase[name] for name in os.environ["SWEEP_PHASES"].split()]
database = RedisExampleDatabase(Redis.from_url(os.environ["SWEEP_REDIS"]))

@settings(deadline=None, database=database, phases=phases)
@given(strategies.scenarios(max_fetches=1, max_steps=1))
def test_nothing_ever_waits(scenario):
    keep(scenario, os.environ["SWEEP_KEEP"])
    trace = run_scenario(scenario)
    assert not any(line["kind"] == "record.wait" and line["reason"] == "reset" for line in trace)
"""


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (Debian's package redis-server)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert process.poll() is None, "it ended at once"
                assert time.monotonic() < until
                time.sleep(0.01)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


def sweep(folder: Path, url: str, phases: str) -> tuple[int, str | None]:
    """A machine of a sweep: the exit status of its pytest, and the scenario that it kept last."""
    folder.mkdir()
    (folder / "test_sweep.py").write_text(SWEEP)
    kept = folder / "smallest.toml"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_sweep.py"],
        cwd=folder,
        env={**os.environ, "SWEEP_REDIS": url, "SWEEP_PHASES": phases, "SWEEP_KEEP": str(kept)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, kept.read_text() if kept.exists() else None


@pytest.mark.slow
def test_what_one_process_found_another_one_replays(redis_url: str, tmp_path: Path) -> None:
    """The second one makes no examples of its own: all that it tries is in the database."""
    assert sweep(tmp_path / "before", redis_url, "reuse") == (0, None), "nothing is there to be tried"
    status, found = sweep(tmp_path / "one", redis_url, "reuse generate shrink")
    assert status == 1
    assert found is not None
    assert "drop_after" in found or "hang_up" in found or "part" in found, found
    assert sweep(tmp_path / "other", redis_url, "reuse") == (1, found)
