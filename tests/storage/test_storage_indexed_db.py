"""IndexedDB's databases in the store: the contract in memory and on disk; deaths and damage on disk."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from swruntime.errors import ConstraintError, StorageFull, UnknownError
from swruntime.ports.indexed_db import (
    INDEXED_ROW,
    MOST_GENERATED,
    Direction,
    Found,
    IndexedDatabase,
    IndexRow,
    KeyRange,
    Position,
    Source,
    put_size,
)
from swruntime.storage import forget, memory_store, open_profile, verify
from swruntime.storage.indexed_file import FILE, encode_number
from swruntime.storage.store import SqlStore

KEY, OTHER = "https://a.example", "https://b.example"
EVERYTHING = KeyRange()


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    store = memory_store() if request.param == "memory" else open_profile(tmp_path / "profile")
    yield store
    store.close()


def a_database(store: SqlStore, name: str = "db", *, auto: bool = False) -> tuple[IndexedDatabase, int]:
    """A database of version 1, written, with an object store."""
    database: IndexedDatabase = store.indexed.open(KEY, name)
    database.begin(durable=False)
    database.set_version(1)
    number = database.create_store("things", None, auto)
    database.commit()
    return database, number


def keys(found: list[Found]) -> list[bytes]:
    return [each.primary_key for each in found]


def put(database: IndexedDatabase, store: int, key: bytes | None, value: bytes = b"v") -> bytes:
    return database.put(store, key, value, [], overwrite=True)


# Databases


def test_a_database_is_there_once_it_has_a_version(store: SqlStore) -> None:
    first, second = store.indexed.open(KEY, "\ud800"), store.indexed.open(KEY, "b")
    assert store.indexed.all(KEY) == []
    for database in (second, first):
        database.begin(durable=True)
        database.set_version(2**53)
        database.commit()
    assert store.indexed.all(KEY) == [("\ud800", 2**53), ("b", 2**53)]
    assert store.indexed.all(OTHER) == []
    first.close()
    assert store.indexed.all(KEY) == [("\ud800", 2**53), ("b", 2**53)]
    store.indexed.delete(KEY, "\ud800")
    store.indexed.delete(KEY, "never there")
    assert store.indexed.all(KEY) == [("b", 2**53)]
    assert store.indexed.open(KEY, "\ud800").version == 0


def test_what_is_rolled_back_or_never_committed_is_gone(store: SqlStore) -> None:
    database, number = a_database(store)
    empty = database.size
    database.begin(durable=False)
    put(database, number, b"\x10a")
    database.roll_back()
    assert not database.in_transaction
    database.roll_back()
    database.begin(durable=False)
    put(database, number, b"\x10b")
    database.create_store("others", None, False)
    database.set_version(7)
    database.close()
    database = store.indexed.open(KEY, "db")
    assert database.version == 1
    assert [row.name for row in database.schema()] == ["things"]
    assert database.count(Source("store", number), EVERYTHING) == 0
    assert database.size == empty


def test_nothing_is_written_outside_a_transaction(store: SqlStore) -> None:
    database, number = a_database(store)
    with pytest.raises(StorageFull, match="never begun"):
        put(database, number, b"\x10a")


def test_the_schema(store: SqlStore) -> None:
    database, number = a_database(store)
    database.begin(durable=False)
    other = database.create_store("\udfff", ("a", "b.c"), True)
    index = database.create_index(other, IndexRow(0, "by a", ("a", "b"), unique=True))
    words = database.create_index(other, IndexRow(0, "words", "", multi_entry=True))
    with pytest.raises(ConstraintError):
        database.create_store("things", "x", False)
    with pytest.raises(ConstraintError):
        database.create_index(other, IndexRow(0, "words", ""))
    with pytest.raises(ConstraintError):
        database.rename_store(other, "things")
    database.rename_store(number, "old")
    database.rename_store(other, "things")
    database.rename_index(words, "w")
    database.commit()
    old, new = database.schema()
    assert (old.id, old.name, old.key_path, old.auto_increment, old.indexes) == (
        number,
        "old",
        None,
        False,
        (),
    )
    assert (new.id, new.name, new.key_path, new.auto_increment) == (other, "things", ("a", "b.c"), True)
    assert new.indexes == (
        IndexRow(index, "by a", ("a", "b"), unique=True),
        IndexRow(words, "w", "", multi_entry=True),
    )
    database.begin(durable=False)
    put(database, other, None)
    database.delete_index(index)
    database.delete_store(number)
    for gone in (
        lambda: database.delete_store(number),
        lambda: database.delete_index(index),
        lambda: database.rename_store(number, "n"),
        lambda: database.rename_index(index, "n"),
        lambda: database.create_index(number, IndexRow(0, "n", "")),
        lambda: put(database, number, b"\x10"),
        lambda: database.scan(Source("index", index), EVERYTHING),
        lambda: database.count(Source("store", number), EVERYTHING),
        lambda: database.put(other, b"\x10", b"", [(index, (b"k",))], overwrite=True),
        lambda: database.add_entries(words, [(b"k", b"nobody's")]),
    ):
        with pytest.raises(KeyError):
            gone()


# Records


def test_put_replaces_and_add_does_not(store: SqlStore) -> None:
    database, number = a_database(store)
    database.begin(durable=False)
    index = database.create_index(number, IndexRow(0, "i", "i", unique=True))
    database.put(number, b"a", b"one", [(index, (b"x",)), (index, (b"y",))], overwrite=False)
    with pytest.raises(ConstraintError):
        database.put(number, b"a", b"two", [], overwrite=False)
    with pytest.raises(ConstraintError):
        database.put(number, b"b", b"two", [(index, (b"z",)), (index, (b"y",))], overwrite=True)
    assert database.scan(Source("store", number), EVERYTHING) == [Found(b"a", b"a", b"one")]
    assert database.count(Source("index", index), EVERYTHING) == 2
    database.put(number, b"a", b"two", [(index, (b"y",))], overwrite=True)
    assert database.scan(Source("index", index), EVERYTHING) == [Found(b"y", b"a", b"two")]
    with pytest.raises(ConstraintError):
        database.put(number, b"b", b"", [(index, (b"y",))], overwrite=True)
    put(database, number, b"b")
    with pytest.raises(ConstraintError):
        database.add_entries(index, [(b"n", b"b"), (b"y", b"b")])


def test_the_key_generator(store: SqlStore) -> None:
    database, number = a_database(store, auto=True)
    database.begin(durable=False)
    index = database.create_index(number, IndexRow(0, "i", "i"))
    made = database.put(number, None, b"", [(index, (b"<", None, b">"))], overwrite=False)
    assert made == encode_number(1)
    assert database.scan(Source("index", index), EVERYTHING)[0].key == b"<" + made + b">"
    database.commit()
    database.begin(durable=False)
    for explicit, following in [(5, 6), (2, 7), (7.9, 8), (-3, 9), (12, 13)]:
        # A number's key is its double with the sign turned round, of a negative one all bits.
        (bits,) = struct.unpack(">Q", struct.pack(">d", explicit))
        put(
            database,
            number,
            b"\x10" + struct.pack(">Q", bits ^ (2**64 - 1) if explicit < 0 else bits | 1 << 63),
        )
        assert put(database, number, None) == encode_number(following)
    with pytest.raises(ConstraintError):
        database.put(number, encode_number(12), b"", [], overwrite=False)
    put(database, number, b"\x30no number")
    assert put(database, number, None) == encode_number(14)
    database.roll_back()
    database.begin(durable=False)
    assert put(database, number, None) == encode_number(2)
    put(database, number, encode_number(MOST_GENERATED))
    with pytest.raises(ConstraintError, match="last number"):
        put(database, number, None)
    other = database.create_store("no generator", None, False)
    with pytest.raises(KeyError):
        put(database, other, None)


def test_ranges_deletion_and_counts(store: SqlStore) -> None:
    database, number = a_database(store)
    source = Source("store", number)
    database.begin(durable=False)
    index = database.create_index(number, IndexRow(0, "i", "i"))
    empty = database.size
    for key in (b"a", b"b", b"c", b"d"):
        database.put(number, key, b"v", [(index, (b"i",))], overwrite=False)
    ranges = [
        (KeyRange(), 4),
        (KeyRange(b"b"), 3),
        (KeyRange(b"b", lower_open=True), 2),
        (KeyRange(None, b"b"), 2),
        (KeyRange(None, b"b", upper_open=True), 1),
        (KeyRange(b"b", b"b"), 1),
        (KeyRange(b"bb", b"bc"), 0),
    ]
    for key_range, expected in ranges:
        assert database.count(source, key_range) == expected
        assert len(database.scan(source, key_range)) == expected
    assert database.size == empty + 4 * put_size(1, 1, [1])
    database.delete(number, KeyRange(b"b", b"d", upper_open=True))
    assert keys(database.scan(Source("index", index), EVERYTHING)) == [b"a", b"d"]
    database.clear(number)
    assert database.count(Source("index", index), EVERYTHING) == 0
    assert database.size == empty


Rows = list[tuple[bytes, bytes]]
small = st.binary(min_size=1, max_size=2)


@given(
    rows=st.lists(st.tuples(st.sampled_from([b"x", b"y", b"z", b"zz"]), small), max_size=12, unique=True),
    lower=st.none() | small,
    upper=st.none() | small,
    opens=st.tuples(st.booleans(), st.booleans()),
    direction=st.sampled_from(["next", "nextunique", "prev", "prevunique"]),
    at=st.none() | st.tuples(small, st.none() | small, st.booleans()),
    skip=st.integers(0, 3),
    limit=st.none() | st.integers(0, 5),
)
def test_a_scan_is_what_a_list_would_say(
    rows: Rows,
    lower: bytes | None,
    upper: bytes | None,
    opens: tuple[bool, bool],
    direction: Direction,
    at: tuple[bytes, bytes | None, bool] | None,
    skip: int,
    limit: int | None,
) -> None:
    unique, backwards = direction.endswith("unique"), direction.startswith("prev")
    if at is not None and unique:
        at = (at[0], None, at[2])
    with closing(memory_store()) as store:
        database, number = a_database(store)
        database.begin(durable=False)
        index = database.create_index(number, IndexRow(0, "i", "i"))
        for _, primary in rows:
            put(database, number, primary, b"v" + primary)
        for key, primary in rows:
            database.add_entries(index, [(key, primary)])

        expected = sorted(rows)
        if lower is not None:
            expected = [r for r in expected if (r[0] > lower if opens[0] else r[0] >= lower)]
        if upper is not None:
            expected = [r for r in expected if (r[0] < upper if opens[1] else r[0] <= upper)]
        if unique:
            expected = [r for i, r in enumerate(expected) if not i or expected[i - 1][0] != r[0]]
        if backwards:
            expected.reverse()
        if at is not None:
            here: tuple[bytes, ...] = (at[0],) if at[1] is None else (at[0], at[1])

            def beyond(row: tuple[bytes, bytes]) -> bool:
                mine = row[: len(here)]
                return (mine == here and at[2]) or (mine < here if backwards else mine > here)

            expected = [r for r in expected if beyond(r)]
        expected = expected[skip:] if limit is None else expected[skip : skip + limit]

        key_range = KeyRange(lower, upper, *opens)
        position = None if at is None else Position(*at)
        found = database.scan(
            Source("index", index), key_range, direction, position=position, skip=skip, limit=limit
        )
        assert found == [Found(key, primary, b"v" + primary) for key, primary in expected]


def test_a_scan_in_parts(store: SqlStore) -> None:
    database, number = a_database(store)
    database.begin(durable=False)
    for each in range(10):
        put(database, number, bytes([each]), bytes(1000))
    source = Source("store", number)
    assert len(database.scan(source, EVERYTHING, most_bytes=2500)) == 3
    assert len(database.scan(source, EVERYTHING, most_bytes=1)) == 1
    assert [each.value for each in database.scan(source, EVERYTHING, most_bytes=2500, values=False)] == [
        None
    ] * 10
    assert keys(database.scan(source, EVERYTHING, "prev", position=Position(b"\x04"), limit=2)) == [
        b"\x03",
        b"\x02",
    ]


# Space


def test_what_an_origin_uses(store: SqlStore) -> None:
    body = store.create_body(KEY)
    store.append(body, bytes(100))
    only_the_body = store.usage(KEY)
    database, number = a_database(store)
    empty = store.usage(KEY)
    assert empty - only_the_body >= FILE
    database.begin(durable=False)
    put(database, number, b"key", bytes(1000))
    assert store.usage(KEY) == empty + put_size(3, 1000, [])
    assert store.usage(OTHER) == 0
    put(database, number, b"key", bytes(10))
    assert store.usage(KEY) == empty + put_size(3, 10, [])
    database.roll_back()
    assert store.usage(KEY) == empty
    database.begin(durable=False)
    put(database, number, b"key", bytes(1000))
    database.commit()
    database.close()
    assert store.usage(KEY) == empty + put_size(3, 1000, [])
    store.indexed.delete(KEY, "db")
    assert store.usage(KEY) == only_the_body


def test_names_and_indexes_count(store: SqlStore) -> None:
    """Also where they are taken back."""
    database, number = a_database(store)
    put_in(database, number, [b"%03d" % each for each in range(100)])
    before = store.usage(KEY)
    database.begin(durable=False)
    index = database.create_index(number, IndexRow(0, "i" * 1000, "p" * 1000))
    named = store.usage(KEY)
    assert 3000 <= named - before < 3200
    database.add_entries(index, [(b"k" * 50, b"%03d" % each) for each in range(100)])
    assert store.usage(KEY) - named == 100 * (2 * (50 + 3) + INDEXED_ROW)
    database.rename_index(index, "i")
    assert store.usage(KEY) < named + 100 * (2 * (50 + 3) + INDEXED_ROW) - 1900
    database.create_store("s" * 1000, None, False)
    database.roll_back()
    assert store.usage(KEY) == before
    database.begin(durable=False)
    other = database.create_store("s" * 1000, None, False)
    assert store.usage(KEY) >= before + 2000
    database.rename_store(other, "s")
    database.delete_store(other)
    database.commit()
    assert store.usage(KEY) == before
    database.close()
    assert store.usage(KEY) == before, "as whoever has it not open reads it"


def put_in(database: IndexedDatabase, number: int, keys: list[bytes]) -> None:
    database.begin(durable=False)
    for key in keys:
        put(database, number, key, b"value")
    database.commit()


def test_a_database_of_an_earlier_version_is_counted_anew(tmp_path: Path) -> None:
    """Version 1 counted keys once, and neither names nor what a row takes."""
    with closing(open_profile(tmp_path / "profile")) as store:
        database, number = a_database(store)
        put_in(database, number, [b"a", b"b"])
        usage = store.usage(KEY)
    path = tmp_path / "profile" / "indexeddb" / "1.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for name, table, size in (("record", "records", "length({0}.value)"), ("entry", "entries", "0")):
            for when, event, row in (("added", "INSERT", "new"), ("gone", "DELETE", "old")):
                connection.execute(f"DROP TRIGGER {name}_{when}")
                connection.execute(
                    f"CREATE TRIGGER {name}_{when} AFTER {event} ON {table} BEGIN "
                    f"UPDATE database SET bytes = bytes + {size.format(row)}; END"
                )
        connection.execute("UPDATE database SET bytes = 12")
        connection.execute("PRAGMA user_version = 1")
    with closing(open_profile(tmp_path / "profile")) as store:
        assert store.usage(KEY) < usage
        database = store.indexed.open(KEY, "db")
        assert store.usage(KEY) == usage
        put_in(database, number, [b"c"])
        assert store.usage(KEY) == usage + put_size(1, 5, [])
        assert len(database.scan(Source("store", number), EVERYTHING)) == 3


def test_a_full_disk_takes_the_transaction_back(tmp_path: Path) -> None:
    with closing(open_profile(tmp_path / "profile")) as store:
        database, number = a_database(store)
        connection = database._connection  # type: ignore[attr-defined]
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 20}")
        database.begin(durable=False)
        for each in range(10):
            put(database, number, bytes([each]), bytes(1000))
        with pytest.raises(StorageFull):
            put(database, number, b"big", bytes(100_000))
        with pytest.raises(StorageFull):
            database.commit()
        database.roll_back()
        assert database.count(Source("store", number), EVERYTHING) == 0
        database.begin(durable=False)
        put(database, number, b"a")
        database.commit()


def test_no_room_is_left_to_the_profile_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open_profile(tmp_path / "profile")) as store:
        database, number = a_database(store)
        database.begin(durable=False)
        monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 512 * 1024 + 9}))
        put(database, number, b"a", bytes(9))
        with pytest.raises(StorageFull):
            put(database, number, b"b", bytes(10))
        database.commit()
        assert keys(database.scan(Source("store", number), EVERYTHING)) == [b"a"]


# On disk


def test_it_is_kept(tmp_path: Path) -> None:
    with closing(open_profile(tmp_path / "profile")) as store:
        database, number = a_database(store)
        database.begin(durable=True)
        put(database, number, b"a", b"value")
        database.commit()
        with closing(open_profile(tmp_path / "profile", read_only=True)) as reader:
            usage = store.usage(KEY)
            assert reader.usage(KEY) == usage
            assert reader.indexed.all(KEY) == [("db", 1)]
        assert verify(tmp_path / "profile") == []
    before = sorted(tmp_path.rglob("*"))
    with closing(open_profile(tmp_path / "profile", read_only=True)) as reader:
        assert reader.usage(KEY) == usage
        assert reader.indexed.all(KEY) == [("db", 1)]
    assert verify(tmp_path / "profile") == []
    assert sorted(tmp_path.rglob("*")) == before
    with closing(open_profile(tmp_path / "profile")) as store:
        assert store.usage(KEY) == usage
        database = store.indexed.open(KEY, "db")
        assert database.scan(Source("store", number), EVERYTHING) == [Found(b"a", b"a", b"value")]
    forget(tmp_path / "profile")
    assert not (tmp_path / "profile").exists()


def test_files_without_a_row_are_collected_and_a_row_without_a_file_is_no_database(tmp_path: Path) -> None:
    folder = tmp_path / "profile" / "indexeddb"
    with closing(open_profile(tmp_path / "profile")) as store:
        a_database(store)
    assert [path.name for path in folder.iterdir()] == ["1.sqlite3"]
    (folder / "1.sqlite3").rename(folder / "7.sqlite3")
    (folder / "8.sqlite3-wal").touch()
    (folder / "notes.txt").touch()
    assert [problem.split(";")[0] for problem in verify(tmp_path / "profile")] == [
        "indexeddb/7.sqlite3 has no row",
        "indexeddb/8.sqlite3 has no row",
    ]
    with closing(open_profile(tmp_path / "profile")) as store:
        assert store.indexed.all(KEY) == []
        assert [path.name for path in folder.iterdir()] == ["notes.txt"]
        assert store.indexed.open(KEY, "db").version == 0


def test_a_damaged_one_fails_alone(tmp_path: Path) -> None:
    with closing(open_profile(tmp_path / "profile")) as store:
        a_database(store)
    (tmp_path / "profile" / "indexeddb" / "1.sqlite3").write_bytes(b"not SQLite" * 1000)
    (problem,) = verify(tmp_path / "profile")
    assert problem.startswith("indexeddb/1.sqlite3 is damaged")
    with closing(open_profile(tmp_path / "profile")) as store:
        with pytest.raises(UnknownError, match="damaged"):
            store.indexed.open(KEY, "db")
        assert store.indexed.all(KEY) == []
        assert store.indexed.usage(KEY) == 0
        a_database(store, "another")
        store.indexed.delete(KEY, "db")
        a_database(store)
        assert [name for name, _ in store.indexed.all(KEY)] == ["another", "db"]
    assert verify(tmp_path / "profile") == []


def write_pairs(profile: Path) -> None:
    """Transactions of two records each, one after the other for ever; the first line told, it may be killed."""
    with closing(open_profile(profile)) as store:
        if not store.indexed.all(KEY):
            a_database(store)
        database = store.indexed.open(KEY, "db")
        (row,) = database.schema()
        number = row.id
        at = database.count(Source("store", number), EVERYTHING) // 2
        while True:
            database.begin(durable=at % 7 == 0)
            for half in (b"l", b"r"):
                put(database, number, half + at.to_bytes(4, "big"), random.randbytes(3000))
            database.commit()
            at += 1
            os.write(1, b"%d\n" % at)


@pytest.mark.slow
def test_a_kill_at_any_instant_loses_no_committed_transaction_and_shows_no_half_one(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    script = (
        "import sys; from pathlib import Path; from tests.storage import test_storage_indexed_db as t; "
        "t.write_pairs(Path(sys.argv[1]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    rng = random.Random(5)
    told = 0
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(profile)], env=environment, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        for _ in range(rng.randrange(1, 200)):
            told = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split(b"\n")[:-1]
        told = int(rest[-1]) if rest else told
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
        assert verify(profile) == []
        with closing(open_profile(profile)) as store:
            database = store.indexed.open(KEY, "db")
            (row,) = database.schema()
            there = keys(database.scan(Source("store", row.id), EVERYTHING, values=False))
        left, right = (sorted(key[1:] for key in there if key.startswith(half)) for half in (b"l", b"r"))
        assert left == right
        assert [int.from_bytes(key, "big") for key in left] == list(range(len(left)))
        assert len(left) - told in (0, 1), "what was told is there; one more may have been about to be told"


def test_its_tables_are_whole_or_made_again(tmp_path: Path) -> None:
    """A death between the row and the tables: the file is there, and empty."""
    with closing(open_profile(tmp_path / "profile")) as store:
        a_database(store)
    path = tmp_path / "profile" / "indexeddb" / "1.sqlite3"
    path.unlink()
    sqlite3.connect(path).close()
    path.touch()
    with closing(open_profile(tmp_path / "profile")) as store:
        assert store.indexed.all(KEY) == []
        database, number = a_database(store)
        assert database.count(Source("store", number), EVERYTHING) == 0
