"""The IndexedDB databases of a profile: a row of the profile names each, and it is a file of its own.

DIR/indexeddb/<number>.sqlite3 (and -wal, -shm beside it while it is open)

As with bodies the row is there before the file, durably: what a "strict" transaction told to be on the disk must not
lose its name. The row goes before the file: a file without a row is collected when the profile opens, a row whose file
is missing is a database that does not exist (see recovery.py).
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

from swruntime.errors import UnknownError
from swruntime.storage.database import Database
from swruntime.storage.files import sync_directory
from swruntime.storage.indexed_file import DAMAGE, IndexedFile
from swruntime.storage.ledger import BodyLedger

SUFFIX = ".sqlite3"
BESIDE = ("", "-wal", "-shm", "-journal")


class IndexedCatalog:
    """See `swruntime.ports.indexed_db.IndexedDatabases`. `directory` is None in memory."""

    def __init__(self, database: Database, ledger: BodyLedger, directory: Path | None) -> None:
        self._database = database
        self._ledger = ledger  # takes part in the profile's transactions
        self._directory = directory
        self._open: dict[int, IndexedFile] = {}
        self._sizes: dict[int, int] = {}
        """Of those that are not open, as far as anyone has asked."""
        self._numbers: dict[str, dict[str, int]] | None = None
        self._folder_is_there = False

    def _rows(self) -> dict[str, dict[str, int]]:
        """Numbers by storage key and name. A reader asks each time: the writer may add to them."""
        if self._numbers is not None:
            return self._numbers
        found: dict[str, dict[str, int]] = {}
        for number, key, name in self._database.execute(
            "SELECT number, storage_key, name FROM indexed_databases ORDER BY number"
        ):
            found.setdefault(key, {})[json.loads(name)] = number
        if not self._database.read_only:
            self._numbers = found
        return found

    def all(self, storage_key: str) -> Sequence[tuple[str, int]]:
        versions = [
            (name, self._version(number)) for name, number in self._rows().get(storage_key, {}).items()
        ]
        return [(name, version) for name, version in versions if version]

    def open(self, storage_key: str, name: str) -> IndexedFile:
        number = self._rows().get(storage_key, {}).get(name)
        if number is None:
            number = self._add(storage_key, name)
        if number not in self._open:
            self._open[number] = self._opened(self._path(number))
            self._sizes.pop(number, None)
        return self._open[number]

    def _opened(self, path: Path | None) -> IndexedFile:
        """Its name, too, must be on the disk before anything in it is told to be."""
        disk = self._database.disk
        if path is not None and not self._folder_is_there:
            with disk.used():
                path.parent.mkdir(exist_ok=True)
                sync_directory(path.parent.parent)
            self._folder_is_there = True
        file = IndexedFile(path, disk, self._closed)
        try:
            if path is not None:
                with disk.used():
                    sync_directory(path.parent)
        except BaseException:
            file.discard()
            raise
        return file

    def _add(self, storage_key: str, name: str) -> int:
        with self._database.transaction(self._ledger, durable=True):
            number = self._database.new_number("indexed_databases")
            self._database.execute(
                "INSERT INTO indexed_databases (number, storage_key, name) VALUES (?, ?, ?)",
                (number, storage_key, json.dumps(name)),
            )
        self._rows().setdefault(storage_key, {})[name] = number
        return number

    def _closed(self, file: IndexedFile) -> None:
        for number, opened in tuple(self._open.items()):
            if opened is file:
                del self._open[number]
                with suppress(UnknownError):  # damaged
                    self._sizes[number] = file.size

    def delete(self, storage_key: str, name: str) -> None:
        number = self._rows().get(storage_key, {}).get(name)
        if number is None:
            return
        if number in self._open:
            self._open[number].discard()
        with self._database.transaction(self._ledger):
            self._database.execute("DELETE FROM indexed_databases WHERE number = ?", (number,))
        del self._rows()[storage_key][name]
        self._sizes.pop(number, None)
        self._unlink(number)

    def _unlink(self, number: int) -> None:
        path = self._path(number)
        if path is not None:
            with self._database.disk.used(committed=True):
                for ending in BESIDE:
                    Path(f"{path}{ending}").unlink(missing_ok=True)

    def usage(self, storage_key: str) -> int:
        return sum(self._size(number) for number in self._rows().get(storage_key, {}).values())

    def _size(self, number: int) -> int:
        if number in self._open:
            return self._open[number].size
        if self._database.read_only or number not in self._sizes:
            self._sizes[number] = self._peek(number)[1]
        return self._sizes[number]

    def _version(self, number: int) -> int:
        return self._open[number].version if number in self._open else self._peek(number)[0]

    def _peek(self, number: int) -> tuple[int, int]:
        """The version and the bytes of one that this process has not open; nothing of one that is damaged."""
        path = self._path(number)
        with self._database.disk.used():
            try:
                return (0, 0) if path is None else peek(path)
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode & 0xFF in DAMAGE:
                    return 0, 0
                raise

    def _path(self, number: int) -> Path | None:
        return None if self._directory is None else self._directory / f"{number}{SUFFIX}"

    def collect(self) -> None:
        """At the beginning of a process: what a death left of databases that were deleted."""
        if self._directory is None or not self._directory.exists():
            return
        known = {number for names in self._rows().values() for number in names.values()}
        with self._database.disk.used():
            there = set(numbers_in(self._directory))
        for number in there - known:
            self._unlink(number)

    def close(self) -> None:
        for file in tuple(self._open.values()):
            file.discard()


def numbers_in(directory: Path) -> Iterator[int]:
    """The numbers of the databases that have a file in this folder, in any state."""
    for name in os.listdir(directory):
        stem, dot, rest = name.partition(".")
        if stem.isascii() and stem.isdigit() and f"{dot}{rest}" in {f"{SUFFIX}{ending}" for ending in BESIDE}:
            yield int(stem)


def peek(path: Path) -> tuple[int, int]:
    """The version and the bytes, read beside whoever writes. (0, 0) where there is nothing yet."""
    if not path.exists():
        return 0, 0
    with closing(connect_to_read(path)) as connection:
        if not connection.execute("PRAGMA user_version").fetchone()[0]:
            return 0, 0
        version, size = connection.execute("SELECT version, bytes FROM database").fetchone()
    return version, size


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Without a log nobody writes, and SQLite would make one even to read: the file is then taken as it is."""
    how = "mode=ro" if Path(f"{path}-wal").exists() else "immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None)


def problems_of(directory: Path, known: set[int]) -> list[str]:
    """What is wrong with the databases in a folder, one sentence each."""
    problems: list[str] = []
    if not directory.exists():
        return problems
    there = set(numbers_in(directory))
    folder = directory.name
    for number in sorted(there - known):
        problems.append(f"{folder}/{number}{SUFFIX} has no row; it goes when the profile is opened next")
    for number in sorted(there & known):
        path = directory / f"{number}{SUFFIX}"
        if not path.exists():
            continue
        try:
            with closing(connect_to_read(path)) as connection:
                told = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        except sqlite3.DatabaseError as error:
            told = [str(error)]
        problems += [f"{folder}/{number}{SUFFIX} is damaged: {text}" for text in told]
    return problems
