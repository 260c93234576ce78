"""Opening a profile.

DIR/profile.sqlite3     the rows (and profile.sqlite3-wal, -shm beside it while somebody has it open)
DIR/bodies/<id>         the bytes of each body
DIR/indexeddb/          a database of IndexedDB each (see indexed_db.py)
DIR/lock                locked by the process that writes, with its id
DIR/.gitignore          "*": a profile is in nobody's repository

All of it is the user's alone, and none of it is opened through a link (see private_files.py).
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack, closing
from functools import cache, partial
from pathlib import Path
from typing import Literal

from swruntime.errors import NotAProfile
from swruntime.storage import schema
from swruntime.storage.bodies import FOLDER as BODIES, MemoryBodies, Sizes
from swruntime.storage.database import Database
from swruntime.storage.disk_space import DiskSpace
from swruntime.storage.files import FileBodies
from swruntime.storage.indexed_db import FOLDER as INDEXED, IndexedCatalog, check_files
from swruntime.storage.ledger import BodyLedger, ReadingLedger
from swruntime.storage.lock import ProfileLock, lock_holder
from swruntime.storage.private_files import FOLDER_MODE, PrivateFolder
from swruntime.storage.reading import (
    BESIDE,
    DATABASE,
    ReadingDatabase,
    connect,
    current_connection,
    profile_errors_told,
    require_our_tables,
    sound_connection,
    while_it_changes,
)
from swruntime.storage.recovery import DETECT, current_boot_id, recover
from swruntime.storage.room import Disk, disk_errors_told
from swruntime.storage.store import SqlStore
from swruntime.storage.usage import sums_script

LOCK = "lock"
GITIGNORE = ".gitignore"
UNFINISHED = "profile.new"
"""The database while it is being made: it gets its name when it is whole."""

SQLITE_FILES = (DATABASE, *BESIDE, UNFINISHED, f"{UNFINISHED}-journal")
OWN_FILES = (*SQLITE_FILES, GITIGNORE, LOCK)
OWN_FOLDERS = (BODIES, INDEXED)
OWN_NAMES = (*OWN_FILES, *OWN_FOLDERS)

MEMORY_SIZE = 16 * 1024**3
"""The disk of a store in memory, in bytes: the same on every machine, as the quota under a seed must be."""


@cache
def _empty_database() -> bytes:
    """A profile's, after all migrations: the statements that make it take ten times as long as a copy."""
    with closing(connect(":memory:")) as connection:
        schema.migrate(connection)
        connection.executescript(sums_script(temporary=False))
        return connection.serialize()


def memory_store() -> SqlStore:
    """A store that dies with the process."""
    connection = connect(":memory:")
    with closing(sqlite3.connect(":memory:")) as empty:
        empty.deserialize(_empty_database())
        empty.backup(connection)
    connection.execute("PRAGMA foreign_keys = ON")
    database = Database(connection, path=None)
    ledger = BodyLedger(database, MemoryBodies(), Sizes(()), ())
    return SqlStore(database, ledger, IndexedCatalog(database, ledger, None), disk_size=lambda: MEMORY_SIZE)


def open_profile(directory: Path, *, read_only: bool = False, boot_id: str | None = DETECT) -> SqlStore:
    """Open the profile in `directory`; a writer makes one where there is nothing or an empty folder.

    Any number of processes may read (`read_only`) while one writes. `boot_id` names the boot of the
    machine, None for "not known"; without it the system is asked.

    Raises ProfileInUse, with the writer's process id; NotAProfile, where there is something else, or to a
    reader nothing, or where a name in it is a link or not its own; ProfileTooNew; StorageFull; StorageFailed. The
    profile is then left as it was.
    """
    with profile_errors_told(directory):
        if read_only:
            store = _open_reader(directory)
        else:
            store = _open_writer(directory, current_boot_id() if boot_id == DETECT else boot_id)
    return store


def _open_writer(directory: Path, boot_id: str | None) -> SqlStore:
    if require_profile_or_nothing(directory):
        # What is refused is refused before anything is touched.
        with sound_connection(directory):
            """It is sound."""
    with ExitStack() as undo:
        with disk_errors_told(directory):
            _make_folder(directory)
            folder = PrivateFolder.open(directory, mends=True)
        undo.callback(folder.close)
        lock = ProfileLock.acquire(folder, LOCK)
        undo.callback(lock.release)
        if not has_profile(folder):  # asked again: now it stays so
            _create(folder)
        disk = Disk(directory)
        files = FileBodies(folder, disk)
        undo.callback(files.close)
        with disk_errors_told(directory):
            for name in OWN_FILES:
                folder.mend_file(name)
            sizes = files.sizes()
            check_files(folder)
            folder.prepare_for_sqlite(DATABASE, BESIDE)
            had_log = (
                folder.size(f"{DATABASE}-wal") > 0
            )  # of a death, which may have come before it was emptied
        connection = connect(str(folder.path / DATABASE))
        undo.callback(connection.close)
        with disk_errors_told(directory):
            _prepare_to_write(directory, connection)
            folder.check_after_sqlite(DATABASE, BESIDE)
            database = Database(connection, path=folder.path / DATABASE, disk=disk)
            losses = recover(database, files, sizes, boot_id)
            if had_log:
                database.empty_log()
            folder.sync()
        ledger = BodyLedger(database, files, sizes, losses.incomplete)
        ledger.collect()
        indexed = IndexedCatalog(database, ledger, folder)
        undo.callback(indexed.close)
        indexed.collect()
        release = ExitStack()
        release.callback(folder.close)
        release.callback(lock.release)
        store = SqlStore(
            database,
            ledger,
            indexed,
            disk_size=DiskSpace(directory).total,
            release=release.close,
            losses=losses.told,
            gone=losses.gone,
            exposed=folder.privacy.exposed,
        )
        undo.pop_all()
    return store


def _make_folder(directory: Path) -> None:
    if directory.exists():
        return
    directory.parent.mkdir(parents=True, exist_ok=True)
    directory.mkdir(FOLDER_MODE, exist_ok=True)
    directory.chmod(FOLDER_MODE)  # a umask may leave too little to open it


def writer_of(directory: Path) -> int | None:
    """The process id of who writes the profile in `directory` now, None where nobody does."""
    with profile_errors_told(directory), closing(PrivateFolder.open(directory, mends=False)) as folder:
        return lock_holder(folder, LOCK)


def profile_origin(directory: Path) -> str | None:
    """The origin that the profile in `directory` keeps; None where nothing was ever kept, or there is none.

    Raises NotAProfile, ProfileTooNew.
    """
    if not require_profile_or_nothing(directory):
        return None

    def read() -> str | None:
        with current_connection(directory) as connection:
            origin: str | None = connection.execute("SELECT origin FROM profile").fetchone()[0]
            return origin

    with profile_errors_told(directory):
        return while_it_changes(read)


def require_profile_or_nothing(directory: Path) -> bool:
    """Whether there is a profile; False where there is room for one.

    Raises NotAProfile for all else. Changes nothing.
    """
    if not directory.exists() and not directory.is_symlink():
        return False
    if not directory.is_dir():
        raise NotAProfile(f"{directory} is not a folder")
    with profile_errors_told(directory), closing(PrivateFolder.open(directory, mends=False)) as folder:
        return has_profile(folder)


def has_profile(folder: PrivateFolder) -> bool:
    """As `require_profile_or_nothing`, of a folder that is open. Raises NotOurs, too."""
    kind = kind_of(folder)
    if kind == "damaged":
        raise NotAProfile(
            f"{folder.path} is not a profile any more: its {DATABASE} is damaged or something else "
            "('clear' deletes what is left)"
        )
    return kind == "profile"


Kind = Literal["profile", "damaged", "nothing"]


def kind_of(folder: PrivateFolder) -> Kind:
    """What there is: a profile; what was one, to judge by all but its database; or nothing yet.

    Raises NotAProfile for all else, NotOurs.
    """
    names = set(folder.names())
    if DATABASE not in names and (strangers := sorted(names - set(OWN_NAMES))):
        raise NotAProfile(
            f"{folder.path} is not a profile: it has no {DATABASE}, but {strangers[0]}. "
            "A new profile needs a folder that is empty or not there yet"
        )
    for name in OWN_FILES:
        folder.check_file(name)
    for name in OWN_FOLDERS:
        if (
            folder.check_folder(name) and DATABASE not in names
        ):  # else they are looked at when they are opened
            _check_leftovers(folder, name)
    if DATABASE not in names:
        return "nothing"
    if _is_our_header(header_of(folder)):
        return "profile"
    if LOCK in names and names & {BODIES, GITIGNORE}:
        return "damaged"
    raise NotAProfile(f"{folder.path} is not a profile: its {DATABASE} is something else")


def _check_leftovers(profile: PrivateFolder, name: str) -> None:
    """Of a creation or a deletion that was interrupted; the new profile takes up or deletes them. Raises NotOurs."""
    with closing(profile.subfolder(name)) as folder:
        for each in folder.names():
            folder.check_file(each)


def header_of(folder: PrivateFolder) -> bytes:
    """https://www.sqlite.org/fileformat.html#the_database_header"""
    with open(folder.open_file(DATABASE, os.O_RDONLY), "rb") as file:
        return file.read(100)


def _is_our_header(header: bytes) -> bool:
    """The id stands in the file itself from its first day on, whatever is in the log."""
    return (
        header[:16] == b"SQLite format 3\0"
        and len(header) == 100
        and header[68:72] == schema.APPLICATION_ID.to_bytes(4, "big")
    )


def _create(folder: PrivateFolder) -> None:
    """Make an empty database, whole or not at all."""
    with disk_errors_told(folder.path):
        file = folder.open_file(GITIGNORE, os.O_WRONLY | os.O_CREAT)
        try:
            os.ftruncate(file, 0)
            os.write(file, b"*\n")
        finally:
            os.close(file)
        # Of a creation or a deletion that was interrupted: SQLite would believe a log that it finds.
        for name in SQLITE_FILES:
            folder.unlink(name)
        folder.prepare_for_sqlite(UNFINISHED, ())
        with closing(connect(str(folder.path / UNFINISHED))) as connection:
            schema.migrate(connection)
        folder.check_after_sqlite(UNFINISHED, ())
        folder.rename(UNFINISHED, DATABASE)
        folder.sync()
        _sync_name(folder.path)


def _sync_name(directory: Path) -> None:
    """Bring to the disk that this folder is there, where the system has that."""
    if hasattr(os, "O_DIRECTORY"):
        parent = os.open(directory.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)


def _prepare_to_write(directory: Path, connection: sqlite3.Connection) -> None:
    require_our_tables(directory, connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = ON")  # see fetches.py
    schema.migrate(connection)
    connection.execute("PRAGMA foreign_keys = ON")


def _open_reader(directory: Path) -> SqlStore:
    require_profile(directory)
    with ExitStack() as undo:
        connection = undo.enter_context(sound_connection(directory))
        connection.execute("COMMIT")  # the store begins its own: see `Store.snapshot`
        folder = PrivateFolder.open(directory, mends=False)
        undo.callback(folder.close)
        disk = Disk(directory)
        database = ReadingDatabase(connection, disk)
        files = FileBodies(folder, disk)
        undo.callback(files.close)
        sizes = files.sizes()
        check_files(folder)
        ledger = ReadingLedger(database, files, sizes, partial(current_connection, directory))
        indexed = IndexedCatalog(database, ledger, folder)
        release = undo.pop_all().close
    return SqlStore(database, ledger, indexed, disk_size=DiskSpace(directory).total, release=release)


def require_profile(directory: Path) -> None:
    """Raises NotAProfile where there is none. Changes nothing."""
    if not require_profile_or_nothing(directory):
        raise NotAProfile(f"there is no profile in {directory}")
