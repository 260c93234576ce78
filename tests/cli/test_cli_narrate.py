"""What a person is told of progress, where there are no rows: a line in ten seconds, of all background fetches."""

from __future__ import annotations

from typing import Any

from swruntime.cli.narrate import Narrator
from swruntime.trace import AGENT_CLOSED

MIB = 2**20


def told(*lines: dict[str, Any], progress: bool = True) -> list[str]:
    said: list[str] = []
    narrator = Narrator(said.append, progress=progress)
    for line in lines:
        narrator(line)
    return [text.split(None, 1)[1] for text in said]


def at(time: float, downloaded: int, fetch: int = 1, uploaded: int = 0) -> dict[str, Any]:
    return {
        "kind": "fetch.progress", "time": time, "scope": "", "id": f"film-{fetch}", "fetch": fetch,
        "downloaded": downloaded, "uploaded": uploaded,
    }  # fmt: skip


def settled(time: float, fetch: int = 1) -> dict[str, Any]:
    return {
        "kind": "fetch.settle", "time": time, "scope": "", "id": f"film-{fetch}", "fetch": fetch,
        "result": "success", "failure_reason": "", "downloaded": MIB, "cause": None, "message": None,
    }  # fmt: skip


def test_at_once_and_then_in_ten_seconds() -> None:
    assert told(*(at(second / 4, second * MIB) for second in range(1, 85))) == [
        "film-1: 1 MiB stored",
        "film-1: 41 MiB stored",
        "film-1: 81 MiB stored",
    ]


def test_many_have_one_line() -> None:
    lines = [at(float(second), second * MIB, fetch) for second in range(21) for fetch in range(1, 501)]
    assert told(*lines) == [
        "film-1: 0 B stored",
        "film-1: 10 MiB stored; with 499 more: 4.4 GiB",
        "film-1: 20 MiB stored; with 499 more: 9.3 GiB",
    ]


def test_what_has_ended_is_not_among_them() -> None:
    lines = [at(0.0, MIB), at(1.0, MIB, 2), settled(2.0, 1), at(11.0, 2 * MIB, 2, uploaded=MIB)]
    assert told(*lines)[-1] == "film-2: 2 MiB stored, 1 MiB sent"


def test_rows_make_them_needless() -> None:
    assert told(at(0.0, MIB), progress=False) == []


def state(state: str, script: str = "http://localhost:8400/sw.js") -> dict[str, Any]:
    return {
        "kind": "worker.state", "time": 0.0, "script": script, "scope": "http://localhost:8400/", "state": state,
    }  # fmt: skip


def test_what_becomes_of_workers() -> None:
    said: list[str] = []
    opened = {"kind": "agent.open", "time": 0.0, "origin": "http://localhost:8400"}
    stopped = {**state(""), "kind": "worker.stop", "reason": "idle"}
    closed = {**stopped, "reason": AGENT_CLOSED}
    lines = [
        opened,
        *map(state, ("installing", "installed", "activating", "activated")),
        stopped,
        state("installed"),
        closed,
    ]
    for narrator in (
        Narrator(said.append, progress=False, workers=True),
        Narrator(said.append, progress=False),
    ):
        for line in lines:
            narrator(line)
    assert [text.split(None, 1)[1] for text in said] == [
        "worker /sw.js: activated",
        "worker /sw.js: stopped (idle)",
        "worker /sw.js: installed, and waits until no page has the one before",
    ]
