"""The database of a profile as it is read beside a writer: one moment of it, and nothing that is only on its way.

A writer may come, write and go at any time. What fails then, or looks like damage, is looked at again as long as the
database's files have changed meanwhile; what fails while nothing changes is as it is.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from swruntime.errors import NotAProfile, ProfileTooNew, StorageFailed
from swruntime.storage import schema
from swruntime.storage.private_files import NotOurs, PrivateFolder
from swruntime.storage.room import disk_errors_told

DATABASE = "profile.sqlite3"
LOG = f"{DATABASE}-wal"
LOG_HEADER = 32
"""Bytes of the log before its first frame: https://www.sqlite.org/fileformat.html#the_write_ahead_log"""
BESIDE = (f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal")

LOOKS = 100
PAUSE = 0.01
"""So many times, and seconds apart, a database is looked at that somebody changes each time."""

NOT_DAMAGE = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM,
})  # fmt: skip
"""SQLite's errors that say nothing of what is in the file."""

Check = Callable[[sqlite3.Connection], list[str]]
"""Answers what is wrong with a database."""


def connect(database: str, *, uri: bool = False) -> sqlite3.Connection:
    """In autocommit mode."""
    return sqlite3.connect(database, isolation_level=None, uri=uri)


@contextmanager
def current_connection(directory: Path) -> Iterator[sqlite3.Connection]:
    """A connection that changes no file of the profile, to tables of today, inside a transaction: one moment.

    Raises NotAProfile, ProfileTooNew, sqlite3.Error.
    """
    with checked_connection(directory, lambda connection: []) as (connection, _):
        yield connection


@contextmanager
def sound_connection(directory: Path) -> Iterator[sqlite3.Connection]:
    """As `current_connection`. Raises NotAProfile also where a page is damaged: it is found now, and not when half of
    the work is done. 10,000 background fetches take 0.1 s."""
    with checked_connection(directory, quick_check) as (connection, found):
        if found:
            raise damaged(directory, found[0])
        yield connection


@contextmanager
def checked_connection(directory: Path, check: Check) -> Iterator[tuple[sqlite3.Connection, list[str]]]:
    """As `current_connection`, with what `check` finds."""
    with ExitStack() as opened:
        for look in range(LOOKS):
            before = _state(directory)
            with ExitStack() as stack:
                try:
                    connection = _connection(stack, directory)
                    found = check(connection)
                except (sqlite3.DatabaseError, NotAProfile):
                    if look + 1 == LOOKS or _state(directory) == before:
                        raise
                else:
                    if not found or look + 1 == LOOKS or _state(directory) == before:
                        opened.push(stack.pop_all())
                        break
            time.sleep(PAUSE)
        yield connection, found


def quick_check(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("PRAGMA quick_check(1)") if row[0] != "ok"]


def _state(directory: Path) -> list[tuple[int, int, int] | None]:
    """What tells whether anybody has written, begun or ended meanwhile."""
    return [file_state(directory / name) for name in (DATABASE, *BESIDE)]


def file_state(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _connection(stack: ExitStack, directory: Path) -> sqlite3.Connection:
    connection = stack.enter_context(closing(_connect_to_read(directory)))
    connection.execute("BEGIN")
    require_our_tables(directory, connection)
    if schema.version_of(connection) < len(schema.MIGRATIONS):
        copy = stack.enter_context(closing(connect(":memory:")))
        connection.backup(copy)
        schema.migrate(copy)
        copy.execute("BEGIN")
        connection = copy
    connection.execute("PRAGMA query_only = ON")
    connection.execute("SELECT origin FROM profile").fetchone()  # tables of ours, at all
    return connection


def _connect_to_read(directory: Path) -> sqlite3.Connection:
    """Where there is a log, somebody writes, or died writing: then SQLite reads beside it.

    Where there is none, SQLite would make one even to read; so the database is read into memory. So it is beside a log
    without a commit in it where SQLite has no room for its index.
    """
    with closing(PrivateFolder.open(directory, mends=False)) as folder:
        while not folder.check_file(LOG):
            if (connection := _in_memory(folder, None)) is not None:
                return connection
        for name in (DATABASE, *BESIDE):
            folder.check_file(name)
        connection = connect(f"{(folder.path / DATABASE).as_uri()}?mode=ro", uri=True)
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            log = file_state(folder.path / LOG)
            if log is None or log[1] > LOG_HEADER:
                raise
            copy = _in_memory(folder, log)
            if copy is None:
                raise
            return copy
        return connection


def _in_memory(folder: PrivateFolder, log: tuple[int, int, int] | None) -> sqlite3.Connection | None:
    """The database's file alone; None where it has changed meanwhile, or the log is not as it was any more."""
    with open(folder.open_file(DATABASE, os.O_RDONLY), "rb") as file:
        before = os.fstat(file.fileno())
        content = file.read()
        after = os.fstat(file.fileno())
    unchanged = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    if not unchanged or file_state(folder.path / LOG) != log:
        return None
    connection = connect(":memory:")
    # Bytes 18 and 19 say whether there is a log, which there cannot be in memory.
    connection.deserialize(content[:18] + b"\x01\x01" + content[20:])
    return connection


def require_our_tables(directory: Path, connection: sqlite3.Connection) -> None:
    """Raises ProfileTooNew, NotAProfile."""
    version, known = schema.version_of(connection), len(schema.MIGRATIONS)
    if version > known:
        raise ProfileTooNew(
            f"{directory} was written by a later version of swruntime: "
            f"its schema is {version}, this version knows {known}"
        )
    stranger = schema.stranger(connection)
    if stranger is not None:
        raise NotAProfile(
            f"{directory} is not a profile: {stranger} in its {DATABASE} is not as swruntime makes it"
        )


def damaged(directory: Path, found: object) -> NotAProfile:
    """The error for a database that `found` is wrong with."""
    return NotAProfile(
        f"{directory} is not a profile any more: its {DATABASE} is damaged ({found}); 'clear' deletes what is left"
    )


@contextmanager
def profile_errors_told(directory: Path) -> Iterator[None]:
    """NotAProfile for what SQLite says of the file; what it says of the disk is StorageFailed or StorageFull."""
    try:
        with disk_errors_told(directory):
            yield
    except StorageFailed as failed:
        error = failed.__cause__
        if isinstance(error, NotOurs):
            raise NotAProfile(f"{error}: it is not opened, and nothing was changed") from error
        if not isinstance(error, sqlite3.DatabaseError) or error.sqlite_errorcode & 0xFF in NOT_DAMAGE:
            raise
        raise damaged(directory, error) from error
    except sqlite3.DatabaseError as error:  # tables that are not ours
        raise damaged(directory, error) from error
