"""RESULTS.json and RESULTS.md: what was seen, for programs and for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.peers.cells import CAPABILITIES, MEASURED, PEERS

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.json"

HEAD = """\
# What swruntime does beside what you may use today

Each cell was tried by a script, not read in a manual: `python -m benchmarks.peers` runs them all and writes this page.
Below the table stands what was seen for each. On {machine}.

"""


SHORT = (
    "runs_your_worker",
    "downloads_in_test",
    "cuts_network",
    "survives_kill",
    "stops_worker_at_await",
    "finds_losing_await",
    "names_losing_line",
    "virtual_time",
    "same_seed_same_run",
    "user_controls",
    "permission_and_quota",
    "works_without_browser",
    "renders_pages",
    "several_engines",
)
"""The rows of the README's table."""

SHORT_COLUMNS = {
    "swruntime": ("swruntime",),
    "Chromium with DevTools": ("chromium",),
    "Playwright": ("playwright",),
    "mocks": ("service_worker_mock", "sw_test_env"),
    "Miniflare": ("miniflare",),
    "MSW": ("msw",),
}
"""The columns of the README's table; of two peers in one column the better answer counts."""


def read() -> dict[str, Any]:
    if not RESULTS.exists():
        return {"peers": {}, "cells": {}}
    results: dict[str, Any] = json.loads(RESULTS.read_text())
    return results


def write(results: dict[str, Any]) -> None:
    RESULTS.write_text(json.dumps(results, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    (HERE / "RESULTS.md").write_text(page(results))


def page(results: dict[str, Any]) -> str:
    """RESULTS.md, of the contents of RESULTS.json."""
    versions = {key: results["peers"][key]["version"] for key in PEERS}
    lines = [
        "| | " + " | ".join(f"{peer.title} {versions[key]}" for key, peer in PEERS.items()) + " |",
        "|---" * (len(PEERS) + 1) + "|",
    ]
    for capability, title in CAPABILITIES.items():
        lines.append(f"| {title} | " + " | ".join(_cell(results, capability, key) for key in PEERS) + " |")
    lines += ["", "Tried on " + ", ".join(_dates(results)) + ".", ""]
    for capability, title in CAPABILITIES.items():
        lines += [f"## {title}", ""]
        for key, peer in PEERS.items():
            cell = results["cells"][capability][key]
            lines.append(f"- {peer.title}: **{_cell(results, capability, key)}**. {cell['seen']}")
        lines.append("")
    return HEAD.format(machine=results["machine"]) + "\n".join(lines)


def _dates(results: dict[str, Any]) -> list[str]:
    return sorted({results["peers"][key]["date"] for key in PEERS})


def _cell(results: dict[str, Any], capability: str, key: str) -> str:
    cell: dict[str, Any] = results["cells"][capability][key]
    if capability == MEASURED:
        return f"{cell['seconds']:.1f} s" + (" (partly)" if cell["answer"] == "partly" else "")
    return str(cell["answer"])


def short_table(results: dict[str, Any]) -> str:
    """The README's table: the rows and columns that matter most, without what was seen."""
    lines = ["| | " + " | ".join(SHORT_COLUMNS) + " |", "|---" * (len(SHORT_COLUMNS) + 1) + "|"]
    for capability in SHORT:
        cells = results["cells"][capability]
        best = [_best([cells[key]["answer"] for key in keys]) for keys in SHORT_COLUMNS.values()]
        lines.append(f"| {CAPABILITIES[capability]} | " + " | ".join(best) + " |")
    return "\n".join(lines) + "\n"


def _best(answers: list[str]) -> str:
    return max(answers, key=["no", "partly", "yes"].index)
