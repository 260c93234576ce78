"""examples/podcast-js is the twin of examples/podcast: the same scenario, the same trace."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import swruntime
from swruntime.network.conditions import Conditions
from swruntime.trace import Line, script_diagnostic

pytest.importorskip("deno")

EXAMPLES = Path(__file__).parents[2] / "examples"
BUILT = ("ep-5*", ".swruntime", "__pycache__", "tests")
"""What running an example leaves in its folder, and what it has besides."""


def ridden(examples: Path, name: str) -> list[Line]:
    """The trace of an example on its train ride, as a user has it: all 60 MiB, with the command line."""
    trace = examples / f"{name}.jsonl"
    site = examples / name
    arguments: list[str | Path] = [
        "--scenario",
        site / "tunnel.toml",
        "--seed",
        "7",
        "--trace",
        trace,
        "--monitor",
        "--strict",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "swruntime", "run", site, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in trace.read_text().splitlines()]


async def without_sound(folder: Path, name: str, worker: str, page: str) -> list[Line]:
    """The trace of an example whose server has no sound, and nothing else that takes long."""
    site = folder / name
    shutil.copytree(EXAMPLES / name, site, ignore=shutil.ignore_patterns(*BUILT))
    (site / "episode.py").write_text("")
    # So large that it ends after the 404, however the two share the line.
    (site / "ep-5-artwork.jpg").write_bytes(b"\xff\xd8" * 100_000)
    lines: list[Line] = []
    async with swruntime.open_user_agent(site=site, seed=7, on_trace=lines.append) as agent:
        agent.network.conditions = Conditions("slow", latency=0.02, download=1_000_000)
        window: Any = await agent.open_window("/")
        await window.navigator.service_worker.register(f"/{worker}")
        await window.run(f"/{page}")
        await agent.settled()
    return lines


def of_fetches(lines: list[Line]) -> list[Line]:
    """What is told of background fetches, but for the time and how far they are."""
    return [
        {key: value for key, value in line.items() if key != "time"}
        for line in lines
        if "fetch" in line and line["kind"] != "fetch.progress"
    ]


def said(lines: list[Line]) -> list[tuple[str, str]]:
    return [(line["level"], line["text"]) for line in lines if line["kind"] == "console"]


def check_twins(python: list[Line], javascript: list[Line]) -> None:
    assert of_fetches(javascript) == of_fetches(python)
    assert said(javascript) == said(python)
    for lines in (python, javascript):
        assert [line for line in lines if script_diagnostic(line)] == []
        # All there is belongs to one background fetch, and it lived to its end.
        assert {line["fetch"] for line in of_fetches(lines)} == {1}
        assert of_fetches(lines)[-1]["kind"] == "fetch.release"


@pytest.mark.slow
def test_the_two_podcasts_have_the_same_trace(tmp_path: Path) -> None:
    for name in ("podcast", "podcast-js"):
        shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=shutil.ignore_patterns(*BUILT))
    python, javascript = ridden(tmp_path, "podcast"), ridden(tmp_path, "podcast-js")
    check_twins(python, javascript)
    assert [line["reason"] for line in python if line["kind"] == "record.wait"] == ["offline"]
    assert any("in the cache: /ep-5.mp3" in text for _, text in said(python))


@pytest.mark.slow
async def test_the_two_podcasts_without_their_sound(tmp_path: Path, autojump_clock: object) -> None:
    python = await without_sound(tmp_path, "podcast", "worker.py", "page.py")
    javascript = await without_sound(tmp_path, "podcast-js", "sw.js", "page.js")
    check_twins(python, javascript)
    assert [line["result"] for line in python if line["kind"] == "record.settle"] == ["bad-status", "success"]
    assert any("is not in the cache" in text for _, text in said(python))
