"""A profile of every schema version there was: today's version finishes what was begun in it."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

import swruntime
from swruntime.cli import main
from swruntime.ports.indexed_db import Found, KeyRange, Source
from swruntime.storage import open_profile
from swruntime.storage.schema import MIGRATIONS
from swruntime.testing import Origin
from tests.profiles.contents import (
    ANSWER,
    ARTWORK,
    EPISODE,
    HALF,
    INDEXED_SINCE,
    KEPT,
    NOTE,
    NOTE_KEY,
    NOTE_VALUE,
    NOTES,
    NOTIFYING,
    OWED,
    SHELL,
    STORED,
    SYNC,
    SYNCS_SINCE,
    WORKER,
    fill,
)

HERE = Path(__file__).parent
DAY = 24 * 3600.0
VERSIONS = range(1, len(MIGRATIONS) + 1)

KEEP = """
    cache = await caches.open("kept")
    for record in await event.registration.match_all():
        await cache.put(record.request.url, await record.response_ready)
"""


@pytest.fixture(params=VERSIONS, ids=lambda version: f"v{version}")
def version(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture
def profile(version: int, tmp_path: Path) -> Path:
    """A copy of the profile of a version."""
    copy = tmp_path / "profile"
    shutil.copytree(HERE / f"v{version}", copy)
    # Where a database has its `user_version`: https://www.sqlite.org/fileformat.html#the_database_header
    header = (copy / "profile.sqlite3").read_bytes()[:100]
    assert int.from_bytes(header[60:64], "big") == version
    return copy


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "worker.py").write_text(WORKER.format(shell=SHELL, handle=KEEP.strip()))
    return folder


def test_every_version_has_its_profile() -> None:
    """Who adds a migration runs make_profile.py, and commits what it made."""
    there = {path.name for path in HERE.iterdir() if path.is_dir() and path.name.startswith("v")}
    assert there == {f"v{version}" for version in VERSIONS}


async def test_what_was_begun_is_finished(
    profile: Path, site: Path, autojump_clock: trio.testing.MockClock
) -> None:
    origin = Origin()
    fill(origin, whole=True)
    lines: list[dict[str, Any]] = []
    options: dict[str, Any] = {"site": site, "profile": profile, "network": origin}
    async with swruntime.open_user_agent(**options, on_trace=lines.append) as agent:
        await agent.settled()
        window = await agent.open_window("/")
        kept = {
            url: await (await window.caches.match(url)).bytes()
            for url in ("/episode.mp3", "/artwork.jpg", "/form", "/about")
        }
        assert agent.background_fetches == []
    assert kept == {
        "/episode.mp3": bytes(EPISODE),
        "/artwork.jpg": bytes(ARTWORK),
        "/form": ANSWER,
        "/about": SHELL.encode(),
    }
    # What was stored is not asked for again, and the form is not sent again.
    (asked,) = [request for request in origin.requests if request.path != "/"]
    assert (asked.path, asked.range) == ("/episode.mp3", f"bytes={STORED}-")
    assert "if-range" in asked.headers
    (started,) = [line for line in lines if line["kind"] == "record.start"]
    assert (started["id"], started["range_start"]) == (HALF, STORED)
    fetches = [line for line in lines if "fetch" in line]
    ended = {line["id"]: line["outcome"] for line in fetches if line["kind"] == "event.end"}
    assert ended == {OWED: "fulfilled", HALF: "fulfilled"}
    attempts = {line["id"]: line["attempt"] for line in fetches if line["kind"] == "event.start"}
    assert attempts == {OWED: 2, HALF: 1}


async def test_what_was_shown_is_shown_and_what_was_subscribed_is_sent_to(
    version: int, profile: Path, site: Path, autojump_clock: trio.testing.MockClock
) -> None:
    origin = Origin()
    fill(origin, whole=True)
    async with swruntime.open_user_agent(site=site, profile=profile, network=origin) as agent:
        window = await agent.open_window("/")
        registration = await window.navigator.service_worker.ready
        shown = await registration.get_notifications()
        subscription = await registration.push_manager.get_subscription()
        if version < NOTIFYING:
            assert (shown, subscription) == ([], None)
        else:
            assert [(each.title, each.tag, each.data) for each in shown] == [(KEPT, "t", NOTE)]
            assert await agent.push(subscription) == "fulfilled"


async def test_its_syncs_are_fired(
    version: int, profile: Path, site: Path, autojump_clock: trio.testing.MockClock
) -> None:
    has_syncs = version >= SYNCS_SINCE
    origin = Origin()
    fill(origin, whole=True)
    lines: list[dict[str, Any]] = []
    options: dict[str, Any] = {"site": site, "profile": profile, "network": origin}
    async with swruntime.open_user_agent(**options, on_trace=lines.append) as agent:
        await agent.settled()
        await trio.sleep(DAY)
        assert [sync.tag for sync in agent.services.store.periodic_syncs()] == [SYNC] * has_syncs
    said = {line["text"] for line in lines if line["kind"] == "console"} - {
        "success owed",
        "success half",
        "push",
    }
    assert said == ({f"sync {SYNC}", f"periodicsync {SYNC}"} if has_syncs else set())


def test_its_indexed_db(version: int, profile: Path) -> None:
    with closing(open_profile(profile)) as store:
        key = str(store.origin)
        if version < INDEXED_SINCE:
            assert store.indexed.all(key) == []
            return
        assert store.indexed.all(key) == [(NOTES, 3)]
        notes = store.indexed.open(key, NOTES)
        (kept,) = notes.schema()
        assert kept.name == NOTES
        assert notes.scan(Source("store", kept.id), KeyRange()) == [Found(NOTE_KEY, NOTE_KEY, NOTE_VALUE)]


def test_it_is_sound_and_reading_it_changes_nothing(
    profile: Path, site: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in profile.rglob("*") if path.is_file()}
    capfd.readouterr()
    assert main(["status", str(site), "--profile", str(profile), "--check", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["problems"] == []
    half, owed = sorted(found["background_fetches"], key=lambda fetch: str(fetch["id"]))
    assert (half["state"], half["downloaded"], half["title"]) == ("pending", STORED, "Half")
    assert half["download_total"] == len(EPISODE)
    assert (owed["state"], owed["downloaded"]) == ("success", len(ARTWORK) + len(ANSWER))
    assert "backgroundfetchsuccess event is owed" in owed["waits_for"]
    assert {path: path.read_bytes() for path in profile.rglob("*") if path.is_file()} == before
