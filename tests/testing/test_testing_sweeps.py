"""Long sweeps: on all cores the same as on one; across machines one process finds a failing example, another replays it.

The latter over a real Redis server."""

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

PARTS = """
import os
from pathlib import Path
import pytest
from hypothesis import Phase, given, seed, settings
from swruntime.testing import check_trace, keep, run_scenario, strategies
from swruntime.trace import to_json

@pytest.mark.parametrize("part", range(4))
def test_part(part):
    out = Path(os.environ["SWEEP_OUT"])
    (out / f"{part}.ran-in-{os.environ.get('PYTEST_XDIST_WORKER')}").touch()

    @seed(part)
    @settings(max_examples=8, deadline=None, database=None, phases=[Phase.generate])
    @given(strategies.scenarios(max_fetches=1, max_steps=1))
    def sweep(scenario):
        keep(scenario, out / f"{part}.toml")
        trace = run_scenario(scenario)
        check_trace(trace, complete=True)
        with (out / f"{part}.jsonl").open("a") as file:
            file.writelines(to_json(line) + "\\n" for line in trace)
        assert part < 3 or not any(line["kind"] == "record.wait" for line in trace)

    sweep()
"""


def parts(folder: Path, workers: int) -> tuple[list[str], dict[str, str], set[str]]:
    """A sweep in four parts, on so many cores: what came of each, all files it wrote, and the names of the workers."""
    folder.mkdir()
    (folder / "test_parts.py").write_text(PARTS)
    out = folder / "out"
    out.mkdir()
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-n", str(workers)]
    done = subprocess.run(
        [*command, "test_parts.py"],
        cwd=folder,
        # This session's own worker, if it is one, is none of that one's.
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST_XDIST")},
            "SWEEP_OUT": str(out),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    results = [line for line in done.stdout.splitlines() if line.startswith(("PASSED ", "FAILED ", "ERROR "))]
    files = {path.name: path.read_text() for path in out.iterdir() if ".ran-in-" not in path.name}
    used = {path.name.partition(".ran-in-")[2] for path in out.glob("*.ran-in-*")}
    return sorted(results), files, used


@pytest.mark.slow
def test_a_sweep_on_two_cores_is_the_same_as_on_one(tmp_path: Path) -> None:
    """Every trace, byte for byte, of every example of every part, and what is kept of the part that fails."""
    results, files, used = parts(tmp_path / "one", 0)
    assert [result.split()[0] for result in results] == ["FAILED", "PASSED", "PASSED", "PASSED"]
    assert len(files) == 8
    assert len({files[f"{part}.jsonl"] for part in range(4)}) == 4, "each part has examples of its own"
    assert used == {"None"}
    assert parts(tmp_path / "two", 2) == (results, files, {"gw0", "gw1"})


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
