"""The random side finds, unaided, what is wrong with the text: each defect is put back, and looked for."""

from __future__ import annotations

import pytest
import trio
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from swruntime.errors import TraceViolation
from tests.specs.literal_text import FLAGS
from tests.specs.random_runtime import AnyLife

# The random side is alone here: `conftest.py` would have the monitor stop the agent first.
pytestmark = pytest.mark.unchecked


def found(*phases: Phase) -> BaseException:
    """What the random side fails with; its notes are the calls that lead there."""
    looked = settings(
        max_examples=1500,
        stateful_step_count=10,
        deadline=None,
        database=None,
        derandomize=True,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(AnyLife, settings=looked)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it was found
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        return error
    raise LookupError("1500 lives, and nothing was found")


def calls(error: BaseException) -> list[str]:
    lines = "\n".join(getattr(error, "__notes__", ())).splitlines()
    return [line for line in lines if line.startswith(("state.", " File"))]


FINDS = (AssertionError, TraceViolation, trio.TooSlowError)
"""The model's word; the monitor's; what a script waited for never came."""


@pytest.mark.parametrize("defect", ["1", "4", "5", "6", "7"])
def test_it_finds(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FLAGS[defect](monkeypatch)
    assert isinstance(found(Phase.generate), FINDS)


@pytest.mark.slow
@pytest.mark.parametrize("defect", ["3", "8, *", "8, at the very end", "8, another method"])
def test_it_finds_after_a_while(
    defect: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    FLAGS[defect](monkeypatch)
    error = found(Phase.generate)
    with capsys.disabled():
        print(f"\ndefect {defect}: {type(error).__name__}: {error}", *calls(error), sep="\n")
    assert isinstance(error, FINDS)
