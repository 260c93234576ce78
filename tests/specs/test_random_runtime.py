"""Side two, random: the whole runtime, in process under a virtual clock, against the model."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.specs.random_machines import Scenario, scenarios
from tests.specs.random_runtime import AnyLife, AnyLifeAndDeath, AnyLifeInJavaScript


def lives(count: int, *, steps: int = 12) -> settings:
    """A failure prints the calls that lead to it, and how to run them again."""
    return settings(
        max_examples=count,
        stateful_step_count=steps,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


@settings(max_examples=300, deadline=None, print_blob=True)
@given(scenario=scenarios)
def test_the_machines_alone(scenario: Scenario) -> None:
    scenario.play()


@pytest.mark.slow
@settings(max_examples=3_000, deadline=None, print_blob=True)
@given(scenario=scenarios)
def test_the_machines_alone_at_length(scenario: Scenario) -> None:
    scenario.play()


def test_any_life() -> None:
    run_state_machine_as_test(AnyLife, settings=lives(120))


def test_any_life_with_deaths() -> None:
    run_state_machine_as_test(AnyLifeAndDeath, settings=lives(20))


@pytest.mark.slow
def test_any_life_at_length() -> None:
    run_state_machine_as_test(AnyLife, settings=lives(150, steps=25))


@pytest.mark.slow
def test_any_life_with_deaths_at_length() -> None:
    run_state_machine_as_test(AnyLifeAndDeath, settings=lives(30, steps=20))


@pytest.mark.slow
def test_any_life_of_a_worker_in_javascript() -> None:
    run_state_machine_as_test(AnyLifeInJavaScript, settings=lives(30, steps=15))
