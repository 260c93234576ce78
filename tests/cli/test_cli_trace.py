"""The trace: every line has the keys that the design lists, no others, and their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swruntime.concepts.enums import EventOutcome, RecordResult, WaitReason, WorkerState
from swruntime.errors import CAUSES
from swruntime.trace import FetchSettle, Line, TraceEvent, WorkerStart

if TYPE_CHECKING:
    from tests.cli.conftest import Result, Server, Site

TEXT, NUMBER, TIME = (str,), (int,), (int, float)
MAYBE_TEXT = (str, type(None))

OF_FETCH = {"scope": TEXT, "id": TEXT, "fetch": NUMBER}
OF_RECORD = {**OF_FETCH, "index": NUMBER, "url": TEXT}

KEYS: dict[str, dict[str, tuple[type, ...]]] = {
    "agent.open": {"version": TEXT, "wall": TIME, "origin": TEXT, "seed": NUMBER},
    "worker.state": {"script": TEXT, "scope": TEXT, "state": TEXT},
    "worker.start": {"script": TEXT, "scope": TEXT, "reason": TEXT},
    "worker.stop": {"script": TEXT, "scope": TEXT, "reason": TEXT},
    "event.start": {"name": TEXT, "scope": TEXT, "attempt": NUMBER},
    "event.end": {"name": TEXT, "scope": TEXT, "outcome": TEXT, "error": MAYBE_TEXT, "where": MAYBE_TEXT},
    "fetch.start": {**OF_FETCH, "requests": (list,), "download_total": NUMBER, "upload_total": NUMBER},
    "fetch.pause": {**OF_FETCH, "cause": TEXT},
    "fetch.resume": {**OF_FETCH, "cause": TEXT},
    "fetch.progress": {**OF_FETCH, "downloaded": NUMBER, "uploaded": NUMBER},
    "fetch.settle": {
        **OF_FETCH,
        "result": TEXT,
        "failure_reason": TEXT,
        "downloaded": NUMBER,
        "cause": MAYBE_TEXT,
        "message": MAYBE_TEXT,
    },
    "fetch.release": {**OF_FETCH, "cause": TEXT},
    "record.start": {**OF_RECORD, "range_start": NUMBER, "attempt": NUMBER},
    "record.wait": {
        **OF_RECORD,
        "reason": TEXT,
        "until": (int, float, type(None)),
        "message": MAYBE_TEXT,
    },
    "record.settle": {
        **OF_RECORD,
        "result": TEXT,
        "status": (int, type(None)),
        "bytes": NUMBER,
        "cause": MAYBE_TEXT,
        "message": MAYBE_TEXT,
    },
    "user.action": {"action": TEXT, "scope": MAYBE_TEXT, "id": MAYBE_TEXT},
    "network.change": {"action": TEXT, "name": MAYBE_TEXT},
    "console": {"level": TEXT, "text": TEXT, "where": MAYBE_TEXT},
    "diagnostic": {"code": TEXT, "message": TEXT, "where": MAYBE_TEXT},
}

VALUES: dict[tuple[str, str], tuple[Any, ...]] = {
    ("worker.state", "state"): WorkerState.__args__,  # type: ignore[attr-defined]
    ("event.end", "outcome"): EventOutcome.__args__,  # type: ignore[attr-defined]
    ("record.wait", "reason"): WaitReason.__args__,  # type: ignore[attr-defined]
    ("record.settle", "result"): RecordResult.__args__,  # type: ignore[attr-defined]
    ("record.settle", "cause"): (*CAUSES, None),
    ("fetch.settle", "result"): ("success", "failure"),
    ("console", "level"): ("debug", "log", "info", "warn", "error"),
}


def check(lines: list[Line]) -> set[str]:
    """Hold a trace against the tables; answers with the kinds that it has."""
    time = 0.0
    for line in lines:
        rest = dict(line)
        assert isinstance(rest["time"], (int, float))
        assert rest.pop("time") >= time, "time never decreases"
        time = line["time"]
        kind = rest.pop("kind")
        keys = dict(KEYS[kind])
        if kind in ("event.start", "event.end") and line["name"].startswith("backgroundfetch"):
            keys |= {"id": TEXT, "fetch": NUMBER}
        if kind == "fetch.start" and "results" in line:
            keys["results"] = (list,)
        assert rest.keys() == keys.keys(), line
        for key, types in keys.items():
            assert isinstance(rest[key], types), (key, line)
            assert not isinstance(rest[key], bool), (key, line)
            allowed = VALUES.get((kind, key))
            assert allowed is None or rest[key] in allowed, (key, line)
    assert [line["kind"] for line in lines].count("agent.open") == 1
    assert lines[0]["kind"] == "agent.open"
    assert [*lines[0]][:2] == ["time", "kind"]
    return {line["kind"] for line in lines}


def play(site: Site, steps: str, command: str, *arguments: object) -> Result:
    path = site.folder.parent / "scenario.toml"
    path.write_text(steps)
    return site.cli(command, *arguments, "--scenario", path, "--json")


def test_every_line_has_the_keys_of_its_kind(site: Site, server: Server, noise: bytes) -> None:
    """A set of runs in which every kind comes up."""
    site.write("x.bin", noise)
    site.write("worker.py", "def onbackgroundfetchsucces(event): pass\nprint('hello')\n" + _keeper(site))
    seen = check(site.cli("fetch", "a", "/x.bin", "/none", "--json").lines)
    pause = '[[step]]\nfetch = "b"\nbytes = 1\ndo = "pause"\n[[step]]\nafter = 0\ndo = "resume"\n'
    seen |= check(play(site, 'conditions = "fast-4g"\n' + pause, "fetch", "b", "/x.bin").lines)
    seen |= check(site.cli("fetch", "c", "/x.bin", "--conditions", "offline", "--json").lines)
    seen |= check(site.cli("abort", "c", "--json").lines)
    seen |= check(site.cli("fetch", "d", "http://nowhere.invalid/", "--give-up", "0.2", "--json").lines)
    seen |= check(site.cli("fetch", "e", "/x.bin", "--download-total", "1", "--json").lines)
    seen |= check(site.cli("fetch", "f", server.add("/x", b"x"), "--json").lines)
    assert seen == KEYS.keys(), "each kind came up"


def _keeper(site: Site) -> str:
    return (site.folder / "worker.py").read_text()


def test_ids_are_used_again_and_numbers_are_not(site: Site) -> None:
    site.write("x.bin", b"x")
    numbers = []
    for _ in range(3):
        result = site.cli("fetch", "a", "/x.bin", "--json")
        check(result.lines)
        of_fetch = [line for line in result.lines if "fetch" in line]
        (number,) = {line["fetch"] for line in of_fetch}
        assert {line["id"] for line in of_fetch} == {"a"}
        assert {line["scope"] for line in of_fetch} == {"http://localhost:8400/"}
        numbers.append(number)
    assert numbers == sorted(set(numbers))


def test_the_story_of_a_fetch_is_in_order(site: Site, noise: bytes) -> None:
    site.write("x.bin", noise)
    lines = site.cli("fetch", "a", "/x.bin", "--json").lines
    story = [line["kind"] for line in lines if "fetch" in line and line["kind"] != "fetch.progress"]
    assert story == [
        "fetch.start",
        "record.start",
        "record.settle",
        "fetch.settle",
        "event.start",
        "event.end",
        "fetch.release",
    ]
    (settled,) = [line for line in lines if line["kind"] == "record.settle"]
    assert (settled["index"], settled["bytes"], settled["status"]) == (0, len(noise), 200)


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_nothing_is_told_after_a_fatal_error(site: Site, json: tuple[str, ...]) -> None:
    site.write("worker.py", "1 / 0\n")
    result = site.cli("run", *json)
    assert result.status == 1
    if json:
        assert "console" in check(result.lines)


def test_a_run_is_checked(site: Site, noise: bytes) -> None:
    site.write("big.bin", noise)
    site.page("/big.bin")
    assert site.cli("run", "--monitor").status == 0
    done = site.cli("fetch", "f", "/big.bin", "--monitor", "--json")
    assert (done.status, done.err) == (0, "")
    assert site.cli("resume", "--monitor").status == 0


@pytest.mark.unchecked
def test_a_violation_is_one_line_and_exit_status_1(
    site: Site, noise: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(settle: FetchSettle, time: float) -> Line:
        return {**TraceEvent.line(settle, time), "downloaded": 1}

    monkeypatch.setattr(FetchSettle, "line", wrong)
    site.write("big.bin", noise)
    done = site.cli("fetch", "f", "/big.bin", "--monitor", "--json")
    done.refused("downloaded is 1", "perform a background fetch", "https://wicg.github.io/", status=1)
    assert site.cli("fetch", "f", "/big.bin", "--json").status == 0


@pytest.mark.unchecked
@pytest.mark.parametrize("command", [("run",), ("fetch", "f", "/a")])
def test_a_violation_is_told_although_the_run_fails(
    site: Site, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    def wrong(start: WorkerStart, time: float) -> Line:
        return {**TraceEvent.line(start, time), "script": "another"}

    monkeypatch.setattr(WorkerStart, "line", wrong)
    site.write("worker.py", "1 / 0\n")
    done = site.cli(*command, "--monitor")
    assert done.status == 1
    violation, failure = [line for line in done.err.splitlines() if line.startswith("swruntime: ")]
    assert "worker.stop" in violation
    assert "it does not run" in violation
    assert "ZeroDivisionError" in failure
    assert "it does not run" not in site.cli(*command).err
