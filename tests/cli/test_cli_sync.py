"""Syncs on the command line: registered offline, fired when there is a network, also by a later command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Site

WORKER = """
async def onsync(event):
    response = await fetch("/" + event.tag + ".txt")
    print(event.tag, event.last_chance, await response.text())
"""

PAGE = """
async def main():
    registration = await navigator.service_worker.ready
    await registration.sync.register("outbox")
    await registration.periodic_sync.register("news", min_interval=86_400_000)
    print(await registration.sync.get_tags())
"""


@pytest.fixture
def syncing(site: Site) -> Site:
    site.write("worker.py", WORKER)
    site.write("page.py", PAGE)
    site.write("outbox.txt", "sent")
    return site


def test_run_ends_when_the_sync_is_done(syncing: Site) -> None:
    scenario = syncing.folder.parent / "scenario.toml"
    scenario.write_text('conditions = "offline"\n[[step]]\nat = 0.4\ndo = "online"\n')
    result = syncing.cli("run", "--scenario", scenario, "--json")
    assert result.status == 0, result.err
    assert result.console == ["['outbox']", "outbox False sent"]
    (start,) = [line for line in result.of("event.start") if line["name"] == "sync"]
    assert (start["tag"], start["attempt"]) == ("outbox", 1)
    kinds = [line["kind"] for line in result.lines]
    assert kinds.index("network.change") < result.lines.index(start)


def test_what_waits_for_the_network_is_told_and_kept(syncing: Site) -> None:
    offline = syncing.cli("run", "--conditions", "offline")
    assert offline.status == 1
    assert "sync 'outbox' of http://localhost:8400/ waits: offline" in offline.err
    found = syncing.status()
    (sync,) = found["syncs"]
    assert (sync["scope"], sync["tag"], sync["failures"]) == ("http://localhost:8400/", "outbox", 0)
    assert sync["waits_for"] == "'run' or 'resume', online"
    (periodic,) = found["periodic_syncs"]
    assert (periodic["tag"], periodic["min_interval"]) == ("news", 86_400)
    said = syncing.cli("status").out
    assert "sync     'outbox' of http://localhost:8400/" in said
    assert "waits for 'run' or 'resume', online" in said
    assert "periodic 'news' of http://localhost:8400/, every 86400 s at most" in said
    result = syncing.cli("resume")
    assert (result.status, result.err) == (0, "")
    assert "sync 'outbox' was handled" in result.out
    found = syncing.status()
    assert found["syncs"] == []
    assert len(found["periodic_syncs"]) == 1
    assert "outbox False sent" not in syncing.cli("resume").out


def test_aborting_something_else_leaves_it_asleep(syncing: Site) -> None:
    assert syncing.cli("run", "--conditions", "offline").status == 1
    assert syncing.cli("fetch", "a", "/outbox.txt", "--conditions", "offline").status == 1
    assert syncing.cli("abort", "a").status == 0
    (sync,) = syncing.status()["syncs"]
    assert sync["tag"] == "outbox"
