"""How many scenarios a second the random side of the checks makes, on one core (CPU seconds, Hypothesis included).

    python benchmarks/random_side.py

The fastest setting drives the machines in a fake world, without an agent; the full one drives the whole runtime, in
memory under a virtual clock, or on a profile where the process dies, too.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.specs.random_machines import Scenario, scenarios
from tests.specs.random_runtime import AnyLife, AnyLifeAndDeath


def setting(count: int) -> settings:
    return settings(
        max_examples=count,
        stateful_step_count=12,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def machines_alone(count: int) -> None:
    @setting(count)
    @given(scenario=scenarios)
    def play(scenario: Scenario) -> None:
        scenario.play()

    play()


def whole_runtime(count: int) -> None:
    run_state_machine_as_test(AnyLife, settings=setting(count))


def with_deaths(count: int) -> None:
    run_state_machine_as_test(AnyLifeAndDeath, settings=setting(count))


def main() -> None:
    runs: list[tuple[Callable[[int], None], int]] = [
        (machines_alone, 2000),
        (whole_runtime, 200),
        (with_deaths, 50),
    ]
    for run, count in runs:
        start = time.process_time()
        run(count)
        seconds = time.process_time() - start
        print(f"{run.__name__.replace('_', ' ')}: {count / seconds:.0f} scenarios a second")


if __name__ == "__main__":
    main()
