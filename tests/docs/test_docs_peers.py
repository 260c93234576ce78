"""The table beside other tools: complete, written from what was seen, each cell tried by a function; swruntime's own hold."""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from benchmarks.peers import report
from benchmarks.peers.cells import CAPABILITIES, MEASURED, PEERS, camel_case, problems
from benchmarks.peers.environment import PACKAGES, ROOT, CellFailed, Environment, run_cell, without_places
from benchmarks.peers.origin import body, serving
from benchmarks.peers.swruntime_itself import CELLS, Bench, tried

PEERS_FOLDER = Path(report.__file__).parent
FAST = ("has_background_fetch", "names_losing_line")
"""One that is there and one that finds something; the others take a second or more."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with serving(PACKAGES / "node_modules") as origin:
        yield Bench(origin.url, tmp_path)


def test_no_cell_is_missing() -> None:
    assert problems(report.read()) == []


def broken(change: str) -> Any:
    results = copy.deepcopy(report.read())
    cells = results["cells"]
    if change == "a row":
        del cells["cuts_network"]
    elif change == "a version":
        results["peers"]["miniflare"]["version"] = ""
    elif change == "an answer":
        cells["cuts_network"]["msw"]["answer"] = "maybe"
    elif change == "a sentence":
        cells["cuts_network"]["msw"]["seen"] = " "
    elif change == "a time":
        del cells[MEASURED]["msw"]["seconds"]
    elif change == "one too many":
        cells["flies"] = cells["cuts_network"]
    else:
        del results[change]
    return results


@pytest.mark.parametrize(
    "change",
    [
        "a row",
        "a version",
        "an answer",
        "a sentence",
        "a time",
        "one too many",
        "date",
        "machine",
        "peers",
        "cells",
    ],
)
def test_what_is_missing_is_told(change: str) -> None:
    assert problems(broken(change))


def test_the_page_is_what_was_seen() -> None:
    assert (PEERS_FOLDER / "RESULTS.md").read_text() == report.page(report.read())


def test_no_place_of_a_machine_is_told() -> None:
    assert (
        without_places(f"{PACKAGES}/a at http://localhost:1234/b in {ROOT}/c")
        == ".../a at http://localhost/b in .../c"
    )
    for cells in report.read()["cells"].values():
        assert all(cell["seen"] == without_places(cell["seen"]) for cell in cells.values())


def test_the_short_table_takes_the_better_of_two() -> None:
    lines = report.short_table(report.read()).splitlines()
    assert len(lines) == len(report.SHORT) + 2
    assert {line.count("|") for line in lines} == {len(report.SHORT_COLUMNS) + 2}
    results = broken("one too many")
    results["cells"]["virtual_time"]["sw_test_env"]["answer"] = "no"
    results["cells"]["virtual_time"]["service_worker_mock"]["answer"] = "partly"
    row = report.short_table(results).splitlines()[2 + report.SHORT.index("virtual_time")]
    assert row.split(" | ")[4] == "partly"


def functions_of(script: str) -> set[str]:
    """The names that a script exports; those that it takes from the file it shares with another are defined there."""
    text = (PEERS_FOLDER / script).read_text()
    exported = set(re.findall(r"^export async function (\w+)\(", text, re.MULTILINE))
    for names, maker in re.findall(r"^export const \{([^}]+)\} = (\w+)", text, re.MULTILINE):
        file = re.search(rf'import \{{ [^}}]*\b{maker}\b[^}}]* \}} from "./(\w+\.mjs)"', text)
        source = text if file is None else (PEERS_FOLDER / file[1]).read_text()
        if maker == "shared":  # const shared = browserCells(start)
            source = (PEERS_FOLDER / "browser_cells.mjs").read_text()
        defined = set(re.findall(r"^    async (\w+)\(\) \{", source, re.MULTILINE))
        exported |= {name for name in re.findall(r"\w+", names) if name in defined}
    return exported


@pytest.mark.parametrize("key", PEERS)
def test_each_cell_is_tried_by_a_function(key: str) -> None:
    script = PEERS[key].script
    wanted = set(CAPABILITIES) if script.endswith(".py") else {camel_case(name) for name in CAPABILITIES}
    there = set(CELLS) if script.endswith(".py") else functions_of(script)
    assert wanted <= there, wanted - there


def answered(capability: str) -> str:
    answer: str = report.read()["cells"][capability]["swruntime"]["answer"]
    return answer


@pytest.mark.filterwarnings(
    "ignore::swruntime.testing.DiagnosticWarning"
)  # the worker forgets what it counts
@pytest.mark.parametrize(
    "capability",
    [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in CAPABILITIES],
)
def test_what_the_table_says_of_swruntime(capability: str, bench: Bench) -> None:
    pytest.importorskip("deno")
    assert tried(capability, bench).answer == answered(capability)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_script_that_raises_says_neither_yes_nor_no() -> None:
    environment = Environment(shutil.which("node"), None)
    peer = attrs.evolve(PEERS["service_worker_mock"], script="shared.mjs")  # has no function of that name
    with (
        serving(PACKAGES) as origin,
        pytest.raises(CellFailed, match="service-worker-mock: runs_your_worker"),
    ):
        run_cell(environment, peer, "runs_your_worker", origin.url)


def test_who_is_not_there_is_named() -> None:
    nothing = Environment(None, None)
    assert nothing.missing(PEERS["swruntime"]) is None
    assert nothing.missing(PEERS["miniflare"]) == "npm or Node is not installed"
    assert Environment("node", None).missing(PEERS["playwright"]) == "Chromium is not installed"
    assert Environment("node", "chromium").missing(PEERS["msw"]) is None


def test_the_server_breaks_once_and_answers_a_range(bench: Bench) -> None:
    url = f"{bench.origin}/file/it?size=1000&drop=400"
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(url)
    rest = httpx.get(url, headers={"Range": "bytes=400-"})
    assert (rest.status_code, rest.content) == (206, body(1000)[400:])
    assert httpx.get(url).content == body(1000)
    assert httpx.get(f"{bench.origin}/../origin.py").status_code == 404
    assert bench.ranges("it") == [None, "bytes=400-", None]


def contained(folder: Path, seconds: int, *command: str) -> int:
    script = str(PEERS_FOLDER / "contained.py")
    return subprocess.run(
        [sys.executable, "-I", "-S", script, str(seconds), str(folder / "took"), *command]
    ).returncode


def test_what_a_command_leaves_behind_is_ended(tmp_path: Path) -> None:
    left = tmp_path / "left"
    command = f"setsid sh -c 'echo $$ > {left}; exec sleep 600' & while [ ! -s {left} ]; do :; done; exit 3"
    assert contained(tmp_path, 600, "sh", "-c", command) == 3
    assert not Path(f"/proc/{left.read_text().strip()}").exists()
    assert float((tmp_path / "took").read_text()) > 0


@pytest.mark.slow
def test_a_command_that_does_not_end_is_killed(tmp_path: Path) -> None:
    assert contained(tmp_path, 1, "sleep", "600") == 9
