"""For all tests. pytester is what the tests of the pytest plugin run sessions of their own with.

Every agent that a test opens has the monitor read along, and a trace that breaks a rule fails the test.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from swruntime.monitor.checked import Checked
from swruntime.trace import Trace, TraceEvent

pytest_plugins = ["pytester"]


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
