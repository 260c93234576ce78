"""swruntime beside what its users may use today: every cell of the table is tried.

    python -m benchmarks.peers [--peer NAME]... [--only CAPABILITY]... [--no-install]
    python -m benchmarks.peers --table

Installs the newest npm packages into `.venv/peers`, runs a script for each cell, one after the other, and writes
`benchmarks/peers/RESULTS.md` and `RESULTS.json`. A peer that is not there keeps what was seen
of it before, with its date.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
from typing import Any

from benchmarks.peers import report
from benchmarks.peers.cells import CAPABILITIES, MEASURED, PEERS, Peer, problems
from benchmarks.peers.environment import PACKAGES, CellFailed, Environment, prepare, run_cell
from benchmarks.peers.origin import serving

TIMES = 5
"""So often the start is measured; the best counts."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__.splitlines()[0])
    parser.add_argument("--peer", action="append", choices=list(PEERS), help="only this one; more than once")
    parser.add_argument("--only", action="append", choices=list(CAPABILITIES), metavar="CAPABILITY")
    parser.add_argument("--no-install", action="store_true", help="take the packages that are there")
    parser.add_argument("--table", action="store_true", help="try nothing; print the README's table")
    options = parser.parse_args()
    if options.table:
        print(report.short_table(report.read()), end="")
        return 0
    environment = prepare(install=not options.no_install)
    results = report.read()
    wrong = []
    for key in options.peer or PEERS:
        wrong += try_peer(environment, key, options.only, results)
    results["date"] = today()
    results["machine"] = machine(environment)
    incomplete = problems(results)
    for problem in (*wrong, *incomplete):
        print(f"not complete: {problem}", file=sys.stderr)
    if not incomplete:
        report.write(results)
    return 1 if wrong or incomplete else 0


def try_peer(
    environment: Environment, key: str, only: list[str] | None, results: dict[str, Any]
) -> list[str]:
    """Try all rows with a peer, or `only` these, and put what was seen into `results`. Answers with what failed."""
    peer = PEERS[key]
    why = environment.missing(peer)
    if why is not None:
        print(f"{peer.title}: {why}; not tried", file=sys.stderr)
        return []
    version, known = environment.version(peer), results["peers"].get(key, {}).get("version")
    if only and known not in (None, version):
        return [f"{key} is {version}, and the table is of {known}; try all its rows"]
    failed = []
    for capability in only or CAPABILITIES:
        row = results["cells"].setdefault(capability, {})
        row.pop(key, None)
        try:
            row[key] = cell = try_cell(environment, peer, capability)
        except CellFailed as error:
            print(error, file=sys.stderr)
            failed.append(f"{key}: {capability}")
            continue
        print(f"{peer.title}: {capability}: {cell['answer']}. {cell['seen']}", flush=True)
    results["peers"][key] = {"version": version, "date": today()}
    return failed


def today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def try_cell(environment: Environment, peer: Peer, capability: str) -> dict[str, Any]:
    """A cell as RESULTS.json has it. A server of its own each time: nobody sees another's requests."""
    runs = []
    for _ in range(TIMES if capability == MEASURED else 1):
        with serving(PACKAGES / "node_modules") as origin:
            runs.append(run_cell(environment, peer, capability, origin.url))
    cell: dict[str, Any] = {"answer": runs[0].seen.answer, "seen": runs[0].seen.seen}
    if capability == MEASURED:
        cell["seconds"] = round(min(run.seconds for run in runs), 2)
    return cell


def machine(environment: Environment) -> str:
    parts = [
        platform.system(),
        f"{os.cpu_count()} cores that others used as well",
        f"Python {platform.python_version()}",
    ]
    if environment.node is not None:
        version = subprocess.run(
            [environment.node, "--version"], check=True, capture_output=True, text=True
        ).stdout
        parts.append(f"Node {version.strip().lstrip('v')}")
    return ", ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
