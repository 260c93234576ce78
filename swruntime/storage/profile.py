"""Opening a profile.

DIR/profile.sqlite3     the rows (and profile.sqlite3-wal, -shm beside it while somebody has it open)
DIR/bodies/<id>         the bytes of each body
DIR/indexeddb/          a database of IndexedDB each (see indexed_db.py)
DIR/lock                locked by the process that writes, with its id
DIR/.gitignore          "*": a profile is in nobody's repository
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache, partial
from pathlib import Path

from swruntime.errors import NotAProfile, ProfileTooNew, StorageFailed
from swruntime.storage import schema
from swruntime.storage.bodies import MemoryBodies
from swruntime.storage.database import Database
from swruntime.storage.files import FileBodies, sync_directory
from swruntime.storage.indexed_db import IndexedCatalog
from swruntime.storage.ledger import BodyLedger, ReadingLedger
from swruntime.storage.lock import ProfileLock, lock_holder
from swruntime.storage.recovery import DETECT, current_boot_id, recover
from swruntime.storage.room import Disk, disk_errors_told
from swruntime.storage.store import SqlStore

DATABASE = "profile.sqlite3"
BODIES = "bodies"
INDEXED = "indexeddb"
LOCK = "lock"
GITIGNORE = ".gitignore"
UNFINISHED = "profile.new"
"""The database while it is being made: it gets its name when it is whole."""

SQLITE_FILES = (
    DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal",
    UNFINISHED, f"{UNFINISHED}-journal",
)  # fmt: skip
OWN_NAMES = (*SQLITE_FILES, BODIES, INDEXED, GITIGNORE, LOCK)

NOT_DAMAGE = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM,
})  # fmt: skip
"""SQLite's errors that say nothing of what is in the file."""

MEMORY_SIZE = 16 * 1024**3
"""The disk of a store in memory, in bytes: the same on every machine, as the quota under a seed must be."""


@cache
def _empty_database() -> bytes:
    """A profile's, after all migrations: the statements that make it take ten times as long as a copy."""
    with closing(_connect(":memory:")) as connection:
        schema.migrate(connection)
        return connection.serialize()


def memory_store() -> SqlStore:
    """A store that dies with the process."""
    connection = _connect(":memory:")
    with closing(sqlite3.connect(":memory:")) as empty:
        empty.deserialize(_empty_database())
        empty.backup(connection)
    connection.execute("PRAGMA foreign_keys = ON")
    database = Database(connection, path=None)
    ledger = BodyLedger(database, MemoryBodies())
    return SqlStore(database, ledger, IndexedCatalog(database, ledger, None), disk_size=lambda: MEMORY_SIZE)


def open_profile(directory: Path, *, read_only: bool = False, boot_id: str | None = DETECT) -> SqlStore:
    """Open the profile in `directory`; a writer makes one where there is nothing or an empty folder.

    Any number of processes may read (`read_only`) while one writes. `boot_id` names the boot of the
    machine, None for "not known"; without it the system is asked.

    Raises ProfileInUse, with the writer's process id; NotAProfile, where there is something else, or to a
    reader nothing; ProfileTooNew; StorageFull; StorageFailed. The profile is then left as it was.
    """
    with _damage_told(directory):
        if read_only:
            store = _open_reader(directory)
        else:
            store = _open_writer(directory, current_boot_id() if boot_id == DETECT else boot_id)
    return store


def _open_writer(directory: Path, boot_id: str | None) -> SqlStore:
    if require_profile_or_nothing(directory):
        # What is refused is refused before anything is touched.
        with current_connection(directory) as readable:
            _require_sound(directory, readable)
    with ExitStack() as undo:
        with disk_errors_told():
            directory.mkdir(parents=True, exist_ok=True)
        lock = ProfileLock.acquire(directory / LOCK)
        undo.callback(lock.release)
        if not require_profile_or_nothing(directory):  # asked again: now it stays so
            _create(directory)
        connection = _connect(str(directory / DATABASE))
        undo.callback(connection.close)
        with disk_errors_told(directory):
            _prepare_to_write(directory, connection)
            disk = Disk(directory)
            database = Database(connection, path=directory / DATABASE, disk=disk)
            files = FileBodies(directory / BODIES, disk)
            losses = recover(database, files, boot_id)
            sync_directory(directory)
        ledger = BodyLedger(database, files)
        ledger.collect()
        indexed = IndexedCatalog(database, ledger, directory / INDEXED)
        indexed.collect()
        store = SqlStore(
            database,
            ledger,
            indexed,
            disk_size=partial(_disk_size, directory),
            release=lock.release,
            losses=losses,
        )
        undo.pop_all()
    return store


def writer_of(directory: Path) -> int | None:
    """The process id of who writes the profile in `directory` now, None where nobody does."""
    return lock_holder(directory / LOCK)


def profile_origin(directory: Path) -> str | None:
    """The origin that the profile in `directory` keeps; None where nothing was ever kept, or there is none.

    Raises NotAProfile, ProfileTooNew.
    """
    if not require_profile_or_nothing(directory):
        return None
    with _damage_told(directory), current_connection(directory) as connection:
        origin: str | None = connection.execute("SELECT origin FROM profile").fetchone()[0]
        return origin


def require_profile_or_nothing(directory: Path) -> bool:
    """Whether there is a profile; False where there is room for one.

    Raises NotAProfile for all else. Changes nothing.
    """
    if not directory.exists() and not directory.is_symlink():
        return False
    if not directory.is_dir():
        raise NotAProfile(f"{directory} is not a folder")
    database = directory / DATABASE
    if not database.exists():
        strangers = sorted(set(os.listdir(directory)) - set(OWN_NAMES))
        if strangers:
            raise NotAProfile(
                f"{directory} is not a profile: it has no {DATABASE}, but {strangers[0]}. "
                "A new profile needs a folder that is empty or not there yet"
            )
        return False
    if not database.is_file() or not _has_our_header(database):
        raise NotAProfile(f"{directory} is not a profile: its {DATABASE} is something else")
    return True


def _has_our_header(path: Path) -> bool:
    """The id stands in the file itself from its first day on, whatever is in the log.

    https://www.sqlite.org/fileformat.html#the_database_header
    """
    with path.open("rb") as file:
        header = file.read(100)
    return (
        header[:16] == b"SQLite format 3\0"
        and len(header) == 100
        and header[68:72] == schema.APPLICATION_ID.to_bytes(4, "big")
    )


def _create(directory: Path) -> None:
    """Make an empty database, whole or not at all."""
    with disk_errors_told(directory):
        (directory / GITIGNORE).write_text("*\n", encoding="ascii")
        # Of a creation or a deletion that was interrupted: SQLite would believe a log that it finds.
        for name in SQLITE_FILES:
            (directory / name).unlink(missing_ok=True)
        unfinished = directory / UNFINISHED
        connection = _connect(str(unfinished))
        try:
            schema.migrate(connection)
        finally:
            connection.close()
        unfinished.rename(directory / DATABASE)
        sync_directory(directory)
        sync_directory(directory.absolute().parent)


def _connect(database: str, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(database, isolation_level=None, uri=uri)


def _prepare_to_write(directory: Path, connection: sqlite3.Connection) -> None:
    _require_known_version(directory, connection)
    (directory / BODIES).mkdir(exist_ok=True)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    schema.migrate(connection)
    connection.execute("PRAGMA foreign_keys = ON")


def _require_known_version(directory: Path, connection: sqlite3.Connection) -> None:
    version, known = schema.version_of(connection), len(schema.MIGRATIONS)
    if version > known:
        raise ProfileTooNew(
            f"{directory} was written by a later version of swruntime: "
            f"its schema is {version}, this version knows {known}"
        )


def _require_sound(directory: Path, connection: sqlite3.Connection) -> None:
    """A damaged page is found now, and not when half of the work is done: 10,000 background fetches take 0.1 s."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise _damaged(directory, found)


def _damaged(directory: Path, found: object) -> NotAProfile:
    return NotAProfile(f"{directory} is not a profile any more: its {DATABASE} is damaged ({found})")


def _open_reader(directory: Path) -> SqlStore:
    require_profile(directory)
    with ExitStack() as undo:
        connection = undo.enter_context(current_connection(directory))
        _require_sound(directory, connection)
        disk = Disk(directory)
        database = Database(connection, path=None, read_only=True, disk=disk)
        ledger = ReadingLedger(database, FileBodies(directory / BODIES, disk))
        indexed = IndexedCatalog(database, ledger, directory / INDEXED)
        release = undo.pop_all().close
    return SqlStore(database, ledger, indexed, disk_size=partial(_disk_size, directory), release=release)


def require_profile(directory: Path) -> None:
    """Raises NotAProfile where there is none. Changes nothing."""
    if not require_profile_or_nothing(directory):
        raise NotAProfile(f"there is no profile in {directory}")


@contextmanager
def current_connection(directory: Path) -> Iterator[sqlite3.Connection]:
    """A connection that changes no file of the profile, to tables of today.

    Raises ProfileTooNew, sqlite3.Error.
    """
    with ExitStack() as stack:
        connection = stack.enter_context(closing(_connect_to_read(directory)))
        _require_known_version(directory, connection)
        if schema.version_of(connection) < len(schema.MIGRATIONS):
            copy = stack.enter_context(closing(_connect(":memory:")))
            connection.backup(copy)
            schema.migrate(copy)
            connection = copy
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT origin FROM profile").fetchone()  # tables of ours, at all
        yield connection


def _connect_to_read(directory: Path) -> sqlite3.Connection:
    """Where there is a log, somebody writes, or died writing: then SQLite reads beside it.

    Where there is none, SQLite would make one even to read; so the database is read into memory, and read
    again if a writer came meanwhile.
    """
    path = directory / DATABASE
    log = directory / f"{DATABASE}-wal"
    while not log.exists():
        before = path.stat()
        content = path.read_bytes()
        after = path.stat()
        if not log.exists() and (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            connection = _connect(":memory:")
            # Bytes 18 and 19 say whether there is a log, which there cannot be in memory.
            connection.deserialize(content[:18] + b"\x01\x01" + content[20:])
            return connection
    return _connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


@contextmanager
def _damage_told(directory: Path) -> Iterator[None]:
    """NotAProfile for what SQLite says of the file; what it says of the disk is StorageFailed or StorageFull."""
    try:
        with disk_errors_told(directory):
            yield
    except StorageFailed as failed:
        error = failed.__cause__
        if not isinstance(error, sqlite3.DatabaseError) or error.sqlite_errorcode & 0xFF in NOT_DAMAGE:
            raise
        raise _damaged(directory, error) from error
    except sqlite3.DatabaseError as error:  # tables that are not ours
        raise _damaged(directory, error) from error


def _disk_size(directory: Path) -> int:
    return shutil.disk_usage(directory).total
