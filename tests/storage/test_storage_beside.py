"""Reading beside a writer: nothing fails, and nothing that is only on its way is told as a problem."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from swruntime.concepts.http import Request, Response
from swruntime.errors import NotAProfile
from swruntime.storage import indexed_db, open_profile, reading, verify, writer_of
from swruntime.storage.store import SqlStore

KEY = "https://a.example"


def writer_with_a_cache(profile: Path) -> tuple[SqlStore, int]:
    store = open_profile(profile)
    body = store.create_body(KEY)
    store.append(body, b"0123456789")
    trio.run(store.sync, [body])
    store.put_entry(store.open_cache(KEY, "c"), Request(f"{KEY}/x"), Response(), body)
    return store, body


def once(action: Callable[[], object]) -> Callable[[], None]:
    left = [action]

    def act() -> None:
        if left:
            left.pop()()

    return act


@pytest.mark.parametrize("read", [verify, lambda profile: open_profile(profile, read_only=True).close()])
def test_a_writer_that_ends_while_its_log_is_about_to_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object]
) -> None:
    """With its end the log goes, and SQLite cannot read a database that should have one."""
    store, _ = writer_with_a_cache(tmp_path / "profile")
    ends, connect, told = once(store.close), reading.connect, []

    def connect_late(database: str, *, uri: bool = False) -> sqlite3.Connection:
        ends()
        told.append(database)
        if len(told) == 1:
            raise sqlite3.OperationalError(
                "unable to open database file"
            )  # in a folder that is not the reader's
        return connect(database, uri=uri)

    monkeypatch.setattr(reading, "connect", connect_late)
    assert read(tmp_path / "profile") in (None, [])
    assert len(told) > 1, "it was looked at again"


def test_what_looks_damaged_while_somebody_writes_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = writer_with_a_cache(tmp_path / "profile")
    store.close()
    database = tmp_path / "profile" / reading.DATABASE
    looks = []

    def torn(connection: sqlite3.Connection) -> list[str]:
        looks.append(connection)
        if len(looks) < 3:
            os.utime(database, ns=(0, len(looks)))
            return ["torn"]
        return []

    with reading.checked_connection(tmp_path / "profile", torn) as (_, found):
        assert found == []
    assert len(looks) == 3

    # What is the same although nothing has changed is so.
    looks.clear()

    def lasting(connection: sqlite3.Connection) -> list[str]:
        looks.append(connection)
        return ["torn"]

    with reading.checked_connection(tmp_path / "profile", lasting) as (_, found):
        assert found == ["torn"]
    assert len(looks) == 1


def test_a_writer_that_never_rests_does_not_hold_a_reader_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = writer_with_a_cache(tmp_path / "profile")
    store.close()
    monkeypatch.setattr(reading, "PAUSE", 0.0)
    database = tmp_path / "profile" / reading.DATABASE
    count = [0]

    def busy(connection: sqlite3.Connection) -> list[str]:
        count[0] += 1
        os.utime(database, ns=(0, count[0]))
        raise sqlite3.DatabaseError("torn")

    with pytest.raises(sqlite3.DatabaseError), reading.checked_connection(tmp_path / "profile", busy):
        """Not reached."""
    assert count[0] == reading.LOOKS


def test_a_file_that_a_writer_is_about_to_delete_is_not_a_problem(tmp_path: Path) -> None:
    """The row has gone, in a commit, and the file has not yet."""
    profile = tmp_path / "profile"
    store, _ = writer_with_a_cache(profile)
    on_its_way = profile / "bodies" / "77"
    on_its_way.write_bytes(b"")
    (profile / "indexeddb").mkdir()
    (profile / "indexeddb" / "9.sqlite3").write_bytes(b"")
    assert verify(profile) == []
    store.close()
    assert verify(profile) == [
        "bodies/77 has no row; it goes when the profile is opened next",
        "indexeddb/9.sqlite3 has no row; it goes when the profile is opened next",
    ]


def test_a_file_that_goes_while_it_is_looked_at_is_not_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from swruntime.storage import check

    profile = tmp_path / "profile"
    writer_with_a_cache(profile)[0].close()
    (profile / "bodies" / "77").write_bytes(b"")
    monkeypatch.setattr(check, "lock_holder", lambda folder, name: (profile / "bodies" / "77").unlink())
    assert verify(profile) == []


def test_a_snapshot_is_one_moment(tmp_path: Path) -> None:
    store, body = writer_with_a_cache(tmp_path / "profile")
    reader = open_profile(tmp_path / "profile", read_only=True)
    with reader.snapshot():
        assert len(reader.cache_entries(reader.open_cache(KEY, "c"))) == 1
        store.delete_cache(KEY, "c")
        store.open_cache(KEY, "another")
        assert list(reader.cache_names(KEY)) == ["c"]
        assert reader.length(body) == 10
        assert reader.damage(body) is None, "its file has gone with the row, which is in this moment alone"
        with pytest.raises(FileNotFoundError):
            reader.read(body, 0, 10)
    assert list(reader.cache_names(KEY)) == ["another"]
    reader.close()
    store.close()


def test_a_writer_that_has_not_said_who_it_is_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = tmp_path / "profile"
    open_profile(profile).close()
    descriptor = os.open(profile / "lock", os.O_RDWR)
    os.ftruncate(descriptor, 0)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    monkeypatch.setattr(time, "sleep", lambda seconds: os.pwrite(descriptor, b"4711\n", 0))
    assert writer_of(profile) == 4711
    os.ftruncate(descriptor, 0)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    assert writer_of(profile) == 0, "somebody, whoever it is"
    os.close(descriptor)
    assert writer_of(profile) is None


def test_who_ended_is_not_taken_for_the_writer(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    store = open_profile(profile)
    assert writer_of(profile) == os.getpid()
    store.close()
    assert not (profile / "lock").read_bytes().strip()


def indexed_profile(profile: Path) -> SqlStore:
    store = open_profile(profile)
    database = store.indexed.open(KEY, "db")
    database.begin(durable=True)
    database.set_version(3)
    database.create_store("s", None, True)
    database.commit()
    return store


@pytest.mark.parametrize("ends", [True, False])
def test_an_indexed_database_whose_writer_comes_or_goes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    profile = tmp_path / "profile"
    store = indexed_profile(profile)
    if not ends:
        store.close()
    connect = indexed_db.connect_to_read
    opened: list[SqlStore] = []

    def begin() -> None:
        opened.append(open_profile(profile))
        database = opened[0].indexed.open(KEY, "db")
        database.begin(durable=True)
        database.create_store("more", None, True)
        database.commit()

    meanwhile = once(store.close if ends else begin)

    def connect_and(folder: Any, number: int) -> sqlite3.Connection | None:
        if ends:
            connection = connect(folder, number)
            meanwhile()
            return connection
        connection = connect(folder, number)
        meanwhile()
        return connection

    monkeypatch.setattr(indexed_db, "connect_to_read", connect_and)
    reader = open_profile(profile, read_only=True)
    assert list(reader.indexed.all(KEY)) == [("db", 3)]
    assert reader.indexed.usage(KEY) > 0
    reader.close()
    assert verify(profile) == []
    for each in opened:
        each.close()


def test_real_damage_is_told_beside_a_writer_too(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    store, body = writer_with_a_cache(profile)
    (profile / "bodies" / str(body)).write_bytes(b"0123")
    assert verify(profile) == [f"bodies/{body} has 4 bytes of 10"]
    store.close()


def test_a_reader_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotAProfile):
        open_profile(tmp_path, read_only=True)
