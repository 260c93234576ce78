"""Profiles with very many rows: what is done for each is counted, and no time is measured."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trio

from swruntime.concepts.cookies import Cookie
from swruntime.concepts.http import Request, Response, StoredBody
from swruntime.concepts.notifications import NotificationConcept
from swruntime.errors import ProfileChanged
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot
from swruntime.ports.store import (
    StoredFetch,
    StoredNotification,
    StoredPeriodicSync,
    StoredRecord,
    StoredRegistration,
    StoredSync,
)
from swruntime.storage import caches, open_profile, profile, reading, schema, verify, while_it_changes
from swruntime.storage.store import SqlStore
from swruntime.storage.values import from_json

KEY = "https://a.example"
SCOPE = f"{KEY}/"

SCANS = {
    "SELECT id, storage_key, synced, ( SELECT max(counted)": "the one look at all bodies, at opening or for all damage",
    "SELECT id, synced FROM bodies": "after a power failure",
    "SELECT id FROM bodies WHERE storage_key": "a reader's usage, once",
    "UPDATE records SET counted = NULL": "at opening",
    "DELETE FROM fetches WHERE state IN": "after a power failure",
    "SELECT storage_key, sum(bytes) FROM": "a reader's usage, once",
    "INSERT INTO usage_kept SELECT": "at opening",
    "SELECT fetch, request, snapshot, response, body FROM records ORDER BY": "all, for the agent's beginning",
    "SELECT number, storage_key, scope, options, snapshot FROM fetches ORDER BY": "all, for the agent's beginning",
    "SELECT storage_key, scope, workers FROM registrations ORDER BY": "all, for the agent's beginning",
    "SELECT number, storage_key, scope, content FROM notifications ORDER BY": "all, for the agent's beginning",
    "SELECT number, storage_key, scope, tag, failures, retry_at FROM syncs": "all, for the agent's beginning",
    "SELECT number, storage_key, scope, tag, min_interval, anchor FROM periodic_syncs": "all, as above",
    "SELECT cookie FROM cookies ORDER BY": "all, for the agent's beginning",
    "SELECT number, storage_key, name FROM indexed_databases": "all, once",
    "SELECT number FROM indexed_databases": "verify",
}
"""Beginnings of statements that read a whole table, and why they may."""


def filled(folder: Path, number: int) -> None:
    """A profile whose cache has so many entries, each with a body."""
    store = open_profile(folder)
    cache = store.open_cache(KEY, "c")
    for n in range(number):
        body = store.create_body(KEY)
        store.append(body, b"0123456789")
        store.put_entry(cache, Request(f"{KEY}/{n}?q={n % 7}"), Response(), body)
    store.close()


Listen = Callable[[Callable[[str], None]], None]


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that SQLite performs on a profile's database, with its values; those of triggers not."""
    statements: list[str] = []

    def note(sql: str) -> None:
        if not sql.startswith("--"):
            statements.append(" ".join(sql.split()))

    real = reading.connect

    def connect(database: str, *, uri: bool = False) -> reading.Connection:
        connection = real(database, uri=uri)
        connection.set_trace_callback(note)
        return connection

    monkeypatch.setattr(reading, "connect", connect)
    monkeypatch.setattr(profile, "connect", connect)
    return statements


async def everything(folder: Path) -> None:
    """Each thing that a store can be asked, in two processes, after the power failed, and by a reader."""
    store = open_profile(folder)
    store.set_origin(KEY)
    store.save_registration(StoredRegistration(KEY, SCOPE))
    bodies = [store.create_body(KEY) for _ in range(4)]
    for body in bodies:
        store.pin(body)
        store.append(body, b"0123456789")
        store.finish_body(body)
    await store.sync(bodies)
    cache = store.open_cache(KEY, "c")
    for n, body in enumerate(bodies[:3]):
        with store.transaction(durable=True):
            store.put_entry(cache, Request(f"{KEY}/{n}?q"), Response(), body)
    list(store.cache_entries(cache))
    list(store.cache_entries(cache, f"{KEY}/1?q"))
    list(store.cache_entries(cache, f"{KEY}/1", ignore_search=True))
    store.cache_size(cache)
    store.cache_bodies(cache, bodies)
    store.cache_names(KEY)
    upload = Request(f"{KEY}/up", "POST", body=StoredBody(bodies[3], 10))
    number = store.add_fetch(
        StoredFetch(
            0, KEY, SCOPE, "id", "", (), 0, 0, FetchSnapshot(), (StoredRecord(upload, RecordSnapshot()),)
        )
    )
    store.save_record(number, 0, RecordSnapshot("success", status=200), Response(), bodies[0])
    store.save_fetch(number, FetchSnapshot())
    store.save_fetch_ui(number, "title", ())
    store.fetches()
    for body in bodies:
        store.unpin(body)
    store.damaged()
    store.save_cookies([Cookie("n", "v", "a.example")], [Cookie("m", "v", "a.example")])
    store.cookies()
    shown = store.add_notification(StoredNotification(0, KEY, SCOPE, NotificationConcept(title="t")))
    store.notifications()
    store.delete_notification(shown)
    sync = store.add_sync(StoredSync(0, KEY, SCOPE, "tag"))
    store.save_sync(sync, 1, 2.0)
    store.syncs()
    store.delete_sync(sync)
    periodic = store.add_periodic_sync(StoredPeriodicSync(0, KEY, SCOPE, "tag", 1.0, 2.0))
    store.save_periodic_sync(periodic, 1.0, 2.0)
    store.periodic_syncs()
    store.delete_periodic_sync(periodic)
    store.save_last_periodic_fire(KEY, 1.0)
    store.last_periodic_fire(KEY)
    store.push_subscription(KEY, SCOPE)
    store.delete_push_subscription(KEY, SCOPE)
    store.indexed.open(KEY, "db").close()
    store.indexed.delete(KEY, "db")
    store.usage(KEY)
    store.close()
    reader = open_profile(folder, read_only=True)
    with reader.snapshot():
        reader.usage(KEY)
        reader.damaged()
        reader.damage(bodies[0])
        reader.length(bodies[0])
    reader.close()
    verify(folder)
    store = open_profile(folder, boot_id="another boot")
    (gone, *_) = store.cache_entries(cache)
    store.delete_entries([gone.id])
    store.release_fetch(number)
    store.delete_cache(KEY, "c")
    store.delete_registration(KEY, SCOPE)
    store.registrations()
    store.close()
    store = open_profile(folder)
    cache = store.open_cache(KEY, "damaged")
    body = store.create_body(KEY)
    store.append(body, b"0123456789")
    store.put_entry(cache, Request(f"{KEY}/x"), Response(), body)
    store.close()
    (folder / "bodies" / str(body)).write_bytes(b"0123")
    open_profile(folder).close()


def test_no_statement_reads_all_of_a_table_that_grows(tmp_path: Path, traced: list[str]) -> None:
    trio.run(everything, tmp_path / "profile")
    tables = set()
    allowed = set()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        schema.migrate(connection)
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        tables -= {"profile", "sqlite_sequence"}
        connection.execute(
            "CREATE TEMP TABLE usage_kept (storage_key TEXT PRIMARY KEY, bytes INTEGER) WITHOUT ROWID"
        )
        for sql in dict.fromkeys(traced):
            if not re.match("SELECT|INSERT|UPDATE|DELETE", sql) or "sqlite_schema" in sql:
                continue
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
            scans = [step for step in plan if step.startswith("SCAN ") and step.split()[1] in tables]
            reason = [beginning for beginning in SCANS if sql.startswith(beginning)]
            assert not scans or reason, f"{sql}: {plan}"
            if scans:
                allowed.update(reason)
    assert len(tables) == 13
    assert allowed == set(SCANS), "each reason is for a statement that there is"


def statements_of(traced: list[str], action: Callable[[], object]) -> int:
    del traced[:]
    action()
    return len(traced)


def opened_and_closed(folder: Path, *, read_only: bool = False) -> None:
    store = open_profile(folder, read_only=read_only)
    if read_only:
        with store.snapshot():
            store.usage(KEY)
            store.damaged()
            for name in store.cache_names(KEY):
                store.cache_size(store.open_cache(KEY, name))
    store.close()


@pytest.mark.parametrize("read_only", [False, True])
def test_opening_takes_as_many_statements_and_a_look_at_each_file(
    tmp_path: Path, traced: list[str], monkeypatch: pytest.MonkeyPatch, read_only: bool
) -> None:
    looks: Counter[str] = Counter()
    stat, scandir = os.stat, os.scandir

    def counted_stat(path: Any, **how: Any) -> os.stat_result:
        looks["stat"] += str(path).isdigit()
        return stat(path, **how)

    def counted_scandir(path: Any = ".") -> Any:
        looks["scandir"] += 1
        return scandir(path)

    done = []
    for number in (3, 60):
        folder = tmp_path / str(number)
        filled(folder, number)
        opened_and_closed(folder, read_only=read_only)
        with monkeypatch.context() as patch:
            patch.setattr(os, "stat", counted_stat)
            patch.setattr(os, "scandir", counted_scandir)
            looks.clear()
            statements = statements_of(traced, lambda: opened_and_closed(folder, read_only=read_only))  # noqa: B023
        assert looks == {"stat": number, "scandir": 1}
        done.append(statements)
    assert done[0] == done[1]


def test_nothing_is_kept_in_memory_of_what_is_complete(tmp_path: Path) -> None:
    filled(tmp_path / "profile", 5)
    store = open_profile(tmp_path / "profile")
    assert store._bodies._bodies == {}
    assert store._bodies.usage(KEY) == 50
    assert store.read(3, 0, 99) == b"0123456789"
    assert list(store._bodies._bodies) == [3]
    # What is only known to be complete is told apart from what is gone, and goes with its last reference.
    store.delete_cache(KEY, "c")
    assert store._bodies.usage(KEY) == 0
    assert not list((tmp_path / "profile" / "bodies").iterdir())
    with pytest.raises(FileNotFoundError):
        store.length(3)
    store.close()
    assert verify(tmp_path / "profile") == []


def steps_of(store: SqlStore, action: Callable[[], object]) -> int:
    """How many instructions SQLite's machine performs."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    store._database._connection.set_progress_handler(step, 1)
    action()
    store._database._connection.set_progress_handler(None, 1)
    return steps


def test_an_entry_is_found_without_a_look_at_the_others_whatever_is_ignored(tmp_path: Path) -> None:
    done: list[list[int]] = []
    for number in (5, 500):
        filled(tmp_path / str(number), number)
        store = open_profile(tmp_path / str(number))
        cache = store.open_cache(KEY, "c")

        def found(url: str, ignore_search: bool) -> Callable[[], object]:
            return lambda: list(store.cache_entries(cache, url, ignore_search=ignore_search))  # noqa: B023

        def put_and_deleted() -> None:
            entry = store.put_entry(cache, Request(f"{KEY}/new"), Response(), None)  # noqa: B023
            store.delete_entries([entry])  # noqa: B023

        put_and_deleted()
        actions = [found(f"{KEY}/3?q=3", False), found(f"{KEY}/3", True), put_and_deleted]
        done.append([steps_of(store, action) for action in actions])
        store.close()
    for few, many in zip(*done, strict=True):
        assert many < few * 1.2


def test_what_differs_in_its_query_is_found_in_the_order_of_insertion(tmp_path: Path) -> None:
    store = open_profile(tmp_path / "profile")
    cache = store.open_cache(KEY, "c")
    urls = [f"{KEY}/a?z", f"{KEY}/a", f"{KEY}/a?b", f"{KEY}/a@", f"{KEY}/ab?c", f"{KEY}/a>", f"{KEY}/a?"]
    for url in urls:
        store.put_entry(cache, Request(url), Response(), None)
    found = store.cache_entries(cache, f"{KEY}/a?q#f", ignore_search=True)
    assert [entry.request.url for entry in found] == [f"{KEY}/a?z", f"{KEY}/a", f"{KEY}/a?b", f"{KEY}/a?"]
    assert len(found) == 4
    assert found[-1].url == f"{KEY}/a?"
    assert [entry.url for entry in found[1:3]] == [f"{KEY}/a", f"{KEY}/a?b"]
    store.close()


def test_an_entry_is_made_when_it_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path / "profile", 3)
    store = open_profile(tmp_path / "profile")
    made: list[object] = []
    real = from_json

    def counted(text: str, kind: Any) -> Any:
        made.append(kind)
        return real(text, kind)

    monkeypatch.setattr(caches, "from_json", counted)
    entries = list(store.cache_entries(store.open_cache(KEY, "c")))
    assert [(e.url, e.status, e.length) for e in entries] == [(f"{KEY}/{n}?q={n}", 200, 10) for n in range(3)]
    assert made == []
    assert entries[1].request.url == entries[1].request.url == entries[1].url
    assert entries[1].response.status == entries[1].response.status == entries[1].status
    assert made == [Request, Response]
    store.close()


def test_an_entry_that_goes_meanwhile_is_left_out(tmp_path: Path) -> None:
    filled(tmp_path / "profile", 3)
    store = open_profile(tmp_path / "profile")
    entries = store.cache_entries(store.open_cache(KEY, "c"))
    store.delete_entries([entries[1].id])
    assert [entry.url for entry in entries] == [f"{KEY}/0?q=0", f"{KEY}/2?q=2"]
    with pytest.raises(IndexError):
        entries[1]
    store.close()


def test_a_cache_is_deleted_in_as_many_statements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    for number in (3, 60):
        filled(tmp_path / str(number), number)
        store = open_profile(tmp_path / str(number))
        executed: list[str] = []
        real = store._database.execute

        def noted(sql: str, parameters: Any = (), real: Any = real, executed: list[str] = executed) -> Any:
            executed.append(sql)
            return real(sql, parameters)

        monkeypatch.setattr(store._database, "execute", noted)
        assert store.delete_cache(KEY, "c")
        done.append(len(executed))
        monkeypatch.undo()
        store.close()
        assert verify(tmp_path / str(number)) == []
    assert done[0] == done[1]


# A database that is read where it is


@pytest.fixture
def no_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "IN_MEMORY", 0)


def change(folder: Path) -> None:
    """A whole process of another writer, whose end brings what it wrote into the database's file."""
    store = open_profile(folder)
    store.delete_cache(KEY, "c")
    store.close()


@pytest.mark.usefixtures("no_copy")
def test_a_large_database_is_not_read_into_memory(tmp_path: Path, traced: list[str]) -> None:
    filled(tmp_path / "profile", 5)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    reader = open_profile(tmp_path / "profile", read_only=True)
    databases = reader._database._connection.execute("PRAGMA database_list").fetchall()
    assert databases[0][2] == str((tmp_path / "profile" / reading.DATABASE).resolve())
    assert reader.usage(KEY) > 50
    reader.close()
    assert verify(tmp_path / "profile") == []
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.usefixtures("no_copy")
def test_what_is_read_of_two_moments_is_told(tmp_path: Path) -> None:
    filled(tmp_path / "profile", 5)
    reader = open_profile(tmp_path / "profile", read_only=True)
    cache = reader.open_cache(KEY, "c")
    entries = reader.cache_entries(cache)
    assert len(entries) == 5
    writer = open_profile(tmp_path / "profile")
    writer.delete_cache(KEY, "c")
    # As long as that is in the log alone, the reader's moment lasts.
    assert reader.cache_size(cache) == (5, 50)
    writer.close()
    for ask in (
        lambda: list(entries),
        lambda: reader.cache_size(cache),
        lambda: reader.cache_entries(cache),
        reader.damaged,
    ):
        with pytest.raises(ProfileChanged, match="ask again"):
            ask()
    reader.close()


@pytest.mark.usefixtures("no_copy")
def test_whoever_reads_begins_again(tmp_path: Path) -> None:
    filled(tmp_path / "profile", 5)
    looks = []

    def look() -> list[str]:
        reader = open_profile(tmp_path / "profile", read_only=True)
        try:
            with reader.snapshot():
                looks.append(list(reader.cache_names(KEY)))
                if len(looks) == 1:
                    change(tmp_path / "profile")
                return list(reader.cache_names(KEY))
        finally:
            reader.close()

    assert while_it_changes(look) == []
    assert looks == [["c"], []]


@pytest.mark.usefixtures("no_copy")
def test_a_profile_that_changes_for_ever_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAUSE", 0.0)
    looks = []

    def look() -> None:
        looks.append(1)
        raise ProfileChanged("again")

    with pytest.raises(ProfileChanged):
        while_it_changes(look)
    assert len(looks) == reading.LOOKS


@pytest.mark.usefixtures("no_copy")
def test_what_looks_damaged_because_it_changed_is_no_damage(tmp_path: Path) -> None:
    filled(tmp_path / "profile", 300)
    reader = open_profile(tmp_path / "profile", read_only=True)
    database = tmp_path / "profile" / reading.DATABASE
    whole = database.read_bytes()
    database.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    with pytest.raises(ProfileChanged):
        list(reader.cache_entries(1))
    reader.close()
    database.write_bytes(whole)


def test_a_long_list_is_printed_as_the_object_would_be(capsys: pytest.CaptureFixture[str]) -> None:
    from swruntime.cli import output

    for number in (0, 1, 2, output.LINES, output.LINES + 1):
        items = [{"url": f"/{n}", "headers": [["a", "b\n"]], "none": []} for n in range(number)]
        output.print_long_object({"cache": 'a"ü'}, "entries", iter(items))
        assert capsys.readouterr().out == json.dumps({"cache": 'a"ü', "entries": items}, indent=2) + "\n"
        output.say_all(f"{n}\x1b\n" for n in range(number))
        assert capsys.readouterr().out == "".join(f"{n}\\x1b\\n\n" for n in range(number))
