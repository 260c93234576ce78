"""Side three: a trace with one line doubled, dropped or swapped with the next is caught, or is in a list here."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from swruntime.errors import TraceViolation, UsageError
from swruntime.testing import check_trace, laboratory, run
from swruntime.trace import Line

WORKER = """
async def onbackgroundfetchsuccess(event):  # swruntime: allow=no-fail-handler
    print(event.registration.id)
"""

DOUBLED = {
    "agent.open": "reads as an agent that was opened and died at once",
    "user.action": "a user may ask twice; the second time nothing happens",
    "console": "a script may say the same thing twice",
}
DROPPED = {
    "agent.open again": "what the next agent tells may come from the same one, if its time does not fall",
    "console": "nothing follows from it",
    "fetch.progress": "progress is coalesced: how often it is told is left open",
    "network.change": "the last change: nothing contradicts it",
    "record.start": "a later try of a record whose bytes were all here might not have asked for anything",
    "record.wait": "for a connection, or for the switch: a record may get what it wants without being told",
    "user.action": "an abort or a click may leave no other line",
    "worker.start": "of an agent that was killed",
    "worker.state": "the last of an agent that was killed, or that another had registered",
    "worker.stop": "the last line of its worker, where the agent is not known to have been closed",
}


async def _life() -> list[Line]:
    """A trace with lines of every kind that a background fetch can have, over two lives of the agent."""
    async with laboratory(profile=True) as lab:
        (lab.site / "worker.py").write_text(WORKER)
        lab.origin.add("/cut", b"x" * 3000, drop_after=1000)
        lab.origin.add("/whole", b"y" * 3000)
        window = await lab.window()
        registration = await window.navigator.service_worker.ready
        fetch = registration.background_fetch.fetch
        await fetch("first", ["/cut", "/whole"], download_total=10_000)
        await lab.user_agent.settled()
        await fetch("paused", "/whole")
        (paused,) = lab.user_agent.background_fetches
        await paused.pause()
        await trio.sleep(1)
        await paused.resume()
        await lab.user_agent.settled()
        await fetch("missing", "/missing")
        await lab.user_agent.settled()
        lab.user_agent.network.go_offline()
        await fetch("killed", "/whole")
        await trio.sleep(1)
        await lab.restart()
        lab.user_agent.network.go_offline()
        await trio.sleep(1)
        lab.user_agent.network.go_online()
        await lab.user_agent.settled()
        await trio.sleep(40)
    return lab.trace


@pytest.fixture(scope="module")
def trace() -> list[Line]:
    return run(_life)


def _violation(lines: list[Line]) -> TraceViolation | None:
    try:
        check_trace(lines, complete=True)
    except TraceViolation as violation:
        return violation
    return None


def test_a_trace_as_it_is(trace: list[Line]) -> None:
    assert check_trace(trace, complete=True) == len(trace)


def _kinds_that_pass(trace: list[Line], change: Callable[[int], list[Line]]) -> set[str]:
    return {line["kind"] for i, line in enumerate(trace) if _violation(change(i)) is None}


def test_a_doubled_line_is_caught(trace: list[Line]) -> None:
    passed = _kinds_that_pass(trace, lambda i: [*trace[: i + 1], *trace[i:]])
    assert passed - DOUBLED.keys() == set()


def test_a_dropped_line_is_caught(trace: list[Line]) -> None:
    passed = _kinds_that_pass(trace, lambda i: [*trace[:i], *trace[i + 1 :]])
    assert passed - DROPPED.keys() == set()


def test_a_line_of_every_kind_but_what_may_be_coalesced_is_missed(trace: list[Line]) -> None:
    """Of the kinds in the list above, too, most drops are caught: the exceptions are what the reason says."""
    caught = {
        line["kind"] for i, line in enumerate(trace) if _violation([*trace[:i], *trace[i + 1 :]]) is not None
    }
    assert {"agent.open", "worker.start", "worker.state", "record.start", "record.wait"} <= caught
    assert {"network.change", "user.action", "fetch.settle", "record.settle", "fetch.release"} <= caught


def _depend(one: Line, other: Line) -> bool:
    """Lines of one thing, of which the later follows from the earlier: these, swapped, have to be caught."""
    kinds = one["kind"], other["kind"]
    if "fetch.progress" in kinds or "console" in kinds or "user.action" in kinds or "network.change" in kinds:
        return False  # they come between others, in no order
    if one.get("fetch") != other.get("fetch"):
        return False  # two background fetches, or a worker and a background fetch, know nothing of each other
    if "index" in one and "index" in other:
        return bool(one["index"] == other["index"])
    return True


def test_two_lines_that_depend_on_each_other_are_caught_when_swapped(trace: list[Line]) -> None:
    passed = [
        (one["kind"], other["kind"])
        for i, (one, other) in enumerate(itertools.pairwise(trace))
        if _depend(one, other) and _violation([*trace[:i], other, one, *trace[i + 2 :]]) is None
    ]
    assert passed == []


def test_a_violation_names_the_step_the_anchor_and_the_lines(trace: list[Line]) -> None:
    settle = next(i for i, line in enumerate(trace) if line["kind"] == "record.settle")
    violation = _violation([*trace[:settle], *trace[settle + 1 :]])
    assert violation is not None
    assert "have no result" in str(violation)
    assert violation.step.startswith("perform a background fetch")
    assert violation.anchor == "https://wicg.github.io/background-fetch/#perform-a-background-fetch"
    assert violation.lines[-1]["kind"] == "fetch.settle"
    assert {line["fetch"] for line in violation.lines} == {1}


def _changed(trace: list[Line], kind: str, **values: Any) -> list[Line]:
    index = next(i for i, line in enumerate(trace) if line["kind"] == kind)
    return [*trace[:index], {**trace[index], **values}, *trace[index + 1 :]]


async def _two_begin_anew() -> list[Line]:
    """Of two files that start over, the longer one loses what it had after the other has told of its own."""
    async with laboratory(give_up=10) as lab:
        (lab.site / "worker.py").write_text(WORKER)
        lab.origin.add("/short", b"x", etag=None, content_length=2)
        lab.origin.add("/changes", responses=[
            {"body": b"y" * 501, "etag": None, "drop_after": [500]},
            {"body": b"z", "etag": None, "delay": 2.0},
        ])  # fmt: skip
        registration = await (await lab.window()).navigator.service_worker.ready
        await registration.background_fetch.fetch("f", ["/short", "/changes"])
        await lab.user_agent.settled()
    return lab.trace


def test_each_record_that_begins_anew_may_lose_what_it_had(trace: list[Line]) -> None:
    anew = run(_two_begin_anew)
    told = [line["downloaded"] for line in anew if line["kind"] == "fetch.progress"]
    assert sum(other < one for one, other in itertools.pairwise(told)) == 1
    check_trace(anew, complete=True)

    # Once: then it has the bytes of this answer.
    again = next(i for i, line in enumerate(trace) if line["kind"] == "record.start" and line["attempt"] == 2)
    progress = next(line for line in trace if line["kind"] == "fetch.progress")
    fallen = [{**progress, "time": trace[again]["time"], "downloaded": count} for count in (2, 1)]
    check_trace([*trace[: again + 1], fallen[0]])
    with pytest.raises(TraceViolation, match="downloaded shrank from 2 to 1"):
        check_trace([*trace[: again + 1], *fallen])


async def _one_begins_anew_after_a_death() -> list[Line]:
    """What an earlier process had stored goes when the new answer's head comes: another has told of its own before."""
    async with laboratory(give_up=100, profile=True) as lab:
        (lab.site / "worker.py").write_text(WORKER)
        lab.origin.add("/changes", responses=[
            {"body": b"y" * 501, "etag": None, "drop_after": [500]},
            {"body": b"z", "etag": None, "delay": 2.0},
        ])  # fmt: skip
        lab.origin.add("/other", b"x" * 10, delay=1.0)
        registration = await (await lab.window()).navigator.service_worker.ready
        await registration.background_fetch.fetch("f", ["/changes", "/other"])
        await lab.user_agent.until(lambda line: line["kind"] == "record.wait")
        await lab.restart()
        await lab.user_agent.settled()
    return lab.trace


def test_a_record_that_begins_anew_after_a_death_may_lose_what_it_had() -> None:
    anew = run(_one_begins_anew_after_a_death)
    told = [line["downloaded"] for line in anew if line["kind"] == "fetch.progress"]
    assert told[-2:] == [510, 11]
    check_trace(anew, complete=True)


def test_a_click_that_waited_for_its_worker_may_come_after_the_release(trace: list[Line]) -> None:
    at = next(i for i, line in enumerate(trace) if line["kind"] == "fetch.release")
    about = {key: trace[at][key] for key in ("time", "scope", "id", "fetch")}
    start = {**about, "kind": "event.start", "name": "backgroundfetchclick", "attempt": 1}
    check_trace([*trace[: at + 1], start])
    with pytest.raises(TraceViolation, match="nothing of it is left"):
        check_trace([*trace[: at + 1], {**start, "name": "backgroundfetchsuccess"}])


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("record.settle", {"result": "fetch-error"}, "success, and its records are"),
        ("record.settle", {"result": "fine"}, "no such step leads to fine"),
        ("record.settle", {"bytes": 2999}, "downloaded is 6000, its records have 5999"),
        ("record.start", {"attempt": 2}, "attempt 2 comes after 0"),
        ("record.start", {"index": 7}, "there are 2 records"),
        ("fetch.settle", {"result": "failure", "failure_reason": "aborted"}, "is fired, and it is aborted"),
        ("fetch.settle", {"failure_reason": "bad-status"}, "it ends with 'success', 'bad-status'"),
        ("fetch.progress", {"downloaded": 10_001}, "over the download total 10000"),
        ("fetch.release", {"fetch": 9}, "fetch 1 was not released"),
        ("fetch.pause", {"fetch": 1}, "it is over"),
        ("event.end", {"name": "activate"}, "activate is not under way"),
        ("worker.state", {"state": "activated"}, "no worker of it is in a state that leads there"),
        ("worker.state", {"state": "new"}, "'new' is no state of a service worker"),
        ("network.change", {"action": "online"}, "it is online already"),
    ],
)
def test_what_no_agent_tells(trace: list[Line], kind: str, values: dict[str, Any], message: str) -> None:
    violation = _violation(_changed(trace, kind, **values))
    assert violation is not None
    assert message in str(violation)


def test_kinds_and_keys_that_are_not_known_are_let_pass(trace: list[Line]) -> None:
    more = [{**line, "mood": "good"} for line in trace]
    assert (
        check_trace([*more, {"time": more[-1]["time"], "kind": "weather"}], complete=True) == len(trace) + 1
    )


def test_from_a_file(trace: list[Line], tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in trace))
    assert check_trace(path) == check_trace(str(path)) == len(trace)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no\n", "line 1 is not JSON"),
        ("[]\n", "line 1 of the trace is .*; expected an object with 'time' and 'kind'"),
        (
            '{"time": 0, "kind": "agent.open"}\n{"time": 0, "kind": "worker.state"}\n',
            "line 2 of the trace has no 'scope'",
        ),
    ],
)
def test_a_file_that_is_no_trace(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        check_trace(path)
    with pytest.raises(UsageError, match="cannot be read"):
        check_trace(tmp_path / "nothing")


def test_memory_does_not_grow_with_what_is_over(trace: list[Line]) -> None:
    from swruntime.monitor.trace_monitor import MOST_OVER, TraceMonitor

    first = [line for line in trace if line.get("fetch") == 1]
    monitor = TraceMonitor()
    monitor(trace[0])
    monitor({**trace[1], "time": 0.0})
    for number in range(1, MOST_OVER + 100):
        for line in first:
            monitor({**line, "fetch": number, "time": 1.0})
    assert len(monitor._fetches) == 0
    assert len(monitor._over) == MOST_OVER
