"""For all tests. pytester is what the tests of the pytest plugin run sessions of their own with.

Every agent that a test opens has the monitor read along, and a trace that breaks a rule fails the test.

Under the Hypothesis profile `mutation` (`make mutation`) the same few examples are tried in every run, and a failure
is not made smaller: that a test fails is all that is asked for, thousands of times.

What a test has to tell whoever reads CI's output (`tell`) is printed at the end, whichever process it ran in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings

from swruntime.algorithms.proxies import VARIABLES
from swruntime.monitor.checked import Checked
from swruntime.trace import Trace, TraceEvent

pytest_plugins = ["pytester"]

MUTATION = "mutation"
LONG = "test_lives_reach_every_row_and_every_effect"
"""It asks how much the others see, takes seconds, and catches next to nothing that they do not."""

TOLD = "told"
"""The name of the property that a test's report carries it as."""

# What the machine says of proxies is none of the tests' business, nor of the processes that they start.
for _variable in (*VARIABLES, "REQUEST_METHOD"):
    os.environ.pop(_variable, None)

# How long an example takes says nothing: other tests run at the same time.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")
settings.register_profile(
    MUTATION,
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def _every_trace_is_checked(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    if request.node.get_closest_marker("unchecked") is not None:
        yield
        return
    monitors: dict[Trace, Checked] = {}
    hand_out = Trace._hand_out

    def hand_out_checked(trace: Trace, event: TraceEvent) -> None:
        hand_out(trace, event)
        monitors.setdefault(trace, Checked()).see(event.line(trace._last))

    monkeypatch.setattr(Trace, "_hand_out", hand_out_checked)
    yield
    for monitor in monitors.values():
        monitor.finish(complete=False)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str, str], None]:
    """Call it with a heading and a text: at the end the texts stand below their heading, in order."""
    return lambda heading, text: record_property(TOLD, (heading, text))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    told: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", []):
        for name, value in report.user_properties if report.when == "call" else ():
            if name == TOLD:
                heading, text = value
                told.setdefault(heading, []).append(text)
    for heading, texts in sorted(told.items()):
        terminalreporter.write_line("\n".join(["", heading, *sorted(texts)]))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--hypothesis-profile", None) == MUTATION:
        items[:] = [item for item in items if item.name != LONG]
