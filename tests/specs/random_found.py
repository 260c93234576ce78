"""What the random side finds, as a person gets it: the shortest script that Hypothesis knows, and how to run it again."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

import attrs
from hypothesis import HealthCheck, Phase, given, reproduce_failure, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.specs.random_machines import Scenario, scenarios
from tests.specs.random_runtime import AnyLife

Blob = tuple[str, bytes]
"""The arguments of `reproduce_failure`: Hypothesis's version, and the choices that it made."""

Side = Callable[[settings, Blob | None], None]
"""Looks as far as the settings say, or at what the blob says alone. Raises what is found."""


@attrs.frozen
class Found:
    error: BaseException
    text: str
    """What Hypothesis says of it."""

    @property
    def script(self) -> list[str]:
        """The calls of a state machine that lead there."""
        return [line for line in self.text.splitlines() if line.startswith("state.")]

    @property
    def blob(self) -> Blob:
        """Raises LookupError where the output does not say how to run it again."""
        told = re.search(r"@reproduce_failure\((?P<arguments>.*)\)", self.text)
        if told is None:
            raise LookupError(f"nothing to run it again with in {self.text!r}")
        version, data = ast.literal_eval(f"({told['arguments']})")
        return version, data


def machines_alone(how: settings, blob: Blob | None = None) -> None:
    @how
    @given(scenario=scenarios)
    def play(scenario: Scenario) -> None:
        scenario.play()

    (play if blob is None else reproduce_failure(*blob)(play))()


def whole_runtime(how: settings, blob: Blob | None = None) -> None:
    class Life(AnyLife):
        pass

    run_state_machine_as_test(Life if blob is None else reproduce_failure(*blob)(Life), settings=how)


def found_by(
    side: Side, count: int, *, steps: int = 10, shrunk: bool = True, blob: Blob | None = None
) -> Found:
    """What `side` finds in `count` scenarios. Raises LookupError when that is nothing."""
    how = settings(
        max_examples=count,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=blob is None,
        print_blob=True,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink) if shrunk else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    try:
        side(how, blob)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it was found
        text = "\n".join(getattr(error, "__notes__", ()))
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        return Found(error, text)
    raise LookupError(f"{count} scenarios, and nothing was found")
