"""What a background fetch of small bodies asks of the disk and the database, counted: no more than it needs.

Each bound is what the promises demand (storage/recovery.py); tests/crash/test_crash_power.py shows that it is enough.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import swruntime
from swruntime.storage import files
from swruntime.storage.database import Answer, Database, Parameters
from swruntime.testing import Origin

BODIES = 10
WORKER = """
async def onbackgroundfetchsuccess(event):
    cache = await caches.open("kept")
    for record in await event.registration.match_all():
        await cache.put(record.request, await record.response_ready)
"""

Syncs = Counter[str]


def count_syncs(monkeypatch: pytest.MonkeyPatch) -> Syncs:
    """Calls of fsync and fdatasync, by what they are about: a body, the folder of bodies, the log."""
    syncs: Syncs = Counter()

    def counting(sync: Callable[[int], None]) -> Callable[[int], None]:
        def counted(file: int) -> None:
            path = Path(os.readlink(f"/proc/self/fd/{file}"))
            syncs["body" if path.parent.name == "bodies" else path.name] += 1
            sync(file)

        return counted

    monkeypatch.setattr(os, "fsync", counting(os.fsync))
    monkeypatch.setattr(files, "_fdatasync", counting(files._fdatasync))
    return syncs


async def fetched(folder: Path, count: int, counted: Counter[str]) -> Counter[str]:
    """One background fetch of small bodies; what was `counted` from its beginning to the end of its event."""
    site = folder / "site"
    site.mkdir()
    (site / "worker.py").write_text(WORKER)
    origin = Origin()
    for index in range(count):
        origin.add(f"/{index}", bytes(1000))
    async with swruntime.open_user_agent(site=site, profile=folder / "profile", network=origin) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        manager = (await window.navigator.service_worker.ready).background_fetch
        await agent.settled()
        counted.clear()
        await manager.fetch("all", [f"/{index}" for index in range(count)])
        await agent.settled()
        result = Counter(counted)
        cache = await window.caches.open("kept")
        assert len(await cache.keys()) == count
    return result


def count_statements(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What SQLite is asked, by its first words; the rows of an `execute_many` one by one."""
    counted: Counter[str] = Counter()
    execute, execute_many = Database.execute, Database.execute_many

    def watched(database: Database, sql: str, parameters: Parameters = ()) -> Answer:
        counted[_first_words(sql)] += 1
        return execute(database, sql, parameters)

    def watched_many(database: Database, sql: str, rows: Sequence[Parameters]) -> None:
        counted[_first_words(sql)] += len(rows)
        execute_many(database, sql, rows)

    monkeypatch.setattr(Database, "execute", watched)
    monkeypatch.setattr(Database, "execute_many", watched_many)
    return counted


def _first_words(sql: str) -> str:
    words = sql.split()
    return " ".join(words[: 3 if words[0] == "INSERT" else 2])


async def test_the_statements_of_a_small_body(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    """Three transactions for each: its response, its result, its entry in the cache. Nothing is written twice."""
    statements = count_statements(monkeypatch)
    each = []
    for count in (BODIES, 2 * BODIES):
        folder = tmp_path / str(count)
        folder.mkdir()
        each.append(await fetched(folder, count, statements))
    more = each[1] - each[0]
    one = {words: number / BODIES for words, number in more.items() if not words.startswith("SELECT")}
    assert one == {
        "INSERT INTO records": 1,
        "BEGIN IMMEDIATE": 3,
        "COMMIT": 3,
        "INSERT INTO bodies": 1,
        "UPDATE records": 2,
        "UPDATE bodies": 1,
        "INSERT INTO cache_entries": 1,
    }
    assert sum(number for words, number in more.items() if words.startswith("SELECT")) <= 11 * BODIES


async def test_the_commits_of_a_small_background_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    """From `fetch()` to the end of its event: the fetch, its record's response and result, its own result, that its event
    is dispatched, the cache, its entry, the release. Two are durable: see recovery.py, 6."""
    statements = count_statements(monkeypatch)
    asked = await fetched(tmp_path, 1, statements)
    assert asked["BEGIN IMMEDIATE"] == asked["COMMIT"] == 8
    assert asked["PRAGMA synchronous"] == 4  # FULL and NORMAL


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="it asks Linux whose file a descriptor is")
async def test_each_body_is_synced_once_and_the_log_only_by_commits_that_are_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    """Neither the settling nor a put flushes the log besides: SQLite syncs it in the durable commits, where C does it."""
    syncs = count_syncs(monkeypatch)
    assert await fetched(tmp_path, BODIES, syncs) == {"body": BODIES, "bodies": 1}
