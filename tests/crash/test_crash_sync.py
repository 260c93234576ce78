"""Syncs and the end of the process: what a script was promised comes, and comes again if its event was cut."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.crash.crash_site import Site

WORKER = """\
import trio

async def onsync(event):
    print(event.tag, event.last_chance)
    {}
"""
HANG = WORKER.format("await trio.sleep_forever()")
FAIL = WORKER.format("raise ValueError('no')")
DONE = WORKER.format("print('done')")

PAGE = """\
async def main():
    registration = await navigator.service_worker.ready
    await registration.sync.register("outbox")
    print("registered")
"""


def console(trace: list[dict[str, Any]]) -> list[str]:
    return [line["text"] for line in trace if line["kind"] == "console"]


def left(site: Site) -> list[dict[str, Any]]:
    syncs: list[dict[str, Any]] = json.loads(site.run("status", "--json").out)["syncs"]
    return syncs


@pytest.mark.slow
def test_a_kill_in_its_event_and_the_event_comes_again(site: Site) -> None:
    site.worker(HANG)
    (site.folder / "page.py").write_text(PAGE)
    program = site.start("run", "--json")
    program.until("console", text="outbox False")
    program.kill()
    for _ in range(3):
        # However often it is cut: the last chance is not used up by it.
        program = site.start("resume", "--json")
        program.until("console", text="outbox False")
        program.kill()
    (sync,) = left(site)
    assert (sync["tag"], sync["failures"]) == ("outbox", 0)
    site.worker(DONE)
    resumed = site.run("resume", "--json")
    assert resumed.status == 0, resumed.told
    assert console(resumed.trace) == ["outbox False", "done"]
    assert left(site) == []


@pytest.mark.slow
def test_a_kill_as_soon_as_it_is_registered(site: Site) -> None:
    site.worker(DONE)
    (site.folder / "page.py").write_text(PAGE)
    program = site.start("run", "--json", "--conditions", "offline")
    program.until("console", text="registered")
    program.kill()
    assert [sync["tag"] for sync in left(site)] == ["outbox"]
    resumed = site.run("resume", "--json")
    assert resumed.status == 0, resumed.told
    assert console(resumed.trace) == ["outbox False", "done"]


@pytest.mark.slow
def test_a_kill_while_it_waits_for_its_next_attempt(site: Site) -> None:
    site.worker(FAIL)
    (site.folder / "page.py").write_text(PAGE)
    program = site.start("run", "--json")
    program.until("diagnostic", code="sync-retry")
    program.kill()
    (sync,) = left(site)
    assert sync["failures"] == 1
    assert "not before 20" in sync["waits_for"]
    # A page that registers it again does not have to wait.
    site.worker(DONE)
    again = site.run("run", "--json")
    assert again.status == 0, again.told
    assert console(again.trace)[-2:] == ["outbox False", "done"]
    assert left(site) == []
