"""One IndexedDB database: a SQLite database of its own, so that a long transaction of the one is one of the other.

Its file is in WAL mode as the profile's is. A commit survives the process at once, and the power from the next sync of
the log on; a durable one ("strict") syncs it itself. What a killed process had not committed is not there.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from swruntime.errors import ConstraintError, StorageFull, UnknownError
from swruntime.ports.indexed_db import (
    INDEXED_ROW,
    MOST_GENERATED,
    Direction,
    Found,
    IndexRow,
    KeyParts,
    KeyPath,
    KeyRange,
    Position,
    Source,
    StoreRow,
)
from swruntime.storage import indexed_scan
from swruntime.storage.files import RESERVE
from swruntime.storage.room import Disk, disk_errors_told

APPLICATION_ID = 0x73774958  # "swIX"
VERSION = 2
"""Of the file's tables. An earlier version of swruntime can use a later one's."""
FILE = 12 * 4096
"""Bytes of a database without a record: SQLite's pages, one at the least for each table and index."""
DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
NUMBER = b"\x10"
"""How the bytes of a key begin that is a number; a big-endian double with its sign turned round follows."""

TABLES = (
    # `version` is IndexedDB's. `bytes`: what records and entries take, kept by the triggers below.
    """
    CREATE TABLE database (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        version  INTEGER NOT NULL,
        bytes    INTEGER NOT NULL
    )
    """,
    "INSERT INTO database VALUES (1, 0, 0)",
    # `name` and `key_path` are JSON: a DOMString may hold what is not Unicode text. `next_key` is the current number
    # of the key generator.
    """
    CREATE TABLE stores (
        id             INTEGER PRIMARY KEY AUTOINCREMENT,
        name           TEXT NOT NULL UNIQUE,
        key_path       TEXT NOT NULL,
        auto_increment INTEGER NOT NULL,
        next_key       INTEGER NOT NULL DEFAULT 1
    )
    """,
    """
    CREATE TABLE indexes (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        store       INTEGER NOT NULL REFERENCES stores ON DELETE CASCADE,
        name        TEXT NOT NULL,
        key_path    TEXT NOT NULL,
        is_unique   INTEGER NOT NULL,
        multi_entry INTEGER NOT NULL,
        UNIQUE (store, name)
    )
    """,
    """
    CREATE TABLE records (
        id    INTEGER PRIMARY KEY,
        store INTEGER NOT NULL REFERENCES stores ON DELETE CASCADE,
        key   BLOB NOT NULL,
        value BLOB NOT NULL,
        UNIQUE (store, key)
    )
    """,
    # A record's key in an index. `primary_key` repeats the record's, which never changes, because it is sorted by.
    """
    CREATE TABLE entries (
        of_index    INTEGER NOT NULL REFERENCES indexes ON DELETE CASCADE,
        key         BLOB NOT NULL,
        primary_key BLOB NOT NULL,
        record      INTEGER NOT NULL REFERENCES records ON DELETE CASCADE,
        PRIMARY KEY (of_index, key, primary_key)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX entries_by_record ON entries (record)",
)

_RECORD = f"2 * length({{row}}.key) + length({{row}}.value) + {INDEXED_ROW}"
_ENTRY = f"2 * (length({{row}}.key) + length({{row}}.primary_key)) + {INDEXED_ROW}"

COUNTING = tuple(
    f"CREATE TRIGGER {name}_{when} AFTER {event} ON {table} BEGIN "
    f"UPDATE database SET bytes = bytes {sign} ({size.replace('{row}', row)}); END"
    for name, table, size in (("record", "records", _RECORD), ("entry", "entries", _ENTRY))
    for when, event, sign, row in (("added", "INSERT", "+", "new"), ("gone", "DELETE", "-", "old"))
)
"""A record's key is in the table and in its index, an entry is in the table and under its record: both count twice."""

RECOUNT = (
    *(f"DROP TRIGGER {name}_{when}" for name in ("record", "entry") for when in ("added", "gone")),
    *COUNTING,
    "UPDATE database SET bytes = "
    f"(SELECT coalesce(sum({_RECORD.replace('{row}', 'records')}), 0) FROM records) + "
    f"(SELECT coalesce(sum({_ENTRY.replace('{row}', 'entries')}), 0) FROM entries)",
)
"""Version 1 counted each key once."""


SCHEMA_SIZE = " + ".join(
    f"(SELECT coalesce(sum(2 * length(name) + length(key_path) + {INDEXED_ROW}), 0) FROM {table})"
    for table in ("stores", "indexes")
)
"""Of the names: a store's, or an index's, is in its table and in that one's index."""


class IndexedFile:
    """See `swruntime.ports.indexed_db.IndexedDatabase`. `path` is None in memory; `closed` is called at its end."""

    def __init__(
        self, path: Path | None, disk: Disk, closed: Callable[[IndexedFile], None] = lambda file: None
    ) -> None:
        self._path = path
        self._disk = disk
        self._closed = closed
        self._discarded = False
        self._schema_size: int | None = None
        with self._used():
            self._connection = sqlite3.connect(
                ":memory:" if path is None else str(path), isolation_level=None
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        execute("PRAGMA foreign_keys = ON")
        version: int = execute("PRAGMA user_version").fetchone()[0]
        if version >= VERSION:
            return
        execute(
            "BEGIN IMMEDIATE"
        )  # whole or not at all: a death leaves a file without tables, which is made again
        for statement in (
            *(RECOUNT if version else (*TABLES, *COUNTING)),
            f"PRAGMA application_id = {APPLICATION_ID}",
            f"PRAGMA user_version = {VERSION}",
            "COMMIT",
        ):
            execute(statement)

    @contextmanager
    def _used(self) -> Iterator[None]:
        """Damage of this file is no failure of the disk: only who uses this database is told."""
        with self._disk.used():
            try:
                yield
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGE:
                    raise UnknownError(f"the database is damaged: {error}") from error
                raise

    def _execute(self, sql: str, parameters: Sequence[object] | dict[str, object] = ()) -> list[Any]:
        with self._used():
            return self._connection.execute(sql, parameters).fetchall()

    def _write(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Answers how many rows were changed."""
        self._require_open()
        try:
            with self._used():
                return self._connection.execute(sql, parameters).rowcount
        except StorageFull:  # of which SQLite may have taken back all, or only this statement
            self.roll_back()
            raise

    def _require_open(self) -> None:
        if not self._connection.in_transaction:
            raise StorageFull(
                "nothing of the transaction was kept: the disk ran full in it, or it was never begun"
            )

    # Transactions

    @property
    def version(self) -> int:
        version: int = self._execute("SELECT version FROM database")[0][0]
        return version

    @property
    def size(self) -> int:
        """See `swruntime.ports.indexed_db.IndexedDatabases.usage`."""
        if self._schema_size is None:
            self._schema_size = self._execute(f"SELECT {SCHEMA_SIZE}")[0][0]
        size: int = self._execute("SELECT bytes FROM database")[0][0]
        return FILE + self._schema_size + size

    @property
    def in_transaction(self) -> bool:
        return not self._discarded and self._connection.in_transaction

    def begin(self, *, durable: bool) -> None:
        self._execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        self._execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._require_open()
        try:
            self._execute("COMMIT")
        except StorageFull:
            self.roll_back()
            raise

    def roll_back(self) -> None:
        self._schema_size = None
        if self.in_transaction and not self._disk.failed:
            try:
                self._execute("ROLLBACK")
            except StorageFull:  # taking back needs no room
                if self._connection.in_transaction:
                    raise

    # An upgrade

    def schema(self) -> Sequence[StoreRow]:
        indexes: dict[int, list[IndexRow]] = {}
        for row in self._execute(
            "SELECT store, id, name, key_path, is_unique, multi_entry FROM indexes ORDER BY id"
        ):
            store, number, name, path, unique, multi = row
            index = IndexRow(number, json.loads(name), _path_of(path) or "", bool(unique), bool(multi))
            indexes.setdefault(store, []).append(index)
        return [
            StoreRow(number, json.loads(name), _path_of(path), bool(auto), tuple(indexes.get(number, ())))
            for number, name, path, auto in self._execute(
                "SELECT id, name, key_path, auto_increment FROM stores ORDER BY id"
            )
        ]

    def set_version(self, version: int) -> None:
        self._write("UPDATE database SET version = ?", (version,))

    def create_store(self, name: str, key_path: KeyPath, auto_increment: bool) -> int:
        self._schema_size = None
        with _names_told(name):
            self._write(
                "INSERT INTO stores (name, key_path, auto_increment) VALUES (?, ?, ?)",
                (json.dumps(name), json.dumps(key_path), auto_increment),
            )
        return self._last_id()

    def rename_store(self, store: int, name: str) -> None:
        self._schema_size = None
        with _names_told(name):
            _require(self._write("UPDATE stores SET name = ? WHERE id = ?", (json.dumps(name), store)), store)

    def delete_store(self, store: int) -> None:
        self._schema_size = None
        _require(self._write("DELETE FROM stores WHERE id = ?", (store,)), store)

    def create_index(self, store: int, index: IndexRow) -> int:
        self._schema_size = None
        with _names_told(index.name):
            added = self._write(
                "INSERT INTO indexes (store, name, key_path, is_unique, multi_entry) "
                "SELECT id, ?, ?, ?, ? FROM stores WHERE id = ?",
                (json.dumps(index.name), json.dumps(index.key_path), index.unique, index.multi_entry, store),
            )
        _require(added, store)
        return self._last_id()

    def rename_index(self, index: int, name: str) -> None:
        self._schema_size = None
        with _names_told(name):
            _require(
                self._write("UPDATE indexes SET name = ? WHERE id = ?", (json.dumps(name), index)), index
            )

    def delete_index(self, index: int) -> None:
        self._schema_size = None
        _require(self._write("DELETE FROM indexes WHERE id = ?", (index,)), index)

    def add_entries(self, index: int, entries: Sequence[tuple[bytes, bytes]]) -> None:
        for key, primary_key in entries:
            self._require_unique(index, key, primary_key)
            added = self._write(
                "INSERT OR IGNORE INTO entries (of_index, key, primary_key, record) "
                "SELECT indexes.id, ?, records.key, records.id FROM indexes JOIN records USING (store) "
                "WHERE indexes.id = ? AND records.key = ?",
                (key, index, primary_key),
            )
            if not added:  # an entry that is there already is not a mistake
                _require(len(self._entry(index, key, primary_key)), index)

    def _entry(self, index: int, key: bytes, primary_key: bytes) -> list[Any]:
        return self._execute(
            "SELECT 1 FROM entries WHERE of_index = ? AND key = ? AND primary_key = ?",
            (index, key, primary_key),
        )

    # Records

    def put(
        self,
        store: int,
        key: bytes | None,
        value: bytes,
        entries: Sequence[tuple[int, KeyParts]],
        *,
        overwrite: bool,
    ) -> bytes:
        self._require_room(len(value))
        next_key, auto_increment = self._generator(store)
        following = None
        if key is None:
            if not auto_increment:
                raise KeyError(f"object store {store} has no key generator")
            if next_key > MOST_GENERATED:
                raise ConstraintError("the key generator has reached its last number")
            key, following = encode_number(next_key), next_key + 1
        elif auto_increment:
            following = _number_after(key, next_key)
        whole = [
            (index, b"".join(key if part is None else part for part in parts)) for index, parts in entries
        ]
        found = self._execute("SELECT id FROM records WHERE store = ? AND key = ?", (store, key))
        if found and not overwrite:
            raise ConstraintError("a record with this key is there already")
        for index, index_key in whole:
            self._require_unique(index, index_key, key)
        if found:
            self._write("DELETE FROM records WHERE id = ?", found[0])
        self._write("INSERT INTO records (store, key, value) VALUES (?, ?, ?)", (store, key, value))
        for index, index_key in whole:
            self.add_entries(index, [(index_key, key)])
        if following is not None:
            self._write("UPDATE stores SET next_key = ? WHERE id = ?", (following, store))
        return key

    def _generator(self, store: int) -> tuple[int, bool]:
        rows = self._execute("SELECT next_key, auto_increment FROM stores WHERE id = ?", (store,))
        if not rows:
            raise KeyError(f"there is no object store {store} (any more)")
        return rows[0][0], bool(rows[0][1])

    def _require_unique(self, index: int, key: bytes, primary_key: bytes) -> None:
        if self._execute(
            "SELECT 1 FROM entries JOIN indexes ON id = of_index "
            "WHERE of_index = ? AND is_unique AND key = ? AND primary_key != ? LIMIT 1",
            (index, key, primary_key),
        ):
            raise ConstraintError("a record with this key is in the unique index already")

    def _require_room(self, size: int) -> None:
        """As for bodies: the profile's own database needs some room to end in order."""
        if self._path is not None:
            with disk_errors_told(self._path.parent):
                free = shutil.disk_usage(self._path.parent).free
            if free < size + RESERVE:
                raise StorageFull("no room on the disk")

    def delete(self, store: int, key_range: KeyRange) -> None:
        where, parameters = indexed_scan.in_range(key_range)
        self._write(f"DELETE FROM records WHERE store = ?{where}", (store, *parameters))

    def clear(self, store: int) -> None:
        self.delete(store, KeyRange())

    def count(self, source: Source, key_range: KeyRange) -> int:
        self._require_source(source)
        sql, parameters = indexed_scan.counting(source, key_range)
        number: int = self._execute(sql, parameters)[0][0]
        return number

    def scan(
        self,
        source: Source,
        key_range: KeyRange,
        direction: Direction = "next",
        *,
        position: Position | None = None,
        skip: int = 0,
        limit: int | None = None,
        most_bytes: int | None = None,
        values: bool = True,
    ) -> list[Found]:
        self._require_source(source)
        sql, parameters = indexed_scan.scanning(source, key_range, direction, position, values)
        found: list[Found] = []
        size = 0
        with self._used():
            rows = self._connection.execute(
                f"{sql} LIMIT ? OFFSET ?", (*parameters, -1 if limit is None else limit, skip)
            )
            for row in rows:
                found.append(Found(*row))
                size += sum(len(part) for part in row if part is not None)
                if most_bytes is not None and size >= most_bytes:
                    break
            rows.close()
        return found

    def _require_source(self, source: Source) -> None:
        table = "stores" if source.kind == "store" else "indexes"
        if not self._execute(f"SELECT 1 FROM {table} WHERE id = ?", (source.id,)):
            raise KeyError(f"there is no {source.kind} {source.id} (any more)")

    def _last_id(self) -> int:
        number: int = self._execute("SELECT last_insert_rowid()")[0][0]
        return number

    def close(self) -> None:
        """A database in memory is there as long as its connection: nothing more is begun then, but it is kept."""
        if self._path is None:
            self.roll_back()
        else:
            self.discard()

    def discard(self) -> None:
        """Close the connection. May be called again."""
        if self._discarded:
            return
        try:
            self.roll_back()
            if not self._disk.failed:
                self._closed(self)
        finally:
            self._discarded = True
            # Where there is no room to bring the log into the file, it is read from the log.
            with suppress(StorageFull), nullcontext() if self._disk.failed else self._disk.used():
                self._connection.close()


def encode_number(number: int) -> bytes:
    """The key of a number that is not negative."""
    return NUMBER + struct.pack(">Q", struct.unpack(">Q", struct.pack(">d", number))[0] | 1 << 63)


def _number_after(key: bytes, next_key: int) -> int | None:
    """*Possibly update the key generator*: https://w3c.github.io/IndexedDB/#possibly-update-the-key-generator"""
    if len(key) != 9 or not key.startswith(NUMBER) or key[1] < 0x80:  # no number, or a negative one
        return None
    number = struct.unpack(">d", struct.pack(">Q", struct.unpack(">Q", key[1:])[0] & ~(1 << 63)))[0]
    value = int(min(number, MOST_GENERATED))
    return value + 1 if value >= next_key else None


def _path_of(text: str) -> KeyPath:
    path = json.loads(text)
    return tuple(path) if isinstance(path, list) else path


def _require(changed: int, what: int) -> None:
    if not changed:
        raise KeyError(f"there is no {what} (any more)")


@contextmanager
def _names_told(name: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise ConstraintError(f"there is a {name!r} already") from error
