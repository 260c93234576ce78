"""examples/podcast-js is the twin of examples/podcast: the same scenario, the same trace."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import swruntime
from swruntime.testing.scenario import ScenarioPlayer, read_scenario
from swruntime.trace import Line, script_diagnostic

pytest.importorskip("deno")

EXAMPLES = Path(__file__).parents[2] / "examples"
MIB = 1024 * 1024
TUNNEL = """
conditions = { download = "12MiB", latency = 0.02 }

[[step]]
fetch = "ep-5"
bytes = "2MiB"
do = "offline"

[[step]]
after = 3
do = "online"
"""


async def lived(folder: Path, name: str, worker: str, page: str, *, whole: bool = True) -> list[Line]:
    """The trace of an example on its train ride, with an episode of six mebibytes, or without one."""
    site = folder / name
    shutil.copytree(
        EXAMPLES / name, site, ignore=shutil.ignore_patterns("ep-5*", "page.py" if page == "page.js" else "")
    )
    if whole:
        (site / "ep-5.mp3").write_bytes(b"\x5a" * (6 * MIB))
        (site / "ep-5-icon.png").write_bytes(b"\x89PNG")
    elif page == "page.py":
        (site / "episode.py").write_text("")
    (site / "ep-5-artwork.jpg").write_bytes(b"\xff\xd8" * 1000)
    scenario = folder / "tunnel.toml"
    scenario.write_text(TUNNEL)
    lines: list[Line] = []
    async with swruntime.open_user_agent(site=site, seed=7, on_trace=lines.append) as agent:
        if whole:
            ScenarioPlayer(agent, read_scenario(scenario)).start(agent.services.nursery)
        window: Any = await agent.open_window("/")
        await window.navigator.service_worker.register(f"/{worker}")
        await window.run(f"/{page}")
        await agent.settled()
    assert [line for line in lines if script_diagnostic(line)] == []
    return lines


def of_fetches(lines: list[Line]) -> list[Line]:
    """What is told of background fetches, but for the time and how far they are."""
    return [
        {key: value for key, value in line.items() if key != "time"}
        for line in lines
        if "fetch" in line and line["kind"] != "fetch.progress"
    ]


def apart(lines: list[Line]) -> dict[object, list[Line]]:
    """Each record's lines, and those of the fetch itself: which of two records begins first is the scheduler's."""
    found: dict[object, list[Line]] = {}
    for line in lines:
        found.setdefault(line.get("index"), []).append(line)
    return found


def said(lines: list[Line]) -> list[tuple[str, str]]:
    return [(line["level"], line["text"]) for line in lines if line["kind"] == "console"]


@pytest.mark.slow
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "without its sound"])
async def test_the_two_podcasts_have_the_same_trace(
    tmp_path: Path, autojump_clock: object, whole: bool
) -> None:
    python = await lived(tmp_path, "podcast", "worker.py", "page.py", whole=whole)
    javascript = await lived(tmp_path, "podcast-js", "sw.js", "page.js", whole=whole)
    assert apart(of_fetches(javascript)) == apart(of_fetches(python))
    kinds = [line["kind"] for line in of_fetches(python)]
    assert kinds.count("event.end") == 1
    assert ("record.wait" in kinds) is whole
    if whole:
        assert said(javascript) == said(python)
        assert any("in the cache" in text for _, text in said(python))
