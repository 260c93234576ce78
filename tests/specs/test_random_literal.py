"""The random side finds, unaided, what is wrong with the text: each defect is put back, and looked for.

Where it is made smaller, what is left is a script that a person can read, and the output says how to run it again.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio

from swruntime.errors import TraceViolation
from tests.specs.literal_text import FLAGS
from tests.specs.random_found import Found, Side, found_by, machines_alone, whole_runtime

# The random side is alone here: `conftest.py` would have the monitor stop the agent first.
pytestmark = pytest.mark.unchecked

FINDS = (AssertionError, TraceViolation, trio.TooSlowError)
"""The model's word; the monitor's; what a script waited for never came."""

ENOUGH = 3000
"""Scenarios."""
FEW_HAPPENINGS = 3
FEW_CALLS = 5
STEPS = 6
"""Of a life that is made smaller: shorter ones are smaller from the start."""

slow = pytest.mark.slow


def found_again(side: Side, found: Found) -> bool:
    """By what the output says, and by nothing else."""
    again = found_by(side, 1, steps=STEPS, blob=found.blob)
    return (type(again.error), str(again.error)) == (type(found.error), str(found.error))


@pytest.mark.parametrize(
    "defect",
    [
        *("1", "2", "3", "4", "7", "8, *"),
        pytest.param("8, no progress", marks=slow),
        pytest.param("8, longer than asked", marks=slow),
        pytest.param("8, at the very end", marks=slow),
        pytest.param("8, another method", marks=slow),
    ],
)
def test_the_machines_alone_tell_it_in_a_few_words(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FLAGS[defect](monkeypatch)
    found = found_by(machines_alone, ENOUGH)
    assert isinstance(found.error, AssertionError)
    assert "scenario=Scenario(" in found.text
    assert found.text.count("Happening(") <= FEW_HAPPENINGS
    assert found_again(machines_alone, found)


def test_what_was_found_is_not_there_any_more() -> None:
    """The same scenario, the text as resolved: the blob shows the defect, and nothing of its own."""
    with pytest.MonkeyPatch.context() as patch:
        FLAGS["7"](patch)
        found = found_by(machines_alone, ENOUGH)
    again = found_by(machines_alone, 1, blob=found.blob)
    assert type(again.error).__name__ == "DidNotReproduce"


@pytest.mark.parametrize(
    "defect",
    [
        *("1", "5", "6"),
        *(pytest.param(d, marks=slow) for d in FLAGS if d not in ("1", "2", "5", "6")),
    ],
)
def test_the_whole_runtime_shows_it(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FLAGS[defect](monkeypatch)
    assert isinstance(found_by(whole_runtime, ENOUGH, shrunk=False).error, FINDS)


@slow
@pytest.mark.parametrize("defect", ["2", "5", "6"])
def test_the_whole_runtime_tells_it_in_a_few_calls(
    defect: str, monkeypatch: pytest.MonkeyPatch, tell: Callable[[str, str], None]
) -> None:
    FLAGS[defect](monkeypatch)
    # A record that fails and an abort after that, in so short a life, are rare.
    found = found_by(whole_runtime, 3 * ENOUGH, steps=STEPS)
    script = "\n".join([f"{defect}. {type(found.error).__name__}: {found.error}", *found.script])
    tell("What the random side says of the text's defects", script)
    assert isinstance(found.error, FINDS)
    assert 2 <= len(found.script) <= FEW_CALLS
    assert found_again(whole_runtime, found)
