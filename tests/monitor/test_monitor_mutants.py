"""The monitor, tested by mutants of good traces: one line dropped, doubled or swapped with the next.

Those that it lets pass are in mutants.toml, by the kinds of the lines, each with the reason.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swruntime.errors import TraceViolation
from swruntime.testing import check_trace, run
from swruntime.trace import Line
from tests.monitor import lives

pytestmark = pytest.mark.filterwarnings(
    "ignore::swruntime.testing.DiagnosticWarning"
)  # one is among the lines

REASONS: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text())
LIVES = {"python": ("worker.py", lives.PYTHON), "javascript": ("sw.js", lives.JAVASCRIPT)}


@pytest.fixture(scope="module", params=LIVES)
def trace(request: pytest.FixtureRequest) -> list[Line]:
    return run(lives.life, *LIVES[request.param])


def _dropped(trace: list[Line]) -> Iterator[tuple[str, list[Line]]]:
    for i, line in enumerate(trace):
        yield line["kind"], [*trace[:i], *trace[i + 1 :]]


def _doubled(trace: list[Line]) -> Iterator[tuple[str, list[Line]]]:
    for i, line in enumerate(trace):
        yield line["kind"], [*trace[: i + 1], *trace[i:]]


def _swapped(trace: list[Line]) -> Iterator[tuple[str, list[Line]]]:
    for i in range(len(trace) - 1):
        one, other = trace[i : i + 2]
        yield f"{one['kind']} {other['kind']}", [*trace[:i], other, one, *trace[i + 2 :]]


MUTATIONS = {"dropped": _dropped, "doubled": _doubled, "swapped": _swapped}


def passes(lines: list[Line]) -> bool:
    try:
        check_trace(lines, complete=True)
    except TraceViolation:
        return False
    return True


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_mutant_is_caught_or_has_its_reason(
    trace: list[Line], mutation: str, tell: Callable[[str, str], None]
) -> None:
    assert passes(trace)
    tried, missed = 0, Counter[str]()
    for kinds, mutant in MUTATIONS[mutation](trace):
        tried += 1
        missed[kinds] += passes(mutant)
    unexplained = {kinds for kinds in +missed if kinds not in REASONS[mutation]}
    assert unexplained == set()
    assert {kinds for kinds in REASONS[mutation] if not missed[kinds]} == set(), "they are caught by now"
    tell("Mutants of traces", f"{mutation}: {tried - missed.total()} of {tried} caught, the others explained")


def _without(trace: list[Line], found: Callable[[Line], bool]) -> list[list[Line]]:
    return [[*trace[:i], *trace[i + 1 :]] for i, line in enumerate(trace) if found(line)]


def test_no_release_goes_missing(trace: list[Line]) -> None:
    """Nor the last one, when the agent is closed right after it, whose workers are stopped then."""
    closed = [line for line in trace if line["kind"] == "worker.stop"][-1]
    end = next(i for i in reversed(range(len(trace))) if trace[i]["kind"] == "fetch.release")
    stop = {**closed, "time": trace[end]["time"], "reason": "the agent was closed"}
    at_once = [*trace[: end + 1], stop]
    assert passes(at_once)
    for each in (*_without(trace, _is_release), *_without(at_once, _is_release)):
        with pytest.raises(TraceViolation, match="was not released"):
            check_trace(each, complete=True)
    # Its process may have been killed right then, or its disk have failed.
    check_trace([*trace[:end], stop], complete=False)


def _is_release(line: Line) -> bool:
    return bool(line["kind"] == "fetch.release")


def test_bytes_come_only_to_a_record_that_was_asked_for(trace: list[Line]) -> None:
    """The one whose progress is told before its connection breaks, and after it is made again."""
    for each in _without(trace, lambda line: line["kind"] == "record.start" and line["id"] == "slow"):
        with pytest.raises(TraceViolation, match="none of its records was under way|no such step leads"):
            check_trace(each, complete=True)


def test_a_record_has_no_more_bytes_at_its_end_than_came_while_it_was_under_way(trace: list[Line]) -> None:
    """As above, but progress is told once only, after the connection broke."""
    kinds_that_matter = ("fetch.start", "record.start", "record.wait", "record.settle", "fetch.settle")
    slow = [line for line in trace if line.get("id") == "slow" and line["kind"] in kinds_that_matter]
    wait = next(i for i, line in enumerate(slow) if line["kind"] == "record.wait")
    before = next(line for line in trace if line["kind"] == "fetch.progress" and line["id"] == "slow")
    progress = {**before, "time": slow[wait]["time"], "downloaded": 1_000_000}
    good = [trace[0], *slow[: wait + 1], progress, *slow[wait + 1 :]]
    kinds = [line["kind"] for line in good]
    check_trace(good, complete=False)
    again = kinds.index("record.start", kinds.index("record.wait"))
    with pytest.raises(TraceViolation, match="has 3000000 bytes, at most 1000000 were told"):
        check_trace([*good[:again], *good[again + 1 :]])


def test_nothing_is_asked_for_while_the_network_is_switched_off(trace: list[Line]) -> None:
    for each in _without(trace, lambda line: line.get("action") == "online"):
        with pytest.raises(TraceViolation, match="switched off"):
            check_trace(each, complete=True)
