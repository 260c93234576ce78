"""The IndexedDB databases of a profile: a row of the profile names each, and it is a file of its own.

DIR/indexeddb/<number>.sqlite3 (and -wal, -shm beside it while it is open)

As with bodies the row is there before the file, durably: what a "strict" transaction told to be on the disk must not
lose its name. The row goes before the file: a file without a row is collected when the profile opens, a row whose file
is missing is a database that does not exist (see recovery.py).
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from typing import TypeVar

from swruntime.errors import UnknownError
from swruntime.storage.database import Database
from swruntime.storage.indexed_file import DAMAGE, FILE, SCHEMA_SIZE, IndexedFile
from swruntime.storage.ledger import BodyLedger
from swruntime.storage.private_files import PrivateFolder
from swruntime.storage.reading import LOOKS, PAUSE, file_state

FOLDER = "indexeddb"
SUFFIX = ".sqlite3"
BESIDE = ("-wal", "-shm", "-journal")

T = TypeVar("T")


class IndexedCatalog:
    """See `swruntime.ports.indexed_db.IndexedDatabases`. `profile`, its folder, is None in memory."""

    def __init__(self, database: Database, ledger: BodyLedger, profile: PrivateFolder | None) -> None:
        self._database = database
        self._ledger = ledger  # takes part in the profile's transactions
        self._profile = profile
        self._kept: PrivateFolder | None = None
        self._open: dict[int, IndexedFile] = {}
        self._sizes: dict[int, int] = {}
        """Of those that are not open, as far as anyone has asked."""
        self._numbers: dict[str, dict[str, int]] | None = None
        self._folder_is_synced = False

    def _folder(self, *, create: bool = False) -> PrivateFolder | None:
        """Opened once. None in memory, and where there is none yet. Raises NotOurs."""
        if (
            self._kept is None
            and self._profile is not None
            and (create or self._profile.check_folder(FOLDER))
        ):
            self._kept = self._profile.subfolder(FOLDER, create=create)
        return self._kept

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
            self._open[number] = self._opened(f"{number}{SUFFIX}")
            self._sizes.pop(number, None)
        return self._open[number]

    def _opened(self, name: str) -> IndexedFile:
        """Its name, too, must be on the disk before anything in it is told to be."""
        disk = self._database.disk
        with disk.used():
            folder = self._folder(create=True)
            if self._profile is not None and not self._folder_is_synced:
                self._profile.sync()
                self._folder_is_synced = True
            if folder is not None:
                folder.prepare_for_sqlite(name, _beside(name))
        file = IndexedFile(None if folder is None else folder.path / name, disk, self._closed)
        try:
            if folder is not None:
                with disk.used():
                    folder.check_after_sqlite(name, _beside(name))
                    folder.sync()
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
        with self._database.disk.used(committed=True):
            folder = self._folder()
            if folder is not None:
                for name in _names_of(number):
                    folder.unlink(name)

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
        with self._database.disk.used():
            folder = self._folder()
            try:
                return (0, 0) if folder is None else peek(folder, number)
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode & 0xFF in DAMAGE:
                    return 0, 0
                raise

    def collect(self) -> None:
        """At the beginning of a process: what a death left of databases that were deleted."""
        with self._database.disk.used():
            folder = self._folder()
            there = set(numbers_in(folder.names())) if folder is not None else set()
        known = {number for names in self._rows().values() for number in names.values()}
        for number in there - known:
            self._unlink(number)

    def close(self) -> None:
        for file in tuple(self._open.values()):
            file.discard()
        if self._kept is not None:
            self._kept.close()


def _beside(name: str) -> tuple[str, ...]:
    return tuple(f"{name}{ending}" for ending in BESIDE)


def _names_of(number: int) -> tuple[str, ...]:
    """The database's file, and those that SQLite has beside it."""
    name = f"{number}{SUFFIX}"
    return (name, *_beside(name))


def check_files(profile: PrivateFolder) -> None:
    """Look at every database's file before anything is done with one, and mend its mode. Raises NotOurs."""
    if profile.check_folder(FOLDER):
        with closing(profile.subfolder(FOLDER)) as folder:
            for number in sorted(set(numbers_in(folder.names()))):
                for name in _names_of(number):
                    folder.mend_file(name)


def numbers_in(names: Iterable[str]) -> Iterator[int]:
    """The numbers of the databases that have a file of one of these names, in any state."""
    for name in names:
        stem, _, _ = name.partition(".")
        if stem.isascii() and stem.isdigit() and name in _names_of(int(stem)):
            yield int(stem)


def peek(folder: PrivateFolder, number: int) -> tuple[int, int]:
    """The version and the bytes, read beside whoever writes. (0, 0) where there is nothing yet. Raises NotOurs."""

    def look(connection: sqlite3.Connection) -> tuple[int, int]:
        if not connection.execute("PRAGMA user_version").fetchone()[0]:
            return 0, 0
        version, size = connection.execute(f"SELECT version, bytes + {SCHEMA_SIZE} FROM database").fetchone()
        return version, FILE + size

    return look_at(folder, number, look, (0, 0))


def look_at(
    folder: PrivateFolder,
    number: int,
    look: Callable[[sqlite3.Connection], T],
    nothing: T,
    *,
    sound: bool = False,
) -> T:
    """What `look` answers; `nothing` where there is no such database. Changes nothing.

    Without a log nobody writes, and SQLite would make one even to read: the file is then taken as it is. Where its
    files change meanwhile, a writer came or went: it is looked at again (see reading.py). `sound`: so is what is not
    `nothing`. Raises NotOurs, sqlite3.Error.
    """
    for again in reversed(range(LOOKS)):
        before = _state(folder, number)
        connection = connect_to_read(folder, number)
        if connection is None:
            return nothing
        try:
            with closing(connection):
                found = look(connection)
        except sqlite3.DatabaseError:
            if not again or _state(folder, number) == before:
                raise
        else:
            certain = before[1] is not None and not (sound and found != nothing)
            if certain or not again or _state(folder, number) == before:
                return found
        time.sleep(PAUSE)
    raise AssertionError("the last look answers or raises")


def _state(folder: PrivateFolder, number: int) -> list[tuple[int, int, int] | None]:
    return [file_state(folder.path / name) for name in _names_of(number)]


def connect_to_read(folder: PrivateFolder, number: int) -> sqlite3.Connection | None:
    """None where there is no such file. Raises NotOurs."""
    name, *beside = _names_of(number)
    there = [folder.check_file(each) for each in beside]
    if not folder.check_file(name):
        return None
    how = "mode=ro" if there[0] else "immutable=1"
    path = folder.path / name
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None)


def problems_of(profile: PrivateFolder, known: set[int]) -> tuple[list[str], list[str]]:
    """What is wrong with the databases of a profile, one sentence each; and the files that have no row.

    Raises NotOurs.
    """
    if not profile.check_folder(FOLDER):
        return [], []
    with closing(profile.subfolder(FOLDER)) as folder:
        there = set(numbers_in(folder.names()))
        problems = [
            f"{FOLDER}/{number}{SUFFIX} is damaged: {text}"
            for number in sorted(there & known)
            for text in _damage(folder, number)
        ]
    return problems, [f"{FOLDER}/{number}{SUFFIX}" for number in sorted(there - known)]


def _damage(folder: PrivateFolder, number: int) -> list[str]:
    def look(connection: sqlite3.Connection) -> list[str]:
        return [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]

    try:
        return look_at(folder, number, look, [], sound=True)
    except sqlite3.DatabaseError as error:
        return [str(error)]
