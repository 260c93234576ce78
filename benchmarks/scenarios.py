"""A thousand scenarios with faults, under virtual time: how long?

    python benchmarks/scenarios.py [--number 1000]

The examples are made first, by `swruntime.testing.strategies.scenarios`; then each is run, and its trace is checked.
Tells seconds of the processor for making, running and checking. No timing is asserted.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from swruntime.testing import check_trace, run_scenario, strategies  # noqa: E402


def made(number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    @given(strategies.scenarios())
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def collect(scenario: dict[str, Any]) -> None:
        found.append(scenario)

    collect()
    return found[:number]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--number", type=int, default=1000)
    number = parser.parse_args().number
    began = time.process_time()
    scenarios = made(number)
    generated = time.process_time()
    traces = [run_scenario(scenario) for scenario in scenarios]
    ran = time.process_time()
    lines = sum(check_trace(trace, complete=True) for trace in traces)
    checked = time.process_time()
    virtual = sum(trace[-1]["time"] for trace in traces)
    print(
        f"{len(scenarios)} scenarios, {virtual / 3600:.1f} hours of virtual time, {lines} lines: made in "
        f"{generated - began:.1f} s, run in {ran - generated:.1f} s, checked in {checked - ran:.1f} s"
    )


if __name__ == "__main__":
    main()
